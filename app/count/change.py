"""Transactions that change a petition's count: each publishes the tally that it leaves, and is carried out once."""

import json
from asyncio import get_running_loop
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

import asyncpg

from app.count.queries import store_answers, stored_answers
from app.count.tally import TallyBoard
from app.database.engine import Database
from app.errors import BusyError, IdempotencyConflictError
from app.law.petition import Petition
from app.law.tally import Tally

Result = TypeVar("Result")

ATTEMPTS: Final = 8
"""How often a transaction is tried: each lost race is lost to another transaction's commit, so a few are plenty."""


class ChangedMeanwhileError(Exception):
    """Another transaction changed a line between our reading and our lock: the caller starts again."""


@dataclass(slots=True)
class Change:
    """One transaction on one petition's count."""

    connection: asyncpg.Connection
    petition: Petition
    now: datetime
    tally: Tally | None = None  # as this transaction leaves it; None: it has not changed the count


class Count:
    """The counts as one process reads and changes them."""

    def __init__(self, database: Database) -> None:
        """Work on `database`."""
        self.database = database
        self.tallies = TallyBoard(database)

    @asynccontextmanager
    async def change(self, connection: asyncpg.Connection, petition: Petition, now: datetime) -> AsyncIterator[Change]:
        """A transaction that may change the count. The tally that it leaves is published before the caller is answered.

        If the commit fails, it may have taken effect all the same: then the tally is read anew.
        """
        change = Change(connection, petition, now)
        before_commit, committed = None, False
        try:
            async with connection.transaction():
                yield change
                before_commit = get_running_loop().time()  # the head is still locked: this tally is the newest
            committed = True
        finally:
            if change.tally and before_commit is not None:
                if committed:
                    self.tallies.publish(petition.key, change.tally, before_commit)
                else:
                    self.tallies.invalidate(petition.key)


async def attempt(
    count: Count, petition: Petition, act: Callable[[Change], Awaitable[Result]], *, now: datetime
) -> Result:
    """Run `act` in one transaction; run it again from the start if another transaction changed the same lines.

    Raises:
        BusyError: other transactions were faster, again and again.
        RecallError: what `act` refuses; nothing is changed then.
    """
    for _ in range(ATTEMPTS):
        try:
            async with count.database.intake() as connection, count.change(connection, petition, now) as change:
                return await act(change)
        except ChangedMeanwhileError:
            continue
    raise BusyError


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """Who sends a request, and by which key and fingerprint the same request is recognized when it is repeated."""

    principal: str
    key: str | None = None  # the Idempotency-Key
    fingerprint: bytes = b""  # SHA-256 of the request's meaning


class StoredAnswer(NamedTuple):
    """The answer to a request as plain JSON data; `replayed` if it was stored when the same request came before."""

    content: dict[str, Any]
    replayed: bool = False


async def once(
    count: Count,
    petition: Petition,
    request: WriteRequest,
    act: Callable[[Change], Awaitable[Result]],
    answer: Callable[[Result], dict[str, Any]],
    *,
    now: datetime,
) -> StoredAnswer:
    """Carry a request out in one transaction, and store its answer with what it changed.

    Args:
        count: the count to change.
        petition: the petition that the request is about.
        request: who asks, with the idempotency key.
        act: what to do in the transaction.
        answer: makes JSON data of the result of `act`; a pure function.
        now: the time that goes on record.

    Raises:
        IdempotencyConflictError: the key was used before with other content.
        BusyError: other transactions were faster, again and again.
        RecallError: what `act` refuses; nothing is changed then.
    """
    key = request.key

    async def carry_out(change: Change) -> StoredAnswer:
        if key is None:
            return StoredAnswer(answer(await act(change)))
        requests = [(request.principal, key)]
        for fingerprint, text in (await stored_answers(change.connection, petition.key, requests)).values():
            if fingerprint != request.fingerprint:
                raise IdempotencyConflictError
            return StoredAnswer(_loaded(text), replayed=True)
        content = answer(await act(change))
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        new = [(request.principal, key, request.fingerprint, text)]
        if not await store_answers(change.connection, petition.key, new, now):
            raise ChangedMeanwhileError  # the same request is being answered elsewhere: that answer counts
        return StoredAnswer(content)

    return await attempt(count, petition, carry_out, now=now)


def _loaded(text: str) -> dict[str, Any]:
    """A stored answer. In the earlier format it is an HTTP status, a space and the body."""
    if not text.startswith("{"):
        status, _, body = text.partition(" ")
        return {"status": int(status), "body": json.loads(body)}
    content: dict[str, Any] = json.loads(text)
    return content
