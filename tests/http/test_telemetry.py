"""OpenTelemetry: a span of each request where a collector is named, with nothing of what was sent; else nothing."""

import asyncio
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.http.conftest import a_process
from tests.http.county import line
from tests.http.world import World

CANARY = "ZEPHYRINEQ"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
ROUTE = "/v1/petitions/{petition_id}/signatures"


class Collector:
    """Takes what is exported to it over OTLP/HTTP, as any collector does."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                assert head.startswith("POST /v1/traces ")
                length = int(head.lower().partition("content-length: ")[2].split("\r\n")[0])
                self.bodies.append(await reader.readexactly(length))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def exported(self) -> list[ExportTraceServiceRequest]:
        return [ExportTraceServiceRequest.FromString(body) for body in self.bodies]

    def spans(self) -> list[Span]:
        return [
            span
            for request in self.exported()
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@asynccontextmanager
async def collecting() -> AsyncIterator[tuple[Collector, str]]:
    collector = Collector()
    server = await asyncio.start_server(collector, "127.0.0.1", 0)
    async with server:
        yield collector, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def attributes(span: Span) -> dict[str, str | int]:
    return {a.key: a.value.string_value or a.value.int_value for a in span.attributes}


async def test_every_request_is_a_span_with_its_route_and_status_and_nothing_of_what_was_sent(
    database: str, world: World, tmp_path: Path
) -> None:
    async with collecting() as (collector, url):
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "FASTAPI_OTEL_AUTO_CONFIGURE": "true"}
        async with (
            a_process(database, tmp_path, **environment) as (running, port),
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
        ):
            key = {"Authorization": f"Bearer {world.keys['station']}"}
            traced = {**key, "traceparent": PARENT, "tracestate": f"a={CANARY}", "baggage": f"a={CANARY}"}
            path = f"/v1/petitions/{world.petition_id}/signatures"
            taken = await client.post(path, json={**line(1), "printed_name": CANARY}, headers=traced)
            refused = await client.post(f"{path}?{CANARY}", json={CANARY: CANARY}, headers=key)
            await client.get(f"/{CANARY}", headers={"User-Agent": CANARY})
            running.terminate()
            assert await running.wait() in (0, -15)
    spans = {str(attributes(span)["request_id"]): span for span in collector.spans()}
    span = spans[taken.headers["x-request-id"]]
    assert (span.name, span.trace_id.hex(), span.kind) == (f"POST {ROUTE}", TRACE, Span.SPAN_KIND_SERVER)
    assert attributes(span) == {
        "http.request.method": "POST",
        "http.route": ROUTE,
        "http.response.status_code": 201,
        "request_id": taken.headers["x-request-id"],
    }
    assert attributes(spans[refused.headers["x-request-id"]])["http.response.status_code"] == 422
    assert {span.name for span in spans.values()} == {f"POST {ROUTE}", "GET unmatched"}
    assert not any(CANARY.encode() in body for body in collector.bodies)
    (resource,) = {r.resource.SerializeToString() for e in collector.exported() for r in e.resource_spans}
    assert b"recall-petition-verifier" in resource


async def test_a_collector_that_is_away_holds_nothing_up(database: str, world: World, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:  # it listens and never answers
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with (
            a_process(database, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=url) as (running, port),
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
        ):
            headers = {"Authorization": f"Bearer {world.keys['monitor']}"}
            for _ in range(20):
                answer = await client.get(f"/v1/petitions/{world.petition_id}/tally", headers=headers)
                assert answer.status_code == 200
            running.terminate()
            assert await asyncio.wait_for(running.wait(), 60) in (0, -15)


@pytest.mark.parametrize(
    "environment", ["", "OTEL_SERVICE_NAME=x", "OTEL_SDK_DISABLED=true,OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9"]
)
async def test_without_a_collector_nothing_of_it_is_even_loaded(environment: str, tmp_path: Path) -> None:
    program = (
        "import sys; from app.main import create_app; from app.settings import Settings;"
        "app = create_app(Settings.from_environment(), 'postgresql+asyncpg://');"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )
    given = dict(pair.split("=", 1) for pair in environment.split(",") if pair)
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program), env={"DATA_DIR": str(tmp_path), **given}, stdout=PIPE
    )
    said, _ = await running.communicate()
    assert said.decode().strip() == "[]"
