"""A voter's withdrawal from a petition (EC 11303, 2 CCR 20970)."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from app.errors import WithdrawalRefusedError
from app.law.line import canonical_text


class Revocation(NamedTuple):
    """A supervisor's statement that a withdrawal was recorded by mistake."""

    withdrawal_id: UUID
    revoked_by: str
    revoked_at: datetime
    note: str

    def content(self) -> str:
        """The canonical JSON that the ledger's payload hashes."""
        return _content(self._asdict())


class Withdrawal(NamedTuple):
    """A voter's written request. It covers every line of the voter, also one signed later."""

    withdrawal_id: UUID
    voter_id: str
    received_on: date
    recorded_by: str
    recorded_at: datetime
    note: str = ""
    revocation: Revocation | None = None  # None: it is in force

    def content(self) -> str:
        """The canonical JSON that the ledger's payload hashes; a revocation has its own."""
        facts = self._asdict()
        del facts["revocation"]
        return _content(facts)


def _content(facts: Mapping[str, object]) -> str:
    plain = {name: fact.isoformat() if isinstance(fact, date) else str(fact) for name, fact in facts.items()}
    return canonical_text(plain)


def check_received(received_on: date, *, filed_on: date, today: date) -> None:
    """Refuse a withdrawal that came too late: it must be received before the day of filing (EC 11303).

    Raises:
        WithdrawalRefusedError: it came on that day or later, or in the future.
    """
    if received_on >= filed_on:
        raise WithdrawalRefusedError("a withdrawal counts only if it was received before the day of filing")
    if received_on > today:
        raise WithdrawalRefusedError("received_on is in the future")
