"""What a matcher's decisions are worth against the truth, as a table, and whether groups of names fare alike.

A truth is one JSON object a line: place, class (valid, dup, moved, cancelled, notreg, ooc, illegible, other), ok (the
voters it may be), tags, and for `other` the reason. A `junior` is an unregistered person of a voter's full name at
the voter's address: no lookup can tell the two apart, so they are counted on their own.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Protocol

from app.law.reasons import Outcome
from app.matching.decision import Decision

VALID = {"valid", "dup", "illegible"}  # a duplicate is the count's business, not the lookup's
REASONS = {
    "moved": {"different_address"},
    "cancelled": {"canceled"},
    "ooc": {"out_of_county"},
    "notreg": {"not_registered", "registered_late", "pending_registration", "under_age"},
}
OUTCOMES = ("correct", "correct, reason open", "review", "wrong match", "false invalid", "wrong reason")
SMALL_GROUP = 400  # lines, below which a share is uncertain by three points or more

# Frequent surnames of Hispanic Americans (United States Census, 2010).
_SPANISH = (
    "GARCIA RODRIGUEZ MARTINEZ HERNANDEZ LOPEZ GONZALEZ PEREZ SANCHEZ RAMIREZ TORRES FLORES RIVERA GOMEZ "
    "DIAZ REYES MORALES CRUZ ORTIZ GUTIERREZ CHAVEZ RAMOS GONZALES RUIZ ALVAREZ MENDOZA VASQUEZ CASTILLO "
    "JIMENEZ MORENO ROMERO HERRERA MEDINA AGUILAR GARZA CASTRO VARGAS FERNANDEZ GUZMAN MUNOZ MENDEZ "
    "SALAZAR SOTO DELGADO PENA RIOS ALVARADO SANDOVAL CONTRERAS VALDEZ GUERRERO ORTEGA ESTRADA NUNEZ "
    "MALDONADO VEGA VAZQUEZ SANTIAGO DOMINGUEZ ESPINOZA SILVA"
)
SPANISH = frozenset(_SPANISH.split())


class Answer(Protocol):
    """What a score needs of a decision, whichever method made it."""

    @property
    def outcome(self) -> Outcome:
        """The status and why; `valid` means eligible."""

    @property
    def reason_open(self) -> bool:
        """Whether only the status is certain."""

    @property
    def voter_id(self) -> str | None:
        """The voter that was found."""

    @property
    def evidence_json(self) -> str:
        """What is kept with it."""


@dataclass
class Score:
    """Counts over the lines of one petition."""

    lines: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    by_class: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    juniors: int = 0
    legible_false_invalid: int = 0
    valid: int = 0
    valid_found: int = 0
    reviewed: int = 0
    reviewed_first: int = 0
    evidence_bytes: int = 0

    def add(self, truth: dict[str, Any], decision: Answer) -> None:
        """Count one line."""
        kind, outcome = truth["class"], judge(truth, decision)
        self.lines += 1
        self.outcomes[outcome] += 1
        self.by_class[kind][outcome] += 1
        self.juniors += outcome == "wrong match" and "junior" in truth["tags"]
        self.legible_false_invalid += outcome == "false invalid" and kind != "illegible"
        self.evidence_bytes += len(decision.evidence_json)
        if kind in {"valid", "dup"}:
            self.valid += 1
            self.valid_found += outcome == "correct"
            self.reviewed += outcome == "review"
            self.reviewed_first += outcome == "review" and decision.voter_id in truth["ok"]

    def figures(self) -> dict[str, float]:
        """The figures that the goals are set in; rates per 100,000 lines with the upper end of their 95 % interval."""
        wrong = self.outcomes["wrong match"] - self.juniors
        review, opened = self.outcomes["review"], self.outcomes["correct, reason open"]
        return {
            "lines": self.lines,
            "decided on validity": 1 - review / self.lines,
            "decided with certain reason": 1 - (review + opened) / self.lines,
            "valid lines found": self.valid_found / max(self.valid, 1),
            "wrong match per 100k, juniors apart": 1e5 * wrong / self.lines,
            "  at most": 1e5 * upper(wrong, self.lines),
            "juniors per 100k": 1e5 * self.juniors / self.lines,
            "false invalid per 100k, legible": 1e5 * self.legible_false_invalid / self.lines,
            "  at most ": 1e5 * upper(self.legible_false_invalid, self.lines),
            "wrong reason per 100k": 1e5 * self.outcomes["wrong reason"] / self.lines,
            "true voter first in review": self.reviewed_first / max(self.reviewed, 1),
            "bytes of evidence a line": self.evidence_bytes / self.lines,
        }


def score(truths: Iterable[dict[str, Any]], decisions: Iterable[Answer]) -> Score:
    """Return the score of decisions in the order of their truths."""
    counted = Score()
    for truth, decision in zip(truths, decisions, strict=True):
        counted.add(truth, decision)
    return counted


def judge(truth: dict[str, Any], decision: Answer) -> str:
    """Return what a decision is worth against the truth."""
    kind, own = truth["class"], (decision.voter_id or "") in truth["ok"]
    if decision.outcome.status == "review":
        return "review"
    if decision.outcome.status == "valid":
        return "correct" if kind in VALID and own else "wrong match"
    if kind in VALID:
        return "false invalid"
    if decision.reason_open:
        return "correct, reason open"
    reasons = {truth["reason"]} if kind == "other" else REASONS[kind]
    right = decision.outcome.reason in reasons and (own or kind in {"notreg", "ooc", "other"})
    return "correct" if right else "wrong reason"


def upper(count: int, of: int) -> float:
    """Return the upper end of Wilson's 95 % interval of a rate."""
    z, p = 1.96, count / of
    return (p + z * z / (2 * of) + z * sqrt(p * (1 - p) / of + z * z / (4 * of * of))) / (1 + z * z / of)


def show(counted: Score) -> None:
    """Print the table."""
    for name, figure in counted.figures().items():
        print(f"{name:40} {figure:.4f}" if figure <= 1 else f"{name:40} {figure:.1f}")
    print(f"\n{'class':10} {'lines':>7} " + " ".join(f"{kind:>20}" for kind in OUTCOMES))
    for name, row in sorted(counted.by_class.items()):
        print(f"{name:10} {row.total():7} " + " ".join(f"{row[kind] / row.total():20.4f}" for kind in OUTCOMES))


_BANDS = (0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9995, 0.9999, 1.0)  # their upper ends


def show_calibration(truths: Iterable[dict[str, Any]], decisions: Iterable[Decision]) -> None:
    """Print, by band of the probability claimed for valid or for invalid, the errors expected and seen; no juniors."""
    bands: dict[tuple[str, float], list[tuple[float, bool]]] = defaultdict(list)
    for truth, decision in zip(truths, decisions, strict=True):
        status, worth = decision.outcome.status, judge(truth, decision)
        if decision.here is None or status == "review" or "junior" in truth["tags"]:
            continue
        claimed = decision.here if status == "valid" else 1 - decision.here
        band = next(end for end in _BANDS if claimed <= end)
        bands[status, band].append((claimed, worth in {"wrong match", "false invalid"}))
    print(f"\n{'claimed':8} {'up to':>7} {'lines':>7} {'errors expected':>16} {'errors':>7}")
    for (outcome, end), lines in sorted(bands.items(), reverse=True):
        expected = sum(1 - claimed for claimed, _ in lines)
        print(f"{outcome:8} {end:7} {len(lines):7} {expected:16.1f} {sum(wrong for _, wrong in lines):7}")


def name_group(surname: str) -> str:
    """Return the group of a registered surname, by its shape alone."""
    parts = surname.upper().split()
    if "-" in surname:
        return "hyphenated"
    if len(parts) > 1:
        return "two words"
    if len(surname) <= len("LEE"):
        return "up to three letters"
    return "Spanish" if surname.upper() in SPANISH else "other"


def show_fairness(truths: Iterable[dict[str, Any]], decisions: Iterable[Answer], surnames: Mapping[str, str]) -> None:
    """Print how many of the valid lines are accepted without a person, by groups of names, and the gap between them.

    `surnames` gives the registered surname of each voter.
    """
    lines, accepted = Counter[str](), Counter[str]()
    for truth, decision in zip(truths, decisions, strict=True):
        if truth["class"] in {"valid", "dup"}:
            group = name_group(surnames[truth["ok"][0]])
            lines[group] += 1
            accepted[group] += judge(truth, decision) == "correct"
    shares = {group: accepted[group] / count for group, count in sorted(lines.items())}
    print("\nvalid lines accepted, by the registered surname")
    for group, share in shares.items():
        note = "  (too few for the gap)" if lines[group] < SMALL_GROUP else ""
        error = 1.96 * sqrt(share * (1 - share) / lines[group])
        print(f"  {group:25} {lines[group]:7} {share:.4f} ± {error:.4f}{note}")
    large = [share for group, share in shares.items() if lines[group] >= SMALL_GROUP]
    print(f"  {'gap in points':25} {100 * (max(large) - min(large)) if large else 0:.2f}")
