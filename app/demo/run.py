"""Watch the whole process: a county's roll, a petition, stations that post it, clerks who settle it, and the result."""

import asyncio
import json
import resource
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from app.demo.generate import ALIASES, Manifest, generate
from app.demo.petition import LINES, TruthFile
from app.demo.users import CLERKS, SUPERVISOR, Api, Service, ServiceError, Station, post_all, settle, share_out
from app.station.client import Target

STATIONS = ("station-1", "station-2", "station-3", "station-4")
MONITOR = "monitor-1"
ROLES = dict.fromkeys(STATIONS, "station") | dict.fromkeys(CLERKS, "clerk")
ROLES |= {SUPERVISOR: "supervisor", MONITOR: "monitor"}
LABELS = {"raw": "Lines on the petition", "valid": "Valid signatures", "invalid": "Invalid"}
LABELS |= {reason: f"  {reason.replace('_', ' ')}" for reason in LINES if reason != "valid"}
RESULT = ("raw", "valid", "invalid", "invalid_by_reason")  # what has to agree
_SECONDS_BETWEEN_POLLS = 0.5
_SECONDS_BETWEEN_LINES = 5.0  # of output, outside a terminal


class Screen:
    """The stations' progress and the live tally; outside a terminal a line every few seconds."""

    def __init__(self, console: Console, stations: Sequence[Station]) -> None:
        """Draws nothing until `live` is entered."""
        self._console, self._stations, self._printed = console, stations, time.monotonic()
        self._work, self._tally = "", "no tally yet"
        name, state = TextColumn("{task.description}", markup=False), TextColumn("{task.fields[state]}", markup=False)
        self.live = Progress(name, BarColumn(), state, console=console, transient=True, disable=not console.is_terminal)
        self._rows = [self.live.add_task(station.name, total=station.lines, state="") for station in stations]
        self._tally_row = self.live.add_task("tally", total=None, state=self._tally)

    def show(self, tally: Mapping[str, Any] | None = None, work: Mapping[str, int] | None = None) -> None:
        """Show the stations' progress, a new tally, or what the clerks have done so far."""
        if tally:
            self._tally = "{version:,}: {valid:,} valid, {invalid:,} invalid, {review:,} in review".format_map(tally)
        if work:
            self._work = f"clerks: {work['findings']:,} findings; "
        for row, station in zip(self._rows, self._stations, strict=True):
            state = f"{station.posted:,} of {station.lines:,} lines"
            state += f", {station.again:,} sent again" if station.again else ""
            self.live.update(row, completed=station.posted, state=state)
        self.live.update(self._tally_row, state=f"{self._work}{self._tally}")
        if not self._console.is_terminal and time.monotonic() - self._printed >= _SECONDS_BETWEEN_LINES:
            self._printed = time.monotonic()
            posted, lines = sum(s.posted for s in self._stations), sum(s.lines for s in self._stations)
            self._console.print(f"{self._work or f'stations: {posted:,} of {lines:,} lines; '}tally {self._tally}")


@dataclass(frozen=True, slots=True)
class Demo:
    """One demo: its county, its files, and how the service is started."""

    scale: str
    seed: int
    folder: Path
    environment: Mapping[str, str]
    port: int
    console: Console

    async def run(self, *, stay: bool) -> int:
        """Run the demo, then keep the service running until Ctrl-C if `stay`. Returns 0 for the expected result."""
        say, started = self.console.print, time.monotonic()
        manifest, log = self._make_county(), self.folder / "service.log"
        # A code for each made-up county, so that its roll is loaded once.
        code = f"demo-{self.scale.replace('.', '_').replace('/', '-')}-{self.seed}"
        service = Service(self.environment, code)
        async with service.running(self.port, log) as url:
            say(f"The service runs at {url}; it logs to {log}", soft_wrap=True)
            await self._load_county(service, manifest)
            # A second demo in the same county gets new keys: their names include the time.
            now = f"{int(time.time()):x}"
            options = [("--role", role, "--name", f"{user}-{now}") for user, role in ROLES.items()]
            created = [service.command("keys", "create", *each) for each in options]
            keys = dict(zip(ROLES, await asyncio.gather(*created), strict=True))
            async with httpx.AsyncClient(base_url=url, timeout=60) as http:
                api = Api(http, keys)
                await _open_petition(api, manifest)
                say(f"Petition {api.petition_id} is open: {manifest.required:,} valid signatures required")
                same = await self._count(manifest, api)
            say(f"All in all {time.monotonic() - started:,.0f} s")
            if stay:
                await self._stay(url, api)
        return 0 if same else 1

    def _make_county(self) -> Manifest:
        """The made-up county and petition; made once for each scale and seed."""
        made, say, started = self.folder / "manifest.json", self.console.print, time.monotonic()
        if made.exists():
            return Manifest(**json.loads(made.read_text(encoding="utf-8")))
        say(f"Making up a county and a petition at scale {self.scale} (seed {self.seed}) …")
        manifest = generate(self.scale, self.seed, self.folder)
        voters, lines = manifest.registered, manifest.expected["raw"]
        say(f"  {voters:,} registered voters and {lines:,} lines in {time.monotonic() - started:,.1f} s")
        return manifest

    async def _load_county(self, service: Service, manifest: Manifest) -> None:
        """Load the county's roll, unless an earlier demo did, and the other names of its cities."""
        say, active = self.console.print, False
        with suppress(ServiceError):  # the county is unknown
            active = " active " in await service.command("roll", "list")
        if active:
            say("The county's roll is loaded already")
        else:
            say("Loading the county's roll …")
            options = (str(self.folder / manifest.roll), "--complete-through", manifest.complete_through, "--activate")
            say(f"  {await service.command('roll', 'load', *options, show=self.console.is_terminal)}")
        if (file := self.folder / ALIASES).exists():  # an earlier version made counties without it
            say(f"  {await service.command('aliases', 'load', str(file))}")

    async def _count(self, manifest: Manifest, api: Api) -> bool:
        """Let the stations post and the clerks settle, and show it; returns whether the result is the expected one."""
        shares = await asyncio.to_thread(share_out, self.folder / manifest.petition, self.folder / "stations", STATIONS)
        url, petition = str(api.http.base_url), api.petition_id
        stations = [Station(name, *share, Target(url, petition, api.keys[name])) for name, share in shares.items()]
        screen = Screen(self.console, stations)
        with screen.live, TruthFile(self.folder / manifest.truth) as truth:
            watching = asyncio.create_task(_watch_tally(api, screen))
            try:
                started = time.monotonic()
                await post_all(stations, self.folder / "spool", screen.show)
                posting = time.monotonic() - started
                posted = (await api.call(MONITOR, "GET", "/tally")).json()
                work = await settle(api, truth, lambda work: screen.show(work=work))
            finally:
                watching.cancel()
                with suppress(asyncio.CancelledError, httpx.HTTPError, ServiceError):
                    await watching
        tally = (await api.call(MONITOR, "GET", "/tally")).json()
        self._show_result(manifest, tally)
        say, raw = self.console.print, posted["raw"]
        say(f"The stations posted {raw:,} lines in {posting:,.1f} s, {raw / posting:,.0f} lines/s")
        say(
            f"{posted['review']:,} lines ({posted['review'] / raw:.1%}) needed a clerk's decision and"
            f" {work['confirmed']:,} a clerk's confirmation; comparing signatures, clerks found"
            f" {work['compared']:,} that do not match; they overturned {work['overturned']:,} findings"
        )
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        say(f"The largest process of the service's commands took {peak:,.0f} MB")
        same = tally["review"] == 0 and all(tally[key] == manifest.expected[key] for key in RESULT)
        color, verb = ("green", "came") if same else ("red", "did not come")
        say(f"[{color}]The service {verb} to the expected result.[/]")
        return same

    def _show_result(self, manifest: Manifest, tally: Mapping[str, Any]) -> None:
        """The published result, the same at this scale, and the service's, line by line."""
        expected, got = ({**source, **source["invalid_by_reason"]} for source in (manifest.expected, tally))
        published = {"raw": sum(LINES.values()), "invalid": sum(LINES.values()) - LINES["valid"], **LINES}
        table = Table(title="The result, line by line")
        for name in ("", "published 2022", "at this scale", "this service", ""):
            table.add_column(name, justify="right" if name else "left")
        for key, label in LABELS.items():
            difference = got[key] - expected[key]
            mark = f"[red]{difference:+,}[/]" if difference else "[green]=[/]"
            table.add_row(label, f"{published[key]:,}", f"{expected[key]:,}", f"{got[key]:,}", mark)
        self.console.print(table)
        self.console.print(f"Required {tally['required']:,}, margin {tally['margin']:,}: {tally['outlook']}")

    async def _stay(self, url: str, api: Api) -> None:
        """Keep the service running until Ctrl-C, and show how to send requests."""
        say = self.console.print
        say(f"\nThe service keeps running at {url}, its documentation is at {url}/docs. Press Ctrl-C to stop it.")
        say(f"  petition  {api.petition_id}")
        for name in (CLERKS[0], SUPERVISOR, MONITOR, STATIONS[0]):
            say(f"  {name:13} {api.keys[name]}", soft_wrap=True)
        tally = f"{url}/v1/petitions/{api.petition_id}/tally"
        say(f"  curl -H 'Authorization: Bearer {api.keys[MONITOR]}' {tally}", soft_wrap=True)
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


async def _open_petition(api: Api, manifest: Manifest) -> None:
    names = {"title": "Petition to recall the district attorney (made up)", "officer": "The district attorney"}
    first, last = manifest.circulation
    days = {"circulation_from": first, "circulation_to": last, "filed_on": manifest.filed}
    answer = await api.call(CLERKS[0], "POST", "", json={**names, **days, "required": manifest.required})
    api.petition_id = answer.json()["petition_id"]


async def _watch_tally(api: Api, screen: Screen) -> None:
    """Poll the tally as a monitor does, with its ETag."""
    etag = ""
    while True:
        answer = await api.call(MONITOR, "GET", "/tally", headers={"If-None-Match": etag})
        if answer.status_code == httpx.codes.OK:
            etag = answer.headers["etag"]
            screen.show(answer.json())
        await asyncio.sleep(_SECONDS_BETWEEN_POLLS)
