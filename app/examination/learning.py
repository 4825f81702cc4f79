"""Learning the model from lines that people judged, and measuring its probabilities by them."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import asyncpg

from app.count.line_queries import signatures_at
from app.count.queries import section_dates
from app.database.pools import Database
from app.errors import NoRollError
from app.examination.queries import judgments_of
from app.law.line import Signature
from app.law.petition import Petition, SigningInterval, signing_interval
from app.law.quality import DecidedLine
from app.law.registration import Registration
from app.matching import learning, lookup, parsing, search
from app.matching import queries as db
from app.matching.decision import Decision
from app.matching.model import Model
from app.roll.queries import registrations_of_voters

_BANDS: Final = (0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999, 1.0)  # their upper ends
_LEARNED_FROM: Final = frozenset({"not_registered", "out_of_county", "different_address", "canceled"})
_NO_VOTER: Final = frozenset({"not_registered", "out_of_county"})
_SAMPLE: Final = 20_000  # registrations that show how often others agree by chance
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class JudgedWriting:
    """What a person decided on a line, with its writing and interval."""

    decided: DecidedLine
    writing: Signature
    interval: SigningInterval

    @property
    def reason(self) -> str | None:
        """Why the line is invalid by itself; None where it is good, whether or not it counts."""
        return None if self.decided.outcome.eligible else self.decided.outcome.reason

    @property
    def signer(self) -> str:
        """The voter who signed; '' if the signer is no voter of the roll, whichever the lookup suggested."""
        return "" if self.reason in _NO_VOTER else self.decided.voter_id or ""


class Band(NamedTuple):
    """The decisions that claimed a probability up to `to` and above the band before."""

    to: float
    lines: int
    claimed: float  # on average
    right: int


async def learn_model(database: Database, petitions: Sequence[Petition], version: str) -> tuple[Model, int]:
    """Return a model learned from the judged lines of one county's petitions, and the number of these lines.

    The priors are the shares of the hypotheses among the judged lines: they are right for a petition of which people
    judged every line, or a random part.

    Raises:
        NoRollError: the county has no active roll.
    """
    async with database.reading() as connection:
        roll = await _active(connection, petitions[0].county_id)
        writings = [judged for petition in petitions for judged in await _judged_writings(connection, petition)]
        judged = await _judged(roll, [one for one in writings if one.reason is None or one.reason in _LEARNED_FROM])
        terms = await lookup.TERM_CACHE.terms_of(roll)
        numbers = range(1, terms.registrations + 1, max(1, terms.registrations // _SAMPLE))  # always the same ones
        found = await db.registrations(roll, list(numbers))
        others = [found[number] for number in sorted(found)]
        compared = [*others, *(r for one in judged for r in (*one.own, *one.household))]
        written = search.written_words(one.line for one in judged)
        await lookup.load_counts(roll, terms, written, search.registered_words(compared))
        return replace(learning.learn(judged, others, terms), version=version), len(judged)


async def report_model(database: Database, petition: Petition) -> list[Band]:
    """Return how often people agree with the current model, by band of the probability that it claims.

    Raises:
        NoRollError: the county has no active roll.
    """
    async with database.reading() as connection:
        roll = await _active(connection, petition.county_id)
        judged = await _judged_writings(connection, petition)
        bands: list[list[tuple[float, bool]]] = [[] for _ in _BANDS]
        for batch in (judged[at : at + _BATCH] for at in range(0, len(judged), _BATCH)):
            lines = [lookup.LineToDecide(one.writing, one.interval) for one in batch]
            for claimed, right in filter(None, map(_claim, batch, await lookup.decide_lines(roll, lines))):
                bands[bisect_left(_BANDS, claimed)].append((claimed, right))
    return [
        Band(end, len(band), sum(claimed for claimed, _ in band) / len(band), sum(right for _, right in band))
        for end, band in zip(_BANDS, bands, strict=True)
        if band
    ]


def _claim(judged: JudgedWriting, decision: Decision) -> tuple[float, bool] | None:
    """The probability that a decision claims, and whether the person agrees; None if it is left to a person."""
    if decision.here is None or decision.outcome.status == "review":
        return None
    if decision.outcome.status == "valid":
        return decision.here, judged.reason is None and judged.decided.voter_id == decision.voter_id
    return 1 - decision.here, judged.reason is not None


async def _active(connection: asyncpg.Connection, county_id: str) -> db.SearchedRoll:
    roll, _ = await lookup.in_use(connection, county_id)
    if roll is None:
        raise NoRollError
    return roll


async def _judged_writings(connection: asyncpg.Connection, petition: Petition) -> list[JudgedWriting]:
    found = await judgments_of(connection, petition.key)
    lines = await signatures_at(connection, petition.key, found)
    _, declared = await section_dates(connection, petition.key, {place.section for place in found})
    return [
        JudgedWriting(decided, lines[place], interval)
        for place, decided in found.items()
        if (interval := signing_interval(petition.window, declared.get(place.section)))
    ]


async def _judged(roll: db.SearchedRoll, writings: Sequence[JudgedWriting]) -> list[learning.JudgedLine]:
    lines = [roll.aliases.applied_to(parsing.parse_line(one.writing)) for one in writings]
    voters = sorted({one.signer for one in writings})
    own: dict[str, list[Registration]] = defaultdict(list)
    for registration in await registrations_of_voters(roll, voters):
        own[registration.voter_id].append(registration)
    strangers = {at: lines[at] for at, one in enumerate(writings) if one.reason is not None and not one.signer}
    households = await _households(roll, strangers)
    return [
        learning.JudgedLine(line, one.interval, one.reason, own[one.signer], households[at])
        for at, (one, line) in enumerate(zip(writings, lines, strict=True))
    ]


async def _households(roll: db.SearchedRoll, lines: Mapping[int, parsing.ParsedLine]) -> dict[int, list[Registration]]:
    """The registrations at the addresses of lines whose signers are not on the roll: perhaps relatives."""
    terms = await lookup.TERM_CACHE.terms_of(roll)
    await lookup.load_counts(roll, terms, search.written_words(lines.values()))
    made = await lookup.searches(roll, terms, lines.values())
    ranges = [(at, low) for at, one in zip(lines, made, strict=True) for low in one.at_address().keys]
    residents = await db.residents(roll, ranges, search.MAX_RESIDENTS)
    rows = await db.registrations(roll, sorted({number for _, number, *_ in residents}))
    found: dict[int, list[Registration]] = defaultdict(list)
    for at, number, *_ in residents:
        found[at].append(rows[number])
    return found
