"""A voter's withdrawal from a petition (EC 11303, 2 CCR 20970)."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from app.errors import WithdrawalRefusedError
from app.law.canonical import canonical


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A voter's written request, as it was recorded. It covers every line of the voter, also one signed later."""

    withdrawal_id: UUID
    voter_id: str
    received_on: date
    recorded_by: str
    recorded_at: datetime
    note: str = ""

    def content(self) -> str:
        """The canonical JSON that the ledger's payload hashes."""
        return canonical(
            {
                "withdrawal_id": str(self.withdrawal_id),
                "voter_id": self.voter_id,
                "received_on": self.received_on.isoformat(),
                "recorded_by": self.recorded_by,
                "recorded_at": self.recorded_at.isoformat(),
                "note": self.note,
            }
        ).decode()


@dataclass(frozen=True, slots=True)
class Revocation:
    """A supervisor's word that a withdrawal was recorded by mistake."""

    withdrawal_id: UUID
    revoked_by: str
    revoked_at: datetime
    note: str

    def content(self) -> str:
        """The canonical JSON that the ledger's payload hashes."""
        return canonical(
            {
                "withdrawal_id": str(self.withdrawal_id),
                "revoked_by": self.revoked_by,
                "revoked_at": self.revoked_at.isoformat(),
                "note": self.note,
            }
        ).decode()


def check_received(received_on: date, *, filed_on: date, today: date) -> None:
    """Refuse a withdrawal that came too late: it must be received before the day of filing (EC 11303).

    Raises:
        WithdrawalRefusedError: it came on that day or later, or in the future.
    """
    if received_on >= filed_on:
        raise WithdrawalRefusedError("a withdrawal counts only if it was received before the day of filing")
    if received_on > today:
        raise WithdrawalRefusedError("received_on is in the future")
