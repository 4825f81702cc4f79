"""The blind double check: whether a person who does not know the decision comes to the same one, and how often."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from app.errors import FindingRefusedError
from app.law.reasons import COUNTED_LATER, Outcome, Reason
from app.law.review import PersonFinding
from app.law.sampling import clopper_pearson


class DecidedLine(NamedTuple):
    """What was decided of a line: its outcome, and whose line it is."""

    outcome: Outcome
    voter_id: str | None = None


def check_answer(answer: PersonFinding) -> None:
    """Refuse a blind answer that cannot be compared with a decision.

    Raises:
        FindingRefusedError: it names what is missing or not allowed.
    """
    status, reason = answer.outcome
    if status == "valid" and answer.voter_id is None:
        raise FindingRefusedError("say which voter signed: voter_id")
    if status != "invalid" and reason is not None:
        raise FindingRefusedError("only an invalid line has a reason")
    if status == "invalid" and reason not in _ANSWERABLE:
        raise FindingRefusedError("reason must be one that the writing and the roll can show")


# Whether a line is its voter's first follows from the others; and one person's look decides no signature (2 CCR 20960).
_ANSWERABLE = frozenset(get_args(Reason)) - {*COUNTED_LATER, "signature_mismatch"}


def agrees(answer: PersonFinding, decided: DecidedLine) -> bool:
    """Whether a person's answer is the decision: the same voter if the line is good, else the same reason.

    A good line that is not its voter's first was decided rightly if the answer finds it good (EC 105(b)).
    """
    return _comparable(DecidedLine(answer.outcome, answer.voter_id)) == _comparable(decided)


def _comparable(decided: DecidedLine) -> tuple[str, str | None]:
    if decided.outcome.eligible:
        return "valid", decided.voter_id
    return decided.outcome


class Check(NamedTuple):
    """A blind answer, the machine's decision that it was compared with, and what holds of the line today."""

    answer: PersonFinding
    decided: DecidedLine
    today: DecidedLine


Verdict = Literal["confirmed", "upheld", "open", "wrong"]


def verdict(check: Check) -> Verdict:
    """What became of a machine's decision: confirmed, doubted and upheld, doubted and still open, or found wrong."""
    if agrees(check.answer, check.decided):
        return "confirmed"
    if check.today.outcome.status == "review":
        return "open"
    return "upheld" if _comparable(check.today) == _comparable(check.decided) else "wrong"


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """How often the machine errs in one kind of decision, judged by the lines that were checked."""

    kind: Outcome | None  # None: all kinds together
    lines: int  # that the machine decided so and that no person has decided since
    drawn: int  # of these
    checked: int
    verdicts: Mapping[Verdict, int]
    rate: float | None  # None: nothing was checked
    lower: float
    upper: float


def error_rates(counts: Mapping[Outcome, tuple[int, int]], checks: Iterable[Check]) -> list[ErrorRate]:
    """The error rate of all decisions, and of each kind.

    A decision that is doubted and still open counts as an error until a person upholds it.

    Args:
        counts: for each outcome how many lines have it by the machine alone, and how many of them are drawn.
        checks: the blind answers.
    """
    seen: dict[Outcome, Counter[Verdict]] = defaultdict(Counter)
    for check in checks:
        seen[check.decided.outcome][verdict(check)] += 1
    kinds = sorted({*counts, *seen}, key=lambda kind: (kind.status != "valid", kind.reason or ""))
    rates = [_rate(kind, counts.get(kind, (0, 0)), seen[kind]) for kind in kinds]
    lines, drawn = sum(r.lines for r in rates), sum(r.drawn for r in rates)
    return [_rate(None, (lines, drawn), sum(seen.values(), Counter())), *rates]


def _rate(kind: Outcome | None, lines: tuple[int, int], seen: Mapping[Verdict, int]) -> ErrorRate:
    verdicts: dict[Verdict, int] = {verdict: seen.get(verdict, 0) for verdict in get_args(Verdict)}
    checked = sum(verdicts.values())
    errors = verdicts["wrong"] + verdicts["open"]
    lower, upper = clopper_pearson(errors, checked)
    return ErrorRate(kind, *lines, checked, verdicts, errors / checked if checked else None, lower, upper)
