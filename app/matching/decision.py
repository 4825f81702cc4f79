"""The decision on one line: which voter, or none, how certain, and why.

The posterior over the hypotheses decides. The rules on top of it only ever turn a decision into review, or waive what
the law says is no reason to reject: unit, fraction, city, zip, type and direction of the street (EC 105(a)(2)).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from math import log
from typing import Final, NamedTuple

from app.law.district import is_of_district
from app.law.reasons import VALID, Outcome, Reason, ReviewCause, in_order
from app.law.registration import REASON_OF, Registration
from app.matching.comparison import CERTAIN_GIVEN, GivenLevel
from app.matching.evidence import DIGITS, evidence_json
from app.matching.model import Threshold
from app.matching.parsing import ParsedLine, county_membership
from app.matching.public_names import is_given_name, is_surname
from app.matching.rules import Rule
from app.matching.scoring import (
    CandidateSet,
    ComparedName,
    ComparedRegistration,
    Person,
    Scorer,
    compare_candidates,
)


class Decision(NamedTuple):
    """What the lookup says of a line. `valid` means eligible; the count decides duplicates later."""

    outcome: Outcome
    reason_open: bool  # invalid for certain, the reason still to be chosen by a person
    voter_id: str | None
    registration_no: int | None
    secondary: tuple[Reason, ...]  # further rules that fail
    evidence_json: str  # canonical, as the ledger hashes it: written once, in the process that decides
    here: float | None  # probability that a voter registered at the written address signed; None without a lookup
    held: bool = False  # a confidential voter may have signed: the officer looks at it, whatever the outcome


_SAME_GIVEN: Final = frozenset[GivenLevel]({"exact", "nickname", "middle"})
_RARE: Final = 7.0  # inverse document frequency of a name that one in 1,100 bears
_ALONE: Final = 3.0  # the logarithm of one over the namesakes to be expected: one in twenty streets
_CERTAIN_FIELDS: Final = 3  # of given name, surname, house number and street
_AS_WELL: Final = 1.5  # a difference of weight that is none


_CAUSES: Final[Mapping[Rule, ReviewCause]] = {
    Rule.DISTRICT_NOT_SHOWN: "no_district",
    Rule.OTHER_DISTRICT_TOO: "possible_move",
}


def decide(scorer: Scorer, found: Sequence[Registration], *, by_name: bool) -> Decision | None:
    """Return the decision on a line, or None where the people found at its address do not settle it.

    `by_name`: the whole roll was searched for the name, which always settles it.
    """
    line = scorer.line
    if not scorer.shows_district:
        return _undecided(line)
    if not (line.addresses and line.names):
        return _without_lookup(scorer)
    if not (found or by_name):
        return None
    candidates = compare_candidates(scorer, found, by_name=by_name)
    match, doubts = _match(candidates)
    certain = match is not None and not doubts
    if match and certain and is_of_district(match.registration.districts, scorer.district):
        return _decision(line, candidates, voter=match)
    if not by_name:
        return None
    rules = tuple(_doubts_of_district(candidates, match) if match and certain else _against_rejection(candidates))
    rules, held = (*doubts, *rules), False
    if line.signed:
        names = scorer.terms.confidential
        once = match is not None and match.registration.voter_id in names.once
        held = once or bool(scorer.confidential_names_like())
        if not rules and (held or names.is_drawn(line.names)):
            rules = (Rule.LEFT_TO_A_PERSON,)
    decision = _review(candidates, rules) if rules else _invalid(candidates, match if certain else None)
    return decision._replace(held=True) if held else decision


def _undecided(line: ParsedLine) -> Decision:
    """No line can be examined, not even one without a signature: a roll with the district's code decides them all."""
    evidence = evidence_json(line, None, (Rule.NO_DISTRICT,))
    return Decision(Outcome("review", "no_district"), False, None, None, (), evidence, None)  # noqa: FBT003


def _without_lookup(scorer: Scorer) -> Decision:
    """The decision on a line without a name or an address that can be looked up (EC 100)."""
    line = scorer.line
    away: tuple[Reason, ...] = ("out_of_county",) if county_membership(line, scorer.terms) == "out" else ()
    if not line.addresses:
        return _decision(line, None, fails=("no_address", *away), rules=(Rule.NO_ADDRESS,) if line.signed else ())
    if line.signed:  # its name may be legible to a person
        return _decision(line, None, cause="weak_match", rules=(Rule.UNREADABLE_NAME,))
    return _decision(line, None, fails=away)


def _decision(
    line: ParsedLine,
    candidates: CandidateSet | None,
    *,
    fails: tuple[Reason, ...] = (),
    cause: ReviewCause | None = None,
    voter: ComparedRegistration | None = None,
    reason_open: bool = False,
    rules: tuple[Rule, ...] = (),
) -> Decision:
    """The decision with its evidence: invalid if rules fail (the first is the reason), or review, or valid.

    That a line is not signed comes before whatever was found (EC 100).
    """
    if not line.signed:
        fails, rules = ("no_signature", *(() if reason_open else fails)), (Rule.NO_SIGNATURE, *rules)
        voter, reason_open = None, False
    outcome = Outcome("review", cause) if cause else VALID
    return Decision(
        outcome=Outcome("invalid", fails[0]) if fails else outcome,
        reason_open=reason_open,
        voter_id=voter.registration.voter_id if voter else None,
        registration_no=voter.registration.registration_no if voter else None,
        secondary=fails[1:],
        evidence_json=evidence_json(line, candidates, rules),
        here=round(sum(candidates.posterior.here, 0.0), DIGITS) if candidates else None,
    )


def _match(candidates: CandidateSet) -> tuple[ComparedRegistration | None, tuple[Rule, ...]]:
    """The one registered voter of this name at this house and street, if there is one, and what speaks against it.

    A lower probability is enough where the given name is the very one and the whole roll was searched: then no relative
    signed, and that a stranger of the same name did, at this house, is rarer than the hypotheses make it. A short form
    needs more: relatives are named after one another, Roberto after Robert.
    """
    here = candidates.posterior.here
    best = _greatest(here)
    if best is None or here[best] < candidates.thresholds["match_exact"]:
        return None, ()
    registrations = candidates.persons[best].registrations
    at_address = [r for r in registrations if r.eligibility == "registered" and r.address.here]
    if not at_address:
        return None, ()
    district = candidates.scorer.district
    match = next((r for r in at_address if is_of_district(r.registration.districts, district)), at_address[0])
    given = match.name.given.level
    enough: Threshold = "match_weak" if given == "nickname" else "match"
    if candidates.by_name and given == "exact" and match.name.has_surname and not match.name.conflicts:
        enough = "match_exact"
    sure = here[best] >= candidates.thresholds[enough]
    return (match, tuple(_doubts(candidates, match, here[best]))) if sure else (None, ())


def _greatest(probabilities: Sequence[float]) -> int | None:
    """The index of the greatest, of equal ones the first; None where there are none."""
    return max(range(len(probabilities)), key=probabilities.__getitem__, default=None)


def _doubts(candidates: CandidateSet, match: ComparedRegistration, probability: float) -> Iterator[Rule]:
    """What never lets the program accept by itself."""
    yield from _doubts_of_name(candidates, match.name, probability)
    others = (person.best for person in candidates.persons if person.eligibility != "registered")
    if any(other.address.here and other.name.weight > match.name.weight - _AS_WELL for other in others):
        yield Rule.CANCELED_NAMESAKE
    if candidates.county == "out":
        yield Rule.OUT_OF_COUNTY
    if match.registration.voter_id in candidates.scorer.terms.confidential.once:
        yield Rule.LEFT_TO_A_PERSON
    if _either_street_may_be_meant(candidates, match):
        yield Rule.STREET_OF_BOTH_NAMES


def _doubts_of_district(candidates: CandidateSet, match: ComparedRegistration) -> Iterator[Rule]:
    """What never lets the program find that a match is out of the officer's district (EC 11045)."""
    district = candidates.scorer.district
    if is_of_district(match.registration.districts, district) is None:
        yield Rule.DISTRICT_NOT_SHOWN
    person = next(person for person in candidates.persons if match in person.registrations)
    others = (r.registration for r in person.registrations if r.eligibility == "registered")
    if any(is_of_district(other.districts, district) for other in others):
        yield Rule.OTHER_DISTRICT_TOO


def _doubts_of_name(candidates: CandidateSet, name: ComparedName, probability: float) -> Iterator[Rule]:
    given, middle = name.given, name.middle.level
    if not name.is_plausible:
        yield Rule.NAME_DIFFERS
    if not name.is_certain and probability < candidates.thresholds["match_weak"]:
        yield Rule.WEAK_NAME
    if given.level == "missing" or (given.level == "initial" and middle not in {"same", "initial"}):
        yield Rule.INITIAL_ONLY  # R. JAMES SMITH says who it is
    if given.level == "near" and candidates.scorer.terms.idf("given", given.word) < _RARE:
        yield Rule.ANOTHER_GIVEN_NAME  # ROSE is not JOSE misspelled, BRITANY may be BRITTANY
    if middle == "initial conflict":
        yield Rule.MIDDLE_INITIAL_DIFFERS
    if name.suffix == "conflict":
        yield Rule.SUFFIX_DIFFERS


def _either_street_may_be_meant(candidates: CandidateSet, match: ComparedRegistration) -> bool:
    """Whether a match by an alias is doubtful: another voter of the surname lives on the street that is written."""
    addresses = candidates.scorer.line.addresses
    if not addresses[match.address.written].alias:
        return False
    others = (person.registrations for person in candidates.persons if match not in person.registrations)
    at_written = (one for one in chain.from_iterable(others) if one.address.here and one.eligibility == "registered")
    return any(one.name.has_surname and not addresses[one.address.written].alias for one in at_written)


def _against_rejection(candidates: CandidateSet) -> Iterator[Rule]:
    """What never lets the program reject by itself: a voter at this address, or a slip from it, may be the signer."""
    here, in_county, scorer = candidates.posterior.here, candidates.county != "out", candidates.scorer
    given_known, surname_known = scorer.known_given[0], scorer.known_surname[0]
    readable = given_known and surname_known and all(a.house and a.house_certain for a in scorer.line.addresses)
    if sum(here, 0.0) > candidates.thresholds["invalid" if readable else "invalid_unread"]:
        yield Rule.MAY_BE_REGISTERED
    if _canceled_undated(candidates) > candidates.thresholds["invalid"]:
        yield Rule.UNDATED_CANCELLATION
    if in_county:
        yield from _doubts_of_search(candidates)
    if any(_is_plausible(candidates, one) for one in candidates.registrations):
        yield Rule.LIKE_NAME
    limit = candidates.thresholds["invalid_new_surname"]
    likely = (person.best for person, share in zip(candidates.persons, here, strict=True) if share > limit)
    if in_county and any(one.address.here and one.name.given.level in _SAME_GIVEN for one in likely):
        yield Rule.SAME_GIVEN_NAME


def _doubts_of_search(candidates: CandidateSet) -> Iterator[Rule]:
    """Whether the search may have missed the signer: three of the four fields that it goes by must be certain."""
    scorer = candidates.scorer
    words = zip(scorer.line.names, scorer.known_given, scorer.known_surname, strict=True)
    name = max((given and len(n.given[0]) > 1) + surname for n, given, surname in words)
    house = all(a.house and a.house_certain for a in scorer.line.addresses)
    street = bool(scorer.known_streets or (scorer.household and scorer.household.size))
    if not (scorer.known_given[0] or scorer.known_surname[0]):
        yield Rule.NAME_NOT_KNOWN
    elif name + house + street < _CERTAIN_FIELDS:
        yield Rule.TOO_LITTLE_READABLE
    elsewhere = sum(candidates.posterior.moved, 0.0) > candidates.thresholds["invalid"] or scorer.namesakes_cut
    if not street and elsewhere:  # if no voter of the county has the name, the street does not matter
        yield Rule.STREET_NOT_KNOWN


def _canceled_undated(candidates: CandidateSet) -> float:
    """The probability that a voter signed whose registration at this address was canceled on an unknown day."""
    of_persons = zip(candidates.persons, candidates.posterior.canceled, strict=True)
    shares = [
        share
        for person, share in of_persons
        if any(r.eligibility == "canceled_undated" and r.address.here for r in person.registrations)
    ]
    return sum(shares, 0.0)


def _is_plausible(candidates: CandidateSet, one: ComparedRegistration) -> bool:
    """Whether a voter of a like name is registered at the address, or where it may be meant: never rejected."""
    if one.eligibility != "registered":
        return False
    name, address, terms = one.name, one.address, candidates.scorer.terms
    if address.is_near and address.house != "far":
        return name.is_plausible
    if address.house == "same" or (address.house == "near" and address.zip == "same"):
        return name.is_certain  # at this number, of a street that may be misread
    if address.street.level != "same":
        return False
    # Where the surname is misread, the number may be as well.
    both_misread = not any(candidates.scorer.known_surname) and name.given.level in CERTAIN_GIVEN
    if name.is_plausible and (both_misread or (address.house == "far" and (name.is_certain or name.weight > 0))):
        return True
    # Hardly any other of that name is to be expected in that street: the number may be misread.
    alone = log(terms.registrations) + _ALONE
    return name.is_certain and name.weight + terms.idf("street", address.street.word) > alone


def _invalid(candidates: CandidateSet, match: ComparedRegistration | None) -> Decision:
    """The reason, and all others that fail as well; open where the likeliest one is not certain.

    `match`: the voter of this name at this address, who is out of the officer's district.
    """
    line, away = candidates.scorer.line, candidates.county == "out"
    if match:
        return _decision(line, candidates, fails=("out_of_district",), voter=match)
    failing, voter, certain = _registration_reasons(candidates)
    if away:
        return _decision(line, candidates, fails=("out_of_county", *failing) if certain else ("out_of_county",))
    if candidates.county == "unclear" or not certain:
        return _decision(line, candidates, fails=failing[:1], voter=voter, reason_open=True)
    return _decision(line, candidates, fails=failing, voter=voter)


def _registration_reasons(
    candidates: CandidateSet,
) -> tuple[tuple[Reason, ...], ComparedRegistration | None, bool]:
    """The likeliest reasons of registration, district and address, whose they are, and whether they are certain."""
    posterior = candidates.posterior
    unregistered = posterior.relative + posterior.stranger
    others = [moved + canceled for moved, canceled in zip(posterior.moved, posterior.canceled, strict=True)]
    best = _greatest(others)
    scorer, enough = candidates.scorer, candidates.thresholds
    if best is None or unregistered >= others[best]:
        certain = _is_clearly_written(scorer) and unregistered >= enough["reason"]
        return ("not_registered",), None, certain and not scorer.namesakes_cut
    person = candidates.persons[best]
    certain = others[best] >= enough["reason_found"] and person.eligibility != "canceled_undated"
    failing = _failing(scorer, person)
    # `not_registered` names no voter, also where the one found is inactive and the ruleset does not count such voters.
    named = None if failing[0] == "not_registered" else person.best
    return failing, named, certain and not scorer.namesakes_cut


def _is_clearly_written(scorer: Scorer) -> bool:
    """Whether the name, in some order of its words, can be searched for: whole words, each of them a known name.

    R. SMITH cannot; a word that is no name, in this county or the country, is misread, and its voter may not be found.
    """
    return any(
        name.given
        and len(name.given[0]) > 1
        and (given or is_given_name(name.given[0]))
        and (surname or (name.surname and all(map(is_surname, name.surname))))
        for name, given, surname in zip(scorer.line.names, scorer.known_given, scorer.known_surname, strict=True)
    )


def _failing(scorer: Scorer, person: Person) -> tuple[Reason, ...]:
    """Every rule of registration, district and address that fails if this person signed."""
    failing: list[Reason] = [REASON_OF[person.eligibility]]
    if person.is_outside(scorer.district):
        failing.append("out_of_district")
    if not (person.best.address.here or person.best.address.is_missing):
        failing.append("different_address")
    return in_order(failing)


def _review(candidates: CandidateSet, rules: tuple[Rule, ...]) -> Decision:
    """A person looks; the likeliest voter comes first."""
    posterior = candidates.posterior
    likeliest = _greatest(posterior.of_persons())
    voter = None if likeliest is None else candidates.persons[likeliest].best
    cause: ReviewCause = "weak_match"
    if rules[0] in _CAUSES:
        cause = _CAUSES[rules[0]]
    elif voter and voter.eligibility == "canceled_undated" and Rule.UNDATED_CANCELLATION in rules:
        cause = "undated_cancellation"
    elif sum(share >= candidates.thresholds["rival"] for share in posterior.here) > 1:
        cause = "ambiguous"
    elif voter and not voter.address.here and voter.name.given.level in CERTAIN_GIVEN:
        cause = "possible_move"
    return _decision(candidates.scorer.line, candidates, cause=cause, voter=voter, rules=rules)
