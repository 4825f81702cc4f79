"""The decision on one line: which voter, or nobody, how sure, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from app.domain.line import Interval, ReadLine, read_line
from app.domain.model import Model
from app.domain.scoring import Household, Scored, Scorer
from app.domain.stories import Person, Stories, group, tell
from app.domain.voter import Registration
from app.domain.words import Words

__all__ = ["Decision", "Household", "Interval", "ReadLine", "decide", "decide_by_household", "read_line"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the lookup says of a line.

    `valid` means eligible; the count decides duplicates later. `reason` is a reason code, or the cause of a review.
    `reason_open`: invalid for certain, the reason still to be chosen by a person.
    """

    status: Literal["valid", "invalid", "review"]
    reason: str | None
    reason_open: bool
    voter_id: str | None
    registration_no: int | None
    secondary: tuple[str, ...]
    evidence: dict[str, Any]


@dataclass(slots=True)
class _Case:
    """A line with everything that was found for it."""

    line: ReadLine
    scored: list[Scored]
    persons: list[Person]
    stories: Stories
    words: Words
    model: Model


_SURE_GIVEN: Final = frozenset({"exact", "nickname", "typo", "middle", "second"})
_LIKE_GIVEN: Final = frozenset(
    {"exact", "nickname", "typo", "middle", "second", "initial", "near", "missing", "middle initial", "middle alike"}
)
_LIKE_SURNAME: Final = frozenset({"exact", "part", "typo", "part typo", "near", "initial", "missing"})


def _examine(  # noqa: PLR0913, PLR0917 - the facts of a case
    line: ReadLine,
    candidates: Sequence[Registration],
    household: Household | None,
    interval: Interval,
    words: Words,
    model: Model,
) -> _Case:
    scorer = Scorer(line, words, model, household)
    scored = [scorer.score(registration, interval) for registration in candidates]
    persons = group(scored)
    return _Case(line, scored, persons, tell(persons, words.registrations, model), words, model)


def decide_by_household(
    line: ReadLine, household: Sequence[Registration], interval: Interval, words: Words, model: Model
) -> Decision | None:
    """Return the decision where the people of this surname at this address settle it, None where more must be asked."""
    if not household or before_lookup(line):
        return None
    decision = _decide(_examine(line, household, None, interval, words, model))
    return decision if decision.status == "valid" else None


def decide(  # noqa: PLR0913, PLR0917 - the facts of a case
    line: ReadLine,
    candidates: Sequence[Registration],
    household: Household | None,
    interval: Interval,
    words: Words,
    model: Model,
) -> Decision:
    """Return the decision on a line given every registration that the search found, and who lives at its address."""
    return before_lookup(line) or _decide(_examine(line, candidates, household, interval, words, model))


def before_lookup(line: ReadLine) -> Decision | None:
    """Return the decision that needs no roll: nothing signed, no residence address, nothing to read."""
    if not line.signed:
        return _plain("invalid", "no_signature")
    if not line.addresses:
        return _plain("invalid", "no_address")
    if not line.name.readings:
        return _plain("review", "weak_match")
    return None


def _plain(status: Literal["valid", "invalid", "review"], reason: str) -> Decision:
    return Decision(status, reason, reason_open=False, voter_id=None, registration_no=None, secondary=(), evidence={})


def _decide(case: _Case) -> Decision:
    stories, t = case.stories, case.model.thresholds
    here = sum(stories.here)
    best = max(range(len(case.persons)), key=lambda at: (stories.here[at], -at), default=None)
    if (
        best is not None
        and stories.here[best] >= t["match"]
        and (found := _match(case, case.persons[best], stories.here[best]))
    ):
        return found
    if here <= t["invalid"] and not _plausible_here(case):
        return _invalid(case)
    return _review(case, best)


def _match(case: _Case, person: Person, probability: float) -> Decision | None:
    """A valid line, unless something about it never decides alone."""
    one = next((s for s in person.scored if s.standing == "registered" and s.address.here), None)
    if one is None:
        return None
    name = one.name.levels
    weak = (
        name.given.level not in _SURE_GIVEN
        or name.surname.level not in {"exact", "typo", "part"}
        or name.middle.level in {"initial conflict", "conflict"}
        or name.suffix == "conflict"
    )
    if weak and (name.given.level not in _LIKE_GIVEN or name.surname.level not in _LIKE_SURNAME):
        return None
    if (
        name.given.level == "initial"
        or name.middle.level in {"initial conflict", "conflict"}
        or name.suffix == "conflict"
    ):
        return None
    if probability < case.model.thresholds["match_weak" if weak else "match"]:
        return None
    if one.registration.confidential:
        return None
    return Decision(
        "valid", None, reason_open=False, voter_id=one.registration.voter_id,
        registration_no=one.registration.registration_no, secondary=(), evidence=_evidence(case, one),
    )  # fmt: skip


def _plausible_here(case: _Case) -> bool:
    """Whether somebody of a like name is registered at the address, or so near it that a slip explains it."""
    for one in case.scored:
        if one.standing != "registered":
            continue
        name, address = one.name.levels, one.address.levels
        like = name.given.level in _LIKE_GIVEN and name.surname.level in _LIKE_SURNAME
        if (
            like
            and address.house in {"same", "near", "missing"}
            and address.street.level in {"same", "typo", "near", "missing"}
        ):
            return True
    return False


def _invalid(case: _Case) -> Decision:
    stories, t = case.stories, case.model.thresholds
    nobody = stories.relative + stories.stranger
    options: list[tuple[float, str, Person | None]] = [(nobody, "not_registered", None)]
    if case.persons:
        m = max(range(len(case.persons)), key=lambda at: (stories.moved[at], -at))
        c = max(range(len(case.persons)), key=lambda at: (stories.canceled[at], -at))
        options += [
            (stories.moved[m], "different_address", case.persons[m]),
            (stories.canceled[c], case.persons[c].standing, case.persons[c]),
        ]
    probability, reason, person = max(options, key=lambda option: option[0])
    if reason == "former":
        reason = "canceled"
    one = person.scored[0] if person else None
    return Decision(
        "invalid", reason, reason_open=probability < t["reason"], voter_id=one.registration.voter_id if one else None,
        registration_no=one.registration.registration_no if one else None, secondary=(), evidence=_evidence(case, one),
    )  # fmt: skip


def _review(case: _Case, best: int | None) -> Decision:
    one = case.persons[best].scored[0] if best is not None else None
    return Decision(
        "review", "weak_match", reason_open=False, voter_id=one.registration.voter_id if one else None,
        registration_no=one.registration.registration_no if one else None, secondary=(), evidence=_evidence(case, one),
    )  # fmt: skip


def _evidence(case: _Case, one: Scored | None) -> dict[str, Any]:
    return {}
