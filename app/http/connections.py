"""Deadlines for slow clients: a connection that makes no progress is cut. And room for those who have a key.

uvicorn's settings do not cover this. `timeout_keep_alive` begins only after an answer, `limit_concurrency` refuses
requests but keeps connections, and `h11_max_incomplete_event_size` bounds a head only in the slower h11: a client that
sends half a request, or does not read its answer, would hold its connection without end.
"""

import asyncio
import resource
import sys
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.http.hosts import HostFault, host_fault
from app.http.limits import NEVER_REFUSED
from app.http.problems import HARMLESS, Problem, problem_of, render

_DEADLINE: Final = 8.0  # seconds for a request to arrive, or for an answer to be read: clients see less than ten
_SLOWEST: Final = 32_768  # bytes of a body that extend its deadline by a second
_LONGEST_HEAD: Final = 65_536  # bytes
_MOST: Final = 4_000  # connections of a process; each may cost a file descriptor and some 100 KB
_OTHER_FILES: Final = 128  # file descriptors that are not connections of clients: the database's, matchers, uploads
_BACKLOG: Final = 2_048  # connections that are accepted at once, before any can be closed for them


def raise_file_limit() -> int:
    """Have the system allow as many file descriptors as are needed; returns how many connections there may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST + _BACKLOG + _OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return _MOST
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return min(_MOST, max(1, allowed - _OTHER_FILES))


@dataclass(eq=False)
class ConnectionLimit:
    """The connections of a process. Where there is no room for another, the oldest that has shown no key is closed."""

    most: int = _MOST
    strangers: dict["DeadlineProtocol", None] = field(default_factory=dict)  # which have shown none, the oldest first

    def make_room(self) -> None:
        """Close a connection: that of an old stranger, or the new one, which is the last."""
        for connection in list(self.strangers):
            if not connection.has_shown_key():
                connection.cut()
                return


_HOST_FAULTS: Final[dict[HostFault, str]] = {
    "not_one": "A request has exactly one Host, and its target names no other.",
    "ill_formed": "The Host must be a name or an address, with or without a port.",
    "not_served": "This host is not served here.",
}


class DeadlineProtocol(HttpToolsProtocol):
    """uvicorn's protocol with deadlines, a limit of connections, and a problem as its 400.

    A head must arrive within eight seconds and has at most 64 KB. A body has a second more for every 32 KB that came,
    so that single bytes gain nothing. A connection whose answer is not read for eight seconds is cut.
    """

    def __init__(self, limit: ConnectionLimit, served: AbstractSet[str] = frozenset(), **given: Any) -> None:  # noqa: ANN401  # as in uvicorn
        """Count the connection below a limit. `served` are the hosts that requests may name; if empty, any."""
        super().__init__(**given)
        self._limit, self._served = limit, served

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Start the first request's deadline."""
        super().connection_made(transport)
        self._arrival: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None
        self._running: RequestResponseCycle | None = None
        self._limit.strangers[self] = None
        self._start_arrival()
        if len(self.connections) > self._limit.most:
            self._limit.make_room()

    def has_shown_key(self) -> bool:
        """Whether a request of this connection bore a live key. Then it is no stranger from now on."""
        shown = self not in self._limit.strangers or "principal" in (self.scope or {}).get("state", ())
        if shown:
            self._limit.strangers.pop(self, None)
        return shown

    def connection_lost(self, exc: Exception | None) -> None:
        """End the deadlines, and the answer in progress."""
        self._limit.strangers.pop(self, None)
        self._end_arrival()
        self._disconnect()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the bytes, which may begin another request."""
        super().data_received(data)
        self._received += len(data)
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        if self._arrival is None and (cycle is None or cycle.response_complete):
            self._start_arrival()
        if self._in_head and self._received > _LONGEST_HEAD and not self.transport.is_closing():
            self._refuse(Problem(431, "head_too_large", f"A request's head has at most {_LONGEST_HEAD} bytes."))

    def on_message_begin(self) -> None:
        """Start another request's deadline."""
        self.has_shown_key()  # in the request before
        super().on_message_begin()
        if self._arrival is None:
            self._start_arrival()

    def on_headers_complete(self) -> None:
        """The head has arrived. With a wrong host the request is refused by the application, which logs it."""
        self._in_head = False
        super().on_headers_complete()
        # A load balancer asks by address whether the process works.
        served = frozenset[str]() if self.scope["path"] in NEVER_REFUSED else self._served
        fault = host_fault(self.headers, self.url, needed=self.scope["http_version"] != "1.0", served=served)
        if fault:
            self.scope["state"]["refusal"] = Problem(400, "wrong_host", _HOST_FAULTS[fault])

    def on_message_complete(self) -> None:
        """The request has arrived."""
        self._end_arrival()
        super().on_message_complete()

    def pause_writing(self) -> None:
        """The client does not read: start its deadline."""
        super().pause_writing()
        self._reading = self.loop.call_later(_DEADLINE, self.cut)

    def resume_writing(self) -> None:
        """The client reads again."""
        if self._reading:
            self._reading.cancel()
            self._reading = None
            super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, and cut it if its last answer is still not read."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(_DEADLINE - self.timeout_keep_alive, self.cut)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # ours says the same
        """Answer what is not HTTP with a problem, like every other error; 503 where the fault is our lack of memory."""
        cause = getattr(sys.exception(), "__context__", None)  # the parser wraps what its callbacks raise
        malformed = Problem(400, "malformed_http", "This is not a request of HTTP/1.1.")
        self._refuse(problem_of(cause) if isinstance(cause, MemoryError) else malformed)

    def _refuse(self, problem: Problem) -> None:
        """Answer what never reaches the application, with the headers of every answer, and close."""
        request_id = uuid4().hex
        answer = render(problem, request_id)
        own = (b"x-request-id", request_id.encode()), (b"cache-control", b"no-store"), (b"connection", b"close")
        headers = [b": ".join(header) for header in (*answer.raw_headers, *HARMLESS, *own)]
        head = [f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}".encode(), *headers, b"", b""]
        self.transport.write(b"\r\n".join(head) + bytes(answer.body))
        self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Remember the request that is answered: where several wait in the pipeline, uvicorn knows the last alone."""
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def cut(self) -> None:
        """Close at once, without sending what is buffered."""
        self._limit.strangers.pop(self, None)
        self._disconnect()
        self.transport.abort()

    def _disconnect(self) -> None:
        """Let the answer in progress know that its client is gone, and answer no other."""
        self.pipeline.clear()
        if self._running and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def _start_arrival(self) -> None:
        self._began, self._received, self._in_head = self.loop.time(), 0, True
        self._arrival = self.loop.call_later(_DEADLINE, self._check_arrival)

    def _check_arrival(self) -> None:
        due = self._began + _DEADLINE + (0 if self._in_head else self._received / _SLOWEST)
        if due <= self.loop.time():
            self.cut()
        else:
            self._arrival = self.loop.call_at(due, self._check_arrival)

    def _end_arrival(self) -> None:
        if self._arrival:
            self._arrival.cancel()
            self._arrival = None
