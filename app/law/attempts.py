"""The attempts to recall one officer: each is a petition of its own (EC 11044), also one that was never filed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, NamedTuple
from uuid import UUID

from app.errors import InvalidPetitionError
from app.law.petition import Petition


@dataclass(frozen=True, slots=True, kw_only=True)
class LapsedAttempt:
    """An attempt whose window ended without a filing: it has no lines and no count."""

    attempt_id: UUID
    officer: str
    office: str | None
    district: str | None
    title: str
    circulation_from: date
    circulation_to: date
    note: str
    recorded_by: str
    recorded_at: datetime


class Attempt(NamedTuple):
    """One of the attempts to recall an officer, and its number among them in the order of circulation, from 1."""

    number: int
    outcome: Literal["open", "closed", "lapsed"]
    made: Petition | LapsedAttempt


def check_lapsed(attempt: LapsedAttempt, today: date) -> None:
    """Raise InvalidPetitionError unless the attempt's window is one, and is over."""
    if attempt.circulation_to < attempt.circulation_from:
        raise InvalidPetitionError("circulation_to is before circulation_from")
    if attempt.circulation_to >= today:
        raise InvalidPetitionError("circulation_to is not in the past: the petition may still be filed")


def attempts(made: Iterable[Petition | LapsedAttempt]) -> list[Attempt]:
    """The attempts by officer, each officer's in the order of circulation. Case and blanks make no other officer."""
    found: list[Attempt] = []
    numbers = Counter[str]()
    for one in sorted(made, key=lambda one: (_officer(one), one.circulation_from, one.circulation_to)):
        numbers[_officer(one)] += 1
        found.append(Attempt(numbers[_officer(one)], one.state if isinstance(one, Petition) else "lapsed", one))
    return found


def _officer(one: Petition | LapsedAttempt) -> str:
    return " ".join(one.officer.casefold().split())
