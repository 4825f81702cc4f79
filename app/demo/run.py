"""Watch the whole process: a county's roll, a petition, stations that post it, clerks who settle it, and the result.

The service is a process of its own, and its users speak HTTP with it. Sections are registered as they come in. Several
stations have some of them each, and also send some lines again. As the registrar's staff does, two people find a
section defective, a supervisor takes that back, and two people freeze the raw count; clerks take lines from the queues
until none is left, and compare every signature that counts.
"""

import asyncio
import json
import resource
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from app.demo.clerks import Clerks, Paper
from app.demo.county import Dice
from app.demo.generate import ALIASES, LINES, Manifest, generate
from app.demo.sections import receive, settle_sections
from app.demo.service import CLERKS, MONITOR, ROLES, STATIONS, SUPERVISOR, Api, Service, ServiceError
from app.station.client import Control, Options, Target, post_file, post_signatures
from app.station.outcome import Summary

LABELS = {"raw": "Lines on the petition", "valid": "Valid signatures", "invalid": "Invalid"}
LABELS |= {reason: f"  {reason.replace('_', ' ')}" for reason in LINES if reason != "valid"}
RESULT = ("raw", "valid", "invalid", "invalid_by_reason")  # what has to agree
_TWO_PEOPLE = (
    "not_personally_affixed", "illegible", "not_registered", "registered_late",
    "pending_registration", "under_age", "canceled", "different_address", "other",
)  # fmt: skip
RULESET = {
    "based_on": "california-local-recall/4",
    "note": "of the demo: what a person finds invalid takes a second person",
    "confirmations": dict.fromkeys(_TWO_PEOPLE, 2),
}
_SECONDS_BETWEEN_POLLS = 0.5
_SECONDS_BETWEEN_LINES = 5.0  # of output, outside a terminal
_RESENT = 0.02  # of a station's lines are entered by hand and sent again, under a new key
_SCANNED_TWICE = 0.01  # of a station's lines are scanned by its neighbor too
_OPTIONS = Options(batch=500, in_flight=2)
_WORK = """\
People took {findings:,} lines from the queues: decided {decided:,}, confirmed {confirmed:,}, \
compared {compared:,} signatures with those on file, and found {mismatched:,} times that one does not match
They searched the roll {searches:,} times before they found signers not registered
They slipped {slips:,} times: colleagues escalated {escalated:,} lines, and a supervisor decided {reversed:,}; those \
who compared again outvoted the others
{overturned:,} lines had been found another voter's, or invalid for a wrong reason: people overturned that"""


@dataclass(slots=True)
class Station:
    """One station: its part of the petition, and its progress."""

    name: str
    file: Path
    lines: int
    target: Target
    posted: int = 0
    again: int = 0


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


def share_out(petition: Path, folder: Path, names: Sequence[str]) -> dict[str, tuple[Path, int]]:
    """Split the petition by section among the stations; returns the file of each and the number of lines in it."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{name}.ndjson" for name in names}
    counts = dict.fromkeys(names, 0)
    with ExitStack() as opened:
        files = {name: opened.enter_context(path.open("w", encoding="utf-8")) for name, path in paths.items()}
        for text in opened.enter_context(petition.open(encoding="utf-8")):
            name = names[json.loads(text)["section"] % len(names)]
            files[name].write(text)
            counts[name] += 1
    return {name: (paths[name], counts[name]) for name in names}


async def post_all(stations: Sequence[Station], spool: Path, screen: Screen) -> None:
    """Let all stations post at once, with their journals in `spool`, and show each step of one."""

    async def post(station: Station, neighbor: Station) -> None:
        def progress(summary: Summary) -> None:
            station.posted = summary.accepted
            screen.show()

        control = Control(progress=progress)
        await post_file(str(station.file), station.target, options=_OPTIONS, spool=spool, control=control)
        again = _sample(station.file, _RESENT, 1) + _sample(neighbor.file, _SCANNED_TWICE, 2)
        if again:
            station.again = (await post_signatures(again, station.target, options=_OPTIONS)).accepted
            screen.show()

    await asyncio.gather(*map(post, stations, [*stations[1:], stations[0]]))


def _sample(file: Path, share: float, seed: int) -> list[dict[str, object]]:
    dice = Dice(seed)
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if dice.chance(share)]


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
                await _open_petition(api, manifest, await self._add_ruleset(service, now))
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

    async def _add_ruleset(self, service: Service, now: str) -> str:
        """Add the county's ruleset; returns its name."""
        name, file = f"{service.county}/{now}", self.folder / "ruleset.json"
        file.write_text(json.dumps({"name": name, **RULESET}), encoding="utf-8")
        await service.command("ruleset", "add", str(file))
        return name

    async def _count(self, manifest: Manifest, api: Api) -> bool:
        """Let the stations post and the clerks settle, and show it; returns whether the result is the expected one."""
        shares = await asyncio.to_thread(share_out, self.folder / manifest.petition, self.folder / "stations", STATIONS)
        url, petition = str(api.http.base_url), api.petition_id
        stations = [Station(name, *share, Target(url, petition, api.keys[name])) for name, share in shares.items()]
        screen, say, raw = Screen(self.console, stations), self.console.print, manifest.expected["raw"]
        sections = await receive(api, raw, manifest.circulation)
        say(f"{sections:,} sections were received, and registered with their circulators' declarations")
        with screen.live:
            watching = asyncio.create_task(_watch_tally(api, screen))
            try:
                done = await self._work(api, stations, screen, manifest)
            finally:
                watching.cancel()
                with suppress(asyncio.CancelledError, httpx.HTTPError, ServiceError):
                    await watching
        tally = (await api.call(MONITOR, "GET", "/tally")).json()
        self._show_result(manifest, tally)
        for sentence in (*done, f"After people: {_in_words(tally)}"):
            say(sentence)
        say(_error_rates((await api.call(SUPERVISOR, "GET", "/quality")).json()))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        say(f"The largest process of the service's commands took {peak:,.0f} MB")
        settled = (tally["raw_count"], tally["review"], tally["unsettled"]) == ("frozen", 0, 0)
        same = settled and all(tally[key] == manifest.expected[key] for key in RESULT)
        color, verb = ("green", "came") if same else ("red", "did not come")
        say(f"[{color}]The service {verb} to the expected result.[/]")
        return same

    async def _work(self, api: Api, stations: Sequence[Station], screen: Screen, manifest: Manifest) -> list[str]:
        """Let the stations post and people settle; returns sentences about what they did."""
        started, raw = time.monotonic(), manifest.expected["raw"]
        await post_all(stations, self.folder / "spool", screen)
        posting = time.monotonic() - started
        posted = (await api.call(MONITOR, "GET", "/tally")).json()
        sections = await settle_sections(api, manifest.circulation)
        started, paper = time.monotonic(), Paper(self.folder / manifest.truth)
        work = await Clerks(api, paper, lambda work: screen.show(work=work)).settle()
        return [
            f"The stations posted {raw:,} lines in {posting:,.1f} s, {raw / posting:,.0f} lines/s",
            *sections,
            f"Before people: {_in_words(posted)}",
            f"{_WORK.format_map(work)}\nThat took {time.monotonic() - started:,.1f} s",
        ]

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
        say(f"  curl --header @- {tally} <<< 'Authorization: Bearer {api.keys[MONITOR]}'", soft_wrap=True)
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


def _in_words(tally: Mapping[str, Any]) -> str:
    parts = ("valid", "unsettled_valid", "invalid", "unsettled_invalid", "review")
    return ", ".join(f"{tally[part]:,} {part.replace('_', ' ')}" for part in parts)


def _error_rates(quality: Mapping[str, Any]) -> str:
    machine, people = quality["overall"], quality["people"]["overall"]
    rate = "{checked:,} of {lines:,} decisions, {errors:,} wrong ({lower:.2%} to {upper:.2%} with 95 % confidence)"
    return f"Checked blindly: of the machine's {rate.format_map(machine)}; of people's {rate.format_map(people)}"


async def _open_petition(api: Api, manifest: Manifest, ruleset: str) -> None:
    names = {"title": "Petition to recall the district attorney (made up)", "officer": "The district attorney"}
    first, last = manifest.circulation
    days = {"circulation_from": first, "circulation_to": last, "filed_on": manifest.filed}
    terms = {"required": manifest.required, "ruleset": ruleset}
    answer = await api.call(CLERKS[0], "POST", "", json={**names, **days, **terms})
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
