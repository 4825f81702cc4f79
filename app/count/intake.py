"""Taking lines in: each place once, each request once, each voter once, whatever is retried or races."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import asyncpg

from app.count import queries as rows
from app.count.examine import examine_lines
from app.count.record import ChangedMeanwhileError, Claim, record
from app.count.submission import Submission, SubmissionResult, dump_results, load_results, results_of
from app.database.engine import Database
from app.errors import BusyError, IdempotencyConflictError, RecallError
from app.law.line import Line, Merits, Place, Submitted
from app.law.petition import Petition
from app.matching.lookup import Decide, decide_lines

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

Outcome = SubmissionResult | Exception
Request = tuple[str, str] | int
Occupied = Mapping[Place, tuple[Line, frozenset[bytes]]]


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What was read for submissions before any lock. Whether it still holds is seen where it is written down."""

    submissions: Sequence[Submission]
    outcomes: Sequence[Outcome | None]  # of each; None: still to be taken in
    standing: Occupied
    basis: rows.Basis | None = None  # of the merits; None where there is no new line
    merits: Mapping[tuple[Place, bytes], Merits] = field(default_factory=dict)  # by place and writing

    @property
    def done(self) -> bool:
        """Whether there is nothing to take in."""
        return None not in self.outcomes


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
    async with database.intake(tells=True) as connection:
        outcomes = await _take_in(connection, petition, submissions, now, decide)
        tell(database, petition, outcomes)
        return outcomes


def tell(database: Database, petition: Petition, outcomes: Sequence[Outcome]) -> None:
    """Let whoever polls the tally know it as these outcomes left it, before anybody is told of them."""
    for outcome in outcomes:
        if isinstance(outcome, SubmissionResult) and outcome.tally:
            database.tell((petition.key), outcome.tally)


async def _take_in(
    connection: asyncpg.Connection,
    petition: Petition,
    submissions: Sequence[Submission],
    now: datetime,
    decide: Decide,
) -> list[Outcome]:
    for _ in range(_ATTEMPTS):
        try:
            found = await _look_up(connection, petition, submissions, decide)
            return await _write_down(connection, petition, found, now)
        except ChangedMeanwhileError:
            continue
        except _OF_ONE as error:
            if len(submissions) == 1:
                return [error]
            return [(await _take_in(connection, petition, [one], now, decide))[0] for one in submissions]
    return [BusyError() for _ in submissions]


async def look_up_together(
    connection: asyncpg.Connection, petition: Petition, submissions: Sequence[Submission], *, decide: Decide
) -> LookedUp:
    """What `take_in_looked_up` takes in. Where one submission breaks it, nothing of any: that finds out which."""
    try:
        return await _look_up(connection, petition, submissions, decide)
    except _OF_ONE:
        return LookedUp(submissions, [None] * len(submissions), {})


async def take_in_looked_up(
    connection: asyncpg.Connection, petition: Petition, groups: Sequence[LookedUp], *, now: datetime, decide: Decide
) -> list[Outcome]:
    """Take in, in one transaction, what was looked up in several groups; one outcome for each submission, in order.

    Where something of it changed meanwhile, or one submission breaks it, all is looked up anew, as `take_in` does.
    """
    try:
        return await _write_down(connection, petition, _together(groups), now)
    except (ChangedMeanwhileError, *_OF_ONE):
        submissions = [one for group in groups for one in group.submissions]
        return await _take_in(connection, petition, submissions, now, decide)


def _together(groups: Sequence[LookedUp]) -> LookedUp:
    """Several groups as one.

    Raises:
        ChangedMeanwhileError: what examinations rest on changed between them.
    """
    bases = {group.basis for group in groups if group.basis}
    if len(bases) > 1:
        raise ChangedMeanwhileError
    return LookedUp(
        submissions=[one for group in groups for one in group.submissions],
        outcomes=[outcome for group in groups for outcome in group.outcomes],
        standing={place: there for group in groups for place, there in group.standing.items()},
        basis=next(iter(bases), None),
        merits={what: merits for group in groups for what, merits in group.merits.items()},
    )


async def _look_up(
    connection: asyncpg.Connection, petition: Petition, submissions: Sequence[Submission], decide: Decide
) -> LookedUp:
    """Read what was answered before, what stands at the places, and what the roll says of the new lines. No lock."""
    keyed = {(s.principal, s.key) for s in submissions if s.key}
    stored = await rows.stored_answers(connection, petition.key, keyed) if keyed else {}
    outcomes = [_replay(s, stored) for s in submissions]
    todo = _first_of_each_request(submissions, outcomes)
    places = {line.place for s in todo for line in s.lines}
    found = await rows.standing_at(connection, petition.key, places) if places else {}
    standing = {place: (there.line, there.writings) for place, there in found.items()}
    new = [line for line, _ in _in_paper_order(_new_lines(todo, standing))]
    if not new:
        return LookedUp(submissions, outcomes, standing)
    basis, merits = await examine_lines(connection, petition, new, decide)
    by_line = {(line.place, line.writing_sha256): m for line, m in zip(new, merits, strict=True)}
    return LookedUp(submissions, outcomes, standing, basis, by_line)


async def _write_down(
    connection: asyncpg.Connection, petition: Petition, found: LookedUp, now: datetime
) -> list[Outcome]:
    todo = _first_of_each_request(found.submissions, found.outcomes)
    answers = await _commit(connection, petition, todo, found, now) if todo else {}
    return [_outcome(s, done, answers) for s, done in zip(found.submissions, found.outcomes, strict=True)]


def _replay(submission: Submission, stored: Mapping[tuple[str, str], rows.StoredAnswer]) -> Outcome | None:
    """The outcome of a request whose key was used before; None for one that is new."""
    answer = stored.get((submission.principal, submission.key)) if submission.key else None
    if answer is None:
        return None
    if answer.fingerprint != submission.fingerprint:
        return IdempotencyConflictError()
    return SubmissionResult(load_results(answer.answer), replayed=True)


def _request(submission: Submission) -> Request:
    """What makes two submissions the same request: their principal and key, or nothing."""
    return (submission.principal, submission.key) if submission.key else id(submission)


def _first_of_each_request(submissions: Sequence[Submission], outcomes: Sequence[Outcome | None]) -> list[Submission]:
    """The submissions to carry out: of several with one key (a client's retry beside its first try) the first."""
    first: dict[Request, Submission] = {}
    for submission, outcome in zip(submissions, outcomes, strict=True):
        if outcome is None:
            first.setdefault(_request(submission), submission)
    return list(first.values())


def _new_lines(submissions: Sequence[Submission], standing: Occupied) -> dict[Place, tuple[Submitted, str]]:
    """The lines for free places, each with its station; where two claim one place, the first."""
    new: dict[Place, tuple[Submitted, str]] = {}
    for submission in submissions:
        for line in submission.lines:
            if line.place not in standing:
                new.setdefault(line.place, (line, submission.principal))
    return new


def _in_paper_order(new: Mapping[Place, tuple[Submitted, str]]) -> list[tuple[Submitted, str]]:
    return sorted(new.values(), key=lambda line: line[0].place)


async def _commit(
    connection: asyncpg.Connection,
    petition: Petition,
    submissions: Sequence[Submission],
    found: LookedUp,
    now: datetime,
) -> dict[Request, tuple[Submission, SubmissionResult]]:
    """Write the new lines and the answers; returns what was carried out, by request."""
    standing = found.standing
    tally = None
    new = _new_lines(submissions, standing)
    claims = [_claim(line, station, found) for line, station in _in_paper_order(new)]
    async with connection.transaction():
        if claims:
            lines = _in_paper_order(new)
            if await rows.hold_basis(connection, petition.key) != found.basis:
                raise ChangedMeanwhileError
            if not await rows.take_places(connection, petition.key, lines, now):
                raise ChangedMeanwhileError
            recorded = await record(connection, petition, "intake", claims, now=now)
            tally = recorded.tally
            written = {line.place: (recorded.lines[line.place], frozenset([line.writing_sha256])) for line, _ in lines}
            standing = {**standing, **written}
        first = {place: line for place, (line, _) in new.items()}
        answers = {_request(s): (s, SubmissionResult(results_of(s, standing, first), tally=tally)) for s in submissions}
        await _store(connection, petition, answers.values(), now)
    return answers


def _claim(line: Submitted, station: str, found: LookedUp) -> Claim:
    """What a new line claims.

    Raises:
        ChangedMeanwhileError: it was not looked up, since another was to stand at its place.
    """
    merits = found.merits.get((line.place, line.writing_sha256))
    if merits is None:
        raise ChangedMeanwhileError
    return Claim(place=line.place, merits=merits, writing_sha256=line.writing_sha256, station=station)


async def _store(
    connection: asyncpg.Connection,
    petition: Petition,
    answers: Collection[tuple[Submission, SubmissionResult]],
    now: datetime,
) -> None:
    stored = [(s.principal, s.key, s.fingerprint, dump_results(answer.results)) for s, answer in answers if s.key]
    if stored and not await rows.store_answers(connection, petition.key, stored, now):
        raise ChangedMeanwhileError  # the same request is being answered elsewhere: that answer stands


def _outcome(
    submission: Submission, done: Outcome | None, answers: Mapping[Request, tuple[Submission, SubmissionResult]]
) -> Outcome:
    if done is not None:
        return done
    first, answer = answers[_request(submission)]
    if first is submission:
        return answer
    return replace(answer, replayed=True) if first.fingerprint == submission.fingerprint else IdempotencyConflictError()
