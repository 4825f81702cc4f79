"""Strangers' input, of every kind against every route: refused, without a fault, a changed row or an echo."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from time import process_time
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.access.principals import Role
from app.http.frame import body_of, guard_of, guarded_routes, routes
from app.http.openapi import EXAMPLES, document
from app.http.signatures import SignatureIn
from app.http.wire import decode
from tests.http import hostile
from tests.http.county import line
from tests.http.hostile import CANARY, NUMBER
from tests.http.wire import Answer, send
from tests.http.world import World

JSON = (b"content-type", b"application/json")
MOST = 8192  # bytes of an answer
MOST_OF_A_LINE = 128  # more for each line of a batch
DEAREST = 6  # times the processor's time for checking a good batch of 1,000 lines, measured at the same moment
CHEAP = 0.01  # seconds: what takes less is cheap on any machine
EVERY = 100  # requests after which the rows are counted
TRIES = 5  # since what else the process does may be in the time as well: the best counts
UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"


def time_of_a_good_batch() -> float:
    """The processor's time for reading and checking 1,000 good lines, in seconds."""
    body = json.dumps({"signatures": [line(number) for number in range(1, 1001)]}).encode()
    began = process_time()
    for one in decode(body)["signatures"]:
        SignatureIn.model_validate(one).signature()
    return process_time() - began


@dataclass
class Stranger:
    """Sends what is bad, and keeps account of what went wrong with it.

    An answer has at most 8 KB, that to a batch of bad lines some more for each of them, and takes the processor no more
    than six times as long as checking a good batch does.
    """

    app: FastAPI
    world: World
    connection: asyncpg.Connection
    faults: list[str] = field(default_factory=list)
    sent: int = 0
    rows: dict[str, int] = field(default_factory=dict)

    async def count_rows(self) -> dict[str, int]:
        tables = await self.connection.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname <> 'checkpoint'"
            " AND relnamespace = 'public'::regnamespace ORDER BY 1"  # checkpoints are made by the clock
        )
        counts = " UNION ALL ".join(f"SELECT '{t[0]}', count(*) FROM \"{t[0]}\"" for t in tables)  # noqa: S608  # names of ours
        return {row[0]: row[1] for row in await self.connection.fetch(counts)}

    async def refused(self, kind: str, method: str, path: str, *, role: Role | None, **more: Any) -> None:  # noqa: ANN401  # as `send`
        """Send it, and note a fault, a success, an echo or a long answer; now and then, whether a row was changed."""
        headers = [JSON, *more.pop("headers", [])] if not more.pop("bare", False) else more.pop("headers", [])
        if role:
            headers.append((b"authorization", f"Bearer {self.world.keys[role]}".encode()))
        self.sent += 1
        for _ in range(TRIES):
            began = process_time()
            answer = await send(self.app, method, path, headers=headers, **more)
            seconds = process_time() - began
            dear = seconds > CHEAP and seconds > DEAREST * time_of_a_good_batch()
            if not dear:
                break
        wrong = "; ".join(self.wrong_with(answer))
        if dear:
            wrong += f"; {seconds * 1000:.0f} ms"
        request = f"{method} {path[:90]} {more.get('query', '')[:40]} <- {kind}"
        if wrong:
            self.faults.append(f"{request}: {answer.status} {wrong}")
        if self.sent % EVERY == 0:
            await self.changes_nothing(request)

    async def changes_nothing(self, last: str) -> None:
        """Note it where a row was changed since this was asked before."""
        rows = await self.count_rows()
        if rows != self.rows:
            changed = [table for table in rows if rows[table] != self.rows.get(table)]
            self.faults.append(f"rows changed, by {last} or one of the {EVERY} requests before: {changed}")
            self.rows = rows

    def wrong_with(self, answer: Answer) -> Iterator[str]:
        most = MOST
        if answer.status == 200 and "results" in answer.json():  # a batch: its lines are refused one by one
            results = answer.json()["results"]
            most += MOST_OF_A_LINE * len(results)
            if any("error" not in result for result in results):
                yield "a line was taken"
        elif not 400 <= answer.status < 500:
            yield "not refused"
        elif answer.headers["content-type"] != "application/problem+json":
            yield "no problem"
        if len(answer.content) > most:
            yield f"{len(answer.content)} bytes"
        if CANARY.lower() in answer.text.lower() or str(NUMBER) in answer.text:
            yield "echo"


@pytest.fixture
async def stranger(app: FastAPI, world: World, connection: asyncpg.Connection) -> AsyncIterator[Stranger]:
    await world.post(line(1))
    result = Stranger(app, world, connection)
    result.rows = await result.count_rows()
    yield result
    assert result.sent
    await result.changes_nothing("the last request")
    assert not result.faults, "\n".join(result.faults)


def places(world: World, **changes: str) -> dict[str, str]:
    """What the parts of a path are filled with."""
    known = {"petition_id": world.petition_id, "place": "1-1-1", "section": "1", "withdrawal_id": UNKNOWN}
    known |= {"proposal_no": "1", "change_no": "1", "queue": "to_decide", "claim_id": UNKNOWN}
    known |= {"bulk_id": UNKNOWN}
    return {**known, "roll_version": "1", "prefix": "00000000", "asset": "favicon.png", **changes}


def guarded(app: FastAPI) -> list[tuple[str, str, APIRoute, Role]]:
    """Method, path and first role of every route that has one."""
    found = []
    for route in guarded_routes(app).values():
        guard = guard_of(route)
        assert guard
        found += [(method, route.path, route, guard.roles[0]) for method in sorted(route.methods or ())]
    return found


def parameters(app: FastAPI, kind: str) -> dict[str, set[str]]:
    """The documented parameters of each operation that stand in the query, path or header."""
    return {
        operation["operationId"]: {p["name"] for p in operation.get("parameters", ()) if p["in"] == kind}
        for item in document(app)["paths"].values()
        for operation in item.values()
    }


def with_body(app: FastAPI) -> list[tuple[str, str, str, Role]]:
    """Method, path, name of the body's model and a role, of every route that takes JSON."""
    return [(m, p, model.__name__, role) for m, p, route, role in guarded(app) if (model := body_of(route))]


def table_for(schema: Mapping[str, Any]) -> dict[str, str]:
    """The values that a field of this schema cannot have."""
    options = [o for o in schema.get("anyOf", [schema]) if o.get("type") != "null"]
    kind = options[0]
    table = dict(hostile.ANYTHING)
    if kind.get("type") == "integer":
        table |= hostile.WHOLE
    elif kind.get("type") == "boolean":
        table |= hostile.FLAG
    elif kind.get("format") in ("date", "date-time"):
        table |= hostile.DATE
    elif "enum" in kind or len(options) > 1:
        table |= {**hostile.CHOICE, **hostile.TEXT}
    elif kind.get("type") == "string":
        table |= hostile.PATTERN if "pattern" in kind else {**hostile.TEXT, **hostile.NUMBERS}
    else:  # an object of ours: what is no object at all
        table = {k: v for k, v in table.items() if not v.startswith("{")} | hostile.NUMBERS
    optional = len(options) < len(schema.get("anyOf", [schema]))
    return {k: v for k, v in table.items() if v != "null"} if optional else {**table, "null": "null"}


def spoiled(example: Mapping[str, Any], name: str, value: str) -> bytes:
    """The example with one field that says something else."""
    parts = [f"{json.dumps(key)}: {value if key == name else json.dumps(example[key])}" for key in {**example, name: 0}]
    return f"{{{', '.join(parts)}}}".encode("utf-8", "surrogateescape")


def test_the_corpus_holds_at_least_250_kinds() -> None:
    assert hostile.KINDS >= 250


async def test_bodies_that_are_no_documents(stranger: Stranger) -> None:
    schemas = document(stranger.app)["components"]["schemas"]
    for method, path, model, role in with_body(stranger.app):
        for kind, content in hostile.BODIES.items():
            if content == b"{}" and not schemas[model].get("required"):
                continue  # it says all that must be said
            await stranger.refused(kind, method, path.format(**places(stranger.world)), role=role, content=content)


async def test_files_that_are_no_aliases(stranger: Stranger) -> None:
    csv = [(b"content-type", b"text/csv")]
    texts = {**hostile.ANYTHING, **hostile.TEXT, **hostile.NUMBERS, **hostile.CHOICE, **hostile.DATE, **hostile.WHOLE}
    files = dict(hostile.BODIES)
    for kind, text in texts.items():
        value = text.encode("utf-8", "surrogateescape")
        files[f"a row: {kind}"] = b"kind,alias,name\n" + value + b"\n"
        files[f"a kind: {kind}"] = b"kind,alias,name\n" + value + b",A,B\n"
    for name, value in (("NUL", b"\0"), ("U+202E", "\u202e".encode()), ("a broken byte", b"\xff"), ("a quote", b'"')):
        files[f"an alias: {name}"] = b"kind,alias,name\ncity," + CANARY.encode() + value + b"x,B\n"
    for kind, content in files.items():
        await stranger.refused(kind, "POST", "/v1/aliases", role="admin", content=content, headers=csv, bare=True)


async def test_fields_that_say_what_they_cannot(stranger: Stranger) -> None:
    schemas = document(stranger.app)["components"]["schemas"]
    for method, path, model, role in with_body(stranger.app):
        for name, schema in schemas[model]["properties"].items():
            if model == "BatchIn":
                continue
            for kind, value in table_for(schema).items():
                content = spoiled(EXAMPLES[model], name, value)
                where = path.format(**places(stranger.world))
                await stranger.refused(f"{name}: {kind}", method, where, role=role, content=content)


async def test_batches_and_lines_of_batches(stranger: Stranger) -> None:
    schemas = document(stranger.app)["components"]["schemas"]
    lines = dict(hostile.LINES)
    for name, schema in schemas["SignatureIn"]["properties"].items():
        for kind, value in table_for(schema).items():
            lines[f"{name}: {kind}"] = spoiled(EXAMPLES["SignatureIn"], name, value).decode("utf-8", "surrogateescape")
    path = f"/v1/petitions/{stranger.world.petition_id}/signatures/batch"
    for kind, text in [*hostile.LISTS.items(), *((k, f"[{v}]") for k, v in lines.items())]:
        content = f'{{"signatures": {text}}}'.encode("utf-8", "surrogateescape")
        await stranger.refused(kind, "POST", path, role="station", content=content)


async def test_pages_of_findings_and_findings_on_pages(stranger: Stranger) -> None:
    schema, example = document(stranger.app)["components"]["schemas"]["PlacedFindingIn"], EXAMPLES["FindingsIn"]
    good = {**example["findings"][0], "place": "1-1-1"}
    found = dict(hostile.LINES)
    for name, field_schema in schema["properties"].items():
        for kind, value in table_for(field_schema).items():
            found[f"{name}: {kind}"] = spoiled(good, name, value).decode("utf-8", "surrogateescape")
    found |= {f"place: {kind}": json.dumps({**good, "place": value}) for kind, value in hostile.PLACES.items()}
    path = f"/v1/petitions/{stranger.world.petition_id}/findings"
    for kind, text in [*hostile.LISTS.items(), *((k, f"[{v}]") for k, v in found.items())]:
        content = f'{{"findings": {text}}}'.encode("utf-8", "surrogateescape")
        await stranger.refused(kind, "POST", path, role="clerk", content=content)


async def test_fields_that_are_missing(stranger: Stranger) -> None:
    schemas = document(stranger.app)["components"]["schemas"]
    for method, path, model, role in with_body(stranger.app):
        for name in schemas[model].get("required", []):
            content = json.dumps({k: v for k, v in EXAMPLES[model].items() if k != name}).encode()
            where = path.format(**places(stranger.world))
            await stranger.refused(f"no {name}", method, where, role=role, content=content)


async def test_terms_of_a_petition_that_contradict_each_other(stranger: Stranger) -> None:
    good = EXAMPLES["PetitionIn"]
    both, late = {**good, "required": 5}, {**good, "circulation_from": "2023-01-01"}
    early, unknown = {**good, "filed_on": "2021-01-01"}, {**good, "ruleset": CANARY}
    neither = {k: v for k, v in good.items() if k != "registered_voters"}
    for kind, terms in {"both": both, "neither": neither, "late": late, "early": early, "ruleset": unknown}.items():
        await stranger.refused(kind, "POST", "/v1/petitions", role="clerk", content=json.dumps(terms).encode())


async def test_content_types(stranger: Stranger) -> None:
    for method, path, model, role in with_body(stranger.app):
        content = json.dumps(EXAMPLES[model]).encode()
        where = path.format(**places(stranger.world))
        for kind, value in hostile.CONTENT_TYPES.items():
            headers = [] if value is None else [(b"content-type", value)]
            await stranger.refused(kind, method, where, role=role, content=content, headers=headers, bare=True)
        encoded = [(b"content-encoding", b"gzip")]
        await stranger.refused("compressed", method, where, role=role, content=content, headers=encoded)
        await stranger.refused("type twice", method, where, role=role, content=content, headers=[JSON])


async def test_petitions_and_places_in_paths(stranger: Stranger) -> None:
    for method, path, route, role in guarded(stranger.app):
        model = body_of(route)
        content = json.dumps(EXAMPLES[model.__name__]).encode() if model else b""
        bad = [(f"petition: {k}", {"petition_id": v}) for k, v in hostile.PETITION_IDS.items()]
        bad = bad if "{petition_id}" in path else []
        bad += [(f"place: {k}", {"place": v}) for k, v in hostile.PLACES.items() if "{place}" in path]
        for kind, part in bad:
            where = path.format(**places(stranger.world, **part))
            await stranger.refused(kind, method, where, role=role, content=content)


async def test_queries(stranger: Stranger) -> None:
    documented = parameters(stranger.app, "query")
    for method, path, route, role in guarded(stranger.app):
        if method != "GET":
            continue
        known = documented[route.name]
        for kind, query in hostile.QUERIES.items():
            if kind == "only an ampersand" or query.partition("=")[0] in known or not known:
                where = path.format(**places(stranger.world))
                await stranger.refused(kind, method, where, role=role, query=query)


async def test_idempotency_keys(stranger: Stranger) -> None:
    documented = parameters(stranger.app, "header")
    for method, path, route, role in guarded(stranger.app):
        model = body_of(route)
        if "idempotency-key" not in documented[route.name] or not model:
            continue
        content, where = json.dumps(EXAMPLES[model.__name__]).encode(), path.format(**places(stranger.world))
        for kind, value in hostile.KEYS_OF_REQUESTS.items():
            headers = [(b"idempotency-key", value)]
            await stranger.refused(kind, method, where, role=role, content=content, headers=headers)
        twice = [(b"idempotency-key", b"a"), (b"idempotency-key", b"b")]
        await stranger.refused("twice", method, where, role=role, content=content, headers=twice)


async def test_credentials(stranger: Stranger) -> None:
    for method, path, route, role in guarded(stranger.app):
        model = body_of(route)
        content = json.dumps(EXAMPLES[model.__name__]).encode() if model else b""
        where, good = path.format(**places(stranger.world)), f"Bearer {stranger.world.keys[role]}".encode()
        for kind, value in hostile.CREDENTIALS.items():
            headers = [(b"authorization", value)]
            await stranger.refused(kind, method, where, role=None, content=content, headers=headers)
        for kind, value in {"cut short": good[:-1], "longer": good + b"x", "a comma": good + b"," + good}.items():
            headers = [(b"authorization", value)]
            await stranger.refused(kind, method, where, role=None, content=content, headers=headers)
        twice = [(b"authorization", good)]
        await stranger.refused("twice", method, where, role=role, content=content, headers=twice)


async def test_methods(stranger: Stranger) -> None:
    for path in dict.fromkeys(path for path, _ in routes(stranger.app)):
        allowed = {m for p, r in routes(stranger.app) for m in getattr(r, "methods", ()) if p == path}
        for method in hostile.METHODS:
            if method not in allowed:
                where = path.format(**places(stranger.world))
                override = [(b"x-http-method-override", b"GET"), (b"x-original-url", f"/{CANARY}".encode())]
                await stranger.refused(method, method, where, role="clerk", headers=override)


async def test_paths_that_are_no_routes(stranger: Stranger) -> None:
    for path in (
        f"/{CANARY}",
        "//v1/petitions",
        "/v1/petitions/",
        "/V1/petitions",
        "/v1/../v1/petitions",
        "/%2e%2e/",
        "/",
    ):
        await stranger.refused(path, "GET", path, role="clerk")


async def test_a_petition_that_is_closed(stranger: Stranger) -> None:
    await stranger.connection.execute("UPDATE head SET state = 'closed'")
    for method, path, model, role in with_body(stranger.app):
        if "{petition_id}" in path:
            content = json.dumps(EXAMPLES[model]).encode()
            where = path.format(**places(stranger.world))
            await stranger.refused("closed", method, where, role=role, content=content)
