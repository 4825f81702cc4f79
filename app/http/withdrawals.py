"""Voters who withdrew from a petition. Their numbers are in bodies alone, never in a URL."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from app.access.principals import Principal
from app.examination.queries import WithdrawalRead, page_of_withdrawals
from app.examination.withdrawals import WithdrawalDone, revoke_withdrawal, withdraw
from app.http.body import PLAIN, SAFE, IsoDate, Wire, body
from app.http.findings import Decider, Note, VoterId
from app.http.frame import AppState, PetitionId, allow, carry_out, petition_of, request_of
from app.http.lines import standing_out
from app.http.signatures import IdempotencyKey, LineOut
from app.law.petition import PetitionKey

router = APIRouter(prefix="/v1/petitions/{petition_id}/withdrawals", tags=["withdrawals"])

Supervisor = Annotated[Principal, allow("supervisor")]
Lister = Annotated[Principal, allow("clerk", "supervisor", "auditor")]
WithdrawalId = Annotated[UUID, Path(description="The withdrawal.")]


class WithdrawalIn(Wire):
    """A voter's written withdrawal, complete and received before the day of filing (EC 11303, 2 CCR 20970)."""

    voter_id: VoterId
    received_on: IsoDate
    note: Note = ""


class RevocationIn(Wire):
    """Why a withdrawal was recorded by mistake."""

    note: Annotated[str, Field(min_length=1, max_length=2000), SAFE]


class RevocationOut(BaseModel):
    """A withdrawal was taken back."""

    revoked_by: str
    revoked_at: datetime
    note: str


class WithdrawalOut(BaseModel):
    """A withdrawal."""

    withdrawal_id: UUID
    voter_id: str
    received_on: date
    recorded_by: str
    recorded_at: datetime
    note: str
    revocation: RevocationOut | None


class WithdrawalDoneOut(WithdrawalOut):
    """A withdrawal, with the lines whose standing this request changed."""

    lines: list[LineOut]


class WithdrawalsOut(BaseModel):
    """A page of withdrawals, the oldest first."""

    withdrawals: list[WithdrawalOut]
    next_cursor: UUID | None


def _out(read: WithdrawalRead) -> WithdrawalOut:
    revoked = read.revocation
    facts = {field: getattr(read.withdrawal, field) for field in WithdrawalOut.model_fields if field != "revocation"}
    revocation = revoked and RevocationOut(
        revoked_by=revoked.revoked_by, revoked_at=revoked.revoked_at, note=revoked.note
    )
    return WithdrawalOut(**facts, revocation=revocation)


def withdrawal_done_out(done: WithdrawalDone) -> WithdrawalDoneOut:
    """What a withdrawal or its revocation did."""
    lines = [standing_out(line) for line in done.lines]
    return WithdrawalDoneOut(**_out(done.read).model_dump(), lines=lines)


@router.post(
    "",
    status_code=201,
    operation_id="post_withdrawal",
    summary="Record that a voter withdrew",
    response_model=WithdrawalDoneOut,
    responses={200: {"model": WithdrawalDoneOut, "description": "The voter was withdrawn already"}},
)
async def post_withdrawal(
    principal: Decider,
    state: AppState,
    petition_id: PetitionId,
    withdrawal: Annotated[WithdrawalIn, body(WithdrawalIn)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """None of the voter's lines counts from now on, neither those handed in nor those to come."""
    petition = await petition_of(state, principal, petition_id)

    async def verb(connection: asyncpg.Connection) -> tuple[int, BaseModel]:
        done = await withdraw(
            connection,
            petition,
            withdrawal.voter_id,
            withdrawal.received_on,
            by=principal.name,
            note=withdrawal.note,
            now=state.now(),
        )
        return 201 if done.changed else 200, withdrawal_done_out(done)

    request = request_of(principal, idempotency_key, "withdrawal", "", withdrawal)
    return await carry_out(state, petition, request, verb)


@router.post(
    "/{withdrawal_id}/revocation",
    status_code=201,
    operation_id="post_revocation",
    summary="Take back a withdrawal that was recorded by mistake",
    response_model=WithdrawalDoneOut,
    responses={200: {"model": WithdrawalDoneOut, "description": "It was taken back already"}},
)
async def post_revocation(
    principal: Supervisor,
    state: AppState,
    petition_id: PetitionId,
    withdrawal_id: WithdrawalId,
    revocation: Annotated[RevocationIn, body(RevocationIn)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The voter's lowest good line counts again. Both records are kept."""
    petition = await petition_of(state, principal, petition_id)

    async def verb(connection: asyncpg.Connection) -> tuple[int, BaseModel]:
        done = await revoke_withdrawal(
            connection, petition, withdrawal_id, by=principal.name, note=revocation.note, now=state.now()
        )
        return 201 if done.changed else 200, withdrawal_done_out(done)

    request = request_of(principal, idempotency_key, "revocation", str(withdrawal_id), revocation)
    return await carry_out(state, petition, request, verb)


@router.get("", operation_id="list_withdrawals", summary="List withdrawals")
async def list_withdrawals(
    principal: Lister,
    state: AppState,
    petition_id: PetitionId,
    cursor: Annotated[UUID | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000), PLAIN] = 100,
) -> WithdrawalsOut:
    """Pages in the order of recording, revoked ones as well: follow `next_cursor` until it is null."""
    await petition_of(state, principal, petition_id)
    async with state.database.reading() as connection:
        found = await page_of_withdrawals(
            connection, PetitionKey(principal.county_id, petition_id), after=cursor, limit=limit + 1
        )
    page = [_out(read) for read in found[:limit]]
    return WithdrawalsOut(withdrawals=page, next_cursor=page[-1].withdrawal_id if len(found) > limit else None)
