"""What the routes share that change the count: the key of a request, and the answer that is kept with it."""

from collections.abc import Awaitable, Callable
from hashlib import sha256

import asyncpg
from fastapi import Response
from pydantic import BaseModel

from app.actions.once import Request, once
from app.api.context import State
from app.domain.keys import Principal
from app.domain.ledger import canonical
from app.domain.petition import Petition

Verb = Callable[[asyncpg.Connection], Awaitable[tuple[int, BaseModel]]]


def request_of(principal: Principal, key: str | None, verb: str, what: str, body: BaseModel) -> Request:
    """The request with the fingerprint of its meaning: the verb, what it is about, and the fields of its body."""
    meaning = canonical([verb, what, body.model_dump(mode="json")])
    return Request(principal.name, key, sha256(meaning).digest())


async def carry_out(state: State, petition: Petition, request: Request, verb: Verb) -> Response:
    """Run a verb once, in one transaction with its answer; the same request again gets the same answer."""

    async def act(connection: asyncpg.Connection) -> str:
        status, out = await verb(connection)
        return f"{status} {out.model_dump_json()}"

    done = await once(state.database, petition, request, act, now=state.now())
    status, _, out = done.text.partition(" ")
    headers = {"Idempotent-Replayed": "true"} if done.replayed else None
    return Response(out, int(status), headers=headers, media_type="application/json")
