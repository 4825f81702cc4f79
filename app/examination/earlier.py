"""What people decided of the same writing and voter on another line: it is offered, and never applied."""

from collections import defaultdict

from asyncpg import Connection

from app.count.line_queries import LineRead, signatures_at
from app.examination.earlier_queries import EarlierDecision, decided_by_people
from app.law.line import Place, Signature
from app.law.petition import PetitionKey
from app.matching.names import fold


def plain_writing(signature: Signature) -> tuple[str, ...]:
    """The text of a line without case, accents, punctuation and spaces that say nothing."""
    name = " ".join(signature.name) if signature.name else signature.printed_name
    return tuple(map(fold, (name, signature.residence_address, signature.city, signature.zip)))


async def earlier_decisions(connection: Connection, petition: PetitionKey, read: LineRead) -> list[EarlierDecision]:
    """What people decided on other lines of the county with the same writing, for a voter who may be this line's.

    These are the voter whom the line's finding names, and those of its evidence.

    Args:
        connection: any; only read.
        petition: the line's.
        read: the line.
    """
    candidates = (read.finding["evidence"] or {}).get("candidates", ())
    voters = {read.line.voter_id, *(candidate["voter_id"] for candidate in candidates)} - {None}
    found = await decided_by_people(connection, petition, read.line.place, sorted(filter(None, voters)))
    places = defaultdict[PetitionKey, list[Place]](list)
    for one in found:
        places[petition._replace(petition_id=one.petition_id)].append(one.place)
    text, same = plain_writing(read.signature), set[tuple[object, Place]]()
    for other, theirs in places.items():
        signatures = await signatures_at(connection, other, theirs)
        same |= {(other.petition_id, place) for place, one in signatures.items() if plain_writing(one) == text}
    return [one for one in found if (one.petition_id, one.place) in same]
