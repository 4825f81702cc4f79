"""The station's program and the real service, with a bad network between them."""

import asyncio
import json
import os
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import asyncpg

from tests.http.conftest import a_process
from tests.http.county import VOTERS, line, voter
from tests.http.world import World
from tests.station.network import Fate, bad_network

LINES = 2_000
KILLS = 8
WAITS = ["--timeout", "2", "--first-wait", "0.01", "--longest-wait", "0.1", "--give-up-after", "120"]


# What becomes of one connection after the other.
FATES: dict[str, Callable[[random.Random], Fate]] = {
    "cut in the request": lambda dice: Fate(up=dice.randrange(9_000)),
    "reply dropped": lambda _: Fate(down=0),
    "whole": lambda _: Fate(),
    "reset in the request": lambda dice: Fate(up=dice.randrange(9_000), reset=True),
    "reset instead of the reply": lambda _: Fate(down=0, reset=True),
    "cut in the reply": lambda dice: Fate(down=dice.randrange(1, 3_000)),
    "slow": lambda dice: Fate(delay=dice.uniform(0, 0.3)),
}


def a_line(number: int) -> dict[str, Any]:
    """Voters sign again and again: whom the count has twice would show."""
    place = {"section": number // 200 + 1, "page": number // 20 % 10 + 1, "line": number % 20 + 1}
    return {**line(1), **voter(number % VOTERS + 1), **place}


async def station(folder: Path, url: str, world: World) -> Process:
    arguments = ["station", "post", "lines.ndjson", "--url", url, "--petition", world.petition_id, "--batch", "50"]
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", *arguments, *WAITS),
        cwd=folder,
        env={**os.environ, "STATION_KEY": world.keys["station"], "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=PIPE,
        stderr=PIPE,
    )


async def test_no_line_is_lost_or_doubled_whatever_the_network_the_station_and_the_service_do(
    database: str, world: World, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    dice = random.Random(11)  # noqa: S311  # repeatable bad luck
    fates: Counter[str] = Counter()
    turns = cycle(FATES)

    def fate() -> Fate:
        kind = next(turns)
        fates[kind] += 1
        return FATES[kind](dice)

    lines = [a_line(number) for number in range(LINES)]
    (tmp_path / "lines.ndjson").write_text("".join(json.dumps(one) + "\n" for one in lines))
    kills = 0
    async with a_process(database, tmp_path) as (_, port), bad_network(f"http://127.0.0.1:{port}", fate) as url:
        while True:
            posting = await station(tmp_path, url, world)
            before = await connection.fetchval("SELECT count(*) FROM line")
            while kills < KILLS and posting.returncode is None:
                if await connection.fetchval("SELECT count(*) FROM line") >= before + dice.randrange(1, 150):
                    posting.send_signal(signal.SIGKILL)
                    kills += 1
                    break
                await asyncio.sleep(0.02)
            said, complaint = await posting.communicate()
            if posting.returncode != -signal.SIGKILL:
                break
    assert posting.returncode == 0, complaint.decode()
    summary = json.loads(said.splitlines()[-1])
    sys.stdout.write(f"{kills} kills, connections {dict(fates)}, {summary}\n")
    assert kills == KILLS
    assert (summary["lines"], summary["accepted"], summary["conflicts"], summary["errors"]) == (LINES, LINES, 0, 0)
    assert set(fates) == set(FATES)
    assert await connection.fetchval("SELECT count(*) FROM signature") == LINES
    assert await connection.fetchval("SELECT count(*) FROM idempotency") == LINES // 50, "each batch under one key"
    await world.recount()
