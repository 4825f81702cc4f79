"""Requests to withdraw from a petition: what each must have, and how it is decided (EC 11303, 2 CCR 20970)."""

import json
from datetime import date, datetime
from typing import Any, Final, Literal, NamedTuple, Self, get_args
from uuid import UUID

from app.access.names import COMMAND_LINE, is_among
from app.errors import WithdrawalRefusedError
from app.law.line import Signature, canonical_text

ReceivedBy = Literal["paper", "fax", "email"]
"""How a request reached the elections official."""
Requirement = Literal["in_writing", "names_petition", "name", "current_residence", "intent", "signature"]
"""What a request must have to be complete (2 CCR 20970)."""
WithdrawalState = Literal["accepted", "refused", "open"]
WithdrawalReason = Literal[
    "late", "incomplete", "signature_differs", "unknown_voter", "not_compared", "not_confirmed", "already_withdrawn",
    "other",
]  # fmt: skip
"""Why a request is refused, or still open: then its voter is unknown, or its signature not compared yet, or only by the
person who recorded it where that takes two."""
REQUIREMENTS: Final[tuple[Requirement, ...]] = get_args(Requirement)
_NO_PERSONS: Final = ("not_compared", "not_confirmed", "already_withdrawn")  # no person refuses a request so


class Ruling(NamedTuple):
    """How a request stands, and why it is not accepted."""

    state: WithdrawalState
    reason: WithdrawalReason | None = None


ACCEPTED: Final = Ruling("accepted")


class WithdrawalRequest(NamedTuple):
    """A written request as it was received. An earlier program recorded only the voter and the day."""

    received_on: date
    voter_id: str | None = None  # None: not found in the roll
    received_by: ReceivedBy | None = None
    dated_on: date | None = None  # None: it has no date
    has: tuple[Requirement, ...] | None = None  # what a person ticked
    signature_agrees: bool | None = None  # with the voter's on record; None: not compared
    written: tuple[str, str, str, str] | None = None  # printed name, residence address, city, zip: of an unknown voter

    @property
    def missing(self) -> tuple[Requirement, ...] | None:
        """What it lacks; None if an earlier program did not ask."""
        return None if self.has is None else tuple(one for one in REQUIREMENTS if one not in self.has)

    @property
    def writing(self) -> Signature:
        """Its name and residence as a search takes them."""
        return Signature(*(self.written or ("",) * 4))


class RequestDecision(NamedTuple):
    """A person's decision on an open request."""

    withdrawal_id: UUID
    state: WithdrawalState
    reason: WithdrawalReason | None
    voter_id: str | None
    decided_by: str
    decided_at: datetime
    note: str


class VoterSearch(NamedTuple):
    """What a search for the written name and residence found in the newest roll that was searched."""

    roll_version: int
    voter_id: str | None


class Revocation(NamedTuple):
    """A supervisor's statement that a withdrawal was recorded by mistake."""

    withdrawal_id: UUID
    revoked_by: str
    revoked_at: datetime
    note: str


class Withdrawal(NamedTuple):
    """A request on record. An accepted one covers every line of the voter, also one signed later."""

    withdrawal_id: UUID
    request: WithdrawalRequest
    recorded_by: str
    recorded_at: datetime
    note: str = ""
    ruling: Ruling = ACCEPTED  # as it was recorded
    decision: RequestDecision | None = None  # this and the following are sealed by themselves, or not at all
    revocation: Revocation | None = None
    search: VoterSearch | None = None

    @classmethod
    def stored(cls, content: str, decision: str | None) -> Self:
        """The request of a sealed content, with the decision of another one if there is one."""
        facts = json.loads(content)
        written, has = facts.get("written"), facts.get("has")
        return cls(
            UUID(facts["withdrawal_id"]),
            WithdrawalRequest(
                date.fromisoformat(facts["received_on"]),
                facts["voter_id"],
                facts.get("received_by"),
                _date(facts.get("dated_on")),
                has if has is None else tuple(has),
                facts.get("signature_agrees"),
                written and tuple(written),
            ),
            facts["recorded_by"],
            datetime.fromisoformat(facts["recorded_at"]),
            facts["note"],
            Ruling(facts.get("state", "accepted"), facts.get("reason")),
            None if decision is None else _decision(json.loads(decision)),
        )

    @property
    def standing(self) -> Ruling:
        """How it stands now, whether it was revoked or not."""
        return Ruling(self.decision.state, self.decision.reason) if self.decision else self.ruling

    @property
    def voter_id(self) -> str | None:
        """Whose it is; None if the voter is not known."""
        return self.request.voter_id or (self.decision.voter_id if self.decision else None)

    @property
    def compared_by(self) -> str | None:
        """The person who compared the signature with the record; None if it was not compared."""
        if self.request.signature_agrees is not None:
            return self.recorded_by
        compared = self.decision and (self.decision.state == "accepted" or self.decision.reason == "signature_differs")
        return self.decision.decided_by if self.decision and compared else None

    def sealed(self) -> str:
        """The canonical JSON of the newest statement about it, that the ledger's payload hashes."""
        if newest := self.revocation or self.decision:
            return _canonical(newest._asdict())
        kept = {"withdrawal_id": self.withdrawal_id, "recorded_by": self.recorded_by, "recorded_at": self.recorded_at}
        return _canonical(kept | {"note": self.note} | self.ruling._asdict() | self.request._asdict())


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _decision(facts: dict[str, Any]) -> RequestDecision:
    of = {**facts, "withdrawal_id": UUID(facts["withdrawal_id"])}
    return RequestDecision(**of | {"decided_at": datetime.fromisoformat(facts["decided_at"])})


def _canonical(facts: dict[str, Any]) -> str:
    """Facts as canonical JSON: dates and times in ISO's form, ids as text."""
    plain = {name: fact.isoformat() if isinstance(fact, date) else fact for name, fact in facts.items()}
    return canonical_text({name: str(fact) if isinstance(fact, UUID) else fact for name, fact in plain.items()})


def ruling(request: WithdrawalRequest, filed_on: date, *, by_two: bool) -> Ruling:
    """Decide a request as it was received.

    It is accepted if it was received before the day of filing (EC 11303), is complete, and its signature compares with
    the voter's on record (2 CCR 20970(b)(3)). One that is dated before circulation began may be accepted. It strikes
    good lines, so that where `by_two` another person accepts it.
    """
    if request.received_on >= filed_on:
        return Ruling("refused", "late")
    if request.missing:
        return Ruling("refused", "incomplete")
    if request.voter_id is None:
        return Ruling("open", "unknown_voter")
    if request.signature_agrees is None:
        return Ruling("open", "not_compared")
    if not request.signature_agrees:
        return Ruling("refused", "signature_differs")
    return Ruling("open", "not_confirmed") if by_two else ACCEPTED


def check_request(request: WithdrawalRequest, *, today: date, by: str) -> None:
    """Raise WithdrawalRefusedError if a request cannot be put on record like this.

    Args:
        request: as it was received.
        today: the day on which it is put on record.
        by: who does that, and who compared the signature if it was compared.
    """
    if request.received_by is None or request.has is None:
        raise WithdrawalRefusedError("say how it was received, and which requirements of 2 CCR 20970 it meets")
    if request.received_on > today:
        raise WithdrawalRefusedError("received_on is in the future")
    if request.dated_on and request.dated_on > request.received_on:
        raise WithdrawalRefusedError("dated_on is after received_on")
    if request.signature_agrees is not None:
        _check_person(by)


def _check_person(by: str) -> None:
    if by == COMMAND_LINE:
        raise WithdrawalRefusedError("a person compares a signature: it needs that person's key")


def check_decision(held: Withdrawal, said: Ruling, voter_id: str | None, *, by: str, note: str, by_two: bool) -> None:
    """Raise WithdrawalRefusedError if a person cannot decide a request like this.

    Args:
        held: as it is on record.
        said: accepted: the person compared the signature with the voter's on record, and it agrees.
        voter_id: whose request it is.
        by: the person.
        note: why.
        by_two: whether the person who recorded it may not accept it.
    """
    _check_person(by)
    if held.standing.state != "open":
        raise WithdrawalRefusedError("it is decided already")
    if voter_id and held.request.voter_id and voter_id != held.request.voter_id:
        raise WithdrawalRefusedError("it was recorded as another voter's: refuse it, and record it again")
    if said.state == "accepted" and not (voter_id or held.request.voter_id):
        raise WithdrawalRefusedError("say whose request it is: voter_id")
    if said.state == "accepted" and by_two and is_among(by, [held.recorded_by]):
        raise WithdrawalRefusedError("another person than the one who recorded it accepts it")
    if said.state == "refused" and (said.reason in _NO_PERSONS or not note.strip()):
        raise WithdrawalRefusedError("a refusal needs a reason and a note that says why")
