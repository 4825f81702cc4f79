"""Learning the matcher's weights from lines that people judged, and measuring its probabilities by them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from app.count.examine import interval_of
from app.count.line_queries import writings_at
from app.count.queries import section_dates
from app.database.engine import Database
from app.errors import NoRollError
from app.examination.queries import Judgement, judgments_of
from app.law.line import Writing, is_eligible
from app.law.petition import Petition, SigningInterval
from app.law.registration import Registration
from app.matching import queries as db
from app.matching.decision import Decision
from app.matching.learning import JudgedLine, learn, report
from app.matching.lookup import LineToDecide, decide_lines
from app.matching.parsing import ParsedLine, parse_line
from app.matching.queries import SearchedRoll
from app.matching.roll_cache import TERM_CACHE, in_use, load_corrections, load_counts
from app.matching.scoring import Model, default_model
from app.matching.search import MAX_RESIDENTS, address_query, registered_terms, street_terms, written_terms
from app.roll.queries import registrations_of_voters

BANDS: Final = (0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999, 1.0)
_LEARNT_FROM: Final = frozenset({"not_registered", "out_of_county", "different_address", "canceled"})
_NOBODY: Final = frozenset({"not_registered", "out_of_county"})
_SAMPLE: Final = 20_000  # registrations that show how often strangers agree by chance
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class JudgedCase:
    """A line that a person judged, with its writing and interval."""

    judgement: Judgement
    writing: Writing
    interval: SigningInterval

    @property
    def reason(self) -> str | None:
        """Why the line is invalid by itself; None where it is good, whether or not it counts."""
        decided = self.judgement.decided
        return None if is_eligible(decided.status, decided.reason) else decided.reason

    @property
    def signer(self) -> str:
        """The voter who signed; '' where it is nobody of the roll, whomever the lookup thought of."""
        return "" if self.reason in _NOBODY else self.judgement.decided.voter_id or ""


async def learn_model(database: Database, petitions: Sequence[Petition], version: str) -> tuple[Model, int]:
    """A model learnt from the lines of one county's petitions that people judged, and how many these were.

    The shares of the stories are those among the judged lines: they are right for a petition whose every line people
    judged, or a random part of them.

    Raises:
        NoRollError: the county has no active roll.
    """
    async with database.reading() as connection:
        roll = await _active(connection, petitions[0].county_id)
        cases = [case for petition in petitions for case in await _cases(connection, petition)]
        learnt_from = [case for case in cases if case.reason is None or case.reason in _LEARNT_FROM]
        judged = await _judged(roll, learnt_from)
        terms = await TERM_CACHE.terms_of(roll)
        others = await _sample(roll, terms.registrations)
        compared = [*others, *(r for one in judged for r in (*one.own, *one.household))]
        await load_counts(roll, terms, written_terms(one.line for one in judged) | registered_terms(compared))
        return learn(judged, others, terms, default_model(), version), len(judged)


async def report_model(database: Database, petition: Petition) -> list[dict[str, Any]]:
    """By band of the probability that the present model claims for valid or invalid: how often people agree with it.

    Raises:
        NoRollError: the county has no active roll.
    """
    async with database.reading() as connection:
        roll = await _active(connection, petition.county_id)
        cases = await _cases(connection, petition)
        decided: list[tuple[float, bool]] = []
        for start in range(0, len(cases), _BATCH):
            batch = cases[start : start + _BATCH]
            found = await decide_lines(roll, [LineToDecide(case.writing, case.interval) for case in batch])
            decided += _claims(batch, found)
    return report(decided, BANDS)


def _claims(cases: Sequence[JudgedCase], decisions: Sequence[Decision]) -> Iterator[tuple[float, bool]]:
    """The probability that each decision claims, and whether the person agrees; those left to a person claim none."""
    for case, decision in zip(cases, decisions, strict=True):
        here = decision.evidence.get("stories", {}).get("here")
        if decision.outcome.status == "valid" and here is not None:
            yield here, case.reason is None and case.judgement.decided.voter_id == decision.voter_id
        elif decision.outcome.status == "invalid" and here is not None:
            yield 1 - here, case.reason is not None


async def _active(connection: asyncpg.Connection, county_id: str) -> SearchedRoll:
    roll, _ = await in_use(connection, county_id)
    if roll is None:
        raise NoRollError
    return roll


async def _cases(connection: asyncpg.Connection, petition: Petition) -> list[JudgedCase]:
    found = await judgments_of(connection, petition.key)
    lines = await writings_at(connection, petition.key, [judgement.place for judgement in found])
    _, declared = await section_dates(connection, petition.key, {j.place.section for j in found})
    cases = []
    for judgement in found:
        dates = interval_of(petition, declared.get(judgement.place.section))
        if dates:
            interval = SigningInterval(dates.start, dates.end, petition.filed_on)
            cases.append(JudgedCase(judgement, lines[judgement.place].writing, interval))
    return cases


async def _judged(roll: SearchedRoll, cases: Sequence[JudgedCase]) -> list[JudgedLine]:
    lines = [roll.aliases.applied_to(parse_line(case.writing)) for case in cases]
    voters = sorted({case.signer for case in cases})
    own: dict[str, list[Registration]] = defaultdict(list)
    for registration in await registrations_of_voters(roll.connection, roll.county_id, roll.roll_version, voters):
        own[registration.voter_id].append(registration)
    households = await _households(roll, cases, lines)
    return [
        JudgedLine(line, c.interval, c.reason, own[c.signer], household)
        for c, line, household in zip(cases, lines, households, strict=True)
    ]


async def _households(
    roll: SearchedRoll, cases: Sequence[JudgedCase], lines: Sequence[ParsedLine]
) -> list[list[Registration]]:
    """Who is registered at the address of each line whose signer is not on the roll: perhaps relatives."""
    terms = await TERM_CACHE.terms_of(roll)
    strangers = {
        at: line
        for at, (case, line) in enumerate(zip(cases, lines, strict=True))
        if case.reason is not None and not case.signer
    }
    asked = list(strangers.values())
    await load_counts(roll, terms, written_terms(asked))
    await load_corrections(roll, terms, street_terms(asked))
    ranges = [(at, low) for at, line in strangers.items() for low in address_query(line, terms).keys]
    residents = await db.residents(roll, ranges, MAX_RESIDENTS)
    rows = await db.registrations(roll, sorted({row[1] for row in residents}))
    found: list[list[Registration]] = [[] for _ in cases]
    for row in residents:
        found[row[0]].append(rows[row[1]])
    return found


async def _sample(roll: SearchedRoll, registrations: int) -> list[Registration]:
    """Registrations from all over the roll, always the same ones: every so many-th row of its file."""
    numbers = range(1, registrations + 1, max(1, registrations // _SAMPLE))
    found = await db.registrations(roll, list(numbers))
    return [found[number] for number in sorted(found)]
