"""Spans for OpenTelemetry, where it is configured. The environment's `OTEL_…` say where to and how much, as usual."""

import asyncio
import threading
from typing import TYPE_CHECKING, Final

from opentelemetry.trace import Tracer

if TYPE_CHECKING:  # loaded where it is used: what is off costs nothing
    from opentelemetry.sdk.trace import TracerProvider

_NAME: Final = "recall-petition-verifier"
_EXPORT_WITHIN: Final = 2.0  # seconds, since the end of the process waits for the last ones


class Tracing:
    """Sends spans to a collector, from a thread of its own; one that is away holds nothing up."""

    def __init__(self, provider: "TracerProvider") -> None:
        """Over the provider; `open` makes it."""
        self._provider = provider
        self.tracer: Tracer = provider.get_tracer(_NAME)

    @classmethod
    def open(cls) -> "Tracing":
        """Begin to send."""
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  # see above
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  # the same
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415  # the same
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415  # the same

        resource = Resource.create()
        if str(resource.attributes["service.name"]).startswith("unknown_service"):  # OTEL_SERVICE_NAME says nothing
            resource = resource.merge(Resource({"service.name": _NAME}))
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=_EXPORT_WITHIN)))
        return cls(provider)

    async def close(self) -> None:
        """Send the last spans, if the collector takes them in time."""
        last = threading.Thread(target=self._provider.shutdown, daemon=True)
        last.start()
        await asyncio.to_thread(last.join, _EXPORT_WITHIN)
