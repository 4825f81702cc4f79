"""The decision on one line: which voter, or nobody, how sure, and why.

The posterior over five stories decides. The rules on top of it only ever turn a decision into review, or waive what
the law says is no reason to reject: unit, fraction, city, zip, type and direction of the street (EC 105(a)(2)).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any, Final, overload

from app.law.canonical import canonical_text
from app.law.petition import SigningInterval
from app.law.reasons import Outcome, Reason, ReviewCause, Status
from app.law.registration import REASON_OF, Registration
from app.matching.evidence import evidence, evidence_without_lookup
from app.matching.hypotheses import (
    SURE_GIVEN,
    SURE_SURNAME,
    CandidateSet,
    Person,
    alias_doubts,
    compare_candidates,
    fired,
    sure_name,
)
from app.matching.parsing import ParsedLine
from app.matching.scoring import Scored, Scorer


@dataclass(frozen=True, slots=True)
class Decision:
    """What the lookup says of a line.

    `valid` means eligible; the count decides duplicates later.
    `reason_open`: invalid for certain, the reason still to be chosen by a person. `secondary`: further rules that fail.
    """

    outcome: Outcome
    reason_open: bool
    voter_id: str | None
    registration_no: int | None
    secondary: tuple[str, ...]
    evidence_json: str  # canonical, as the ledger hashes it: made once, where it is known

    @property
    def evidence(self) -> dict[str, Any]:
        """The evidence to be looked into."""
        found: dict[str, Any] = json.loads(self.evidence_json)
        return found


_LIKE_GIVEN: Final = SURE_GIVEN | {"initial", "near", "missing", "middle initial", "middle alike", "garbled"}
_LIKE_SURNAME: Final = SURE_SURNAME | {"part typo", "near", "initial", "missing", "garbled", "half"}
_NEAR_HOUSE: Final = frozenset({"same", "near", "missing"})
_NEAR_STREET: Final = frozenset({"same", "typo", "near", "garbled", "missing"})
_MIDDLE_AGREES: Final = frozenset({"same", "initial"})
_SEVERAL: Final = 2
_RARE: Final = 7.0  # rarity of a name that one in 1,100 bears
_HARDLY: Final = 3.0  # the logarithm of one over the namesakes to be expected: one in twenty streets
_AS_WELL: Final = 1.5  # a difference of weight that is none


def decide_by_household(
    scorer: Scorer, household: Sequence[Registration], interval: SigningInterval
) -> Decision | None:
    """Return the decision where the people of this surname at this address settle it, None where more must be asked."""
    early = _before_lookup(scorer.line)
    if early or not household:
        return early
    return _by_signature(scorer.line, _match(compare_candidates(scorer, household, interval, by_name=False)))


def decide(scorer: Scorer, candidates: Sequence[Registration], interval: SigningInterval) -> Decision:
    """Return the decision on a line given every registration that the search found, and who lives at its address."""
    early = _before_lookup(scorer.line)
    if early:
        return early
    case = compare_candidates(scorer, candidates, interval, by_name=True)
    return _by_signature(scorer.line, _match(case) or _reject(case) or _review(case))


def _before_lookup(line: ParsedLine) -> Decision | None:
    """The decision where there is nothing to look up: no residence address, or no name that can be read (EC 100)."""
    if line.addresses and line.names:
        return None
    if not line.signed:
        return _unasked(line, "invalid", "no_signature", *(() if line.addresses else ("no_address",)))
    if not line.addresses:
        return _unasked(line, "invalid", "no_address")
    return _unasked(line, "review", "weak_match")


def _unasked(line: ParsedLine, status: Status, reason: Reason | ReviewCause, *secondary: Reason) -> Decision:
    text = canonical_text(evidence_without_lookup(line, reason))
    return Decision(Outcome(status, reason), False, None, None, secondary, text)  # noqa: FBT003 - reason_open


@overload
def _by_signature(line: ParsedLine, found: Decision) -> Decision: ...
@overload
def _by_signature(line: ParsedLine, found: Decision | None) -> Decision | None: ...
def _by_signature(line: ParsedLine, found: Decision | None) -> Decision | None:
    """A line that nobody signed is invalid whatever was found (EC 100); that is kept, and what else is certain."""
    if line.signed or found is None:
        return found
    known = found.evidence
    shown = canonical_text({**known, "rules": [fired("no_signature"), *known.get("rules", ())]})
    certain = found.outcome.status == "invalid" and not found.reason_open
    further = (found.outcome.reason, *found.secondary) if certain else ()
    secondary = tuple(reason for reason in further if reason)
    return Decision(Outcome("invalid", "no_signature"), False, None, None, secondary, shown)  # noqa: FBT003 - reason_open


def _match(case: CandidateSet) -> Decision | None:
    """A valid line: one registered voter of this name at this house and street, and nothing that speaks against it."""
    shares = case.stories.here
    best = max(range(len(shares)), key=lambda at: (shares[at], -at), default=None)
    if best is None or shares[best] < case.scorer.model.thresholds["match_exact"]:
        return None
    one = next((s for s in case.persons[best].scored if s.eligibility == "registered" and s.address.here), None)
    if one is None or shares[best] < _enough(case, one):
        return None
    doubts = [*_doubts(case, one, shares[best]), *alias_doubts(case, one)]
    case.fired.extend(doubts)
    return None if doubts else _decision(case, "valid", None, one)


def _enough(case: CandidateSet, one: Scored) -> float:
    """The probability from which a match is certain.

    Less is enough where the given name is the very one and the whole roll was searched: then no relative signed, and
    that a stranger of the same name did, at this house, is rarer than the stories make it. A short form needs more:
    relatives are named after one another, Roberto after Robert.
    """
    given, t = one.name.levels.given.level, case.scorer.model.thresholds
    exact = case.by_name and given == "exact" and one.name.levels.surname.level in SURE_SURNAME
    return t["match_exact"] if exact else t["match_weak" if given == "nickname" else "match"]


def _doubts(case: CandidateSet, one: Scored, probability: float) -> list[str]:
    """What never lets a machine accept by itself."""
    name = one.name.levels
    doubts = []
    if name.given.level not in _LIKE_GIVEN or name.surname.level not in _LIKE_SURNAME:
        doubts.append("name differs")
    if not sure_name(one) and probability < case.scorer.model.thresholds["match_weak"]:
        doubts.append("weak name")
    if name.given.level == "missing" or (name.given.level == "initial" and name.middle.level not in _MIDDLE_AGREES):
        doubts.append("initial only")  # R. SMITH; R. JAMES SMITH says who it is
    if name.given.level == "near" and case.scorer.words.idf("given", name.given.word) < _RARE:
        doubts.append("another given name")  # ROSE is no slip of JOSE, BRITANY may be one of BRITTANY
    if name.middle.level == "initial conflict":
        doubts.append("middle initial differs")
    if name.suffix == "conflict":
        doubts.append("suffix differs")
    if any(_canceled_namesake(person, one) for person in case.persons):
        doubts.append("canceled namesake here")
    if case.where == "out":
        doubts.append("city and zip out of county")
    if one.registration.confidential:
        doubts.append("confidential")
    return doubts


def _canceled_namesake(person: Person, one: Scored) -> bool:
    """Whether another person, not registered, fits the line at the same address about as well."""
    other = person.scored[0]
    return person.eligibility != "registered" and other.address.here and other.name.weight > one.name.weight - _AS_WELL


def _reject(case: CandidateSet) -> Decision | None:
    """An invalid line: nobody who may be the signer is registered at this address, or a slip of the pen from it."""
    t = case.scorer.model.thresholds
    here = sum(case.stories.here)
    out = case.where == "out"
    readable, name, street = _readable(case)
    limit = t["invalid"] if readable else t["invalid_unread"]
    if here > limit:
        case.fired.append("may be registered here")
    if not name and not out:
        case.fired.append("name not known")
    if not street and not out:
        case.fired.append("street not known")
    if any(_plausible_here(case, one) for one in case.scored):
        case.fired.append("like name at the address")
    if not out and any(
        share > t["invalid_new_surname"] and _same_given_here(person)
        for person, share in zip(case.persons, case.stories.here, strict=True)
    ):
        case.fired.append("same given name at the address")
    if any(one.registration.confidential for one in case.scored if one.address.here):
        case.fired.append("confidential")
    return None if case.fired else _invalid(case)


def _readable(case: CandidateSet) -> tuple[bool, bool, bool]:
    """Whether name and house number can be read; whether part of the name is the county's; whether the street is."""
    reading = case.scorer.line.names[0]
    given = bool(reading.given) and case.scorer.words.is_known("given", reading.given[0])
    surname = bool(reading.surname) and all(case.scorer.words.is_known("surname", part) for part in reading.surname)
    house = all(address.house and address.house_certain for address in case.scorer.line.addresses)
    known = any(
        case.scorer.words.is_known("street", name) for address in case.scorer.line.addresses for name in address.streets
    )
    somebody = case.scorer.household is not None and case.scorer.household.size > 0
    return given and surname and house, given or surname, known or somebody


def _plausible_here(case: CandidateSet, one: Scored) -> bool:
    """Whether somebody of a like name is registered at the address, or where it may be meant: never rejected."""
    if one.eligibility != "registered":
        return False
    name, address = one.name.levels, one.address.levels
    sure = sure_name(one)
    like = name.given.level in _LIKE_GIVEN and name.surname.level in _LIKE_SURNAME
    if address.house in _NEAR_HOUSE and address.street.level in _NEAR_STREET:
        return like
    if address.house == "same" or (address.house == "near" and address.zip == "same"):
        return sure  # at this number, of a street that may be misread
    if address.street.level != "same":
        return False
    return (address.house == "far" and like and (sure or one.name.weight > 0)) or (sure and _alone_in_street(case, one))


def _alone_in_street(case: CandidateSet, one: Scored) -> bool:
    """Whether hardly anybody of that name can be expected in that street: it may be the signer, at a number misread."""
    street, words = one.address.levels.street.word, case.scorer.words
    return one.name.weight + words.idf("street", street) > log(words.registrations) + _HARDLY


def _same_given_here(person: Person) -> bool:
    """Whether the person may have signed under a new surname."""
    one = person.scored[0]
    return one.address.here and one.name.levels.given.level in {"exact", "nickname", "middle"}


def _invalid(case: CandidateSet) -> Decision:
    """The likeliest reason; open where it is not certain."""
    reason, one, sure = _registration_reason(case)
    if case.where == "out":
        return _decision(case, "invalid", "out_of_county", None, secondary=(reason,) if sure else ())
    if case.where != "in":
        sure = False
    elsewhere = sure and one is not None and reason != "different_address" and _elsewhere(one)
    secondary: tuple[Reason, ...] = ("different_address",) if elsewhere else ()
    return _decision(case, "invalid", reason, one, reason_open=not sure, secondary=secondary)


def _registration_reason(case: CandidateSet) -> tuple[Reason, Scored | None, bool]:
    """The likeliest reason of the rules of registration and address, the voter it is about, whether it is certain."""
    stories, enough = case.stories, case.scorer.model.thresholds["reason"]
    nobody = stories.relative + stories.stranger
    others = [m + c for m, c in zip(stories.moved, stories.canceled, strict=True)]
    best = max(range(len(others)), key=lambda at: (others[at], -at), default=None)
    seen = not case.scorer.namesakes_cut
    if best is None or nobody >= others[best]:
        named = any(len(word) > 1 for word in case.scorer.line.names[0].given[:1])
        return "not_registered", None, seen and named and nobody >= enough  # R. SMITH cannot be searched for
    person = case.persons[best]
    return REASON_OF[person.eligibility], person.scored[0], seen and others[best] >= enough


def _elsewhere(one: Scored) -> bool:
    """Whether the registered address is another one (EC 105(a)(1)), not just badly written."""
    levels = one.address.levels
    return not one.address.here and "missing" not in (levels.house, levels.street.level)


def _review(case: CandidateSet) -> Decision:
    """A person looks; the likeliest voter comes first."""
    shares = case.stories.here
    order = sorted(
        range(len(shares)), key=lambda at: (-shares[at] - case.stories.moved[at] - case.stories.canceled[at], at)
    )
    one = case.persons[order[0]].scored[0] if order else None
    rivals = [at for at in order if shares[at] >= case.scorer.model.thresholds["rival"]]
    cause: ReviewCause
    if "confidential" in case.fired or (one and one.registration.confidential):
        cause = "confidential"
    elif len(rivals) >= _SEVERAL:
        cause = "ambiguous"
    elif one and not one.address.here and one.name.levels.given.level in SURE_GIVEN:
        cause = "possible_move"
    else:
        cause = "weak_match"
    return _decision(case, "review", cause, one)


def _decision(
    case: CandidateSet,
    status: Status,
    reason: Reason | ReviewCause | None,
    one: Scored | None,
    *,
    reason_open: bool = False,
    secondary: tuple[str, ...] = (),
) -> Decision:
    r = one.registration if one else None
    voter, number = (r.voter_id, r.registration_no) if r else (None, None)
    return Decision(Outcome(status, reason), reason_open, voter, number, secondary, canonical_text(evidence(case)))
