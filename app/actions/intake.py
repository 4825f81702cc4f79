"""Taking lines in: each place once, each request once, each voter once, whatever is retried or races."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import asyncpg

from app.actions.count import ChangedMeanwhileError, Claim, record
from app.actions.examination import examine
from app.actions.lookup import decide_lines
from app.actions.matcher import Decide
from app.db import intake as rows
from app.db.engine import Database
from app.domain.count import Line
from app.domain.errors import BusyError, IdempotencyConflictError, RecallError
from app.domain.petition import Petition
from app.domain.signature import Place, Submitted
from app.domain.submission import Answer, Submission, dump_results, load_results, results_of

# Each attempt that loses a race loses it to a transaction that committed, so a handful is plenty.
_ATTEMPTS = 8

# What one submission's content can cause, and so must not fail another's; anything else is the database's or ours.
_OF_ONE = (
    RecallError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
)

Outcome = Answer | Exception
Request = tuple[str, str] | int
Standing = Mapping[Place, tuple[Line, frozenset[bytes]]]


async def take_in(
    database: Database,
    petition: Petition,
    submissions: Sequence[Submission],
    *,
    now: datetime,
    decide: Decide = decide_lines,
) -> list[Outcome]:
    """Take several submissions in, in one transaction; one outcome each, in order.

    What refuses or breaks one submission never fails another: where the whole fails, each is tried by itself. An
    outcome that is an exception is for the one who asked.
    """
    for _ in range(_ATTEMPTS):
        try:
            async with database.intake() as connection:
                return await _attempt(connection, petition, submissions, now, decide)
        except ChangedMeanwhileError:
            continue
        except _OF_ONE as error:
            if len(submissions) == 1:
                return [error]
            return [(await take_in(database, petition, [one], now=now, decide=decide))[0] for one in submissions]
    return [BusyError() for _ in submissions]


async def _attempt(
    connection: asyncpg.Connection,
    petition: Petition,
    submissions: Sequence[Submission],
    now: datetime,
    decide: Decide,
) -> list[Outcome]:
    county_id, petition_id = petition.county_id, petition.petition_id
    keyed = {(s.principal, s.key) for s in submissions if s.key}
    stored = await rows.stored_answers(connection, county_id, petition_id, keyed) if keyed else {}
    outcomes = [_replay(s, stored) for s in submissions]
    todo = _first_of_each_request([s for s, outcome in zip(submissions, outcomes, strict=True) if outcome is None])
    places = {line.place for s in todo for line in s.lines}
    found = await rows.standing_at(connection, county_id, petition_id, places) if places else {}
    standing = {place: (there.line, there.writings) for place, there in found.items()}
    new = _new_lines(todo, standing)
    answers = await _commit(connection, petition, todo, standing, new, now, decide) if todo else {}
    return [_outcome(s, done, answers) for s, done in zip(submissions, outcomes, strict=True)]


def _replay(submission: Submission, stored: Mapping[tuple[str, str], rows.StoredAnswer]) -> Outcome | None:
    """The outcome of a request whose key was used before; None for one that is new."""
    answer = stored.get((submission.principal, submission.key)) if submission.key else None
    if answer is None:
        return None
    if answer.fingerprint != submission.fingerprint:
        return IdempotencyConflictError()
    return Answer(load_results(answer.answer), replayed=True)


def _request(submission: Submission) -> Request:
    """What makes two submissions the same request: their principal and key, or nothing."""
    return (submission.principal, submission.key) if submission.key else id(submission)


def _first_of_each_request(submissions: Sequence[Submission]) -> list[Submission]:
    """The submissions to carry out: of several with one key (a client's retry beside its first try) the first."""
    first: dict[Request, Submission] = {}
    for submission in submissions:
        first.setdefault(_request(submission), submission)
    return list(first.values())


def _new_lines(submissions: Sequence[Submission], standing: Standing) -> dict[Place, tuple[Submitted, str]]:
    """The lines for free places, each with its station; where two claim one place, the first."""
    new: dict[Place, tuple[Submitted, str]] = {}
    for submission in submissions:
        for line in submission.lines:
            if line.place not in standing:
                new.setdefault(line.place, (line, submission.principal))
    return new


async def _commit(
    connection: asyncpg.Connection,
    petition: Petition,
    submissions: Sequence[Submission],
    standing: Standing,
    new: Mapping[Place, tuple[Submitted, str]],
    now: datetime,
    decide: Decide,
) -> dict[Request, tuple[Submission, Answer]]:
    """Write the new lines and the answers; returns what was carried out, by request."""
    ordered = sorted(new.values(), key=lambda line: line[0].place)
    basis, merits = await examine(connection, petition, [line for line, _ in ordered], decide)
    async with connection.transaction():
        if ordered:
            if await rows.hold_basis(connection, petition.county_id, petition.petition_id) != basis:
                raise ChangedMeanwhileError
            if not await rows.take_places(connection, petition.county_id, petition.petition_id, ordered, now):
                raise ChangedMeanwhileError
            claims = [
                Claim(place=line.place, merits=m, writing_sha256=line.writing_sha256, station=station)
                for (line, station), m in zip(ordered, merits, strict=True)
            ]
            recorded = await record(connection, petition, "intake", claims, now=now)
            written = {
                line.place: (recorded.lines[line.place], frozenset([line.writing_sha256])) for line, _ in ordered
            }
            standing = {**standing, **written}
        first = {place: line for place, (line, _) in new.items()}
        answers = {_request(s): (s, Answer(results_of(s, standing, first))) for s in submissions}
        await _store(connection, petition, answers.values(), now)
    return answers


async def _store(
    connection: asyncpg.Connection,
    petition: Petition,
    answers: Collection[tuple[Submission, Answer]],
    now: datetime,
) -> None:
    stored = [(s.principal, s.key, s.fingerprint, dump_results(answer.results)) for s, answer in answers if s.key]
    if stored and not await rows.store_answers(connection, petition.county_id, petition.petition_id, stored, now):
        raise ChangedMeanwhileError  # the same request is being answered elsewhere: that answer stands


def _outcome(
    submission: Submission, done: Outcome | None, answers: Mapping[Request, tuple[Submission, Answer]]
) -> Outcome:
    if done is not None:
        return done
    first, answer = answers[_request(submission)]
    if first is submission:
        return answer
    return replace(answer, replayed=True) if first.fingerprint == submission.fingerprint else IdempotencyConflictError()
