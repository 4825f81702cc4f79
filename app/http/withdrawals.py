"""Requests to withdraw: recorded as received, decided, revoked, and listed."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, ClassVar
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field, model_validator

from app.access.principals import Principal
from app.examination import withdrawals
from app.examination.reads import VoterRead
from app.examination.withdrawal_queries import page_of_withdrawals
from app.http import frame, wire
from app.http.frame import AppState, PathPetition
from app.http.signatures import LineOut, line_out
from app.law.withdrawals import REQUIREMENTS, Requirement, Ruling, Withdrawal, WithdrawalRequest

router = APIRouter(prefix="/v1/petitions/{petition_id}/withdrawals", tags=["withdrawals"])
_Reader = Annotated[Principal, frame.allow("clerk", "supervisor", "auditor", "confidential")]


class RequirementsIn(wire.RequestModel):
    """What a person saw on a request (2 CCR 20970)."""

    in_writing: bool
    names_petition: bool
    name: bool
    current_residence: bool
    intent: bool
    signature: bool

    def met(self) -> tuple[Requirement, ...]:
        """Those that it meets."""
        return tuple(one for one in REQUIREMENTS if getattr(self, one))


class RequesterIn(wire.RequestModel):
    """The name and residence on a request whose voter is not found in the roll."""

    printed_name: Annotated[wire.Text200, Field(min_length=1)]
    residence_address: Annotated[wire.Text300, Field(min_length=1)]
    city: wire.Text100
    zip: wire.Text20

    def parts(self) -> tuple[str, str, str, str]:
        """The texts as a value."""
        return self.printed_name, self.residence_address, self.city, self.zip


class WithdrawalIn(wire.RequestModel):
    """A voter's request as it was received (EC 11303, 2 CCR 20970), with `voter_id` or with `written`."""

    added: ClassVar[frozenset[str]] = frozenset(
        {"written", "received_by", "dated_on", "requirements", "signature_agrees"}
    )
    voter_id: wire.VoterId | None = None
    written: RequesterIn | None = None
    received_on: wire.IsoDate
    received_by: wire.ReceivedBy | None = None
    dated_on: wire.IsoDate | None = None
    requirements: RequirementsIn | None = None
    signature_agrees: bool | None = None
    note: wire.Note = ""

    @model_validator(mode="after")
    def _consistent(self) -> "WithdrawalIn":
        has_signature = self.requirements is not None and self.requirements.signature
        compared = self.signature_agrees is not None and self.requirements is not None
        if (self.voter_id is None) == (self.written is None) or (compared and not (self.voter_id and has_signature)):
            raise wire.wrong("contradiction")
        return self

    def value(self) -> WithdrawalRequest:
        """The request as a value."""
        return WithdrawalRequest(
            self.received_on,
            self.voter_id,
            self.received_by,
            self.dated_on,
            self.requirements.met() if self.requirements else None,
            self.signature_agrees,
            self.written.parts() if self.written else None,
        )


class RequestDecisionIn(wire.RequestModel):
    """A person's decision on an open request; accepted: the signature compares with the voter's on record."""

    accepted: bool
    voter_id: wire.VoterId | None = None
    reason: wire.WithdrawalReason | None = None
    note: wire.Note = ""

    @model_validator(mode="after")
    def _consistent(self) -> "RequestDecisionIn":
        if self.accepted == (self.reason is not None):
            raise wire.wrong("contradiction")
        return self

    def ruling(self) -> Ruling:
        """The decision as a value."""
        return Ruling("accepted" if self.accepted else "refused", self.reason)


class RevocationIn(wire.RequestModel):
    """Why a withdrawal was recorded by mistake."""

    note: wire.RequiredNote


class RevocationOut(wire.ResponseModel):
    """The revocation of a withdrawal that was recorded by mistake."""

    revoked_by: str
    revoked_at: datetime
    note: str


class RequestDecisionOut(wire.ResponseModel):
    """A person's decision on an open request."""

    state: wire.WithdrawalState
    reason: wire.WithdrawalReason | None
    decided_by: str
    decided_at: datetime
    note: str


class WithdrawalOut(wire.ResponseModel):
    """A request to withdraw. The answers that an earlier program stored have only some of these fields."""

    withdrawal_id: UUID
    voter_id: str | None
    received_on: date
    recorded_by: str
    recorded_at: datetime
    note: str
    state: wire.WithdrawalState = "accepted"
    reason: wire.WithdrawalReason | None = None
    received_by: wire.ReceivedBy | None = None
    dated_on: date | None = None
    missing: list[wire.Requirement] | None = None
    compared_by: str | None = None
    decision: RequestDecisionOut | None = None
    revocation: RevocationOut | None = None


class WithdrawalDoneOut(WithdrawalOut):
    """A request to withdraw, with the lines whose status this changed."""

    lines: list[LineOut]


class RequesterOut(wire.ResponseModel):
    """The name and residence on a request whose voter was not found in the roll."""

    printed_name: str
    residence_address: str
    city: str
    zip: str


class ListedWithdrawalOut(WithdrawalOut):
    """A request to withdraw in a list, with what is known of a voter whom no record names yet."""

    written: RequesterOut | None
    found_voter_id: str | None
    searched_roll_version: int | None


def _shown(one: Withdrawal) -> dict[str, Any]:
    state, reason = one.standing
    request = {name: getattr(one.request, name) for name in ("received_on", "received_by", "dated_on", "missing")}
    kept = {name: getattr(one, name) for name in ("withdrawal_id", "voter_id", "recorded_by", "recorded_at", "note")}
    further = {"compared_by": one.compared_by, "decision": one.decision, "revocation": one.revocation}
    return {**kept, **request, "state": state, "reason": reason, **further}


def withdrawal_done_out(done: withdrawals.Changed) -> WithdrawalDoneOut:
    """What a request, its decision or its revocation did."""
    withdrawal, lines = done
    changed = [line_out(line) for line in (lines or {}).values()]
    return WithdrawalDoneOut.model_validate(_shown(withdrawal) | {"lines": changed})


def listed_out(one: Withdrawal) -> ListedWithdrawalOut:
    """With the name and residence, and what the newest search found, which a person has not taken as the voter yet."""
    parts = zip(RequesterOut.model_fields, one.request.written or (), strict=False)
    roll_version, found = one.search or (None, None)
    search = {"found_voter_id": found, "searched_roll_version": roll_version}
    return ListedWithdrawalOut.model_validate(_shown(one) | {"written": dict(parts) or None} | search)


def list_read(petition_id: UUID, shown: Sequence[Withdrawal]) -> VoterRead:
    """What a page of requests shows, as it goes on record."""
    named = {one.voter_id or (one.search and one.search.voter_id) for one in shown}
    places = tuple(str(one.withdrawal_id) for one in shown)
    return VoterRead("withdrawals", petition_id, places, voters=len(named - {None}))


def _answer(done: withdrawals.Changed) -> tuple[int, WithdrawalDoneOut]:
    return 200 if done[1] is None else 201, withdrawal_done_out(done)


@router.post("", status_code=201, response_model=WithdrawalDoneOut)
async def post_withdrawal(write: frame.WithdrawalWrite, withdrawal: wire.Body[WithdrawalIn]) -> Response:
    """The request goes on record as it was received, and is `accepted`, `refused` or `open`.

    Once it is accepted none of the voter's lines counts, including lines that are posted later. `received_by` and
    `requirements` are needed; a request without them is answered only if it was answered before.
    """
    who, request = write.principal, withdrawal.value()
    confidential = who.role == "confidential"
    act = partial(withdrawals.receive, request=request, by=who.name, note=withdrawal.note, confidential=confidential)
    return await write.carry_out(act, _answer, "withdrawal", "", withdrawal)


@router.post("/{withdrawal_id}/decision", status_code=201, response_model=WithdrawalDoneOut)
async def post_withdrawal_decision(
    write: frame.WithdrawalWrite, withdrawal_id: UUID, decision: wire.Body[RequestDecisionIn]
) -> Response:
    """An open request is accepted once a person has compared its signature with the voter's on record, or refused."""
    who = write.principal
    act = partial(
        withdrawals.decide_request,
        withdrawal_id=withdrawal_id,
        said=decision.ruling(),
        voter_id=decision.voter_id,
        by=who.name,
        note=decision.note,
        confidential=who.role == "confidential",
    )
    return await write.carry_out(act, _answer, "withdrawal decision", str(withdrawal_id), decision)


@router.post("/{withdrawal_id}/revocation", status_code=201, response_model=WithdrawalDoneOut)
async def post_revocation(
    write: frame.SupervisorWrite, withdrawal_id: UUID, revocation: wire.Body[RevocationIn]
) -> Response:
    """The voter's lowest eligible line counts again. Both records are kept."""
    who, note = write.principal.name, revocation.note
    act = partial(withdrawals.revoke_withdrawal, withdrawal_id=withdrawal_id, by=who, note=note)
    return await write.carry_out(act, _answer, "revocation", str(withdrawal_id), revocation)


_Withdrawals = wire.page_of(
    "WithdrawalsOut", "A page of requests to withdraw, the oldest first.", withdrawals=ListedWithdrawalOut
)


@router.get("", response_model=_Withdrawals)
async def list_withdrawals(
    who: _Reader,
    state: AppState,
    petition: PathPetition,
    paging: wire.ListPaging,
    standing: Annotated[wire.WithdrawalState | None, Query(alias="state")] = None,
) -> object:
    """Pages in the order of recording, including revoked ones: follow `next_cursor` until it is null.

    A page is recorded, and each request counts once a day like a line that a principal reads.
    """
    after, most = paging.after(UUID), paging.limit + 1
    async with state.database.reading() as connection:
        found = await page_of_withdrawals(connection, petition.key, after=after, limit=most, state=standing)
    page = paging.page("withdrawals", found, lambda withdrawal: withdrawal.withdrawal_id)
    shown: list[Withdrawal] = page["withdrawals"]
    await state.put_on_record(who, list_read(petition.petition_id, shown))
    return page | {"withdrawals": list(map(listed_out, shown))}
