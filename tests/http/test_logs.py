"""What is logged: every request under its id, and nothing personal, whatever goes wrong."""

import asyncio
import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import quote

import asyncpg
import httpx
import pytest

from tests.commands import Running
from tests.http.conftest import a_process
from tests.http.county import HEADER, line, row
from tests.http.failures import JSON, failures, named
from tests.http.slow import until_cut
from tests.http.world import World
from tests.waiting import until

CONSONANTS = "BDGKLMNPRT"
# Nobody else in the tests is called so: each has a name that is no other's, and all have this.
FAMILY = "QUILLFEATHER"
NAMES = [f"ZE{a}O{b}I{c}A {FAMILY}" for a in "PR" for b in CONSONANTS for c in CONSONANTS]
CANCEL = "SELECT bool_or(pg_cancel_backend(pid)) FROM pg_locks WHERE NOT granted"
TERMINATE = "SELECT bool_or(pg_terminate_backend(pid)) FROM pg_locks WHERE NOT granted"
GIVEN = re.compile("|".join(name.split()[0] for name in NAMES), re.IGNORECASE)
ROUTE = "/v1/petitions/{petition_id}/signatures"


class Sender:
    """Sends requests with a role's key and keeps what was answered; by hand, since there are thousands."""

    def __init__(self, world: World, port: int) -> None:
        self._world = world
        self._port = port
        self._wire: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.answers: list[tuple[int, str]] = []

    async def send(
        self, method: str, path: str, who: str | None, body: str | bytes | None, headers: dict[str, str]
    ) -> int:
        key = {"Authorization": f"Bearer {self._world.keys[who]}"} if who else {}
        content = body.encode() if isinstance(body, str) else body or b""
        fields = {"Host": "a", "Content-Length": str(len(content)), **key, **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        reader, writer = self._wire = self._wire or await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(f"{method} {quote(path, safe='/?=&')} HTTP/1.1\r\n{head}\r\n".encode() + content)
        start = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(start.lower().partition("content-length: ")[2].split("\r\n")[0])
        self.answers.append((int(start.split()[1]), start + (await reader.readexactly(length)).decode()))
        if "connection: close" in start.lower():
            await self.hang_up()
        return self.answers[-1][0]

    async def hang_up(self) -> None:
        if self._wire:
            self._wire[1].close()
            await self._wire[1].wait_closed()
            self._wire = None

    async def batch(self, first_section: int) -> int:
        """A batch of all names, from a section on."""
        lines = [named(name, first_section + n) for n, name in enumerate(NAMES)]
        path = f"/v1/petitions/{self._world.petition_id}/signatures/batch"
        return await self.send("POST", path, "station", json.dumps({"signatures": lines}), JSON)


async def every_name_fails_in_every_way(sender: Sender, world: World) -> None:
    wrong = []
    for number, name in enumerate(NAMES, start=1):
        for attempt in failures(world.petition_id, name, number):
            status = await sender.send(attempt.method, attempt.path, attempt.who, attempt.body, attempt.headers)
            if status not in attempt.statuses:
                wrong.append((attempt, status))
    assert wrong == []


async def faults_of_the_database(sender: Sender, connection: asyncpg.Connection) -> None:
    """Its own errors would quote the rows: in their text, in their detail, and in the server's log."""
    await connection.execute("ALTER TABLE signature ADD CONSTRAINT fails CHECK (section < 1000)")
    assert await sender.batch(1000) == 500
    await connection.execute("ALTER TABLE signature DROP CONSTRAINT fails")
    async with connection.transaction():
        await connection.execute("LOCK TABLE head IN ACCESS EXCLUSIVE MODE")
        for end in (CANCEL, TERMINATE):
            waiting = asyncio.create_task(sender.batch(2000))
            await until(partial(connection.fetchval, end))
            assert await waiting == 503


async def refused_roll(sender: Sender) -> None:
    """A file whose every row is wrong in another column than the name."""
    rows = [
        row(n, last_name=name.split()[1], first_name=name.split()[0], birth_date=name) for n, name in enumerate(NAMES)
    ]
    file = "\n".join([HEADER, *rows, ""])
    csv = {"Content-Type": "text/csv"}
    assert await sender.send("POST", "/v1/rolls?complete_through=2022-07-07", "admin", file, csv) == 202
    while await sender.send("GET", "/v1/rolls", "admin", None, {}) == 200:
        if '"failed"' in sender.answers[-1][1]:
            return
        await asyncio.sleep(0.05)


def written(folder: Path, answers: list[tuple[int, str]], databases_log: Path) -> Iterator[tuple[str, str]]:
    """Everything that the system wrote: what, and its text."""
    for file in [*(path for path in folder.rglob("*") if path.is_file()), databases_log]:
        yield str(file), file.read_bytes().decode("latin-1")
    for number, (status, text) in enumerate(answers):
        yield f"answer {number}, {status}", text


async def test_nothing_personal_is_in_any_log_or_answer(
    process: tuple[Running, int], world: World, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    running, port = process
    await connection.execute(
        "INSERT INTO lookup_budget (county_id, principal, day, used)"
        " SELECT 'sample', 'supervisor-1', current_date + day, 3000 FROM generate_series(-1, 1) AS day"
    )
    sender = Sender(world, port)
    await every_name_fails_in_every_way(sender, world)
    await faults_of_the_database(sender, connection)
    await refused_roll(sender)
    for path in ("/metrics", "/health/ready", "/v1/rolls"):
        assert await sender.send("GET", path, "admin", None, {}) == 200
    await sender.hang_up()
    for name in NAMES:
        said = await until_cut(port, f"{name} / HTTP/1.1\r\nHost: a\r\n{name}: {name}\r\n\r\n".encode())
        assert said.startswith(b"HTTP/1.1 400 ")
        assert FAMILY.encode() not in said
    running.terminate()
    await running.wait()
    assert {status for status, _ in sender.answers} >= {400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503}
    data = Path(await connection.fetchval("SHOW data_directory"))
    logs = dict(written(tmp_path, sender.answers, data.parent / "log"))
    assert len(logs[str(tmp_path / "log")].splitlines()) > len(NAMES)
    assert "terminating connection" in logs[str(data.parent / "log")]
    secrets = [key.rpartition(".")[2] for key in world.keys.values()]
    for where, text in logs.items():
        assert FAMILY.lower() not in text.lower(), where
        assert not GIVEN.findall(text), where
        assert not any(secret in text for secret in secrets), where


async def test_every_request_is_one_line_of_the_log_under_the_id_of_its_answer(
    process: tuple[Running, int], world: World, tmp_path: Path
) -> None:
    running, port = process
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        headers = {"Authorization": f"Bearer {world.keys['station']}"}
        path = f"/v1/petitions/{world.petition_id}/signatures"
        answers = [await client.post(path, headers=headers, json=line(n)) for n in (1, 2)]
    running.terminate()
    await running.wait()
    lines = [json.loads(text) for text in (tmp_path / "log").read_text().splitlines() if text.startswith("{")]
    requests = {entry["request_id"]: entry for entry in lines if entry["event"] == "request"}
    for answer in answers:
        entry = requests[answer.headers["x-request-id"]]
        assert (entry["method"], entry["route"], entry["status"]) == ("POST", ROUTE, 201)
        assert entry["ms"] >= 0


async def test_a_program_that_does_not_read_the_log_delays_no_request_and_gets_every_line_later(
    database: str, world: World, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "log")
    reader = os.open(tmp_path / "log", os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)  # some 20 lines
    headers = {"Authorization": f"Bearer {world.keys['clerk']}"}
    logged = b""
    try:
        async with a_process(database, tmp_path) as (running, port):
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, headers=headers) as client:
                answers = [await client.get(f"/v1/petitions/{world.petition_id}/tally") for _ in range(100)]
            running.terminate()
            while running.returncode is None:
                with suppress(BlockingIOError):
                    logged += os.read(reader, 4096)
                with suppress(TimeoutError):
                    await asyncio.wait_for(running.wait(), 0.01)
        with suppress(BlockingIOError):
            while more := os.read(reader, 4096):
                logged += more
    finally:
        os.close(reader)
    lines = [json.loads(text) for text in logged.decode().splitlines() if text.startswith("{")]
    assert {answer.headers["x-request-id"] for answer in answers} <= {entry.get("request_id") for entry in lines}


@pytest.mark.parametrize("log_format", ["json", "text"])
async def test_every_request_is_logged_with_who_sent_it_with_which_key_and_from_where(
    database: str, world: World, tmp_path: Path, log_format: str
) -> None:
    revoked = world.keys["auditor"]
    prefix = {who: key.split(".")[2] for who, key in world.keys.items()}
    await world.client.delete(
        f"/v1/keys/{prefix['auditor']}", headers={"Authorization": f"Bearer {world.keys['admin']}"}
    )
    async with a_process(database, tmp_path, LOG_FORMAT=log_format) as (running, port):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            keys = (
                world.keys["clerk"],
                world.keys["station"],
                revoked,
                "rpk.QUILLFEATHER.0123abcd." + "x" * 43,
                "none",
            )
            answers = [await client.get("/v1/petitions", headers={"Authorization": f"Bearer {key}"}) for key in keys]
        running.terminate()
        await running.wait()
    assert [answer.status_code for answer in answers] == [200, 403, 401, 401, 401]
    lines = (tmp_path / "log").read_text().splitlines()  # the process has ended
    logged = [line for line in lines if "/v1/petitions" in line]
    assert len(logged) == 5
    expected = [
        (prefix["clerk"], "clerk-1"),
        (prefix["station"], "station-1"),
        (prefix["auditor"], ""),
        ("0123abcd", ""),
    ]
    for text, (key, principal) in zip(logged, [*expected, ("", "")], strict=True):
        assert {"127.0.0.1", key, principal} - {""} <= set(re.findall(r"[\w.-]+", text))
    assert "QUILLFEATHER" not in "".join(lines)
    assert not any(key.rpartition(".")[2] in line for line in lines for key in world.keys.values())
