"""Single signatures from many clients, committed together: one transaction's cost for all that arrived meanwhile."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from app.count.intake import Answer, Intake, LookedUp, Submission
from app.count.record import Count
from app.errors import BusyError
from app.law.petition import Petition, PetitionKey
from app.matching.lookup import Decide, decide_lines

_GROUP = 500  # submissions in one transaction
_WAITING = 5_000  # submissions that may wait; beyond, the client is asked to come back


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A submission and the future that its caller waits for."""

    submission: Submission
    answer: asyncio.Future[Answer]


@dataclass(slots=True)
class _Queue:
    """One petition's submissions: those that wait to be looked up, and then to be committed."""

    petition: Petition
    arrived: deque[_Waiting] = field(default_factory=deque)
    looked_up: list[tuple[LookedUp, Sequence[_Waiting]]] = field(default_factory=list)
    committing: bool = False


_Answers = list[tuple[_Waiting, Answer]]


class GroupCommit:
    """The submissions that wait, by petition. No timer: a submission that finds no other under way goes at once.

    While a group commits, the next one is looked up, which locks nothing. Of each petition one transaction is under
    way, since all of them lock its head; what was looked up meanwhile goes together in the next.
    """

    def __init__(
        self, count: Count, now: Callable[[], datetime], decide: Decide = decide_lines, *, at_once: int = 2
    ) -> None:
        """Take signatures in.

        Args:
            count: the count that the signatures change.
            now: the clock.
            decide: looks lines up.
            at_once: how many groups are looked up at a time: one for each process that decides, and two of a single
                one, since another can decide while one waits for the database.
        """
        self._count = count
        self._now = now
        self._decide = decide
        self._at_once = at_once
        self._queues: dict[PetitionKey, _Queue] = {}
        self._turns: deque[_Queue] = deque()  # those in which a submission has arrived
        self._looking_up: dict[asyncio.Task[None] | None, int] = {}  # how many submissions each
        self._size = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many submissions wait for a transaction."""
        return self._size

    async def hand_in(self, petition: Petition, submission: Submission) -> Answer:
        """Take one submission in, together with those that wait for the same petition.

        A caller that is cancelled does not undo it: the group is committed, and the stored answer makes a retry safe.

        Raises:
            BusyError: too many submissions wait.
        """
        if self._size >= _WAITING:
            raise BusyError
        waiting = _Waiting(submission, asyncio.get_running_loop().create_future())
        queue = self._queues.get(petition.key) or self._queues.setdefault(petition.key, _Queue(petition))
        if not queue.arrived:
            self._turns.append(queue)
        queue.arrived.append(waiting)
        self._size += 1
        self._start()
        return await waiting.answer

    def _start(self) -> None:
        """Start to look the next groups up; petitions take turns."""
        while self._turns and self._may_begin(len(self._turns[0].arrived)):
            task = asyncio.create_task(self._take_in(self._turns.popleft()))
            self._looking_up[task] = _GROUP  # until it has its group
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _may_begin(self, arrived: int) -> bool:
        """Beside another group only one as large: each has its statements, and smaller ones would cost more in all."""
        sizes = self._looking_up.values()
        return not sizes or (len(sizes) < self._at_once and arrived >= max(sizes))

    def _group(self, queue: _Queue) -> list[_Waiting]:
        """The submissions that have arrived by now, those included that came while there was no connection yet."""
        group = [queue.arrived.popleft() for _ in range(min(_GROUP, len(queue.arrived)))]
        if queue.arrived:
            self._turns.append(queue)
        self._size -= len(group)
        self._looking_up[asyncio.current_task()] = len(group)
        return group

    async def _take_in(self, queue: _Queue) -> None:
        """Look up what arrived, and commit it with what else was looked up meanwhile, unless another task commits.

        The task that commits goes on until nothing is left to commit.
        """
        group: list[_Waiting] = []
        answers: _Answers = []
        try:
            async with self._count.database.intake() as connection:
                group = self._group(queue)
                intake = self._intake(connection, queue)
                found = await intake.look_up([waiting.submission for waiting in group])
                queue.looked_up.append((found, group))
                self._next()
                answers = await self._commit(intake, queue)
        except Exception as error:  # noqa: BLE001  # it is not swallowed: every waiting request raises it
            answers = answers or [(waiting, error) for waiting in group or self._group(queue)]
        finally:
            self._next()
        _give(answers)
        while queue.looked_up and not queue.committing:
            await self._commit_others(queue)

    def _intake(self, connection: asyncpg.Connection, queue: _Queue) -> Intake:
        return Intake(self._count, connection, queue.petition, self._decide)

    def _next(self) -> None:
        """Let the next group be looked up: the running task's is, or cannot be."""
        self._looking_up.pop(asyncio.current_task(), None)
        self._start()

    async def _commit(self, intake: Intake, queue: _Queue) -> _Answers:
        """Commit what was looked up, unless another task commits. The answers are given when the connection is free."""
        if queue.committing:
            return []
        queue.committing = True
        groups, queue.looked_up = queue.looked_up, []
        members = [waiting for _, group in groups for waiting in group]
        answers: Sequence[Answer]
        try:
            answers = await intake.take_in_looked_up([found for found, _ in groups], now=self._now())
        except Exception as error:  # noqa: BLE001  # as above
            answers = [error] * len(members)
        finally:
            queue.committing = False
        return list(zip(members, answers, strict=True))

    async def _commit_others(self, queue: _Queue) -> None:
        """Commit what was looked up while a commit was under way."""
        answers: _Answers = []
        try:
            async with self._count.database.intake() as connection:
                answers = await self._commit(self._intake(connection, queue), queue)
        except Exception as error:  # noqa: BLE001  # as above
            groups, queue.looked_up = queue.looked_up, []
            answers += [(waiting, error) for _, group in groups for waiting in group]
        _give(answers)


def _give(answers: _Answers) -> None:
    for waiting, answer in answers:
        if not waiting.answer.done():  # the caller may be gone
            waiting.answer.set_result(answer)
