"""Voters who withdrew from a petition. Voter ids are only in bodies, never in a URL."""

from datetime import date, datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from app.examination.queries import page_of_withdrawals
from app.examination.withdrawals import Changed, revoke_withdrawal, withdraw
from app.http.body import (
    Cursor,
    IsoDate,
    Limit,
    Note,
    RequestModel,
    RequiredNote,
    ResponseModel,
    VoterId,
    after,
    body,
    page,
)
from app.http.frame import (
    AppState,
    Decider,
    IdempotencyKey,
    PathPetition,
    Reader,
    Supervisor,
    carry_out,
    request_of,
)
from app.http.signatures import LineOut, line_out

router = APIRouter(prefix="/v1/petitions/{petition_id}/withdrawals", tags=["withdrawals"])


class WithdrawalIn(RequestModel):
    """A voter's written withdrawal, complete and received before the day of filing (EC 11303, 2 CCR 20970)."""

    voter_id: VoterId
    received_on: IsoDate
    note: Note = ""


class RevocationIn(RequestModel):
    """Why a withdrawal was recorded by mistake."""

    note: RequiredNote


class RevocationOut(ResponseModel):
    """The revocation of a withdrawal that was recorded by mistake."""

    revoked_by: str
    revoked_at: datetime
    note: str


class WithdrawalOut(ResponseModel):
    """A withdrawal."""

    withdrawal_id: UUID
    voter_id: str
    received_on: date
    recorded_by: str
    recorded_at: datetime
    note: str
    revocation: RevocationOut | None = None


class WithdrawalDoneOut(WithdrawalOut):
    """A withdrawal, with the lines whose status this request changed."""

    lines: list[LineOut]


class WithdrawalsOut(ResponseModel):
    """A page of withdrawals, the oldest first."""

    withdrawals: list[WithdrawalOut]
    next_cursor: str | None


def withdrawal_done_out(done: Changed) -> WithdrawalDoneOut:
    """What a withdrawal or its revocation did."""
    withdrawal, lines = done
    changed = [line_out(line) for line in (lines or {}).values()]
    return WithdrawalDoneOut(**dict(WithdrawalOut.model_validate(withdrawal)), lines=changed)


def _answer(done: Changed) -> tuple[int, WithdrawalDoneOut]:
    _, lines = done
    return 200 if lines is None else 201, withdrawal_done_out(done)


@router.post("", status_code=201, response_model=WithdrawalDoneOut)
async def post_withdrawal(
    principal: Decider,
    state: AppState,
    petition: PathPetition,
    withdrawal: Annotated[WithdrawalIn, body(WithdrawalIn)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """None of the voter's lines counts from now on, including lines that are posted later."""
    act = partial(
        withdraw,
        voter_id=withdrawal.voter_id,
        received_on=withdrawal.received_on,
        by=principal.name,
        note=withdrawal.note,
    )
    request = request_of(principal, idempotency_key, "withdrawal", "", withdrawal)
    return await carry_out(state, petition, request, act, _answer)


@router.post("/{withdrawal_id}/revocation", status_code=201, response_model=WithdrawalDoneOut)
async def post_revocation(
    principal: Supervisor,
    state: AppState,
    petition: PathPetition,
    withdrawal_id: Annotated[UUID, Path()],
    revocation: Annotated[RevocationIn, body(RevocationIn)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The voter's lowest eligible line counts again. Both records are kept."""
    act = partial(revoke_withdrawal, withdrawal_id=withdrawal_id, by=principal.name, note=revocation.note)
    request = request_of(principal, idempotency_key, "revocation", str(withdrawal_id), revocation)
    return await carry_out(state, petition, request, act, _answer)


@router.get("")
async def list_withdrawals(
    _: Reader, state: AppState, petition: PathPetition, cursor: Cursor = None, limit: Limit = 100
) -> WithdrawalsOut:
    """Pages in the order of recording, including revoked ones: follow `next_cursor` until it is null."""
    async with state.database.reading() as connection:
        found = await page_of_withdrawals(connection, petition.key, after=after(cursor, UUID), limit=limit + 1)
    shown, following = page(found, limit, lambda withdrawal: withdrawal.withdrawal_id)
    return WithdrawalsOut(withdrawals=[WithdrawalOut.model_validate(one) for one in shown], next_cursor=following)
