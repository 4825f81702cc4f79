"""The running count against the number required."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal, NamedTuple

from app.law.line import Line
from app.law.reasons import PUBLISHED, Published, published_under

Outlook = Literal["sufficient", "insufficient", "undecided"]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many lines stand where. raw = received + valid + invalid + review, always."""

    received: int = 0
    valid: int = 0
    invalid: int = 0
    review: int = 0
    unsettled: int = 0
    by_reason: Mapping[str, int] = field(default_factory=dict)  # reason code -> invalid lines; only what is not 0

    @property
    def raw(self) -> int:
        """All lines."""
        return self.received + self.valid + self.invalid + self.review

    def as_json(self) -> dict[str, object]:
        """The counts as the ledger's payload and the tally's history hold them."""
        return {
            "raw": self.raw,
            "received": self.received,
            "valid": self.valid,
            "invalid": self.invalid,
            "review": self.review,
            "unsettled": self.unsettled,
            "by_reason": dict(self.by_reason),
        }

    def moved(self, changes: Iterable[tuple[Line | None, Line]]) -> "Counts":
        """The counts after lines changed from what they were (None: they are new)."""
        statuses = {"received": self.received, "valid": self.valid, "invalid": self.invalid, "review": self.review}
        reasons, unsettled = dict(self.by_reason), self.unsettled
        for before, after in changes:
            for line, step in ((before, -1), (after, 1)):
                if line is None:
                    continue
                status, reason = line.outcome
                statuses[status] += step
                unsettled += 0 if line.settled else step
                if status == "invalid" and reason:
                    reasons[reason] = reasons.get(reason, 0) + step
        kept = {code: count for code, count in sorted(reasons.items()) if count}
        return replace(self, **statuses, unsettled=unsettled, by_reason=kept)


class Tally(NamedTuple):
    """The count after one version: the petition's head row."""

    version: int
    as_of: datetime
    state: str  # open, closed
    counts: Counts


def invalid_by_published(by_reason: Mapping[str, int]) -> dict[Published, int]:
    """Invalid lines under the seven published headings, each present."""
    result = dict.fromkeys(PUBLISHED, 0)
    for reason, count in by_reason.items():
        result[published_under(reason)] += count
    return result


def rate(part: int, whole: int) -> float | None:
    """`part / whole` to four decimals, halves up; None where there is no whole."""
    if not whole:
        return None
    return float((Decimal(part) / Decimal(whole)).quantize(Decimal("0.0001"), ROUND_HALF_UP))


def outlook(counts: Counts, required: int) -> Outlook:
    """The result that is certain whatever becomes of the lines not yet decided (received, review)."""
    if counts.valid >= required:
        return "sufficient"
    if counts.valid + counts.received + counts.review < required:
        return "insufficient"
    return "undecided"


def counts_of(row: Mapping[str, Any]) -> Counts:
    """The counts of a head row."""
    return Counts(
        received=row["received"],
        valid=row["valid"],
        invalid=row["invalid"],
        review=row["review"],
        unsettled=row["unsettled"],
        by_reason=json.loads(row["by_reason"]),
    )
