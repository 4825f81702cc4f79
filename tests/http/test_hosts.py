"""A request names exactly one host, and the true peer of a request is logged whatever a client claims."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from app.http.hosts import authority_of, host_of
from tests.commands import Running
from tests.http.conftest import a_client, a_process
from tests.http.slow import until_cut
from tests.http.test_errors import assert_problem

END = b"Connection: close\r\n\r\n"
REFUSED = {
    "none": b"GET /health/live HTTP/1.1\r\n",
    "two": b"GET /health/live HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
    "the same twice": b"GET /health/live HTTP/1.1\r\nHost: a\r\nhost: a\r\n",
    "two of HTTP/1.0": b"GET /health/live HTTP/1.0\r\nHost: a\r\nHost: a\r\n",
    "another in the target": b"GET http://b/health/live HTTP/1.1\r\nHost: a\r\n",
    "another port in the target": b"GET http://a:81/health/live HTTP/1.1\r\nHost: a\r\n",
    "a user in the target": b"GET http://u@a/health/live HTTP/1.1\r\nHost: a\r\n",
    "empty": b"GET /health/live HTTP/1.1\r\nHost:\r\n",
    "a path": b"GET /health/live HTTP/1.1\r\nHost: a/b\r\n",
    "a user": b"GET /health/live HTTP/1.1\r\nHost: u@a\r\n",
    "two in one": b"GET /health/live HTTP/1.1\r\nHost: a, b\r\n",
    "a space": b"GET /health/live HTTP/1.1\r\nHost: a b\r\n",
    "a port that is none": b"GET /health/live HTTP/1.1\r\nHost: a:http\r\n",
    "bytes": b"GET /health/live HTTP/1.1\r\nHost: \xff\xfe\r\n",
    "a script": b"GET /health/live HTTP/1.1\r\nHost: <script>\r\n",
}
SERVED = {
    "a name": b"GET /health/live HTTP/1.1\r\nHost: a\r\n",
    "a name and a port": b"GET /health/live HTTP/1.1\r\nHost: registrar.example.org:8443\r\n",
    "an address": b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n",
    "an address of version 6": b"GET /health/live HTTP/1.1\r\nHost: [::1]:8000\r\n",
    "the same in the target": b"GET http://A:80/health/live HTTP/1.1\r\nHost: a:80\r\n",
    "an address in the query": b"GET /health/live?http://b/ HTTP/1.1\r\nHost: a\r\n",
    "none of HTTP/1.0": b"GET /health/live HTTP/1.0\r\n",
}


async def status_of(port: int, head: bytes) -> tuple[int, bytes]:
    answer = await asyncio.wait_for(until_cut(port, head + END), 30)
    return int(answer.split()[1]), answer.partition(b"\r\n\r\n")[2]


async def test_anything_but_one_host_is_refused(process: tuple[Running, int]) -> None:
    for kind, head in REFUSED.items():
        status, content = await status_of(process[1], head)
        assert (status, json.loads(content)["type"]) == (400, "urn:recall-petition:problem:wrong_host"), kind
    for kind, head in SERVED.items():
        assert (await status_of(process[1], head))[0] == 200, kind


async def test_a_refused_request_before_another_on_its_connection_is_answered_first(
    process: tuple[Running, int],
) -> None:
    both = b"GET /health/live HTTP/1.1\r\n\r\nGET /health/live HTTP/1.1\r\nHost: a\r\n" + END
    answer = await asyncio.wait_for(until_cut(process[1], both), 30)
    assert [int(part.split()[0]) for part in answer.split(b"HTTP/1.1 ")[1:]] == [400, 200]


async def test_hosts_that_are_not_served_are_refused(database: str, tmp_path: Path) -> None:
    async with a_client(database, tmp_path, ALLOWED_HOSTS="recall.example.org, [::1]") as client:
        assert_problem(await client.get("/v1/rolls", headers={"Host": "evil.example"}), 400, "wrong_host")
        for host in ("recall.example.org", "RECALL.example.org:443", "[::1]:8000"):
            assert (await client.get("/v1/rolls", headers={"Host": host})).status_code == 401
        assert (await client.get("/health/live", headers={"Host": "10.0.0.7:8000"})).status_code == 200


@pytest.mark.parametrize(
    ("trusted", "claimed", "logged"),
    [
        ("", "203.0.113.7", "127.0.0.1"),
        ("10.0.0.0/8", "203.0.113.7", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1,10.0.0.0/8", "198.51.100.1, 203.0.113.7, 10.1.2.3", "203.0.113.7"),
    ],
)
async def test_only_a_trusted_proxy_says_for_whom_it_asks(
    database: str, tmp_path: Path, trusted: str, claimed: str, logged: str
) -> None:
    async with a_process(database, tmp_path, FORWARDED_ALLOW_IPS=trusted) as (running, port):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            await client.get("/v1/rolls", headers={"X-Forwarded-For": claimed})
        running.terminate()
        await running.wait()
    lines = [json.loads(text) for text in (tmp_path / "log").read_text().splitlines() if '"route"' in text]
    assert [line["peer"] for line in lines] == [logged]


def test_a_host_is_read_without_its_port_and_in_lower_case() -> None:
    assert host_of(b"Registrar.Example.ORG:443") == "registrar.example.org"
    assert host_of(b"[2001:DB8::1]:80") == "[2001:db8::1]"
    assert host_of(b"a:b:c") == host_of(b"") == host_of(b"a:") == host_of(b"a" * 256) == ""


def test_only_an_absolute_target_names_a_host() -> None:
    assert authority_of(b"http://a:80/b?c") == b"a:80"
    assert authority_of(b"http://a?b") == b"a"
    assert authority_of(b"/http://a/") == authority_of(b"*") == authority_of(b"") == b""
