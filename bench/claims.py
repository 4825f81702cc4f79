"""Measure how clerks claim lines over HTTP while clients are killed, and check that no two of them held one line.

    python bench/claims.py [--lines 715833] [--clerks 400] [--claims 100000] [--rate 300] [--kills 60]

A petition whose lines nearly all wait for people, two processes of the service over one database, and processes of
clients with 50 clerks each, all on the loopback. A clerk claims up to five lines, then decides them, releases them, or
leaves them to their leases. Now and then a process of clients is killed and another one takes its place. Each client
writes down what it was given, and until when it held it: until the lease's end, or the moment before it gave the line
back. Afterwards these spans must not overlap, no line may be given again once it was decided, and every other line must
wait again.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import asyncpg

from app.access.keys import issue_key
from app.access.principals import Principal
from app.count.record import Count
from app.database.engine import open_database
from app.database.migrate import give_logins, upgrade
from app.database.server import EmbeddedServer
from app.law.petition import Terms
from bench.clerks import Plan
from bench.service import ROOT, the_service
from bench.usage import processes, processor_time

COUNTY: Final = "bench"
LEASE_SECONDS: Final = 10
CLERKS_OF_A_PROCESS: Final = 50

# As many lines as a petition has: of each 20, 15 are to compare, 3 to confirm, 1 to decide, 1 is settled.
FILL: Final = """
INSERT INTO signature (county_id, petition_id, section, page, line, printed_name, residence_address, city, zip, signed,
                       writing_sha256, station, received_at)
SELECT county_id, petition_id, 1 + n / 50, 1 + n / 10 % 5, 1 + n % 10, 'Maria Garcia', '1284 W Sunset Blvd',
       'Los Angeles', '90026', true, sha256(int4send(n)), 'station-1', as_of
FROM head, generate_series(0, $1::int - 1) AS n;
INSERT INTO line (county_id, petition_id, section, page, line, status, reason, voter_id, settled, finding_no, version,
                  people_needed, confirmed_by, mismatch_by, station)
SELECT county_id, petition_id, 1 + n / 50, 1 + n / 10 % 5, 1 + n % 10,
       CASE WHEN n % 20 < 16 THEN 'valid' WHEN n % 20 < 19 THEN 'invalid' ELSE 'review' END,
       CASE WHEN n % 20 < 16 THEN NULL WHEN n % 20 < 19 THEN 'different_address' ELSE 'weak_match' END,
       CASE WHEN n % 20 < 16 THEN 'V' || n END, n % 20 = 0, 1, 1, 1, '{}', '{}', 'station-1'
FROM head, generate_series(0, $1::int - 1) AS n;
INSERT INTO finding (county_id, petition_id, section, page, line, finding_no, version, leaf_no, salt, content)
SELECT county_id, petition_id, section, page, line, 1, 1, 0, '', jsonb_build_object(
    'place', concat_ws('-', section, page, line), 'finding_no', 1, 'status', status, 'reason', reason,
    'reason_open', false, 'settled', settled, 'voter_id', voter_id, 'registration_no', NULL, 'secondary', '[]'::json,
    'counted_place', NULL, 'confirmed_by', '[]'::json, 'mismatch_by', '[]'::json, 'ruleset', ruleset_in_force,
    'roll_version', NULL, 'decided_by', 'machine', 'person', false, 'decided_at', as_of, 'note', '',
    'evidence', CASE WHEN status <> 'valid' THEN
        jsonb_build_object('candidates', '[]'::json, 'text', repeat('x', 1500)) END
)::text
FROM line JOIN head USING (county_id, petition_id);
INSERT INTO slot (county_id, petition_id, voter_id)
SELECT county_id, petition_id, voter_id FROM line WHERE status = 'valid';
UPDATE head SET (valid, invalid, review, unsettled, unsettled_valid, by_reason) = (
    SELECT count(*) FILTER (WHERE status = 'valid'), count(*) FILTER (WHERE status = 'invalid'),
           count(*) FILTER (WHERE status = 'review'), count(*) FILTER (WHERE NOT settled),
           count(*) FILTER (WHERE NOT settled AND status = 'valid'),
           json_build_object('different_address', count(*) FILTER (WHERE status = 'invalid'))::text
    FROM line)
"""
WAITING: Final = "SELECT count(*) FROM line WHERE NOT settled"
LIVE: Final = "SELECT count(*) FROM lease WHERE expires_at > now()"


def a_client(plan: Plan) -> subprocess.Popen[bytes]:
    """Start a process of clients."""
    command = [sys.executable, "bench/clerks.py", json.dumps(asdict(plan))]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})  # noqa: S603  # our own


@asynccontextmanager
async def prepared(folder: Path, options: argparse.Namespace) -> AsyncIterator[tuple[Plan, asyncpg.Connection]]:
    """A petition with so many lines, its clerks, and running processes of the service."""
    with EmbeddedServer.start(folder / "data") as server:
        await upgrade(server.url())
        await give_logins(server.logins())
        url = server.logins().service
        database = await open_database(url)
        terms = Terms(
            county_id=COUNTY,
            title="Recall of the assessor",
            officer="The assessor",
            required=566_857,
            registered_voters=None,
            circulation_from=date(2022, 1, 27),
            circulation_to=date(2022, 7, 6),
            filed_on=date(2022, 7, 6),
            ruleset_name="california-local-recall/2",
        )
        petition = await Count(database).open_petition(terms, opened_by="bench", now=datetime.now(UTC))
        people = [Principal(COUNTY, f"clerk {number}", "clerk") for number in range(options.clerks)]
        keys = [await issue_key(database, who, now=datetime.now(UTC)) for who in people]
        await database.close()
        connection = await asyncpg.connect(server.dsn())
        for statement in FILL.split(";\n"):
            await connection.execute(statement.replace("$1", str(options.lines)))
        await connection.execute("VACUUM ANALYZE signature, line, finding, slot")
        environment = {
            "DATABASE_URL": url,
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "READS_PER_DAY": "1000000000",
            "MATCHERS": "0",
        }
        pause = 2 / 3 * options.clerks / options.rate
        async with AsyncExitStack() as stack:
            ports = []
            for number in range(options.services):
                (own := folder / f"service-{number}").mkdir()
                program = the_service(own, **environment)
                environment["CHECKPOINT_KEY_FILE"] = str(folder / "service-0/checkpoint.key")
                ports.append((await stack.enter_async_context(program.running())).port)
            yield Plan(ports, str(petition.petition_id), keys, pause, ""), connection
        await connection.close()


async def load(plan: Plan, folder: Path, claims: int, kills: int) -> float:
    """Let the clients work until so many claims were answered, killing some; the seconds that it took."""
    shares = [plan.keys[at : at + CLERKS_OF_A_PROCESS] for at in range(0, len(plan.keys), CLERKS_OF_A_PROCESS)]
    plans = [
        Plan(plan.ports, plan.petition_id, keys, plan.pause, str(folder / f"log-{n}")) for n, keys in enumerate(shares)
    ]
    clients, began, killed, answered = [a_client(one) for one in plans], time.monotonic(), 0, 0
    logs = [Path(one.log) for one in plans]
    read = dict.fromkeys(logs, 0)
    while answered < claims:
        await asyncio.sleep(0.5)
        for log in logs:
            if log.exists():
                with log.open("rb") as opened:
                    opened.seek(read[log])
                    text = opened.read()
                read[log] += len(text)
                answered += text.count(b'"kind": "claim"')
        if killed < kills * answered / claims:
            one = random.randrange(len(clients))  # noqa: S311  # a benchmark
            clients[one].kill()
            clients[one].wait()
            clients[one] = a_client(plans[one])
            killed += 1
    seconds = time.monotonic() - began
    for client in clients:
        client.kill()
        client.wait()
    return seconds


def notes(folder: Path) -> Iterator[dict[str, Any]]:
    """What the clients wrote down; of a line that a kill cut short nothing is known."""
    for log in folder.glob("log-*"):
        for line in log.read_text().splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue


def check(found: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many spans of holding a line overlap, and how many lines were given again after they were decided."""
    spans: dict[str, list[list[float]]] = {}
    decided: dict[str, float] = {}
    for note in sorted(found, key=lambda one: one["at"]):
        for place in note.get("places", ()):
            if note["kind"] == "held":
                since, until = (datetime.fromisoformat(note[name]).timestamp() for name in ("since", "until"))
                spans.setdefault(place, []).append([since, until])
            elif note["kind"] == "ended":
                last = spans[place][-1]
                last[1] = min(last[1], note["at"])
            elif note["kind"] == "decided":
                decided[place] = note["at"]
    twice = sum(
        before[1] > after[0]
        for held in spans.values()
        for before, after in zip(sorted(held), sorted(held)[1:], strict=False)
    )
    again = sum(span[0] > at for place, at in decided.items() for span in spans.get(place, ()))
    return {
        "lines": len(spans),
        "spans": sum(map(len, spans.values())),
        "twice": twice,
        "decided": len(decided),
        "again": again,
    }


def spending() -> dict[str, float]:
    """Seconds of processor time that the database and the processes of Python (with the clients) took so far."""
    found, own = processes(), os.getpid()
    return {name: processor_time(own, found, database=name == "database") for name in ("database", "Python")}


def percentile(times: Sequence[float], percent: float) -> float:
    """The time within which so many percent were answered."""
    return sorted(times)[min(len(times) - 1, int(len(times) * percent / 100))]


async def run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Prepare, load, and check; the results."""
    async with prepared(folder, options) as (plan, connection):
        before = await connection.fetchval(WAITING)
        print(f"{before:,} of {options.lines:,} lines wait", flush=True)
        began = spending()
        seconds = await load(plan, folder, options.claims, options.kills)
        spent = {whose: used - began[whose] for whose, used in spending().items()}
        await asyncio.sleep(LEASE_SECONDS + 1)
        left, live = await connection.fetchval(WAITING), await connection.fetchval(LIVE)
        settled = before - left
    found = list(notes(folder))
    claims = [note for note in found if note["kind"] == "claim"]
    codes = [code for note in found if note["kind"] == "refused" for code in note["codes"]]
    times = [note["ms"] for note in claims]
    result = {"claims": len(claims), "not 201": sum(note["status"] != 201 for note in claims), **check(found)}  # noqa: PLR2004
    # A finding whose answer a kill cut off may have been recorded: it is not known to the client as decided.
    result |= {"settled": settled, "live leases at the end": live, "refused": len(codes), "kills": options.kills}
    result |= {f"{whose}, ms a claim": round(used * 1000 / len(claims), 2) for whose, used in spent.items()}
    result |= {f"p{percent}, ms": round(percentile(times, percent), 1) for percent in (50, 95, 99)}
    return result | {"seconds": round(seconds), "claims/s": round(len(claims) / seconds)}


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description="Measure how clerks claim lines.")
    parser.add_argument("--lines", type=int, default=715_833, help="of the petition")
    parser.add_argument("--clerks", type=int, default=400)
    parser.add_argument("--claims", type=int, default=100_000, help="to be answered")
    parser.add_argument("--rate", type=float, default=300, help="claims a second that the clerks aim at")
    parser.add_argument("--kills", type=int, default=60, help="of processes of clients")
    parser.add_argument("--services", type=int, default=2, help="processes of the service")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="claims-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)  # where root runs it, the database's user must reach its folder
        result = asyncio.run(run(options, folder))
    for what, value in result.items():
        print(f"{what:<24} {value:>12,}")
    if result["twice"] or result["again"] or result["live leases at the end"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
