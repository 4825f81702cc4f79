"""A client generated from the OpenAPI document: what it reads from it is enough to work with."""

import asyncio
import importlib
import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from tests.http.county import line, roll_csv, row, stranger
from tests.http.world import PETITION, World

DOCUMENT = Path(__file__).parents[2] / "openapi/openapi.json"
CONFIGURATION: dict[str, object] = {"post_hooks": []}


class Generated:
    """The client's package, and a key in its hands."""

    def __init__(self, app: FastAPI, key: str) -> None:
        client = importlib.import_module("generated.client")
        transport = httpx.ASGITransport(app=app)
        self._models = importlib.import_module("generated.models")
        self._client = client.AuthenticatedClient("http://service", key, httpx_args={"transport": transport})

    def model(self, name: str, content: Mapping[str, object]) -> Any:  # noqa: ANN401  # generated: known when it runs
        return getattr(self._models, name).from_dict(content)

    def file(self, content: bytes) -> Any:  # noqa: ANN401  # the same
        return importlib.import_module("generated.types").File(
            payload=content
        )  # bytes: httpx sends no open file asynchronously

    async def call(self, operation: str, *arguments: object, **more: object) -> Any:  # noqa: ANN401  # the same
        module: ModuleType = importlib.import_module(f"generated.api.{operation}")
        return await module.asyncio(*arguments, client=self._client, **more)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The generated package, to be imported; a warning of the generator is a failure."""
    configuration = tmp_path / "configuration.json"
    configuration.write_text(json.dumps(CONFIGURATION))
    program = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning"]
    options = ["--path", str(DOCUMENT), "--output-path", str(tmp_path / "generated"), "--config", str(configuration)]
    done = subprocess.run([*program, *options], capture_output=True, text=True, check=False)  # noqa: S603  # ours
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("package")
async def test_it_opens_a_petition_hands_lines_in_decides_and_reads_the_tally(app: FastAPI, world: World) -> None:
    clerk, station, monitor = (Generated(app, world.keys[role]) for role in ("clerk", "station", "monitor"))
    petition = await clerk.call("petitions.open_petition", body=clerk.model("PetitionIn", {**PETITION, "required": 1}))
    assert isinstance(petition.petition_id, UUID)
    where = petition.petition_id

    one = await station.call("signatures.post_signature", where, body=station.model("SignatureIn", line(1)))
    lines = {"signatures": [line(2), stranger((1, 1, 3)), line(4, zip=5)]}
    batch = await station.call("signatures.post_signatures", where, body=station.model("BatchIn", lines))
    assert (one.place, one.status, one.settled) == ("1-1-1", "valid", True)
    assert [type(result).__name__ for result in batch.results] == ["LineOut", "LineOut", "LineErrorOut"]

    finding = {"status": "invalid", "reason": "illegible", "note": "smeared"}
    decided = await clerk.call("signatures.post_finding", where, "1-1-3", body=clerk.model("FindingIn", finding))
    assert (decided.status, decided.reason, decided.finding.decided_by) == ("invalid", "illegible", "clerk-1")

    tally = await monitor.call("tally.get_tally", where)
    assert (tally.raw, tally.valid, tally.invalid, tally.outlook) == (3, 2, 1, "sufficient")
    problem = await monitor.call("signatures.post_signature", where, body=station.model("SignatureIn", line(5)))
    assert (type(problem).__name__, problem.status) == ("ProblemOut", 403)


@pytest.mark.usefixtures("package")
async def test_it_uploads_files_and_follows_pages(app: FastAPI, world: World) -> None:
    admin = Generated(app, world.keys["admin"])
    aliases = admin.file(b"kind,alias,name\ncity,Hollywood,Los Angeles\n")
    loaded = await admin.call("aliases.load_aliases", body=aliases)
    assert (loaded.aliases_version, loaded.streets, loaded.cities) == (1, 0, 1)

    roll = admin.file(roll_csv(row(1, voter_id="V900")))
    started = await admin.call("rolls.load_roll", body=roll, complete_through=date(2022, 7, 6))
    assert started.roll_version == 2
    while (listed := await admin.call("rolls.list_rolls")).rolls[-1].state == "loading":  # noqa: ASYNC110  # it polls
        await asyncio.sleep(0.05)
    assert [str(roll.state) for roll in listed.rolls] == ["active", "loaded"]

    prefixes, cursor = [], None
    while True:
        shown = await admin.call("keys.list_keys", limit=2, **({"cursor": cursor} if cursor else {}))
        prefixes += [key.prefix for key in shown.keys]
        cursor = shown.next_cursor
        if cursor is None:
            break
    assert len(prefixes) == len(set(prefixes)) == len(world.keys)
