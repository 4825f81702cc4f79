"""Watch the whole process: a county's roll, a petition, stations that post it, clerks who settle it, and the result.

The service is a process of its own, and its users speak HTTP with it. Sections are registered as they come in. Several
stations have some of them each, and also send some lines again. As the registrar's staff does, two people find a
section defective, a supervisor takes that back, and two people freeze the raw count; clerks decide the lines that need
review, confirm the findings that need it, compare the signatures that do not match, and file the withdrawals. They know
the truth about the lines.
"""

import asyncio
import json
import resource
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from app.demo.county import Dice
from app.demo.generate import ALIASES, LINES, Manifest, Truth, generate, read_truths
from app.demo.sections import doubt_a_section, freeze, receive
from app.demo.service import CLERKS, MONITOR, OFFICER, ROLES, STATIONS, SUPERVISOR, Api, Service, ServiceError
from app.station.client import Control, Options, Target, post_file, post_signatures
from app.station.outcome import Summary

LABELS = {"raw": "Lines on the petition", "valid": "Valid signatures", "invalid": "Invalid"}
LABELS |= {reason: f"  {reason.replace('_', ' ')}" for reason in LINES if reason != "valid"}
RESULT = ("raw", "valid", "invalid", "invalid_by_reason")  # what has to agree
RULESET = {
    "based_on": "california-local-recall/1",  # the clerks of the demo compare no signature that counts
    "note": "of the demo: a section's defect takes two people",
    "confirmations": {"section_defect": 2},
}
_ANY_CLERK = ""
_SECONDS_BETWEEN_POLLS = 0.5
_SECONDS_BETWEEN_LINES = 5.0  # of output, outside a terminal
_RESENT = 0.02  # of a station's lines are entered by hand and sent again, under a new key
_SCANNED_TWICE = 0.01  # of a station's lines are scanned by its neighbor too
_OPTIONS = Options(batch=500, in_flight=2)
_PAGE = 1000  # lines per request
_HAS = ("in_writing", "names_petition", "name", "current_residence", "intent", "signature")
_WITHDRAWN = {
    "received_on": "2022-07-01",
    "received_by": "paper",
    "requirements": dict.fromkeys(_HAS, True),
    "signature_agrees": True,
}
_FINDINGS = 200  # of one person per request
_SEARCHES = 3  # of one person at the same time

_STANDARD = (
    "beyond a reasonable doubt, it differs in multiple, significant, and obvious respects from all signatures on file"
)
_COMPARED = {"references": ["affidavit"], "characteristics": ["letter_formations", "strokes"], "standard": _STANDARD}

Line = dict[str, Any]  # as the service shows it
Finding = tuple[str, dict[str, Any]]  # by whom, and the body of the request


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


async def settle(api: Api, truth: Path, screen: Screen) -> Counter[str]:
    """Let the clerks go through the lines until none needs a person, and show how they advance.

    Returns the number of findings, and of the lines that they decided, confirmed, overturned and compared.
    """
    work = Counter[str]()
    for voter_id in sorted({true["voter_id"] for true in read_truths(truth) if true["reason"] == "withdrawn"}):
        # in writing, before the petition was filed (EC 11303); of all voters, only the officer knows the confidential
        await api.call(OFFICER, "POST", "/withdrawals", json=_WITHDRAWN | {"voter_id": voter_id})
    held = await _decide_held(api, truth)
    work.update({"findings": len(held), "decided": len(held)})
    for status in ("review", "invalid", "valid"):
        async for page in _pages(api, CLERKS[0], "/signatures", truth, status=status):
            to_do = [(line, true, kind) for line, true in page if (kind := _kind(line, true, held))]
            work.update(kind for _, _, kind in to_do)
            for turn in zip_longest(*(_findings(line, true, held) for line, true, _ in to_do)):
                findings = list(filter(None, turn))
                left = await _record(api, findings)  # before a line's next finding
                await _record(api, [(_another(person), finding) for person, finding in left])
                work["findings"] += len(findings) + len(left)
                screen.show(work=work)
    return work


async def _decide_held(api: Api, truth: Path) -> set[str]:
    """Let the officer decide the lines that confidential voters may have signed; returns their places."""
    decided = set[str]()
    async for page in _pages(api, OFFICER, "/confidential", truth, limit="50"):
        for line, true in page:
            finding = _verdict(true)
            if true["reason"] == "not_registered":
                await _look_up(api, OFFICER, line)
            await api.call(OFFICER, "POST", f"/confidential/{line['place']}/findings", json=finding)
            decided.add(line["place"])
    return decided


async def _pages(api: Api, user: str, path: str, truth: Path, **params: str) -> AsyncIterator[list[tuple[Line, Truth]]]:
    """The lines of a list, each with its truth: both come in paper order."""
    truths, params = read_truths(truth), {"limit": str(_PAGE), **params}
    while True:
        page = (await api.call(user, "GET", path, params=params)).json()
        [lines] = (items for items in page.values() if isinstance(items, list))
        yield [(line, next(true for true in truths if true["place"] == line["place"])) for line in lines]
        if page["next_cursor"] is None:
            return
        params["cursor"] = page["next_cursor"]


async def _record(api: Api, findings: Sequence[Finding]) -> list[Finding]:
    """Post findings, each person's in requests of their own, all people at the same time.

    Returns those that take another person, since the data say otherwise.
    """
    left: list[Finding] = []
    by_person: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for number, (person, finding) in enumerate(findings):
        by_person[person or CLERKS[number % len(CLERKS)]].append(finding)

    async def post(person: str, theirs: list[dict[str, Any]]) -> None:
        for start in range(0, len(theirs), _FINDINGS):
            page = theirs[start : start + _FINDINGS]
            await _search(api, person, page)
            answer = await api.call(person, "POST", "/findings", json={"findings": page})
            for finding, result in zip(page, answer.json()["results"], strict=True):
                if "error" in result:
                    raise ServiceError(f"a finding was refused: {result['error']['message']}")
                if not result["settled"] and finding.get("reason") != "signature_mismatch":
                    left.append((person, finding))

    await asyncio.gather(*map(post, by_person.keys(), by_person.values()))
    return left


async def _search(api: Api, person: str, findings: Sequence[dict[str, Any]]) -> None:
    """Search by name and by address for each line that a person finds `not_registered`, some at a time."""
    places = iter([finding["place"] for finding in findings if finding.get("reason") == "not_registered"])

    async def search() -> None:
        for place in places:
            await _look_up(api, person, (await api.call(person, "GET", f"/signatures/{place}")).json())

    await asyncio.gather(*(search() for _ in range(_SEARCHES)))


async def _look_up(api: Api, person: str, line: Line) -> None:
    """Search by what is written on a line: by the name, and by the address."""
    written = line["writing"]
    by_name = {key: written[key] for key in ("printed_name", "name") if written[key]}
    by_address = {key: written[key] for key in ("residence_address", "city", "zip")}
    for asked in (by_name, by_address):
        await api.look_up(person, {**asked, "petition_id": api.petition_id, "place": line["place"]})


def _another(person: str) -> str:
    """A clerk who is another person."""
    return CLERKS[(CLERKS.index(person) + 1) % len(CLERKS)]


def _eligible(line: Line | Truth) -> bool:
    return line["status"] == "valid" or line["reason"] in {"duplicate", "withdrawn"}  # which the count decides


def _kind(line: Line, true: Truth, held: Collection[str]) -> str | None:
    """What a clerk has to do about a line: None if its finding is right and settled. The officer decided the `held`."""
    if line["place"] in held:
        return "compared" if true["reason"] == "signature_mismatch" and _eligible(line) else None
    if line["status"] == "review":
        return "decided"
    if _eligible(line) and _eligible(true):
        return None if line["voter_id"] in true["ok"] else "overturned"
    if (line["status"], line["reason"]) == (true["status"], true["reason"]):
        return None if line["settled"] else "confirmed"
    return "compared" if true["reason"] == "signature_mismatch" else "overturned"


def _verdict(true: Truth) -> dict[str, Any]:
    """What a person finds who knows whose line it is; its signature is compared afterwards."""
    voter = {"voter_id": true["voter_id"]} if true["voter_id"] else {}
    voter |= {"looked_at": "line", "note": "compared with the paper and the roll"}
    if _eligible(true) or true["reason"] == "signature_mismatch":
        return {**voter, "status": "valid"}
    return {**voter, "status": "invalid", "reason": true["reason"]}


def _findings(line: Line, true: Truth, held: Collection[str]) -> list[Finding]:
    """The findings that a line needs, in order."""
    place, verdict = {"place": true["place"]}, _verdict(true)
    identity: Finding = (_ANY_CLERK, {**place, **verdict})
    if true["reason"] != "signature_mismatch":
        return [identity]
    by_officer = true["place"] in held  # a clerk need not know for which voter
    finding = {**place, **({} if by_officer else verdict), "status": "invalid", "reason": true["reason"]}
    finding |= {"looked_at": "signature", "note": "compared with the signatures on file", "comparison": _COMPARED}
    compared: list[Finding] = [(clerk, finding) for clerk in CLERKS]  # it takes three people (2 CCR 20960)
    return compared if _eligible(line) or by_officer else [identity, *compared]


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
                started = time.monotonic()
                await post_all(stations, self.folder / "spool", screen)
                posting = time.monotonic() - started
                posted = (await api.call(MONITOR, "GET", "/tally")).json()
                struck = await doubt_a_section(api)
                noted = await freeze(api)
                work = await settle(api, self.folder / manifest.truth, screen)
            finally:
                watching.cancel()
                with suppress(asyncio.CancelledError, httpx.HTTPError, ServiceError):
                    await watching
        tally = (await api.call(MONITOR, "GET", "/tally")).json()
        self._show_result(manifest, tally)
        say(f"Two people found section 1 defective, which made {struck} lines invalid; a supervisor took that back")
        say(f"The control totals of {noted:,} sections differed, each with a note; two people froze the raw count")
        say(f"The stations posted {raw:,} lines in {posting:,.1f} s, {raw / posting:,.0f} lines/s")
        say(
            f"{posted['review']:,} lines ({posted['review'] / raw:.1%}) needed a clerk's decision and"
            f" {work['confirmed']:,} a clerk's confirmation; comparing signatures, clerks found"
            f" {work['compared']:,} that do not match; they overturned {work['overturned']:,} findings"
        )
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        say(f"The largest process of the service's commands took {peak:,.0f} MB")
        settled = (tally["raw_count"], tally["review"], tally["unsettled"]) == ("frozen", 0, 0)
        same = settled and all(tally[key] == manifest.expected[key] for key in RESULT)
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
