"""The blind double check: which lines are drawn, and how often machine and people decide otherwise."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import exp, lgamma, log, log1p
from typing import Any, Final, Literal, NamedTuple, get_args

from app.errors import FindingRefusedError
from app.law.line import Place
from app.law.reasons import COUNTED_LATER, Outcome, Reason
from app.law.review import MISMATCH, PersonFinding
from app.law.ruleset import FEWEST_PEOPLE


class DecidedLine(NamedTuple):
    """What was decided of a line: its outcome, and whose line it is."""

    outcome: Outcome
    voter_id: str | None = None


# Whether a line is its voter's first follows from the others. An answer of mismatch decides nothing (2 CCR 20960).
_ANSWERABLE = frozenset(get_args(Reason)) - COUNTED_LATER


def check_answer(answer: PersonFinding) -> None:
    """Raise FindingRefusedError if a blind answer cannot be compared with a decision; it names what is not allowed."""
    status, reason = answer.outcome
    if (status == "valid" or answer.outcome == MISMATCH) and answer.voter_id is None:
        raise FindingRefusedError("say which voter signed: voter_id")
    if status != "invalid" and reason is not None:
        raise FindingRefusedError("only an invalid line has a reason")
    if status == "invalid" and reason not in _ANSWERABLE:
        raise FindingRefusedError("reason must be one that the writing and the roll can show")


def agrees(answer: PersonFinding, decided: DecidedLine, *, by_machine: bool) -> bool:
    """Whether a person's answer is the decision: the same voter if the line is good, else the same reason.

    A good line that is not its voter's first was decided rightly if the answer finds it good (EC 105(b)). A machine
    compares no signature: of its decision it is enough that the voter is the same (2 CCR 20960).
    """
    return _comparable(answer, by_machine=by_machine) == _comparable(decided, by_machine=by_machine)


def _comparable(decided: PersonFinding | DecidedLine, *, by_machine: bool) -> tuple[str, str | None]:
    presumed = by_machine and decided.outcome == MISMATCH
    return ("valid", decided.voter_id) if decided.outcome.eligible or presumed else decided.outcome


def decided_by_machine(findings: Sequence[Mapping[str, Any]]) -> DecidedLine | None:
    """What the newest examination found of a line, whatever people made of it; None if it left the line to them.

    `findings` are the contents of the line's findings, the oldest first.
    """
    for content in reversed(findings):
        if not content["person"] and content["evidence"] is not None and content["reason"] not in FEWEST_PEOPLE:
            found = content.get("by_data") or content  # where it left people's finding in place
            outcome = Outcome(found["status"], found["reason"])
            return DecidedLine(outcome, found["voter_id"]) if outcome.status in ("valid", "invalid") else None
    return None


def people_of(findings: Iterable[Mapping[str, Any]]) -> set[str]:
    """Everyone who has said anything of a line, by the contents of its findings."""
    named = (content[role] for content in findings for role in ("confirmed_by", "mismatch_by"))
    return {name for names in named for name in names} | {one["decided_by"] for one in findings if one["person"]}


class Check(NamedTuple):
    """A blind answer, the decision that it was compared with, and what holds of the line today."""

    answer: PersonFinding
    decided: DecidedLine
    today: DecidedLine
    people: Collection[str] = ()  # whose decision it was; none: the machine's


Verdict = Literal["confirmed", "upheld", "open", "wrong"]


def verdict(check: Check) -> Verdict:
    """What became of a decision: confirmed, doubted and upheld, doubted and still open, or found wrong."""
    by_machine = not check.people
    if agrees(check.answer, check.decided, by_machine=by_machine):
        return "confirmed"
    if check.today.outcome.status == "review":
        return "open"
    now, then = (_comparable(decided, by_machine=by_machine) for decided in (check.today, check.decided))
    return "upheld" if now == then else "wrong"


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """How often one kind of decision is wrong, judged by the lines that were checked."""

    kind: Outcome | None  # None: all kinds together
    lines: int  # that stand decided so by the machine alone, or by people
    drawn: int  # of these
    checked: int
    verdicts: Mapping[Verdict, int]
    rate: float | None  # None: nothing was checked
    lower: float
    upper: float


Decisions = Mapping[Outcome, tuple[int, int]]
"""How many settled lines have an outcome, and how many of them are drawn."""


def error_rates(counts: Decisions, checks: Iterable[Check]) -> list[ErrorRate]:
    """The error rate of all decisions, and of each kind. One that is doubted counts as an error until it is upheld.

    `counts` are the settled lines of those who decided, and `checks` the answers to their decisions.
    """
    seen: dict[Outcome, Counter[Verdict]] = defaultdict(Counter)
    for check in checks:
        seen[check.decided.outcome][verdict(check)] += 1
    kinds = sorted({*counts, *seen}, key=lambda kind: (kind.status != "valid", kind.reason or ""))
    rates = [_rate(kind, counts.get(kind, (0, 0)), seen[kind]) for kind in kinds]
    lines, drawn = sum(r.lines for r in rates), sum(r.drawn for r in rates)
    return [_rate(None, (lines, drawn), sum(seen.values(), Counter())), *rates]


def rates_by_person(counts: Mapping[str, Decisions], checks: Collection[Check]) -> dict[str, list[ErrorRate]]:
    """The error rates of each person, by name: of all decisions that the person shares, then of each kind."""
    names = sorted({*counts, *(name for check in checks for name in check.people)})
    return {name: error_rates(counts.get(name, {}), [one for one in checks if name in one.people]) for name in names}


def _rate(kind: Outcome | None, lines: tuple[int, int], seen: Counter[Verdict]) -> ErrorRate:
    checked, errors = seen.total(), seen["wrong"] + seen["open"]
    verdicts: dict[Verdict, int] = {verdict: seen[verdict] for verdict in get_args(Verdict)}
    rate = errors / checked if checked else None
    return ErrorRate(kind, *lines, checked, verdicts, rate, *clopper_pearson(errors, checked))


DRAW_METHOD: Final = (
    "A line is drawn if the first 8 bytes of SHA-256(seed, place), as a big-endian number, are below share * 2^64."
    " The seed is the hash of the ledger's first entry, 32 bytes; the place is section, page and line, 4 bytes each,"
    " big-endian."
)
PARTS: Final = 1_000_000  # a share is given in parts per million
_TAIL: Final = (1 - 0.95) / 2  # on each side of an interval
_NEGLIGIBLE: Final = 1e-17  # of a sum: less than a double can show


def draw_limit(share_ppm: int) -> int:
    """What a draw must stay below for a share in parts per million."""
    return (share_ppm << 64) // PARTS


def draw(seed: bytes, place: Place) -> int:
    """The place's number in the draw of this seed, even over 0 to 2^64 - 1 and blind to what stands there."""
    return int.from_bytes(sha256(seed + b"".join(n.to_bytes(4, "big") for n in place)).digest()[:8], "big")


def is_drawn(seed: bytes, place: Place, share_ppm: int) -> bool:
    """Whether the place belongs to the share that is drawn."""
    return draw(seed, place) < draw_limit(share_ppm)


def clopper_pearson(errors: int, sample: int) -> tuple[float, float]:
    """The exact 95 % interval of a proportion of which `errors` were seen in a `sample`.

    Whatever the true proportion is, the interval misses it with probability 0.05 at most (Clopper and Pearson,
    Biometrika 26, 1934). Of an empty sample nothing is known: 0 to 1.
    """
    if not 0 <= errors <= sample:
        raise ValueError("errors must be within 0 to sample")
    lower = _solve(lambda share: at_least(errors, sample, share), _TAIL) if errors else 0.0
    upper = _solve(lambda share: at_least(errors + 1, sample, share), 1 - _TAIL) if errors < sample else 1.0
    return lower, upper


def _solve(rising: Callable[[float], float], target: float) -> float:
    """Where a function that rises from 0 to 1 over 0 to 1 meets the target, to the last bits of a double."""
    low, high = 0.0, 1.0
    while low < (middle := (low + high) / 2) < high:
        if rising(middle) < target:
            low = middle
        else:
            high = middle
    return high


def at_least(successes: int, trials: int, share: float) -> float:
    """The probability of at least so many successes, of 1 to `trials`, if each trial succeeds with probability `share`.

    The terms of the sum fall from the first one on, and the sum ends when they no longer matter.
    """
    if share <= 0 or share >= 1:
        return float(share >= 1)
    if share * trials > successes:  # where the terms would rise first, those of the other tail fall
        return 1 - at_least(trials - successes + 1, trials, 1 - share)
    ways = lgamma(trials + 1) - lgamma(successes + 1) - lgamma(trials - successes + 1)
    term, total = exp(ways + successes * log(share) + (trials - successes) * log1p(-share)), 0.0
    for seen in range(successes, trials + 1):
        total += term
        term *= (trials - seen) / (seen + 1) * share / (1 - share)
        if term <= total * _NEGLIGIBLE:
            break
    return total
