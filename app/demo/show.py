"""The main job in sight: a county's roll, a petition, stations that post it, people who settle it, and the result."""

import asyncio
import contextlib
import json
import resource
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from app.demo.clerks import Office, Work, settle
from app.demo.generate import ALIASES, Manifest, generate
from app.demo.mix import LINES
from app.demo.screen import Screen, result_table
from app.demo.service import command, free_port, running_service
from app.demo.stations import Station, post_all, share_out
from app.demo.truth import TruthFile

STATIONS = ("station-1", "station-2", "station-3", "station-4")
CLERKS = ("clerk-1", "clerk-2", "clerk-3")
_POLL = 0.5  # seconds between looks at the tally


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the show plays: its files, its county, what the service is started with."""

    scale: str
    seed: int
    folder: Path
    environment: Mapping[str, str]
    port: int
    console: Console

    @property
    def county(self) -> str:
        """The county's code: one for each made-up county, so that its roll is loaded once."""
        return f"demo-{self.scale.replace('.', '_').replace('/', '-')}-{self.seed}"

    async def command(self, *arguments: str, show: bool = False) -> str:
        """Run one of the service's commands."""
        return await command(*arguments, environment=self.environment, show=show)


@dataclass(frozen=True, slots=True)
class Keys:
    """The bearer keys of everybody in the show."""

    by_name: Mapping[str, str]

    def of(self, *names: str) -> list[str]:
        """These people's keys."""
        return [self.by_name[name] for name in names]


async def play(stage: Stage, *, stay: bool) -> int:
    """Play the show; 0 if the service came to the expected result.

    Args:
        stage: where.
        stay: go on serving until Ctrl-C.
    """
    say = stage.console.print
    started = time.monotonic()
    manifest = _county(stage)
    log = stage.folder / "service.log"
    async with running_service(free_port(stage.port), stage.environment, log) as url:
        say(f"The service runs at {url}; it logs to {log}", soft_wrap=True)
        await _roll(stage, manifest)
        await _aliases(stage)
        keys = await _keys(stage)
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            petition_id = await _open(client, keys, manifest)
            say(f"Petition {petition_id} is open: {manifest.required:,} valid signatures required")
            status = await _count(stage, manifest, keys, client, petition_id)
        say(f"All in all {time.monotonic() - started:,.0f} s")
        if stay:
            await _stay(stage, url, keys, petition_id)
    return status


def _county(stage: Stage) -> Manifest:
    """The made-up county and petition; made once for each scale and seed."""
    made = stage.folder / "manifest.json"
    if made.exists():
        kept = json.loads(made.read_text(encoding="utf-8"))
        return Manifest(**{**kept, "circulation": tuple(kept["circulation"])})
    stage.console.print(f"Making up a county and a petition at scale {stage.scale} (seed {stage.seed}) …")
    started = time.monotonic()
    manifest = generate(stage.scale, stage.seed, stage.folder)
    stage.console.print(
        f"  {manifest.registered:,} registered voters and {manifest.expected['raw']:,} lines"
        f" in {time.monotonic() - started:,.1f} s"
    )
    return manifest


async def _roll(stage: Stage, manifest: Manifest) -> None:
    """Load the county's roll, unless an earlier show did."""
    with contextlib.suppress(Exception):
        if " active " in await stage.command("roll", "list", "--county", stage.county):
            stage.console.print("The county's roll is in use already")
            return
    stage.console.print("Loading the county's roll …")
    loaded = await stage.command(
        *("roll", "load", str(stage.folder / manifest.roll), "--county", stage.county),
        *("--complete-through", manifest.complete_through, "--activate"),
        show=stage.console.is_terminal,
    )
    stage.console.print(f"  {loaded}")


async def _aliases(stage: Stage) -> None:
    """Load the other names that people write for the county's cities; the same again changes nothing."""
    if (file := stage.folder / ALIASES).exists():  # an earlier show may have made the county without them
        stage.console.print(f"  {await stage.command('aliases', 'load', str(file), '--county', stage.county)}")


async def _keys(stage: Stage) -> Keys:
    """A key for everybody. A second show in the same county gets new ones: the names carry its time."""
    run = f"{int(time.time()):x}"
    roles = {**dict.fromkeys(STATIONS, "station"), **dict.fromkeys(CLERKS, "clerk")}
    roles |= {"supervisor-1": "supervisor", "monitor-1": "monitor"}

    async def issue(name: str, role: str) -> tuple[str, str]:
        key = await stage.command("keys", "create", "--county", stage.county, "--role", role, "--name", f"{name}-{run}")
        return name, key

    return Keys(dict(await asyncio.gather(*(issue(name, role) for name, role in roles.items()))))


async def _open(client: httpx.AsyncClient, keys: Keys, manifest: Manifest) -> str:
    terms = {
        "title": "Petition to recall the district attorney (made up)",
        "officer": "The district attorney",
        "required": manifest.required,
        "circulation_from": manifest.circulation[0],
        "circulation_to": manifest.circulation[1],
        "filed_on": manifest.filed,
    }
    answer = await client.post(
        "/v1/petitions", json=terms, headers={"Authorization": f"Bearer {keys.by_name['clerk-1']}"}
    )
    answer.raise_for_status()
    petition_id: str = answer.json()["petition_id"]
    return petition_id


async def _count(stage: Stage, manifest: Manifest, keys: Keys, client: httpx.AsyncClient, petition_id: str) -> int:
    """Let the stations post and the people settle; show it; compare the result."""
    shares = await asyncio.to_thread(share_out, stage.folder / manifest.petition, stage.folder / "stations", STATIONS)
    stations = [Station(name, file, keys.by_name[name], lines) for name, (file, lines) in shares.items()]
    with Screen(stage.console, stations) as screen:
        async with _watched(client, keys, petition_id, screen):
            started = time.monotonic()
            await post_all(stations, str(client.base_url), petition_id, stage.folder / "spool", screen.changed)
            posting = time.monotonic() - started
            asked = await _tally(client, keys, petition_id)
            work = await _settle(stage, manifest, keys, client, petition_id, screen)
    tally = await _tally(client, keys, petition_id)
    return _result(stage, manifest, tally, asked, work, posting)


async def _settle(  # everybody's part in it
    stage: Stage, manifest: Manifest, keys: Keys, client: httpx.AsyncClient, petition_id: str, screen: Screen
) -> Work:
    def changed(work: Work) -> None:
        screen.work = work
        screen.changed()

    with TruthFile(stage.folder / manifest.truth) as truth:
        return await settle(Office(client, petition_id, keys.of(*CLERKS, "supervisor-1")), truth, changed)


@contextlib.asynccontextmanager
async def _watched(client: httpx.AsyncClient, keys: Keys, petition_id: str, screen: Screen) -> AsyncIterator[None]:
    """Poll the tally as a monitor does, with its ETag."""

    async def poll() -> None:
        etag = ""
        while True:
            headers = {"Authorization": f"Bearer {keys.by_name['monitor-1']}", "If-None-Match": etag}
            answer = await client.get(f"/v1/petitions/{petition_id}/tally", headers=headers)
            if answer.status_code == httpx.codes.OK:
                etag, screen.tally = answer.headers["etag"], answer.json()
                screen.changed()
            await asyncio.sleep(_POLL)

    task = asyncio.create_task(poll())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, httpx.HTTPError):
            await task


async def _tally(client: httpx.AsyncClient, keys: Keys, petition_id: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {keys.by_name['monitor-1']}"}
    answer = await client.get(f"/v1/petitions/{petition_id}/tally", headers=headers)
    answer.raise_for_status()
    tally: dict[str, Any] = answer.json()
    return tally


def _result(  # what is reported
    stage: Stage, manifest: Manifest, tally: Mapping[str, Any], asked: Mapping[str, Any], work: Work, posting: float
) -> int:
    def figures(source: Mapping[str, Any]) -> dict[str, int]:
        return {
            "raw": source["raw"],
            "valid": source["valid"],
            "invalid": source["invalid"],
            **source["invalid_by_reason"],
        }

    published = {"raw": sum(LINES.values()), "invalid": sum(LINES.values()) - LINES["valid"], **LINES}
    expected, got = figures(manifest.expected), figures(tally)
    say, raw = stage.console.print, tally["raw"]
    say(result_table(expected, got, published))
    say(f"Required {tally['required']:,}, margin {tally['margin']:,}: {tally['outlook']}")
    say(f"The stations posted {raw:,} lines in {posting:,.1f} s, {raw / posting:,.0f} lines/s")
    say(
        f"{asked['review']:,} lines ({asked['review'] / raw:.1%}) needed a person to decide them and"
        f" {work.by_kind['confirmed']:,} a person's confirmation; comparing signatures, people found"
        f" {work.by_kind['compared']:,} that do not match; they overturned {work.by_kind['overturned']:,} findings"
    )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    say(f"The largest process of the service's commands took {peak:,.0f} MB")
    same = expected == got and tally["review"] == 0
    say("[green]The service came to the expected result.[/]" if same else "[red]The result is not the expected one.[/]")
    return 0 if same else 1


async def _stay(stage: Stage, url: str, keys: Keys, petition_id: str) -> None:
    """Go on serving until Ctrl-C, and say how to get in."""
    say = stage.console.print
    say(f"\nThe service goes on at {url}, its documentation at {url}/docs. Ctrl-C ends it.")
    say(f"  petition  {petition_id}")
    for name in ("clerk-1", "supervisor-1", "monitor-1", "station-1"):
        say(f"  {name:13} {keys.by_name[name]}", soft_wrap=True)
    say(
        f"  curl -H 'Authorization: Bearer {keys.by_name['monitor-1']}' {url}/v1/petitions/{petition_id}/tally",
        soft_wrap=True,
    )
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


def fraction(text: str) -> str:
    """A scale as it was written, if it is a positive number.

    Raises:
        ValueError: it is not.
    """
    if Fraction(text) <= 0:
        raise ValueError
    return text
