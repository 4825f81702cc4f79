"""The blind double check: whether a person who does not know the decision comes to the same one, and how often."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from app.errors import (
    FindingRefusedError,
)
from app.law.line import is_eligible
from app.law.reasons import COUNTED_LATER, Reason, Status
from app.law.sampling import clopper_pearson


@dataclass(frozen=True, slots=True)
class BlindAnswer:
    """What a person says who sees the writing and the roll and not the decision. `review`: it cannot be decided."""

    status: Literal["valid", "invalid", "review"]
    reason: Reason | None = None
    voter_id: str | None = None
    note: str = ""


class DecidedLine(NamedTuple):
    """What was decided of a line."""

    status: Status
    reason: str | None
    voter_id: str | None


def check_answer(answer: BlindAnswer) -> None:
    """Refuse an answer that says nothing a line can be compared with.

    Raises:
        FindingRefusedError: it names what is missing or too much.
    """
    if answer.status == "valid" and answer.voter_id is None:
        raise FindingRefusedError("say which voter signed: voter_id")
    if answer.status != "invalid" and answer.reason is not None:
        raise FindingRefusedError("only an invalid line has a reason")
    if answer.status == "invalid" and answer.reason not in _ANSWERABLE:
        raise FindingRefusedError("reason must be one that the writing and the roll can show")


# Whether a line is its voter's first follows from the others; and one person's look decides no signature (2 CCR 20960).
_ANSWERABLE = frozenset(get_args(Reason)) - {*COUNTED_LATER, "signature_mismatch"}


def agrees(answer: BlindAnswer, decided: DecidedLine) -> bool:
    """Whether a person's answer is the decision: the same voter where the line is good, else the same reason.

    A line that is good and not the one of its voter's that counts was decided rightly if it is good (EC 105(b)).
    """
    return _comparable(DecidedLine(answer.status, answer.reason, answer.voter_id)) == _comparable(decided)


def _comparable(decided: DecidedLine) -> tuple[str, str | None]:
    if is_eligible(decided.status, decided.reason):
        return "valid", decided.voter_id
    return decided.status, decided.reason


class Check(NamedTuple):
    """An answer, the machine's decision that it was compared with, and what holds of the line today."""

    answer: BlindAnswer
    decided: DecidedLine
    today: DecidedLine


Outcome = Literal["confirmed", "upheld", "open", "wrong"]


def outcome(check: Check) -> Outcome:
    """What became of a machine's decision: confirmed, doubted and upheld, doubted and still open, or found wrong."""
    if agrees(check.answer, check.decided):
        return "confirmed"
    if check.today.status == "review":
        return "open"
    return "upheld" if _comparable(check.today) == _comparable(check.decided) else "wrong"


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """How often the machine errs in one kind of decision, judged by the lines that were checked."""

    status: str | None  # None: all kinds together
    reason: str | None
    lines: int  # that the machine decided so and no person has, today
    drawn: int  # of these
    checked: int
    outcomes: Mapping[Outcome, int]
    rate: float | None  # None: nothing was checked
    lower: float
    upper: float


def error_rates(counts: Mapping[tuple[str, str | None], tuple[int, int]], checks: Iterable[Check]) -> list[ErrorRate]:
    """The error rate of all decisions, and of each kind.

    `counts` holds for each (status, reason) how many lines stand so by the machine alone, and how many of them are
    drawn. A decision that is doubted and still open counts as an error until a person upholds it.
    """
    seen: dict[tuple[str, str | None], dict[Outcome, int]] = {}
    for check in checks:
        kind = seen.setdefault((check.decided.status, check.decided.reason), {})
        result = outcome(check)
        kind[result] = kind.get(result, 0) + 1
    kinds = sorted({*counts, *seen}, key=lambda kind: (kind[0] != "valid", kind[1] or ""))
    rates = [_rate(kind, counts.get(kind, (0, 0)), seen.get(kind, {})) for kind in kinds]
    all_lines = (sum(r.lines for r in rates), sum(r.drawn for r in rates))
    together = {o: sum(r.outcomes[o] for r in rates) for o in get_args(Outcome)}
    return [_rate((None, None), all_lines, together), *rates]


def _rate(kind: tuple[str | None, str | None], lines: tuple[int, int], outcomes: Mapping[Outcome, int]) -> ErrorRate:
    full: dict[Outcome, int] = {o: outcomes.get(o, 0) for o in get_args(Outcome)}
    checked = sum(full.values())
    errors = full["wrong"] + full["open"]
    lower, upper = clopper_pearson(errors, checked)
    return ErrorRate(*kind, *lines, checked, full, errors / checked if checked else None, lower, upper)
