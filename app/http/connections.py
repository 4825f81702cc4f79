"""Deadlines for slow clients: a connection that makes no progress is cut.

uvicorn's settings do not cover this. `timeout_keep_alive` begins only after an answer, `limit_concurrency` refuses
requests but keeps connections, and `h11_max_incomplete_event_size` bounds a head only in the slower h11: a client that
sends half a request, or does not read its answer, would hold its connection without end.
"""

import asyncio
from typing import Final
from uuid import uuid4

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.http.problems import Problem, render

_DEADLINE: Final = 8.0  # seconds for a request to arrive, or for an answer to be read: clients see less than ten
_SLOWEST: Final = 32_768  # bytes of a body that extend its deadline by a second
_LONGEST_HEAD: Final = 65_536  # bytes
_MOST: Final = 4_000  # connections of a process; each may cost a file descriptor and some 100 KB


class DeadlineProtocol(HttpToolsProtocol):
    """uvicorn's protocol with deadlines and a problem as its 400.

    A head must arrive within eight seconds and has at most 64 KB. A body has a second more for every 32 KB that came,
    so that single bytes gain nothing. A connection whose answer is not read for eight seconds is cut.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Start the first request's deadline."""
        super().connection_made(transport)
        self._arrival: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None
        self._running: RequestResponseCycle | None = None
        if len(self.connections) > _MOST:
            self._cut()
        else:
            self._start_arrival()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the deadlines, and the answer in progress."""
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
        if self._in_head and self._received > _LONGEST_HEAD:
            self._cut()

    def on_message_begin(self) -> None:
        """Start another request's deadline."""
        super().on_message_begin()
        if self._arrival is None:
            self._start_arrival()

    def on_headers_complete(self) -> None:
        """The head has arrived."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request has arrived."""
        self._end_arrival()
        super().on_message_complete()

    def pause_writing(self) -> None:
        """The client does not read: start its deadline."""
        super().pause_writing()
        self._reading = self.loop.call_later(_DEADLINE, self._cut)

    def resume_writing(self) -> None:
        """The client reads again."""
        if self._reading:
            self._reading.cancel()
            self._reading = None
            super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, and cut it if its last answer is still not read."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(_DEADLINE - self.timeout_keep_alive, self._cut)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # ours says the same
        """Answer what is not HTTP with a problem, like every other error."""
        answer = render(Problem(400, "malformed_http", "This is not a request of HTTP/1.1."), uuid4().hex)
        headers = [b": ".join(header) for header in answer.raw_headers]
        head = [b"HTTP/1.1 400 Bad Request", *headers, b"connection: close", b"", b""]
        self.transport.write(b"\r\n".join(head) + bytes(answer.body))
        self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Remember the request that is answered: where several wait in the pipeline, uvicorn knows the last alone."""
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _cut(self) -> None:
        """Close at once, without sending what is buffered."""
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
            self._cut()
        else:
            self._arrival = self.loop.call_at(due, self._check_arrival)

    def _end_arrival(self) -> None:
        if self._arrival:
            self._arrival.cancel()
            self._arrival = None
