"""Who may do what: every role on every route, with every kind of key. A route without a row here fails."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette._utils import is_async_callable

from app.actions.keys import issue_key, revoke_key
from app.api.guards import PUBLIC, calls, check_guards, guard_of, routes
from app.domain.keys import ROLES, Role, parse
from tests.api.wire import Answer, send
from tests.api.world import World

MAY: Final[dict[str, set[Role]]] = {
    "open_petition": {"clerk", "supervisor"},
    "list_petitions": {"clerk", "supervisor", "auditor"},
    "get_petition": {"clerk", "supervisor", "auditor"},
    "close_petition": {"supervisor"},
    "post_signature": {"station", "clerk", "supervisor", "system"},
    "post_signatures": {"station", "clerk", "supervisor", "system"},
    "get_signature": {"station", "system", "clerk", "supervisor", "auditor"},
    "list_signatures": {"clerk", "supervisor", "auditor"},
    "post_finding": {"clerk", "supervisor"},
    "post_findings": {"clerk", "supervisor"},
    "get_quality": {"clerk", "supervisor", "auditor"},
    "get_quality_sample": {"clerk", "supervisor"},
    "post_quality_check": {"clerk", "supervisor"},
    "look_up_voters": {"clerk", "supervisor", "system"},
    "post_revision": {"clerk", "supervisor"},
    "post_withdrawal": {"clerk", "supervisor"},
    "post_revocation": {"supervisor"},
    "list_withdrawals": {"clerk", "supervisor", "auditor"},
    "put_section": {"clerk", "supervisor"},
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
}
UNKNOWN: Final = "01890a5d-ac96-774b-bcce-b302099a8057"


def guarded(app: FastAPI) -> dict[str, tuple[str, str]]:
    """Method and path of every route that needs a key, by its operation's id."""
    found = {}
    for path, route in routes(app):
        if isinstance(route, APIRoute) and guard_of(route):
            found[route.operation_id or path] = (min(route.methods or ()), path)
    return found


async def ask(app: FastAPI, operation: str, petition_id: str, key: str | None) -> Answer:
    """An empty request: whoever is let in gets no further than its content."""
    method, path = guarded(app)[operation]
    known = {"petition_id": petition_id, "place": "1-1-1", "section": "1", "withdrawal_id": UNKNOWN}
    headers = [(b"content-type", b"application/json")]
    if key is not None:
        headers.append((b"authorization", b"Bearer " + key.encode()))
    where = path.format(**known, roll_version="999", prefix="00000000")
    return await send(app, method, where, headers=headers, content=b"{}" if method in ("POST", "PUT") else b"")


def test_every_route_with_a_key_has_a_row_and_every_row_a_route(app_without_database: FastAPI) -> None:
    assert set(guarded(app_without_database)) == set(MAY)


def test_every_other_route_is_one_of_the_few_public_ones(app_without_database: FastAPI) -> None:
    open_to_all = {p for p, r in routes(app_without_database) if not isinstance(r, APIRoute) or not guard_of(r)}
    assert open_to_all <= PUBLIC
    assert not any(path.startswith("/v1") for path in PUBLIC)


def test_an_application_with_an_unguarded_route_does_not_start(app_without_database: FastAPI) -> None:
    app_without_database.add_api_route("/v1/forgotten", lambda: None)
    with pytest.raises(RuntimeError, match="/v1/forgotten declares no role"):
        check_guards(app_without_database)


def test_no_route_and_nothing_before_it_is_sent_to_a_thread(app_without_database: FastAPI) -> None:
    """FastAPI does so with all that is no coroutine, at more than the price of most answers."""
    every = [r for _, r in routes(app_without_database) if isinstance(r, APIRoute)]
    called = {call for route in every for call in (route.endpoint, *calls(route.dependant))}
    assert [call for call in called if not is_async_callable(call)] == []


async def test_each_role_is_let_in_where_its_row_says_and_nowhere_else(app: FastAPI, world: World) -> None:
    wrong = []
    for operation, role in product(MAY, ROLES):
        answer = await ask(app, operation, world.petition_id, world.keys[role])
        let_in = answer.status not in (401, 403)
        if let_in != (role in MAY[operation]) or answer.status >= 500:
            wrong.append((operation, role, answer.status))
    assert wrong == []


async def test_another_countys_petition_is_as_unknown_as_one_that_does_not_exist(app: FastAPI, world: World) -> None:
    wrong = []
    now = datetime.now(UTC)
    others = {r: await issue_key(world.database, "elsewhere", role=r, principal=f"{r}-1", now=now) for r in ROLES}
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
        other = await issue_key(world.database, "elsewhere", role=role, principal=f"{role}-1", now=now)  # type: ignore[arg-type]  # roles are text here
        assert (await ask(app, operation, UNKNOWN, other)).json() == {name: []}
        assert (await ask(app, operation, UNKNOWN, world.keys[role])).json()[name]


async def test_a_key_that_is_not_live_opens_nothing(app: FastAPI, world: World) -> None:
    now = datetime.now(UTC)
    keys: dict[str, str | None] = {"none": None, "garbage": "rpk.garbage", "empty": ""}
    for role in ROLES:
        past = now - timedelta(seconds=1)
        keys[f"expired {role}"] = await issue_key(
            world.database, "sample", role=role, principal=f"expired-{role}", now=past, expires_at=past
        )
        revoked = await issue_key(world.database, "sample", role=role, principal=f"revoked-{role}", now=now)
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
