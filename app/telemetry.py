"""Structured logs, and spans for OpenTelemetry where it is configured. Callers must not log personal data.

The environment's `OTEL_…` say where spans are sent to and how much of them, as usual.
"""

import asyncio
import atexit
import json
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from select import PIPE_BUF
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:  # imported where it is used: tracing that is off costs nothing
    from opentelemetry.sdk.trace import TracerProvider

NAME: Final = "recall-petition-verifier"
_EXPORT_WITHIN: Final = 2.0  # seconds, since the process waits for the last ones before it ends
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


_ENCODE: Final = json.JSONEncoder().encode
_GATHERED: Final = 0.02  # seconds: then the lines of so long are written at once
_MOST_LINES: Final = 50_000  # that wait to be written, some 10 MB


class RequestLog:
    """The line of each request. It does not pass through the logging module, which would cost a tenth of a request.

    A thread writes the lines, so that a program that is slow to read them, or has stopped, delays no request. Then the
    oldest ones are lost, and a line says how many.
    """

    def __init__(self) -> None:
        """Begin without a form, in which no line is written: the logs are not configured yet."""
        self.format: Literal["json", "text"] | None = None
        self._second, self._at = 0, ""  # the second of the last line, and as text
        self._lines = deque[bytes](maxlen=_MOST_LINES)
        self._lost, self._some, self._ended = 0, threading.Event(), False
        self._writer = threading.Thread(target=self._write_all, daemon=True, name="request-log")

    def open(self, log_format: Literal["json", "text"]) -> None:
        """Write lines from now on, until the process ends."""
        self.format, first = log_format, self.format is None
        if first:
            self._writer.start()
            atexit.register(self.close)

    def write(self, facts: Mapping[str, object], event: str = "request") -> None:
        """Have a line written to standard error, in the form of the others."""
        now = time.time()
        if int(now) != self._second:
            self._second, self._at = int(now), time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
        at = f"{self._at},{int(now % 1 * 1000):03d}"
        if self.format == "json":
            line = _ENCODE({"at": at, "level": "INFO", "event": event, **facts})
        else:
            line = f"{at} INFO    {event} {' '.join([f'{name}={value}' for name, value in facts.items()])}"
        self._lost += len(self._lines) == _MOST_LINES
        self._lines.append(f"{line}\n".encode())
        if not self._some.is_set():
            self._some.set()

    def _write_all(self) -> None:
        last = False
        while not last and self._some.wait():
            time.sleep(_GATHERED)
            self._some.clear()
            last = self._ended
            with suppress(OSError, ValueError, MemoryError):  # the program that read them has ended: requests go on
                if self._lost:
                    lost, self._lost = self._lost, 0
                    self.write({"lines": lost}, "requests not logged")
                while self._lines:
                    _write_out(self._next_lines())

    def _next_lines(self) -> bytes:
        """The next lines, as many as a pipe takes at once, so that other lines never come between their parts."""
        chunk = b""
        while self._lines and len(chunk) + len(self._lines[0]) < PIPE_BUF:
            chunk += self._lines.popleft()
        return chunk or self._lines.popleft()

    def close(self) -> None:
        """Write the last lines, but no longer than the process may take to end."""
        self._ended = True
        self._some.set()
        self._writer.join(_EXPORT_WITHIN)


REQUEST_LOG: Final = RequestLog()


def _write_out(text: bytes) -> None:
    """Write to standard error."""
    while text:
        text = text[os.write(sys.stderr.fileno(), text) :]


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = {"at": self.formatTime(record), "level": record.levelname, "event": record.getMessage()}
        return json.dumps({**facts, **_facts(record)}, default=str)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{name}={value}" for name, value in _facts(record).items())
        return f"{self.formatTime(record)} {record.levelname:7} {record.getMessage()} {facts}".rstrip()


def configure_logs(log_format: Literal["json", "text"]) -> None:
    """Log to standard error in this form. The texts of exceptions are left out: they may have personal data."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if log_format == "json" else _Text())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def open_tracing() -> "TracerProvider":
    """Begin to send spans to a collector, in a thread of its own, so that an absent collector delays nothing."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  # see above
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  # the same
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415  # the same
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415  # the same

    resource = Resource.create()
    if str(resource.attributes["service.name"]).startswith("unknown_service"):  # no OTEL_SERVICE_NAME
        resource = resource.merge(Resource({"service.name": NAME}))
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=_EXPORT_WITHIN)))
    return provider


async def close_tracing(provider: "TracerProvider") -> None:
    """Send the last spans, if the collector accepts them in time."""
    last = threading.Thread(target=provider.shutdown, daemon=True)
    last.start()
    await asyncio.to_thread(last.join, _EXPORT_WITHIN)
