"""Single signatures from many clients, committed together: one transaction's cost for whatever arrived meanwhile."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.actions.intake import Outcome, take_in
from app.actions.lookup import decide_lines
from app.actions.matcher import Decide
from app.db.engine import Database
from app.domain.errors import BusyError
from app.domain.petition import Petition
from app.domain.submission import Submission

_IN_FLIGHT = 2  # one being prepared while another commits; more only makes the groups smaller
_GROUP = 500  # submissions in one transaction
_WAITING = 5_000  # submissions that may wait; beyond, the client is asked to come back


@dataclass(frozen=True, slots=True)
class _Waiting:
    submission: Submission
    outcome: asyncio.Future[Outcome]


class GroupCommit:
    """The submissions that wait, by petition. No timer: a submission that finds nothing in flight goes at once."""

    def __init__(self, database: Database, now: Callable[[], datetime], decide: Decide = decide_lines) -> None:
        """Commit through `database`; `now` is the clock, `decide` looks lines up."""
        self._database = database
        self._now = now
        self._decide = decide
        self._petitions: dict[tuple[str, UUID], tuple[Petition, deque[_Waiting]]] = {}
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
        _, queue = self._petitions.setdefault((petition.county_id, petition.petition_id), (petition, deque()))
        queue.append(waiting)
        self._size += 1
        self._start()
        return await waiting.outcome

    def _start(self) -> None:
        while self._petitions and len(self._tasks) < _IN_FLIGHT:
            key, (petition, queue) = next(iter(self._petitions.items()))
            group = [queue.popleft() for _ in range(min(_GROUP, len(queue)))]
            del self._petitions[key]
            if queue:
                self._petitions[key] = (petition, queue)  # to the end: petitions take turns
            self._size -= len(group)
            task = asyncio.create_task(self._commit(petition, group))
            self._tasks.add(task)
            task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._start()

    async def _commit(self, petition: Petition, group: list[_Waiting]) -> None:
        try:
            submissions = [w.submission for w in group]
            outcomes = await take_in(self._database, petition, submissions, now=self._now(), decide=self._decide)
        except Exception as error:  # noqa: BLE001  # it is not swallowed: every waiting request raises it
            for waiting in group:
                if not waiting.outcome.done():
                    waiting.outcome.set_exception(error)
            return
        for waiting, outcome in zip(group, outcomes, strict=True):
            if not waiting.outcome.done():
                waiting.outcome.set_result(outcome)
