"""Structured logs, and spans for OpenTelemetry where it is configured. Callers must not log personal data.

The environment's `OTEL_…` say where spans are sent to and how much of them, as usual.
"""

import asyncio
import json
import logging
import sys
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:  # imported where it is used: tracing that is off costs nothing
    from opentelemetry.sdk.trace import TracerProvider

NAME: Final = "recall-petition-verifier"
_EXPORT_WITHIN: Final = 2.0  # seconds, since the process waits for the last ones before it ends
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


_ENCODE: Final = json.JSONEncoder().encode


class RequestLog:
    """The line of each request. It does not pass through the logging module, which would cost a tenth of a request."""

    def __init__(self) -> None:
        """Begin without a form, in which no line is written: the logs are not configured yet."""
        self.format: Literal["json", "text"] | None = None
        self._second, self._at = 0, ""  # the second of the last line, and as text

    def write(self, facts: Mapping[str, object]) -> None:
        """Write one line to standard error, in the form of the others."""
        now = time.time()
        if int(now) != self._second:
            self._second, self._at = int(now), time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
        at = f"{self._at},{int(now % 1 * 1000):03d}"
        if self.format == "json":
            line = _ENCODE({"at": at, "level": "INFO", "event": "request", **facts})
        else:
            line = f"{at} INFO    request {' '.join([f'{name}={value}' for name, value in facts.items()])}"
        sys.stderr.write(line + "\n")


REQUEST_LOG: Final = RequestLog()


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
    REQUEST_LOG.format = log_format


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
