"""The blind double check: whether a person who does not know the decision comes to the same one, and how often."""

from dataclasses import dataclass, replace

import asyncpg

from app.access.principals import Principal
from app.count.change import Change
from app.count.examine import interval_of
from app.count.line_queries import LineRead, read_line, signatures_at
from app.count.queries import section_dates
from app.count.record import record
from app.database.engine import Database
from app.errors import (
    AlreadyCheckedError,
    NoRollError,
    NotDrawnError,
    PetitionClosedError,
    UnknownLineError,
)
from app.examination import queries as rows
from app.examination.findings import roll_with_voter
from app.law.line import Line, Place, Signature, restated
from app.law.petition import Petition, SigningInterval
from app.law.quality import DecidedLine, ErrorRate, agrees, check_answer, error_rates
from app.law.reasons import Outcome
from app.law.review import PersonFinding
from app.law.sampling import is_drawn
from app.matching.candidates import FoundCandidates, Question, candidates_of
from app.matching.roll_cache import in_use


@dataclass(frozen=True, slots=True)
class ToCheck:
    """A drawn line as the person sees it: the writing, and who of the roll it may be."""

    signature: Signature
    found: FoundCandidates


@dataclass(frozen=True, slots=True)
class Quality:
    """What the double check says of a petition so far; the first rate is that of all decisions together."""

    seed: bytes
    share_ppm: int
    rates: list[ErrorRate]


async def next_sample(database: Database, petition: Petition, *, who: Principal, limit: int) -> list[ToCheck]:
    """Up to `limit` drawn lines that nobody has checked yet, without what was decided of them.

    Raises:
        NoRollError: the county has no active roll.
    """
    async with database.reading() as connection:
        _, seed = await rows.state_and_seed(connection, petition.key)
        share = petition.ruleset.double_check_ppm
        places = await rows.next_to_check(
            connection, petition.key, seed=seed, share_ppm=share, who=who.name, limit=limit
        )
        signatures = await signatures_at(connection, petition.key, places)
        return await _with_candidates(connection, petition, [signatures[place] for place in places])


async def _with_candidates(connection: asyncpg.Connection, petition: Petition, lines: list[Signature]) -> list[ToCheck]:
    roll, _ = await in_use(connection, petition.county_id)
    if roll is None:
        raise NoRollError
    sections = {line.place.section for line in lines}
    _, declared = await section_dates(connection, petition.key, sections)
    found = []
    for line in lines:
        window = interval_of(petition, declared.get(line.place.section)) or petition.window
        interval = SigningInterval(window.start, window.end, petition.filed_on)
        question = Question(line.writing, interval)
        candidates = await candidates_of(roll, question)
        found.append(ToCheck(line, candidates))
    return found


async def check_line(
    change: Change, place: Place, answer: PersonFinding, *, who: Principal
) -> tuple[rows.Answered, bool]:
    """Put a person's blind answer on record; if it differs from the machine's decision, the line goes to review.

    Returns the answer, and whether it is new: the same again changes nothing.

    Raises:
        FindingRefusedError: the answer cannot be compared with a decision.
        UnknownVoterError: the active roll has no such voter.
        UnknownLineError: no signature is recorded at that place.
        PetitionClosedError: the count has ended.
        NotDrawnError: the line is not to be checked.
        AlreadyCheckedError: there is an answer already.
        ChangedMeanwhileError: another clerk decided the line just now.
    """
    connection, petition = change.connection, change.petition
    check_answer(answer)
    read = await read_line(connection, petition.key, place)
    if read is None:
        raise UnknownLineError
    state, seed = await rows.state_and_seed(connection, petition.key)
    if state != "open":
        raise PetitionClosedError
    before = await rows.get_check(connection, petition.key, place)
    if before:
        if (before.checked_by, before.answer) != (who.name, answer):
            raise AlreadyCheckedError
        return before, False
    if not (is_drawn(seed, place, petition.ruleset.double_check_ppm) and _by_machine(read.line)):
        raise NotDrawnError
    if answer.voter_id:
        await roll_with_voter(connection, petition.county_id, answer.voter_id)
    answered = rows.Answered(answer, who.name, change.now)
    await _put_on_record(change, read, answered)
    return answered, True


def _by_machine(line: Line) -> bool:
    """Whether the line is settled by the machine alone, as the draw's query asks."""
    decided = line.outcome.status in ("valid", "invalid") and line.settled
    return decided and not line.confirmed_by and not line.mismatch_by


async def _put_on_record(change: Change, read: LineRead, answered: rows.Answered) -> None:
    line = read.line
    if not await rows.add_check(change.connection, change.petition.key, line, answered):
        raise AlreadyCheckedError  # another person's answer was committed between our look and now
    if agrees(answered.answer, DecidedLine(line.outcome, line.voter_id)):
        return
    finding = replace(
        restated(line),
        outcome=Outcome("review", "quality_check"),
        voter_id=None,
        decided_by=answered.checked_by,
        person=True,
        note=answered.answer.note,
        confirmed_by=(),
        mismatch_by=(),
        writing_sha256=read.signature.sha256,
    )
    await record(change, "finding", [finding])


async def measure_quality(database: Database, petition: Petition) -> Quality:
    """The machine's error rate in this petition, by kind of decision, with exact intervals."""
    share = petition.ruleset.double_check_ppm
    async with database.reading() as connection, connection.transaction(isolation="repeatable_read"):
        _, seed = await rows.state_and_seed(connection, petition.key)
        counts = await rows.counts_by_machine(connection, petition.key, seed=seed, share_ppm=share)
        return Quality(seed, share, error_rates(counts, await rows.checks(connection, petition.key)))
