"""Spans for OpenTelemetry, where it is configured. The environment's `OTEL_…` say where to and how much, as usual."""

import asyncio
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # imported where it is used: tracing that is off costs nothing
    from opentelemetry.sdk.trace import TracerProvider

NAME: Final = "recall-petition-verifier"
_EXPORT_WITHIN: Final = 2.0  # seconds, since the process waits for the last ones before it ends


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
