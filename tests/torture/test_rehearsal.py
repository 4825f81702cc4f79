"""The loss of everything, rehearsed: the data folder is destroyed under load and restored elsewhere from backups."""

import asyncio
import json
import os
import random
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.database.backup import base_backups
from app.ledger.notes import Signer
from app.station.client import Control, Options, Target, post_file
from app.station.outcome import GaveUpError, Summary
from tests import recount
from tests.commands import command
from tests.http.county import VOTERS, voter
from tests.servers import server_folder
from tests.torture.service import Service
from tests.waiting import until

STATION = Options(batch=20, in_flight=2, timeout=5, give_up_after=2, first_wait=0.05, longest_wait=0.2)


def a_file(path: Path, section: int, pages: int) -> list[str]:
    """Write the lines of a section; returns their places."""
    draw = random.Random(section)  # noqa: S311  # the same lines every time
    lines = [
        {"section": section, "page": page, "line": line, **voter(draw.randint(1, VOTERS))}
        for page in range(1, pages + 1)
        for line in range(1, 21)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return [f"{line['section']}-{line['page']}-{line['line']}" for line in lines]


async def restore(data_dir: Path, backups: Path, until: datetime | None) -> str:
    """Run the command; returns what it printed."""
    options = ["--until", until.isoformat()] if until else []
    environment = {**os.environ, "DATA_DIR": str(data_dir), "BACKUP_DIR": str(backups)}
    environment.pop("DATABASE_URL", None)
    status, printed, errors = await command("restore", *options, environment=environment)
    assert status == 0, errors
    return printed


async def backed_up(backups: Path) -> bool:
    return bool(base_backups(backups))


async def destroyed(folder: Path) -> bool:
    shutil.rmtree(folder, ignore_errors=True)  # the database is still writing its last files
    return not folder.exists()  # noqa: ASYNC240  # a moment


async def ready(service: Service) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=service.url) as client:
        answer: dict[str, Any] = (await client.get("/health/ready")).json()
        return answer


@pytest.mark.parametrize("to_the_end", [True, False], ids=["to the end", "to an earlier moment"])
async def test_every_acknowledged_line_is_there_once_after_the_loss_of_everything(*, to_the_end: bool) -> None:
    with server_folder("rehearsal-") as folder:
        backups, spool = folder / "backups", folder / "spool"
        service = Service(folder / "data", {"BACKUP_DIR": str(backups)})
        await service.prepare()
        await service.start()
        try:
            await until(lambda: backed_up(backups))
            target = Target(service.url, str(service.petition_id), service.key)
            done, under_way = folder / "done.ndjson", folder / "under-way.ndjson"
            places = a_file(done, 1, 20) + a_file(under_way, 2, 200)
            early = await post_file(str(done), target, options=STATION, spool=spool)
            assert (early.accepted, (await ready(service))["restored_at"]) == (400, None)
            moment = datetime.now(UTC)

            reached = asyncio.Event()
            control = Control(progress=lambda summary: reached.set() if summary.accepted >= 600 else None)
            posting = asyncio.create_task(
                post_file(str(under_way), target, options=STATION, spool=spool, control=control)
            )
            await reached.wait()
            await service.kill()
            shutil.copy2(folder / "data" / "checkpoint.key", folder)  # which is kept apart from database and backups
            await until(lambda: destroyed(folder / "data"))
            with pytest.raises(GaveUpError):
                await posting

            elsewhere = Service(folder / "elsewhere", service.environment, service.port, service.key)
            elsewhere.petition_id = service.petition_id
            printed = await restore(elsewhere.data_dir, backups, None if to_the_end else moment)
            assert printed.startswith(f"restored to {elsewhere.data_dir} from ")
            shutil.copy2(folder / "checkpoint.key", elsewhere.data_dir)
            await elsewhere.start()
            service = elsewhere
            state = await ready(service)
            assert (state["status"], state["history"].split("-")[1]) == ("ready", "2")
            assert datetime.fromisoformat(state["restored_at"]) > moment

            again: list[Summary] = [
                await post_file(str(file), target, options=STATION, spool=spool) for file in (done, under_way)
            ]
            assert [one.accepted for one in again] == [400, 4000]
            assert again[0].replayed == 20, "the first file was all there, and its keys with it"
            await service.kill()
            await check(service, places)
        finally:
            await service.kill()


async def check(service: Service, places: list[str]) -> None:
    """Hold every place, the count and the ledger against the rows."""
    with service.server() as server:
        connection = await asyncpg.connect(server.dsn())
        try:
            rows = await connection.fetch("SELECT section, page, line FROM line")
            found = Counter(f"{row['section']}-{row['page']}-{row['line']}" for row in rows)
            assert found == Counter(places)
            assert await connection.fetchval("SELECT count(*) FROM signature") == len(places)
            assert service.petition_id
            signer = Signer.from_file(service.data_dir / "checkpoint.key", create=False)
            await recount.check(connection, service.petition_id, signer)
        finally:
            await connection.close()
