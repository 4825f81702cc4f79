"""Single signatures from many clients, committed together: one transaction's cost for whatever arrived meanwhile."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from app.count.intake import LookedUp, Outcome, look_up_together, take_in_looked_up, tell
from app.count.submission import Submission
from app.database.engine import Database
from app.errors import BusyError
from app.law.petition import Petition
from app.matching.lookup import Decide, decide_lines

_GROUP = 500  # submissions in one transaction
_WAITING = 5_000  # submissions that may wait; beyond, the client is asked to come back


@dataclass(frozen=True, slots=True)
class _Waiting:
    submission: Submission
    outcome: asyncio.Future[Outcome]


@dataclass(slots=True)
class _Queue:
    """What one petition's submissions wait for: first to be looked up, then to be committed."""

    petition: Petition
    arrived: deque[_Waiting] = field(default_factory=deque)
    looked_up: list[tuple[LookedUp, Sequence[_Waiting]]] = field(default_factory=list)
    committing: bool = False


_Answers = list[tuple[_Waiting, Outcome]]


class GroupCommit:
    """The submissions that wait, by petition. No timer: a submission that finds nothing under way goes at once.

    While a group commits, the next one is looked up, which locks nothing. Of each petition one transaction is under
    way, since all of them take its head; what was looked up meanwhile goes together in the next.
    """

    def __init__(
        self, database: Database, now: Callable[[], datetime], decide: Decide = decide_lines, *, at_once: int = 2
    ) -> None:
        """Commit through `database`; `now` is the clock, `decide` looks lines up, at most so many groups at once.

        One for each process that decides, and two of a single one: while one waits for the database, another.
        """
        self._database = database
        self._now = now
        self._decide = decide
        self._at_once = at_once
        self._queues: dict[tuple[str, UUID], _Queue] = {}
        self._turns: deque[_Queue] = deque()  # those in which somebody arrived
        self._looking_up: dict[asyncio.Task[None] | None, int] = {}  # how many submissions each
        self._size = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many submissions wait for a transaction."""
        return self._size

    async def hand_in(self, petition: Petition, submission: Submission) -> Outcome:
        """Take one submission in with whatever else waits for the same petition.

        A caller that is cancelled does not undo it: the group is committed, and the stored answer makes a retry safe.
        """
        if self._size >= _WAITING:
            raise BusyError
        waiting = _Waiting(submission, asyncio.get_running_loop().create_future())
        key = petition.key
        queue = self._queues.get(key) or self._queues.setdefault(key, _Queue(petition))
        if not queue.arrived:
            self._turns.append(queue)
        queue.arrived.append(waiting)
        self._size += 1
        self._start()
        return await waiting.outcome

    def _start(self) -> None:
        """Have the next groups looked up; petitions take turns."""
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
        """Whoever arrived by now: also who did while there was no connection yet."""
        group = [queue.arrived.popleft() for _ in range(min(_GROUP, len(queue.arrived)))]
        if queue.arrived:
            self._turns.append(queue)
        self._size -= len(group)
        self._looking_up[asyncio.current_task()] = len(group)
        return group

    async def _take_in(self, queue: _Queue) -> None:
        """Look up who arrived, and commit them with whatever else was looked up meanwhile, unless that is being done.

        Who commits goes on until nothing is left to commit.
        """
        group: list[_Waiting] = []
        answers: _Answers = []
        try:
            async with self._database.intake(tells=True) as connection:
                group = self._group(queue)
                await self._look_up(connection, queue, group)
                self._next()
                answers = await self._commit(connection, queue)
        except Exception as error:  # noqa: BLE001  # it is not swallowed: every waiting request raises it
            answers = answers or [(waiting, error) for waiting in group or self._group(queue)]
        finally:
            self._next()
        _give(answers)
        while queue.looked_up and not queue.committing:
            await self._commit_others(queue)

    def _next(self) -> None:
        """Let the next group be looked up: the running task's is, or cannot be."""
        self._looking_up.pop(asyncio.current_task(), None)
        self._start()

    async def _look_up(self, connection: asyncpg.Connection, queue: _Queue, group: Sequence[_Waiting]) -> None:
        submissions = [waiting.submission for waiting in group]
        found = await look_up_together(connection, queue.petition, submissions, decide=self._decide)
        queue.looked_up.append((found, group))

    async def _commit(self, connection: asyncpg.Connection, queue: _Queue) -> _Answers:
        """Commit what was looked up, unless that is being done; the answers are to be given once it is recorded."""
        if queue.committing:
            return []
        queue.committing = True
        groups, queue.looked_up = queue.looked_up, []
        members = [waiting for _, group in groups for waiting in group]
        outcomes: Sequence[Outcome]
        try:
            found = [found for found, _ in groups]
            outcomes = await take_in_looked_up(connection, queue.petition, found, now=self._now(), decide=self._decide)
            tell(self._database, queue.petition, outcomes)
        except Exception as error:  # noqa: BLE001  # as above
            self._database.writes += 1  # it may hide a commit that nobody told of
            outcomes = [error] * len(members)
        finally:
            queue.committing = False
        return list(zip(members, outcomes, strict=True))

    async def _commit_others(self, queue: _Queue) -> None:
        """Commit what was looked up while a commit was under way."""
        answers: _Answers = []
        try:
            async with self._database.intake(tells=True) as connection:
                answers = await self._commit(connection, queue)
        except Exception as error:  # noqa: BLE001  # as above
            groups, queue.looked_up = queue.looked_up, []
            answers += [(waiting, error) for _, group in groups for waiting in group]
        _give(answers)


def _give(answers: _Answers) -> None:
    for waiting, outcome in answers:
        if not waiting.outcome.done():  # whoever waited may be gone
            waiting.outcome.set_result(outcome)
