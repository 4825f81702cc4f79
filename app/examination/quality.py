"""The blind double check: what a person is shown and answers, and how often decisions differ from it."""

from datetime import datetime

from app import errors
from app.access.names import is_among
from app.access.principals import Principal
from app.count.line_queries import LineRead, line_history, read_line, signatures_at
from app.count.queries import Change, section_dates
from app.count.record import record
from app.database.pools import Database
from app.examination import quality_queries as rows
from app.examination.actions import check_voter
from app.examination.confidential_queries import give_back
from app.law.defect import SECTION_DEFECT
from app.law.line import Finding, Place, Signature
from app.law.petition import Petition, signing_interval
from app.law.quality import (
    DecidedLine,
    ErrorRate,
    agrees,
    check_answer,
    decided_by_machine,
    error_rates,
    is_drawn,
    people_of,
    rates_by_person,
)
from app.law.reasons import NOT_RAW, Outcome
from app.law.review import PersonFinding
from app.ledger.queries import read_petition
from app.matching.candidates import FoundCandidates, Question, candidates_of
from app.matching.lookup import in_use


async def next_sample(
    database: Database, petition: Petition, *, who: Principal, limit: int
) -> list[tuple[Signature, FoundCandidates]]:
    """Up to `limit` drawn lines that were not checked yet, each with the voters whose line it may be.

    What was decided of them is not among it.

    Args:
        database: of the service.
        petition: whose lines are checked.
        who: the person who checks; everyone has an order of their own.
        limit: how many lines at most.

    Raises:
        NoRollError: the county has no active roll.
    """
    async with database.reading() as connection:
        draw = await rows.read_draw(connection, petition.key)
        asked = (*petition.key, *draw.values, draw.seed + who.name.encode(), who.name, limit)
        places = [Place(*row) for row in await connection.fetch(rows.NEXT_CHECK, *asked)]
        signatures = await signatures_at(connection, petition.key, places)
        roll, *_ = await in_use(connection, petition.county_id)
        if roll is None:
            raise errors.NoRollError
        petition, _ = await read_petition(connection, petition.key)  # with the ruleset in force
        _, declared, _ = await section_dates(connection, petition.key, {place.section for place in places})
        drawn = []
        for place in places:
            interval = signing_interval(petition.window, declared.get(place.section)) or petition.window
            found = await candidates_of(roll, Question(signatures[place], interval))
            drawn.append((signatures[place], found))
        return drawn


async def check_line(change: Change, place: Place, answer: PersonFinding, *, who: Principal) -> tuple[datetime, bool]:
    """Record a person's blind answer; if it differs from what was decided, the line goes to review.

    Returns when the answer was recorded, and whether it is new: the same again changes nothing.

    Args:
        change: the transaction, its petition and the time.
        place: of the line.
        answer: what the person decided without seeing the decision.
        who: the person who checks.

    Raises:
        FindingRefusedError: the answer cannot be compared with a decision.
        UnknownVoterError: the active roll has no such voter.
        UnknownLineError: there is no signature at this place.
        PetitionClosedError: the count has ended.
        NotDrawnError: the line is not to be checked.
        DecidedBeforeError: the person has said something of the line before.
        AlreadyCheckedError: there is an answer already.
        ChangedMeanwhileError: another clerk decided the line just now.
    """
    connection, key = change.connection, change.petition.key
    check_answer(answer)
    read = await read_line(connection, key, place)
    draw = await rows.read_draw(connection, key)
    if draw.state != "open":
        raise errors.PetitionClosedError
    said = (*answer.outcome, answer.voter_id, answer.note, who.name)
    if before := await connection.fetchrow(rows.GET_CHECK, *key, *place):
        if before[:-1] != said:
            raise errors.AlreadyCheckedError
        return before["checked_at"], False
    line, findings = read.line, await line_history(connection, key, place)
    share = draw.share(by_people=bool(line.confirmed_by))
    decided_alone = line.settled and line.outcome.status not in NOT_RAW and line.outcome != SECTION_DEFECT
    if not (decided_alone and is_drawn(draw.seed, place, share)):
        raise errors.NotDrawnError  # as the draw's query asks
    if is_among(who.name, people_of(findings)):
        raise errors.DecidedBeforeError
    if answer.voter_id:
        await check_voter(connection, key.county_id, answer.voter_id)
    machine = decided_by_machine(findings) if line.confirmed_by else None
    before_people = (*machine.outcome, machine.voter_id) if machine else (None, None, None)
    decided = (line.finding_no, *line.outcome, line.voter_id, line.confirmed_by, *before_people)
    if not await connection.fetchval(rows.ADD_CHECK, *key, *place, *decided, *said, change.now):
        raise errors.AlreadyCheckedError  # another person's answer was committed since we read
    if not agrees(answer, DecidedLine(line.outcome, line.voter_id), by_machine=False):
        await _doubt(change, read, answer, who)
    return change.now, True


async def _doubt(change: Change, read: LineRead, answer: PersonFinding, who: Principal) -> None:
    """Send a line back to review, and to the officer of confidential voters where the officer had decided it."""
    line = read.line
    found = Finding(
        line.place,
        Outcome("review", "quality_check"),
        roll_version=line.roll_version,
        aliases_version=line.aliases_version,
        decided_by=who.name,
        person=True,
        note=answer.note,
        writing_sha256=read.signature.sha256,
        before=line,
    )
    await record(change, "finding", [found])
    await give_back(change, [line.place])


async def measure_quality(database: Database, petition: Petition) -> tuple[rows.Draw, list[ErrorRate], list[ErrorRate]]:
    """The draw, and the error rates of the machine and of people: of all decisions, then by kind."""
    async with database.reading() as connection, connection.transaction(isolation="repeatable_read"):
        draw = await rows.read_draw(connection, petition.key)
        counts = await rows.counts(connection, petition.key, draw)
        checks = await rows.checks(connection, petition.key, draw)
    machine, people = ([one for one in checks if bool(one.people) is by_people] for by_people in (False, True))
    return draw, error_rates(counts.get("", {}), machine), error_rates(counts.get("people", {}), people)


async def measure_people(database: Database, petition: Petition) -> dict[str, list[ErrorRate]]:
    """The error rates of each person who decided: of all decisions, then by kind."""
    async with database.reading() as connection, connection.transaction(isolation="repeatable_read"):
        draw = await rows.read_draw(connection, petition.key)
        counts = await rows.counts(connection, petition.key, draw, by_person=True)
        return rates_by_person(counts, await rows.checks(connection, petition.key, draw))
