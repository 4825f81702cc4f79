"""The blind double check: what a person is shown and answers, and how often decisions differ from it."""

from datetime import datetime

from app import errors
from app.access.principals import Principal
from app.count.line_queries import read_line, signatures_at
from app.count.queries import Change, section_dates
from app.count.record import record
from app.database.pools import Database
from app.examination import quality_queries as rows
from app.examination.actions import check_voter
from app.law.line import Place, Signature, restated
from app.law.petition import Petition, signing_interval
from app.law.quality import DecidedLine, ErrorRate, agrees, check_answer, error_rates, is_drawn
from app.law.reasons import NOT_RAW, Outcome
from app.law.review import PersonFinding
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
        asked = (*petition.key, *draw.values, draw.seed + who.name.encode(), limit)
        places = [Place(*row) for row in await connection.fetch(rows.NEXT_CHECK, *asked)]
        signatures = await signatures_at(connection, petition.key, places)
        roll, *_ = await in_use(connection, petition.county_id)
        if roll is None:
            raise errors.NoRollError
        _, declared, _ = await section_dates(connection, petition.key, {place.section for place in places})
        drawn = []
        for place in places:
            interval = signing_interval(petition.window, declared.get(place.section)) or petition.window
            found = await candidates_of(roll, Question(signatures[place], interval))
            drawn.append((signatures[place], found))
        return drawn


async def check_line(change: Change, place: Place, answer: PersonFinding, *, who: Principal) -> tuple[datetime, bool]:
    """Record a person's blind answer; if it differs from the machine's decision, the line goes to review.

    Returns when the answer was recorded, and whether it is new: the same again changes nothing.

    Args:
        change: the transaction, its petition and the time.
        place: of the line.
        answer: what the person decided without seeing the machine's decision.
        who: the person who checks.

    Raises:
        FindingRefusedError: the answer cannot be compared with a decision.
        UnknownVoterError: the active roll has no such voter.
        UnknownLineError: there is no signature at this place.
        PetitionClosedError: the count has ended.
        NotDrawnError: the line is not to be checked.
        AlreadyCheckedError: there is an answer already.
        ChangedMeanwhileError: another clerk decided the line just now.
    """
    connection, petition = change.connection, change.petition
    check_answer(answer)
    read = await read_line(connection, petition.key, place)
    line = read.line
    draw = await rows.read_draw(connection, petition.key)
    if draw.state != "open":
        raise errors.PetitionClosedError
    said = (*answer.outcome, answer.voter_id, answer.note, who.name)
    if before := await connection.fetchrow(rows.GET_CHECK, *petition.key, *place):
        if before[:-1] != said:
            raise errors.AlreadyCheckedError
        return before["checked_at"], False
    by_machine = (
        line.settled and not line.confirmed_by and line.outcome.status not in NOT_RAW
    )  # as the draw's query asks
    if not (by_machine and is_drawn(draw.seed, place, draw.share_ppm)):
        raise errors.NotDrawnError
    if answer.voter_id:
        await check_voter(connection, petition.county_id, answer.voter_id)
    decided = (line.finding_no, *line.outcome, line.voter_id)
    if not await connection.fetchval(rows.ADD_CHECK, *petition.key, *place, *decided, *said, change.now):
        raise errors.AlreadyCheckedError  # another person's answer was committed since we read
    if not agrees(answer, DecidedLine(line.outcome, line.voter_id)):
        doubt = restated(line)._replace(outcome=Outcome("review", "quality_check"), voter_id=None, note=answer.note)
        found = doubt._replace(decided_by=who.name, person=True, writing_sha256=read.signature.sha256)
        await record(change, "finding", [found])
    return change.now, True


async def measure_quality(database: Database, petition: Petition) -> tuple[rows.Draw, list[ErrorRate]]:
    """The draw, and the machine's error rates with exact intervals: of all decisions, then by kind."""
    async with database.reading() as connection, connection.transaction(isolation="repeatable_read"):
        draw = await rows.read_draw(connection, petition.key)
        counts = await rows.counts_by_machine(connection, petition.key, draw)
        return draw, error_rates(counts, await rows.checks(connection, petition.key))
