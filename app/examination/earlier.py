"""What people decided of the same writing and voter on another line: it is offered, and never applied."""

from collections import defaultdict
from collections.abc import Collection
from hashlib import sha256
from typing import Final

from asyncpg import Connection

from app.count.line_queries import LineRead, signatures_at
from app.count.queries import Change
from app.examination import earlier_queries as rows
from app.examination.earlier_queries import EarlierDecision
from app.law.line import Finding, Place, Signature, canonical
from app.law.petition import PetitionKey
from app.law.reasons import REASONS
from app.law.review import ONLY_ON_PAPER
from app.matching.names import fold

_BY_WRITING: Final = frozenset(REASONS) - ONLY_ON_PAPER


def plain_writing(signature: Signature) -> tuple[str, ...]:
    """The text of a line without case, accents, punctuation and spaces that say nothing."""
    name = " ".join(signature.name) if signature.name else signature.printed_name
    return tuple(map(fold, (name, signature.residence_address, signature.city, signature.zip)))


def _hash_of(signature: Signature) -> bytes:
    return sha256(canonical(plain_writing(signature))).digest()


async def remember(change: Change, findings: Collection[Finding]) -> None:
    """Keep the writing of lines that people decide without a voter, by which the decision is found again."""
    decided = [one.place for one in findings if one.voter_id is None and one.outcome.reason in _BY_WRITING]
    if decided:
        signatures = await signatures_at(change.connection, change.petition.key, decided)
        await rows.remember(change, list(signatures), list(map(_hash_of, signatures.values())))


async def earlier_decisions(connection: Connection, petition: PetitionKey, read: LineRead) -> list[EarlierDecision]:
    """What people decided on other lines of the county with the same writing, for a voter who may be this line's.

    These are the voter whom the line's finding names, and those of its evidence. Where people name no voter, as for
    `not_registered`, the same writing is enough, unless only the paper shows the reason.

    Args:
        connection: any; only read.
        petition: the line's.
        read: the line.
    """
    candidates = (read.finding["evidence"] or {}).get("candidates", ())
    voters = {read.line.voter_id, *(candidate["voter_id"] for candidate in candidates)} - {None}
    place, writing = read.line.place, _hash_of(read.signature)
    found = await rows.decided_by_people(connection, petition, place, sorted(filter(None, voters)))
    found += await rows.decided_without_voter(connection, petition, place, writing, _BY_WRITING)
    places = defaultdict[PetitionKey, list[Place]](list)
    for one in found:
        places[petition._replace(petition_id=one.petition_id)].append(one.place)
    text, same = plain_writing(read.signature), set[tuple[object, Place]]()
    for other, theirs in places.items():
        signatures = await signatures_at(connection, other, theirs)
        same |= {(other.petition_id, at) for at, one in signatures.items() if plain_writing(one) == text}
    offered = [one for one in found if (one.petition_id, one.place) in same]
    return sorted(offered, key=lambda one: one.decided_at, reverse=True)
