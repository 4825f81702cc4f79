"""Examining lines and taking signatures in: each place, request and voter once, whatever is retried or races."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

import asyncpg

from app.count import queries as rows
from app.count.record import ATTEMPTS, ChangedMeanwhileError, Count, record
from app.errors import BusyError, IdempotencyConflictError, RecallError
from app.law.defect import Defect, under_defect
from app.law.line import Finding, Line, Place, Signature
from app.law.petition import Petition, PetitionKey, signing_interval
from app.law.reasons import NOT_RAW, Outcome
from app.matching.lookup import Decide, LineToDecide, decide_lines, in_use

# What one submission's content can cause, and so must not fail another's. Any other error is the database's or ours.
_OF_ONE = (
    RecallError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError,
    asyncpg.DataError, asyncpg.IntegrityConstraintViolationError,
)  # fmt: skip
_ENCODE: Final = json.JSONEncoder(separators=(",", ":")).encode


Result = tuple[Line, bool] | None
"""How the line of a signature is decided, and whether its submission created it; None: its place has another text."""
Answer = tuple[Sequence[Result], bool] | Exception
"""A result for each signature of a submission, and whether they are the stored answer to an earlier request."""


@dataclass(eq=False, slots=True)
class Submission:
    """One request's signatures, one or many, with what was looked up before any lock: writing checks that it holds."""

    principal: str
    signatures: Sequence[Signature]
    key: str | None = None  # the Idempotency-Key
    fingerprint: bytes = b""  # SHA-256 of the request's meaning; compared when its key comes again
    stored: Answer | None = None  # the answer to an earlier request with its key
    occupied: Mapping[Place, rows.Occupied] = field(default_factory=dict)
    findings: Mapping[tuple[Place, bytes], Finding] = field(default_factory=dict)  # by place and the text's fingerprint
    ruleset: str = ""  # under which the findings were made

    @property
    def request(self) -> tuple[str, str] | int:
        """What makes two submissions the same request: their principal and key, or nothing."""
        return (self.principal, self.key) if self.key else id(self)


def _todo(submissions: Iterable[Submission]) -> dict[tuple[str, str] | int, Submission]:
    """The submissions to carry out: of several with one key (a client's retry beside its first try) the first."""
    first: dict[tuple[str, str] | int, Submission] = {}
    for submission in submissions:
        if submission.stored is None:
            first.setdefault(submission.request, submission)
    return first


def _new(submissions: Iterable[Submission]) -> list[tuple[Signature, Submission]]:
    """The signatures for free places in paper order, each with its submission; of two for one place, the first."""
    first: dict[Place, tuple[Signature, Submission]] = {}
    for submission in submissions:
        for signature in submission.signatures:
            if signature.place not in submission.occupied:
                first.setdefault(signature.place, (signature, submission))
    return [first[place] for place in sorted(first)]


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes in submissions to one petition over one connection."""

    count: Count
    connection: asyncpg.Connection
    petition: Petition
    decide: Decide = decide_lines

    async def take_in(self, submissions: Sequence[Submission], *, now: datetime) -> list[Answer]:
        """Take several submissions in, in one transaction; one answer each, in order, an exception for its caller.

        What refuses or breaks one submission never fails another: where the whole fails, each is tried by itself.
        """
        for _ in range(ATTEMPTS):
            try:
                await self.look_up(submissions)
                return await self._write(submissions, now)
            except ChangedMeanwhileError:
                continue
            except _OF_ONE as error:
                if len(submissions) == 1:
                    return [error]
                return [(await self.take_in([one], now=now))[0] for one in submissions]
        return [BusyError() for _ in submissions]

    async def take_in_looked_up(self, submissions: Sequence[Submission], *, now: datetime) -> list[Answer]:
        """Take in what was looked up in one group or several; if it changed, or one breaks it, as `take_in` does."""
        try:
            return await self._write(submissions, now)
        except (ChangedMeanwhileError, *_OF_ONE):
            return await self.take_in(submissions, now=now)

    async def look_up(self, submissions: Sequence[Submission]) -> None:
        """Read earlier answers, what is recorded at the places, and what the roll says of new lines. No lock."""
        connection, petition = self.connection, self.count.up_to_date(self.petition)
        keyed = {(s.principal, s.key) for s in submissions if s.key}
        stored = await rows.stored_answers(connection, petition.key, keyed) if keyed else {}
        for submission in submissions:
            submission.stored, submission.occupied, submission.findings = _replay(submission, stored), {}, {}
        todo = _todo(submissions).values()
        places = {signature.place for submission in todo for signature in submission.signatures}
        occupied = await rows.occupied_places(connection, petition.key, places) if places else {}
        for submission in todo:
            mine = (signature.place for signature in submission.signatures)
            submission.occupied = {place: occupied[place] for place in mine if place in occupied}
        if new := [signature for signature, _ in _new(todo)]:
            examined, defects = await examine_lines(connection, petition, new, self.decide)
            if defects:  # hardly ever
                examined = [under_defect(finding, defects.get(finding.place.section)) for finding in examined]
            findings = {(finding.place, finding.writing_sha256): finding for finding in examined}
            for submission in todo:
                texts = ((signature.place, signature.sha256) for signature in submission.signatures)
                submission.findings = {text: findings[text] for text in texts if text in findings}
                submission.ruleset = petition.ruleset.name

    async def _write(self, submissions: Sequence[Submission], now: datetime) -> list[Answer]:
        """Write the new lines and the answers; one answer a submission."""
        todo = _todo(submissions)
        results: dict[tuple[str, str] | int, list[Result]] = {}
        if todo:
            async with self.count.change(self.connection, self.petition, now) as change:
                new = _new(todo.values())
                taken = await self._record(change, new) if new else {}
                created = {signature.place: signature for signature, _ in new}
                results = {request: _results(one, taken, created) for request, one in todo.items()}
                answers = [
                    (*key, todo[key].fingerprint, _stored(todo[key], result))
                    for key, result in results.items()
                    if isinstance(key, tuple)
                ]
                if not await rows.store_answers(change, answers):
                    raise ChangedMeanwhileError  # the same request is being answered elsewhere: that answer counts
        return [one.stored or _answer(one, todo[one.request], results[one.request]) for one in submissions]

    async def _record(
        self, change: rows.Change, new: Sequence[tuple[Signature, Submission]]
    ) -> dict[Place, rows.Occupied]:
        """Take the places of the new signatures and put the findings on them on record.

        Raises ChangedMeanwhileError if what the findings rest on changed, or a place was taken, since the lookup, or if
        a signature was not looked up, since another was to take its place.
        """
        try:
            findings = [
                submission.findings[signature.place, signature.sha256]._replace(station=submission.principal)
                for signature, submission in new
            ]
        except KeyError:
            raise ChangedMeanwhileError from None
        if any(one.ruleset != change.petition.ruleset.name for _, one in new):
            raise ChangedMeanwhileError
        basis = await rows.hold_basis(self.connection, self.petition.key)
        texts = [(signature, submission.principal) for signature, submission in new]
        if any(finding.basis != basis for finding in findings) or not await rows.take_places(change, texts):
            raise ChangedMeanwhileError
        lines = await record(change, "intake", findings)
        return {s.place: (lines[s.place], frozenset([s.sha256])) for s, _ in new}


def _results(
    submission: Submission, taken: Mapping[Place, rows.Occupied], created: Mapping[Place, Signature]
) -> list[Result]:
    """A submission's results: `taken` has the lines that are new, `created` the signatures that took their places."""
    results: list[Result] = []
    for signature in submission.signatures:
        line, texts = taken.get(signature.place) or submission.occupied[signature.place]
        is_new = created.get(signature.place) is signature
        results.append((line, is_new) if signature.sha256 in texts else None)
    return results


def _replay(submission: Submission, stored: Mapping[tuple[str, str], tuple[bytes, str]]) -> Answer | None:
    """The answer to a request whose key was used before; None for one that is new."""
    known = stored.get((submission.principal, submission.key or ""))
    if known is None:
        return None
    fingerprint, text = known
    if fingerprint != submission.fingerprint:
        return IdempotencyConflictError()
    results: list[Result] = []
    for signature, (_, *decided) in zip(submission.signatures, json.loads(text), strict=True):  # as `_stored` wrote it
        if decided:
            status, reason, settled, version, created = decided
            line = Line(signature.place, Outcome(status, reason), settled=settled, version=version)
        results.append((line, created) if decided else None)
    return results, True


def _answer(submission: Submission, first: Submission, results: Sequence[Result]) -> Answer:
    """The answer to a submission, given what was carried out for the first one with its key."""
    same = first.fingerprint == submission.fingerprint
    return (results, first is not submission) if same else IdempotencyConflictError()


def _stored(submission: Submission, results: Sequence[Result]) -> str:
    """Results as they are stored with their idempotency key: the place, and how its line is decided."""
    found: list[tuple[object, ...]] = []
    for signature, result in zip(submission.signatures, results, strict=True):
        line, created = result or (None, False)
        decided = (*line.outcome, line.settled, line.version, created) if line else ()
        found.append((str(signature.place), *decided))
    return _ENCODE(found)


async def examine_lines(
    connection: asyncpg.Connection, petition: Petition, signatures: Sequence[Signature], decide: Decide = decide_lines
) -> tuple[list[Finding], dict[int, Defect]]:
    """What the active roll says of these signatures, in their order; and the defects of their sections by number.

    Args:
        connection: any; nothing is locked.
        petition: whose signatures.
        signatures: to examine.
        decide: looks lines up.
    """
    roll, aliases_version, newest_roll = await in_use(connection, petition.county_id)
    sections = {one.place.section for one in signatures}
    sections_version, declared, defects = await rows.section_dates(connection, petition.key, sections)
    roll_version = roll.roll_version if roll else None
    basis = (roll_version, sections_version, aliases_version, newest_roll)
    # By section, so that a worker is sent each once.
    intervals = {section: signing_interval(petition.window, declared.get(section)) for section in sections}
    to_decide = [None if one.kind in NOT_RAW else intervals[one.place.section] for one in signatures]
    district = petition.district
    asked = [
        LineToDecide(one, interval, district) for one, interval in zip(signatures, to_decide, strict=True) if interval
    ]
    decisions = iter(await decide(roll, asked) if roll else ())
    findings = []
    for one, interval in zip(signatures, to_decide, strict=True):
        cause = Outcome("review", "section_dates" if roll else "no_roll")
        outcome = Outcome(one.kind) if one.kind in ("blank", "struck") else cause
        found = Finding(one.place, outcome, aliases_version=aliases_version, writing_sha256=one.sha256, basis=basis)
        if roll and interval:
            decision = next(decisions)
            found = found._replace(
                outcome=decision.outcome,
                voter_id=decision.voter_id,
                registration_no=decision.registration_no,
                reason_open=decision.reason_open,
                secondary=decision.secondary,
                evidence=decision.evidence_json,
                roll_version=roll_version,
                held=decision.held,
            )
        findings.append(found)
    return findings, defects


_GROUP = 500  # submissions in one transaction
_WAITING = 5_000  # submissions that may wait; beyond, the client is asked to come back

_Waiting = tuple[Submission, asyncio.Future[Answer]]
"""A submission and the future that its caller waits for."""
_Answers = list[tuple[_Waiting, Answer]]


@dataclass(slots=True)
class _Queue:
    """One petition's submissions: those that wait to be looked up, and then to be committed."""

    petition: Petition
    arrived: deque[_Waiting] = field(default_factory=deque)
    looked_up: list[_Waiting] = field(default_factory=list)
    committing: bool = False


@dataclass(eq=False)
class GroupCommit:
    """The submissions that wait, by petition: one transaction's cost for all that arrived meanwhile.

    There is no timer: a submission that finds no other under way goes at once. While a group commits, the next one is
    looked up, which locks nothing. Of each petition one transaction is under way, since all of them lock its head; what
    was looked up meanwhile goes together in the next.

    `at_once` is how many groups are looked up at a time: one for each process that decides, and two of a single one,
    since another can decide while one waits for the database.
    """

    count: Count
    now: Callable[[], datetime]
    decide: Decide = decide_lines
    at_once: int = 2
    waiting: int = field(default=0, init=False)  # submissions that wait for a transaction
    _queues: dict[PetitionKey, _Queue] = field(default_factory=dict, init=False)
    _turns: deque[_Queue] = field(default_factory=deque, init=False)  # those in which a submission has arrived
    _looking_up: dict[asyncio.Task[None] | None, int] = field(default_factory=dict, init=False)  # how many each
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    async def hand_in(self, petition: Petition, submission: Submission) -> Answer:
        """Take one submission in, together with those that wait for the same petition.

        A caller that is cancelled does not undo it: the group is committed, and the stored answer makes a retry safe.
        Raises BusyError if too many submissions wait.
        """
        if self.waiting >= _WAITING:
            raise BusyError
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        queue = self._queues.get(petition.key) or self._queues.setdefault(petition.key, _Queue(petition))
        if not queue.arrived:
            self._turns.append(queue)
        queue.arrived.append((submission, answer))
        self.waiting += 1
        self._start()
        return await answer

    async def take_in(self, petition: Petition, submission: Submission) -> Answer:
        """Take one submission in by itself, such as a batch (see `Intake.take_in`)."""
        async with self.count.database.intake() as connection:
            intake = Intake(self.count, connection, petition, self.decide)
            return (await intake.take_in([submission], now=self.now()))[0]

    def _start(self) -> None:
        """Start to look the next groups up; petitions take turns."""
        while self._turns and self._may_begin(len(self._turns[0].arrived)):
            queue = self._turns.popleft()
            task = asyncio.create_task(self._take_in(queue))
            self._looking_up[task] = _GROUP  # until it has its group
            self._tasks.add(task)
            task.add_done_callback(partial(self._ended, queue))

    def _ended(self, queue: _Queue, task: asyncio.Task[None]) -> None:
        """Forget a task. If it ended before it began, for lack of memory, its group fails: others would wait for it."""
        self._tasks.discard(task)
        if self._looking_up.pop(task, None) is not None:
            error = None if task.cancelled() else task.exception()
            answer = error if isinstance(error, Exception) else BusyError()
            _give([(waiting, answer) for waiting in self._group(queue)])
            self._next()

    def _may_begin(self, arrived: int) -> bool:
        """Beside another group only one as large: each has its statements, and smaller ones would cost more in all."""
        sizes = self._looking_up.values()
        return not sizes or (len(sizes) < self.at_once and arrived >= max(sizes))

    def _group(self, queue: _Queue) -> list[_Waiting]:
        """The submissions that have arrived by now, those included that came while there was no connection yet."""
        group = [queue.arrived.popleft() for _ in range(min(_GROUP, len(queue.arrived)))]
        if queue.arrived:
            self._turns.append(queue)
        self.waiting -= len(group)
        self._looking_up[asyncio.current_task()] = len(group)
        return group

    async def _take_in(self, queue: _Queue) -> None:
        """Look up what arrived, and commit it with what else was looked up meanwhile, unless another task commits.

        The task that commits goes on until nothing is left to commit.
        """
        group: list[_Waiting] = []
        answers: _Answers = []
        try:
            async with self.count.database.intake() as connection:
                group = self._group(queue)
                intake = Intake(self.count, connection, queue.petition, self.decide)
                with suppress(*_OF_ONE):  # if one submission breaks it, `take_in_looked_up` finds out which
                    await intake.look_up([submission for submission, _ in group])
                queue.looked_up += group
                self._next()
                answers = await self._commit(intake, queue)
        except Exception as error:  # noqa: BLE001  # it is not swallowed: every waiting request raises it
            answers = answers or [(waiting, error) for waiting in group or self._group(queue)]
        finally:
            _give(answers)  # first: what is committed must be answered, even if memory ends here
            self._next()
        while queue.looked_up and not queue.committing:
            await self._commit_others(queue)

    def _next(self) -> None:
        """Let the next group be looked up: the running task's is, or cannot be."""
        self._looking_up.pop(asyncio.current_task(), None)
        self._start()

    async def _commit(self, intake: Intake, queue: _Queue) -> _Answers:
        """Commit what was looked up, unless another task commits. The answers are given when the connection is free."""
        if queue.committing:
            return []
        queue.committing = True
        group, queue.looked_up = queue.looked_up, []
        answers: Sequence[Answer]
        try:
            answers = await intake.take_in_looked_up([submission for submission, _ in group], now=self.now())
        except Exception as error:  # noqa: BLE001  # as above
            answers = [error] * len(group)
        finally:
            queue.committing = False
        return list(zip(group, answers, strict=True))

    async def _commit_others(self, queue: _Queue) -> None:
        """Commit what was looked up while a commit was under way."""
        answers: _Answers = []
        try:
            async with self.count.database.intake() as connection:
                answers = await self._commit(Intake(self.count, connection, queue.petition, self.decide), queue)
        except Exception as error:  # noqa: BLE001  # as above
            group, queue.looked_up = queue.looked_up, []
            answers += [(waiting, error) for waiting in group]
        _give(answers)


def _give(answers: _Answers) -> None:
    for (_, future), answer in answers:
        if not future.done():  # the caller may be gone
            future.set_result(answer)
