"""A service with real stations under way, what is seen of it while a fault is provoked, and what is on record after."""

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import asyncpg
import httpx

from app.ledger.notes import Signer
from app.station.client import Control, Options, Target, post_file
from app.station.outcome import StationError, Summary
from tests import recount
from tests.commands import PROGRAM
from tests.http.county import VOTERS, voter
from tests.station.network import Fate, bad_network
from tests.torture.load import Stations
from tests.torture.service import Service

STATION = Options(batch=20, in_flight=2, timeout=30, give_up_after=600, first_wait=0.1, longest_wait=1.0)
_STATIONS, _PAGES, _SINGLES = 2, 80, 4  # stations with a file each, its pages of 20 lines, clients of single lines
_TEXT = ("printed_name", "residence_address", "city", "zip")
_DOUBLED = """
SELECT count(*) FROM (
    SELECT voter_id FROM line WHERE status = 'valid' GROUP BY petition_id, voter_id HAVING count(*) > 1) AS twice
"""
Place = tuple[int, int, int]


@dataclass(frozen=True)
class Held:
    """What is on record after a fault, held against what was acknowledged."""

    acknowledged: int
    lost: int  # acknowledged lines that are not there as they were sent
    doubled: int  # voters that count twice, and lines that were never sent


@dataclass
class Scene:
    """One service, two stations that post a file each, four clients that post single lines, and a watch on it all."""

    service: Service
    folder: Path  # for the stations' files and journals
    began: float = field(default_factory=monotonic)
    transcript: list[str] = field(default_factory=list)
    trouble: Counter[str] = field(default_factory=Counter)  # what the stations met
    network_is_cut: bool = False
    silence: float = 0.0  # the longest time in which nothing was acknowledged
    _stations: list[asyncio.Task[Summary]] = field(default_factory=list)
    _summaries: dict[int, Summary] = field(default_factory=dict)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _posting: asyncio.Task[None] | None = None
    _opened: AsyncExitStack = field(default_factory=AsyncExitStack)
    _counted: int = 0
    _counted_at: float = 0.0
    _said: str = ""

    def __post_init__(self) -> None:
        """Write the stations' files."""
        draw = random.Random(len(str(self.folder)))  # noqa: S311  # voters at random, many of them several times
        self.singles = Stations(self.service, draw, section=100)
        self.lines: dict[Place, dict[str, str]] = {}
        for section in range(1, _STATIONS + 1):
            places = [(section, page, line) for page in range(1, _PAGES + 1) for line in range(1, 21)]
            self.lines |= {place: voter(draw.randint(1, VOTERS)) for place in places}
            named = [dict(zip(("section", "page", "line"), place, strict=True)) for place in places]
            texts = [json.dumps({**at, **self.lines[place]}) for at, place in zip(named, places, strict=True)]
            self._file(section).write_text("\n".join(texts) + "\n")

    def _file(self, section: int) -> Path:
        return self.folder / f"station-{section}.ndjson"

    def note(self, who: str, what: str) -> None:
        """Add a line to the transcript."""
        self.transcript.append(f"{monotonic() - self.began:6.1f} s  {who:<9}  {what}")

    @property
    def acknowledged(self) -> int:
        """How many lines were acknowledged."""
        singles = sum(len(sent.lines) for sent in self.singles.account.sent if sent.acknowledged)
        return singles + sum(summary.answered for summary in self._summaries.values())

    async def start(self) -> None:
        """Start the service, and the watch on it."""
        await self.service.start()
        self._tasks.append(asyncio.create_task(self._watch()))
        await self.says("ready")
        self.note("operator", "started the service")

    async def post(self, *, singles: bool = True, proxy: bool = False) -> None:
        """Let the stations post, through a network that can be cut, and others beside them, until all goes well."""
        url = await self._opened.enter_async_context(bad_network(self.service.url, self._fate)) if proxy else ""
        self.run_stations(url)
        if singles:
            self._posting = asyncio.create_task(self.singles.post_until_stopped(_SINGLES))
        others = f", {_SINGLES} clients post lines one by one" if singles else ""
        self.note("stations", f"{_STATIONS} stations post a file each{others}")
        while self.acknowledged < 600:  # noqa: ASYNC110  # well under way
            await asyncio.sleep(0.05)
        self.silence, self._counted_at = 0.0, monotonic()
        self.note("stations", f"{self.acknowledged} lines are acknowledged")

    def _fate(self) -> Fate:
        return Fate(down=0, reset=True) if self.network_is_cut else Fate(up=50_000)

    def run_stations(self, url: str = "") -> None:
        """Run the command of every station; a second time they go on from their journals."""
        target = Target(url or self.service.url, str(self.service.petition_id), self.service.key)
        self._stations = [asyncio.create_task(self._post(section, target)) for section in range(1, _STATIONS + 1)]

    async def stations_are_stopped(self) -> None:
        """Interrupt the command of every station."""
        for station in self._stations:
            station.cancel()
        ended = await asyncio.gather(*self._stations, return_exceptions=True)
        self.trouble.update(str(one).partition(": ")[2] for one in ended if isinstance(one, StationError))
        self.note("operator", f"interrupted the stations, which had {self.acknowledged} lines acknowledged")

    async def _post(self, section: int, target: Target) -> Summary:
        def met(text: str) -> None:
            reason = text.partition(": ")[2].partition(";")[0]
            self.trouble[reason.removeprefix("HTTP ")] += 1

        def answered(summary: Summary) -> None:
            self._summaries[section] = summary

        control = Control(progress=answered, retry=met)
        return await post_file(
            str(self._file(section)), target, options=STATION, spool=self.folder / "spool", control=control
        )

    async def _watch(self) -> None:
        """Ask for readiness ten times a second, and note every change."""
        async with httpx.AsyncClient(timeout=10) as client:
            while True:
                said = await self._ready(client)
                if said != self._said:
                    self.note("readiness", said)
                    self._said = said
                self.silence = max(self.silence, monotonic() - self._counted_at)
                if self._counted != self.acknowledged:
                    self._counted, self._counted_at = self.acknowledged, monotonic()
                await asyncio.sleep(0.1)

    async def _ready(self, client: httpx.AsyncClient) -> str:
        try:
            found = (await client.get(f"{self.service.url}/health/ready")).json()
        except httpx.HTTPError as error:
            return f"no answer ({type(error).__name__})"
        reason = (found["reason"] or "").partition(". ")[0]
        return f"{found['status']}, {found['matchers_running']} matchers" + (f": {reason}" if reason else "")

    async def says(self, text: str) -> None:
        """Wait until readiness says this, from the beginning of a word on."""
        async with asyncio.timeout(120):
            while not re.search(rf"\b{text}", self._said):  # noqa: ASYNC110  # of another process
                await asyncio.sleep(0.05)

    async def end(self) -> None:
        """Let the stations finish, send again what is open, and end the service."""
        await self.says("ready")
        summaries = await asyncio.gather(*self._stations)
        self.note("stations", "both files are done: " + ", ".join(f"{one.accepted} lines" for one in summaries))
        if self._posting:
            self.singles.stopping = True
            await self._posting
            await self.singles.repeat(every=True)
        for task in self._tasks:
            task.cancel()
        for name, count in self.singles.account.faults.items():
            self.trouble[name.removesuffix(" at none")] += count
        await self.service.stop()

    async def abandon(self) -> None:
        """Stop everything, whatever state it is in."""
        tasks = [*self._tasks, *self._stations, *([self._posting] if self._posting else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._opened.aclose()
        await self.service.kill()

    async def hold(self) -> Held:
        """Hold what is on record against what was acknowledged; the count and the ledger must agree."""
        sent = self.singles.account.sent
        singles = {(one["section"], one["page"], one["line"]): one for each in sent for one in each.lines}
        with self.service.server() as server:
            connection = await asyncpg.connect(server.dsn())
            try:
                rows = await connection.fetch("SELECT * FROM signature")
                twice = await connection.fetchval(_DOUBLED)
                assert self.service.petition_id
                signer = Signer.from_file(self.service.data_dir / "checkpoint.key", create=False)
                await recount.check(connection, self.service.petition_id, signer)
            finally:
                await connection.close()
        there = {(row["section"], row["page"], row["line"]): {name: row[name] for name in _TEXT} for row in rows}
        acknowledged = {(o["section"], o["page"], o["line"]): o for s in sent if s.acknowledged for o in s.lines}
        expected = self.lines | acknowledged
        lost = sum({name: one[name] for name in _TEXT} != there.get(place) for place, one in expected.items())
        strange = len(there.keys() - self.lines.keys() - singles.keys()) + len(rows) - len(there)
        return Held(len(expected), lost, twice + strange)


@asynccontextmanager
async def a_scene(folder: Path, **environment: str) -> AsyncIterator[Scene]:
    """A scene in a folder of its own, ended whatever happens."""
    service = Service(
        folder / "data", environment, program="tests.torture.clock" if "CLOCK" in environment else PROGRAM
    )
    await service.prepare()
    scene = Scene(service, folder)
    try:
        yield scene
    finally:
        await scene.abandon()
