"""Clients that are slow, on purpose or not: each connection must get on, or it is cut."""

import asyncio
from typing import Final
from uuid import uuid4

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.http.problems import Problem, render

_PATIENCE: Final = 8.0  # seconds for a request to arrive, or for an answer to be taken: who is cut sees less than ten
_SLOWEST: Final = 32_768  # bytes a second that a body may come in with, which earn it more time
_LONGEST_HEAD: Final = 65_536  # bytes
_MOST: Final = 4_000  # connections of a process; each may cost a file and some 100 KB


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol with deadlines, since uvicorn waits without end for the rest of a head or a body.

    A head must have arrived eight seconds after it began and has at most 64 KB; a body is given a second more for every
    32 KB: a trickle of single bytes earns nothing. An answer that is not taken for eight seconds cuts the connection.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Give the first request its time."""
        super().connection_made(transport)
        self._arrival: asyncio.TimerHandle | None = None
        self._departure: asyncio.TimerHandle | None = None
        self._running: RequestResponseCycle | None = None
        if len(self.connections) > _MOST:
            self._cut()
        else:
            self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadlines."""
        self._arrived()
        self._disconnect()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, which may be the beginning of another request."""
        super().data_received(data)
        self._received += len(data)
        if self._arrival is None and not self._answering():
            self._expect()
        if self._in_head and self._received > _LONGEST_HEAD:
            self._cut()

    def on_headers_complete(self) -> None:
        """The head is here."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_begin(self) -> None:
        """Give another request its time."""
        super().on_message_begin()
        if self._arrival is None:
            self._expect()

    def on_message_complete(self) -> None:
        """The request is here."""
        self._arrived()
        super().on_message_complete()

    def pause_writing(self) -> None:
        """The client takes nothing."""
        super().pause_writing()
        self._departure = self.loop.call_later(_PATIENCE, self._cut)

    def resume_writing(self) -> None:
        """The client goes on taking."""
        if self._departure:
            self._departure.cancel()
            self._departure = None
            super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, and cut it if its last answer is still not taken."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(_PATIENCE - self.timeout_keep_alive, self._cut)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # it says nothing that ours does not
        """Answer what is no HTTP like everything else that is wrong."""
        problem = Problem(400, "malformed_http", "This is not a request of HTTP/1.1.")
        answer = render(problem, uuid4().hex)
        headers = [b": ".join(header) for header in answer.raw_headers]
        head = [b"HTTP/1.1 400 Bad Request", *headers, b"connection: close", b"", b""]
        self.transport.write(b"\r\n".join(head) + bytes(answer.body))
        self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Begin to answer, and remember what is answered: of requests that wait in line it is not the last."""
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _cut(self) -> None:
        """Hang up without waiting for anything, and let the answer that is under way know."""
        self._disconnect()
        self.transport.abort()

    def _disconnect(self) -> None:
        self.pipeline.clear()
        if self._running and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def _answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _expect(self) -> None:
        self._began, self._received, self._in_head = self.loop.time(), 0, True
        self._arrival = self.loop.call_later(_PATIENCE, self._overdue)

    def _overdue(self) -> None:
        due = self._began + _PATIENCE + (0 if self._in_head else self._received / _SLOWEST)
        if due <= self.loop.time():
            self._cut()
        else:
            self._arrival = self.loop.call_at(due, self._overdue)

    def _arrived(self) -> None:
        if self._arrival:
            self._arrival.cancel()
            self._arrival = None
