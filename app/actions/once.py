"""One verb, one transaction, one answer: what a request changed and what it was told are committed together."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from app.actions.count import ChangedMeanwhileError
from app.db.engine import Database
from app.db.intake import store_answers, stored_answers
from app.domain.errors import BusyError, IdempotencyConflictError
from app.domain.petition import Petition

_ATTEMPTS = 8  # each lost race is lost to somebody's commit


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks, and the key and fingerprint by which the same request is known when it comes again."""

    principal: str
    key: str | None = None
    fingerprint: bytes = b""  # SHA-256 of the request's meaning


@dataclass(frozen=True, slots=True)
class Done:
    """The text that answers a request; `replayed` where it is the stored answer to the same one before."""

    text: str
    replayed: bool = False


async def once(
    database: Database,
    petition: Petition,
    request: Request,
    act: Callable[[asyncpg.Connection], Awaitable[str]],
    *,
    now: datetime,
) -> Done:
    """Run `act` in one transaction, and keep the answer it returns beside what it changed.

    Where another transaction got in between, it is run again from the start.

    Raises:
        IdempotencyConflictError: the key was used before with other content.
        BusyError: others were faster, again and again.
        RecallError: whatever `act` refuses; nothing is changed then.
    """
    for _ in range(_ATTEMPTS):
        try:
            async with database.intake() as connection, connection.transaction():
                return await _attempt(connection, petition, request, act, now)
        except ChangedMeanwhileError:
            continue
    raise BusyError


async def _attempt(
    connection: asyncpg.Connection,
    petition: Petition,
    request: Request,
    act: Callable[[asyncpg.Connection], Awaitable[str]],
    now: datetime,
) -> Done:
    county_id, petition_id, key = petition.county_id, petition.petition_id, request.key
    if key is None:
        return Done(await act(connection))
    known = await stored_answers(connection, county_id, petition_id, [(request.principal, key)])
    for answer in known.values():
        if answer.fingerprint != request.fingerprint:
            raise IdempotencyConflictError
        return Done(answer.answer, replayed=True)
    text = await act(connection)
    if not await store_answers(
        connection, county_id, petition_id, [(request.principal, key, request.fingerprint, text)], now
    ):
        raise ChangedMeanwhileError  # the same request is being answered elsewhere: that answer stands
    return Done(text)
