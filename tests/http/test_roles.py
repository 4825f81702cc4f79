"""Who may do what: every role on every route, with every kind of key. A route without a row here fails."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final

import pytest
from fastapi import Depends, FastAPI, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette._utils import is_async_callable
from starlette.routing import Route

from app.access.keys import issue_key, parse, revoke_key
from app.access.principals import ROLES, Principal, Role
from app.http.frame import PUBLIC, allow, body_of, check_guards, guard_of, guarded_routes, routes
from app.http.openapi import EXAMPLES
from tests.http.wire import Answer, send
from tests.http.world import World

MAY: Final[dict[str, set[Role]]] = {
    "open_petition": {"clerk", "supervisor"},
    "list_petitions": {"clerk", "supervisor", "auditor"},
    "get_petition": {"clerk", "supervisor", "auditor"},
    "close_petition": {"supervisor"},
    "record_lapsed_attempt": {"clerk", "supervisor"},
    "list_attempts": {"clerk", "supervisor", "auditor"},
    "post_ruleset": {"admin"},
    "propose_ruleset": {"clerk", "supervisor"},
    "confirm_ruleset": {"supervisor"},
    "list_ruleset_changes": {"clerk", "supervisor", "auditor"},
    "dry_run_ruleset": {"clerk", "supervisor", "auditor"},
    "list_rulesets": {"clerk", "supervisor", "auditor", "admin"},
    "post_signature": {"station", "clerk", "supervisor", "system"},
    "post_signatures": {"station", "clerk", "supervisor", "system"},
    "get_line_history": {"clerk", "supervisor", "auditor"},
    "get_signature": {"station", "system", "clerk", "supervisor", "auditor"},
    "list_signatures": {"clerk", "supervisor", "auditor"},
    "post_finding": {"clerk", "supervisor"},
    "post_findings": {"clerk", "supervisor"},
    "get_queues": {"clerk", "supervisor", "auditor", "confidential"},
    "claim_lines": {"clerk", "supervisor"},
    "claim_escalated": {"supervisor"},
    "claim_confidential": {"confidential"},
    "get_claims": {"clerk", "supervisor", "confidential"},
    "renew_claim": {"clerk", "supervisor", "confidential"},
    "release_claim": {"clerk", "supervisor", "confidential"},
    "preview_bulk": {"clerk", "supervisor"},
    "get_bulk": {"clerk", "supervisor", "auditor"},
    "execute_bulk": {"clerk", "supervisor"},
    "undo_bulk": {"supervisor"},
    "post_note": {"clerk", "supervisor"},
    "escalate_line": {"clerk", "supervisor"},
    "refer_line": {"clerk", "supervisor"},
    "return_line": {"supervisor"},
    "post_references": {"admin"},
    "get_comparisons": {"clerk", "supervisor", "confidential"},
    "get_earlier_decisions": {"clerk", "supervisor", "auditor"},
    "get_quality": {"clerk", "supervisor", "auditor"},
    "get_quality_of_people": {"supervisor"},
    "get_quality_sample": {"clerk", "supervisor"},
    "post_quality_check": {"clerk", "supervisor"},
    "look_up_voters": {"clerk", "supervisor", "system", "confidential"},
    "list_reads": {"supervisor", "auditor", "admin"},
    "post_revision": {"clerk", "supervisor"},
    "post_withdrawal": {"clerk", "supervisor", "confidential"},
    "list_held": {"confidential"},
    "post_held_finding": {"confidential"},
    "post_withdrawal_decision": {"clerk", "supervisor", "confidential"},
    "post_revocation": {"supervisor"},
    "list_withdrawals": {"clerk", "supervisor", "auditor", "confidential"},
    "put_section": {"clerk", "supervisor"},
    "register_section": {"clerk", "supervisor"},
    "register_sections": {"clerk", "supervisor"},
    "list_sections": {"clerk", "supervisor", "auditor"},
    "get_section": {"clerk", "supervisor", "auditor"},
    "get_control_totals": {"clerk", "supervisor", "auditor"},
    "confirm_section_dates": {"clerk", "supervisor"},
    "find_section_defect": {"clerk", "supervisor"},
    "confirm_section_defect": {"clerk", "supervisor"},
    "take_section_defect_back": {"supervisor"},
    "file_petition": {"supervisor"},
    "get_raw_count": {"clerk", "supervisor", "auditor"},
    "propose_raw_count": {"clerk", "supervisor"},
    "confirm_raw_count": {"supervisor"},
    "get_tally": {"monitor", "clerk", "supervisor", "auditor"},
    "get_tally_history": {"monitor", "clerk", "supervisor", "auditor"},
    "stream_tally": {"monitor", "clerk", "supervisor", "auditor"},
    "verify_tally": {"supervisor", "auditor"},
    "get_checkpoint": {"monitor", "clerk", "supervisor", "auditor"},
    "list_checkpoints": {"monitor", "clerk", "supervisor", "auditor"},
    "get_ledger_key": {"monitor", "clerk", "supervisor", "auditor"},
    "list_entries": {"monitor", "clerk", "supervisor", "auditor"},
    "prove_inclusion": {"monitor", "clerk", "supervisor", "auditor"},
    "prove_consistency": {"monitor", "clerk", "supervisor", "auditor"},
    "list_rolls": {"admin"},
    "load_roll": {"admin"},
    "activate_roll": {"admin"},
    "list_aliases": {"admin"},
    "load_aliases": {"admin"},
    "create_key": {"admin"},
    "list_keys": {"admin"},
    "revoke_key": {"admin"},
    "assign_sections": {"admin"},
    "list_assignments": {"admin"},
}
UNKNOWN: Final = "01890a5d-ac96-774b-bcce-b302099a8057"


def guarded(app: FastAPI) -> dict[str, tuple[str, str]]:
    """Method and path of every route that needs a key, by its operation's id."""
    return {name: (min(route.methods or ()), route.path) for name, route in guarded_routes(app).items()}


async def ask(app: FastAPI, operation: str, petition_id: str, key: str | None) -> Answer:
    """An empty request: whoever is let in gets no further than its content."""
    method, path = guarded(app)[operation]
    known = {"petition_id": petition_id, "place": "1-1-1", "section": "1", "proposal_no": "1", "withdrawal_id": UNKNOWN}
    known |= {"queue": "to_decide", "claim_id": UNKNOWN, "bulk_id": UNKNOWN}
    headers = [(b"content-type", b"application/json")]
    if key is not None:
        headers.append((b"authorization", b"Bearer " + key.encode()))
    where = path.format(**known, roll_version="999", prefix="00000000", change_no="1")
    return await send(app, method, where, headers=headers, content=b"{}" if method in ("POST", "PUT") else b"")


def test_every_route_with_a_key_has_a_row_and_every_row_a_route(app_without_database: FastAPI) -> None:
    assert set(guarded(app_without_database)) == set(MAY)


def test_every_other_route_is_one_of_the_few_public_ones(app_without_database: FastAPI) -> None:
    open_to_all = {path for path, route in routes(app_without_database) if not guard_of(route)}
    assert open_to_all <= PUBLIC
    assert not any(path.startswith("/v1") for path in PUBLIC)


def test_an_application_with_an_unguarded_route_does_not_start(app_without_database: FastAPI) -> None:
    app_without_database.add_api_route("/v1/forgotten", lambda: None)
    with pytest.raises(RuntimeError, match="/v1/forgotten declares no role"):
        check_guards(app_without_database)


def test_an_application_with_a_plain_route_beside_fastapi_does_not_start(app_without_database: FastAPI) -> None:
    app_without_database.router.routes.insert(0, Route("/v1/forgotten", lambda _: Response()))
    with pytest.raises(RuntimeError, match="/v1/forgotten declares no role"):
        check_guards(app_without_database)


def test_a_route_that_does_anything_before_its_guard_does_not_start(app_without_database: FastAPI) -> None:
    async def read_first() -> None: ...

    async def late(_first: object = Depends(read_first), _principal: object = allow("clerk")) -> None: ...

    app_without_database.add_api_route("/v1/late", late)
    with pytest.raises(RuntimeError, match="/v1/late declares no role"):
        check_guards(app_without_database)


def test_no_route_and_nothing_before_it_is_sent_to_a_thread(app_without_database: FastAPI) -> None:
    """FastAPI does so with all that is no coroutine, at more than the price of most answers."""
    every = [r for _, r in routes(app_without_database) if isinstance(r, APIRoute)]
    called = {call for route in every for call in (route.endpoint, *calls(route.dependant))}
    assert [call for call in called if not is_async_callable(call)] == []


def calls(dependant: Dependant) -> Iterator[object]:
    """Every dependency below a route."""
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from calls(dependency)


KINDS: Final = ("own", "another county's", "unknown", "expired", "revoked")


class Matrix:
    """Every route, role and kind of key or object; what is asked in each, and what must come of it."""

    def __init__(self, app: FastAPI, world: World) -> None:
        self.app = app
        self.world = world
        self.keys: dict[tuple[Role, str], str] = {}
        self.routes = dict[str, APIRoute](guarded_routes(app))
        self.prefix = ""  # of a key that nobody needs

    async def prepare(self) -> None:
        """A key of each kind for each role."""
        now, past = datetime.now(UTC), datetime.now(UTC) - timedelta(seconds=1)
        unused = await self._issue("sample", "station", "to revoke", now)
        self.prefix = unused.split(".")[2]
        for role in ROLES:
            self.keys[role, "own"] = self.keys[role, "unknown"] = self.world.keys[role]
            self.keys[role, "another county's"] = await self._issue("elsewhere", role, f"{role}-1", now)
            self.keys[role, "expired"] = await self._issue("sample", role, f"expired-{role}", past, past)
            self.keys[role, "revoked"] = key = await self._issue("sample", role, f"revoked-{role}", now)
            await revoke_key(self.world.database, "sample", key.split(".")[2], now=now)

    async def _issue(self, county: str, role: Role, name: str, now: datetime, expires: datetime | None = None) -> str:
        return await issue_key(self.world.database, Principal(county, name, role), now=now, expires_at=expires)

    async def ask(self, operation: str, role: Role, kind: str) -> Answer:
        """The request of one cell: a good one where it is about an object that must not be found, else an empty one."""
        method, path = guarded(self.app)[operation]
        ids = {
            "petition_id": self.world.petition_id,
            "place": "1-1-1",
            "section": "1",
            "proposal_no": "1",
            "withdrawal_id": UNKNOWN,
            "queue": "to_decide",
            "claim_id": UNKNOWN,
            "bulk_id": UNKNOWN,
        }
        ids |= {"prefix": self.prefix, "roll_version": "1", "change_no": "1"}
        if kind == "unknown":
            ids |= {"petition_id": UNKNOWN, "prefix": "00000000", "roll_version": "999"}
        model = body_of(self.routes[operation])
        good = EXAMPLES[model.__name__] if model and self.is_about_an_object(operation) and kind != "own" else {}
        if operation == "look_up_voters" and kind != "own":
            good = {"printed_name": "ADELINE ABERNATHY", "petition_id": ids["petition_id"]}
        headers = [
            (b"content-type", b"application/json"),
            (b"authorization", f"Bearer {self.keys[role, kind]}".encode()),
        ]
        content = json.dumps(good).encode() if method in ("POST", "PUT") else b""
        queries = {"prove_inclusion": "seq=1&size=1", "prove_consistency": "first=1&second=1"}
        query = queries.get(operation, "")
        return await send(self.app, method, path.format(**ids), headers=headers, content=content, query=query)

    def is_about_an_object(self, operation: str) -> bool:
        return "{" in guarded(self.app)[operation][1] or operation == "look_up_voters"

    def is_right(self, operation: str, role: Role, kind: str, status: int) -> bool:
        if kind in ("expired", "revoked"):
            return status == 401
        if role not in MAY[operation]:
            return status == 403
        if kind == "own" or not self.is_about_an_object(operation):
            return status not in (401, 403) and status < 500
        return status == 404


async def test_every_cell_of_route_role_and_kind_is_answered_as_its_row_says(app: FastAPI, world: World) -> None:
    matrix = Matrix(app, world)
    await matrix.prepare()
    cells = list(product(sorted(guarded(app)), ROLES, KINDS))  # from the routes: one without a row fails
    wrong = []
    for operation, role, kind in cells:
        answer = await matrix.ask(operation, role, kind)
        if not matrix.is_right(operation, role, kind, answer.status):
            wrong.append((operation, role, kind, answer.status, answer.content[:200]))
    assert wrong == []
    assert len(cells) == len(MAY) * len(ROLES) * len(KINDS) >= 1225


async def test_another_countys_petition_is_as_unknown_as_one_that_does_not_exist(app: FastAPI, world: World) -> None:
    wrong = []
    now = datetime.now(UTC)
    others = {r: await issue_key(world.database, Principal("elsewhere", f"{r}-1", r), now=now) for r in ROLES}
    for operation, role in product(MAY, ROLES):
        if "{petition_id}" not in guarded(app)[operation][1]:
            continue
        foreign = await ask(app, operation, world.petition_id, others[role])
        unknown = await ask(app, operation, UNKNOWN, world.keys[role])
        expected = 404 if role in MAY[operation] else 403
        same = {k: v for k, v in foreign.json().items() if k != "request_id"} == {
            k: v for k, v in unknown.json().items() if k != "request_id"
        }
        if (foreign.status, unknown.status, same) != (expected, expected, True) and not refused_first(foreign, unknown):
            wrong.append((operation, role, foreign.status, unknown.status))
    assert wrong == []


def refused_first(foreign: Answer, unknown: Answer) -> bool:
    """The empty body was refused before anybody asked for the petition: it tells nothing either way."""
    return (foreign.status, unknown.status) == (422, 422) and foreign.json()["errors"] == unknown.json()["errors"]


async def test_a_key_sees_no_petition_and_no_roll_of_another_county(app: FastAPI, world: World) -> None:
    now = datetime.now(UTC)
    for operation, role, name in (("list_petitions", "clerk", "petitions"), ("list_rolls", "admin", "rolls")):
        other = await issue_key(world.database, Principal("elsewhere", f"{role}-1", role), now=now)  # type: ignore[arg-type]  # roles are text here
        assert (await ask(app, operation, UNKNOWN, other)).json() == {name: [], "next_cursor": None}
        assert (await ask(app, operation, UNKNOWN, world.keys[role])).json()[name]


async def test_a_key_that_is_not_live_opens_nothing(app: FastAPI, world: World) -> None:
    now = datetime.now(UTC)
    keys: dict[str, str | None] = {"none": None, "garbage": "rpk.garbage", "empty": ""}
    for role in ROLES:
        past = now - timedelta(seconds=1)
        keys[f"expired {role}"] = await issue_key(
            world.database, Principal("sample", f"expired-{role}", role), now=past, expires_at=past
        )
        revoked = await issue_key(world.database, Principal("sample", f"revoked-{role}", role), now=now)
        parts = parse(revoked)
        assert parts
        await revoke_key(world.database, "sample", parts.prefix, now=now)
        keys[f"revoked {role}"] = revoked
        keys[f"other secret {role}"] = world.keys[role][:-43] + "A" * 43
        keys[f"other county {role}"] = world.keys[role].replace("rpk.sample.", "rpk.elsewhere.")
    answers = {(o, k): await ask(app, o, world.petition_id, key) for o, (k, key) in product(MAY, keys.items())}
    assert [(case, answer.status) for case, answer in answers.items() if answer.status != 401] == []
    assert {answer.headers["www-authenticate"] for answer in answers.values()} == {"Bearer"}
    assert len({answer.json()["detail"] for answer in answers.values()}) == 1
