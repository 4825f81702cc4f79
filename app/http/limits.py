"""Limits of requests, by kind: what one kind uses up, or one sender, is not what the others need.

Posts, polls and decisions take milliseconds and share one limit. What takes longer has a limit of its own (a bulkhead),
a few places in a line behind it, and never more of the readers' connections than leave some for the others.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from app.errors import BusyError

_PATIENCE: Final = 10.0  # seconds that a request waits for its turn
NEVER_REFUSED: Final = ("/health/live", "/health/ready", "/metrics")  # needed most when the process is overloaded


class Limit(NamedTuple):
    """How many requests of one kind a process serves at a time, and how many more wait for their turn.

    After a request that takes the processor for long, its place rests while there are short requests under way.
    """

    at_once: int
    waiting: int = 0
    rest: float = 0.0  # seconds
    preempts: bool = False  # one of the sender with the most is asked to end for a sender with fewer


LIMITS: Final[Mapping[str, Limit]] = {
    "streams": Limit(2_000, waiting=100, preempts=True),
    "proofs": Limit(1, waiting=200, rest=0.02),
    "verifications": Limit(1),
    "rolls": Limit(16),  # uploads; `RollUploads` takes one of each county
    "aliases": Limit(1, waiting=20),
    "bulk decisions": Limit(1, waiting=20),
    "lists": Limit(2, waiting=100, rest=0.1),
    "searches": Limit(2, waiting=100, rest=0.1),
}
"""By kind. Together they hold six of the readers' connections, and leave two for what everyone needs."""

_KINDS: Final[Mapping[str, str]] = {
    "stream_tally": "streams",
    "prove_inclusion": "proofs",
    "prove_consistency": "proofs",
    "verify_tally": "verifications",
    "load_roll": "rolls",
    "load_aliases": "aliases",
    "get_tally_history": "lists",
    "get_quality": "lists",
    "get_quality_of_people": "lists",
    "dry_run_ruleset": "lists",
    "get_queues": "lists",
    "get_control_totals": "lists",
    "get_raw_count": "lists",
    "propose_raw_count": "lists",
    "confirm_raw_count": "lists",
    "preview_bulk": "bulk decisions",
    "execute_bulk": "bulk decisions",
    "undo_bulk": "bulk decisions",
    "get_quality_sample": "searches",
    "look_up_voters": "searches",
}


def kind_of(operation: str) -> str | None:
    """The kind of an operation, by its id; None if its requests share the limit of the short ones."""
    return _KINDS.get(operation, "lists" if operation.startswith("list_") else None)


@dataclass(eq=False, slots=True)
class Admission:
    """A request that is being served."""

    bulkhead: "Bulkhead"
    sender: str
    ending: bool = False  # another sender needs it: a stream then ends by itself

    def leave(self) -> None:
        """Give the place to the next in line."""
        self.bulkhead.leave(self)


@dataclass(eq=False)
class Bulkhead:
    """The requests of one kind. Senders that wait take turns; where the line is full, the longest part is shortened."""

    limit: Limit
    is_quiet: Callable[[], bool] = lambda: True  # whether no short requests are under way
    running: int = 0  # with those whose places rest
    _admitted: dict[str, dict[Admission, None]] = field(default_factory=dict)  # by sender, the oldest first
    _lines: dict[str, deque[asyncio.Future[None]]] = field(default_factory=dict)  # by sender, the next one first

    @property
    def waiting(self) -> int:
        """How many requests wait for their turn."""
        return sum(map(len, self._lines.values()))

    async def enter(self, sender: str) -> Admission:
        """Begin a request, when it is its turn. Raises BusyError if the line is full or does not move."""
        if self.running >= self.limit.at_once:
            await self._wait(sender)  # the place of another, which stays counted
        else:
            self.running += 1
        admission = Admission(self, sender)
        self._admitted.setdefault(sender, {})[admission] = None
        return admission

    def leave(self, admission: Admission) -> None:
        """End a request."""
        of_sender = self._admitted[admission.sender]
        del of_sender[admission]
        if not of_sender:
            del self._admitted[admission.sender]
        if self.limit.rest and not self.is_quiet():
            asyncio.get_running_loop().call_later(self.limit.rest, self._hand_over)
        else:
            self._hand_over()

    def _hand_over(self) -> None:
        if self.running > self.limit.at_once or not self._lines:
            self.running -= 1
            return
        sender = next(iter(self._lines))
        line = self._lines.pop(sender)
        line.popleft().set_result(None)
        if line:
            self._lines[sender] = line  # behind the other senders

    async def _wait(self, sender: str) -> None:
        if self.limit.preempts:
            self._preempt(sender)
        self._make_room(sender)
        turn = asyncio.get_running_loop().create_future()
        self._lines.setdefault(sender, deque()).append(turn)
        try:
            await asyncio.wait([turn], timeout=_PATIENCE)
        except asyncio.CancelledError:
            if turn.done() and turn.exception() is None:  # its turn had just come
                self._hand_over()
            elif not turn.done():
                self._remove(sender, turn)
            raise
        if not turn.done():
            self._remove(sender, turn)
            raise BusyError
        turn.result()

    def _make_room(self, sender: str) -> None:
        """Refuse the last one of the sender with the most in line, which may be this one."""
        if self.waiting < self.limit.waiting:
            return
        longest = max(self._lines, key=lambda other: len(self._lines[other]), default=sender)
        if len(self._lines.get(longest, ())) <= len(self._lines.get(sender, ())) + 1:
            raise BusyError
        turn = self._lines[longest][-1]
        self._remove(longest, turn)
        turn.set_exception(BusyError())

    def _remove(self, sender: str, turn: "asyncio.Future[None]") -> None:
        self._lines[sender].remove(turn)
        if not self._lines[sender]:
            del self._lines[sender]

    def _preempt(self, sender: str) -> None:
        """Ask the oldest request of the sender with the most to end. BusyError if this one would have as many."""
        going_on = {other: [one for one in of if not one.ending] for other, of in self._admitted.items()}
        most = max(going_on.values(), key=len, default=[])
        if len(most) <= len(going_on.get(sender, ())) + len(self._lines.get(sender, ())) + 1:
            raise BusyError
        most[0].ending = True


class Limits:
    """The limits of one process."""

    def __init__(self, operations: Iterable[str], streams: int) -> None:
        """Of these operations, with so many streams."""
        limits = {**LIMITS, "streams": LIMITS["streams"]._replace(at_once=streams)}
        self.bulkheads = {kind: Bulkhead(limit, lambda: not self.in_flight) for kind, limit in limits.items()}
        self.of = {name: self.bulkheads[kind] for name in operations if (kind := kind_of(name))}
        self.most, self.in_flight = 1_000, 0  # short requests

    async def enter(self, bulkhead: Bulkhead, state: dict[str, Any], sender: str) -> None:
        """Count a request as one of its kind, as soon as it is its turn. Raises BusyError."""
        self.in_flight -= 1
        try:
            state["admission"] = await bulkhead.enter(sender)
        except BaseException:
            self.in_flight += 1
            raise
