"""The decision on one line: which voter, or none, how certain, and why.

The posterior over the hypotheses decides. The rules on top of it only ever turn a decision into review, or waive what
the law says is no reason to reject: unit, fraction, city, zip, type and direction of the street (EC 105(a)(2)).
"""

from collections.abc import Iterator, Sequence
from math import log
from typing import Final, NamedTuple

from app.law.petition import SigningInterval
from app.law.reasons import VALID, Outcome, Reason, ReviewCause
from app.law.registration import REASON_OF, Registration
from app.matching.comparison import CERTAIN_GIVEN, Given, House, Middle, Street, Suffix, Zip
from app.matching.evidence import Evidence, Rule
from app.matching.hypotheses import CandidateSet, Person, compare_candidates
from app.matching.parsing import ParsedLine
from app.matching.scoring import ComparedRegistration, Scorer


class Decision(NamedTuple):
    """What the lookup says of a line.

    `valid` means eligible; the count decides duplicates later. `reason_open`: invalid for certain, the reason still to
    be chosen by a person. `secondary`: further rules that fail. `evidence_json` is canonical, as the ledger hashes it:
    it is written once, in the process that decides. `here` is the probability that a voter registered at the written
    address signed; None where nothing was looked up.
    """

    outcome: Outcome
    reason_open: bool
    voter_id: str | None
    registration_no: int | None
    secondary: tuple[Reason, ...]
    evidence_json: str
    here: float | None


class _Verdict(NamedTuple):
    """What was found of a line, whether or not it is signed: valid, unless rules fail or a person must look."""

    fails: tuple[Reason, ...] = ()  # the first is the reason
    cause: ReviewCause | None = None
    registration: ComparedRegistration | None = None
    reason_open: bool = False
    rules: tuple[Rule, ...] = ()

    def outcome(self) -> Outcome:
        """Return the status with the reason or cause."""
        if self.fails:
            return Outcome("invalid", self.fails[0])
        return Outcome("review", self.cause) if self.cause else VALID


_AGREEING_MIDDLE: Final = frozenset({Middle.SAME, Middle.INITIAL})
_SAME_GIVEN: Final = frozenset({Given.EXACT, Given.NICKNAME, Given.MIDDLE})
# In Python 3.11 reading a member through its class takes longer than to compare two words: here each has a name.
_EXACT_GIVEN, _NICKNAME, _NEAR_GIVEN = Given.EXACT, Given.NICKNAME, Given.NEAR
_INITIAL, _NO_GIVEN = Given.INITIAL, Given.MISSING
_INITIAL_CONFLICT, _SUFFIX_CONFLICT = Middle.INITIAL_CONFLICT, Suffix.CONFLICT
_SAME_HOUSE, _NEAR_HOUSE, _FAR_HOUSE, _SAME_STREET = House.SAME, House.NEAR, House.FAR, Street.SAME
_SEVERAL: Final = 2
_RARE: Final = 7.0  # inverse document frequency of a name that one in 1,100 bears
_ALONE: Final = 3.0  # the logarithm of one over the namesakes to be expected: one in twenty streets
_AS_WELL: Final = 1.5  # a difference of weight that is none


def decide_by_household(
    scorer: Scorer, household: Sequence[Registration], interval: SigningInterval
) -> Decision | None:
    """Return the decision where the people of this surname at this address settle it, None where more must be asked."""
    early = _before_lookup(scorer.line)
    if early or not household:
        return early
    candidates = compare_candidates(scorer, household, interval, by_name=False)
    match, doubts = _match(candidates)
    return _decision(scorer.line, _Verdict(registration=match), candidates) if match and not doubts else None


def decide(scorer: Scorer, found: Sequence[Registration], interval: SigningInterval) -> Decision:
    """Return the decision on a line, given every registration found by the search and at the line's address."""
    early = _before_lookup(scorer.line)
    if early:
        return early
    candidates = compare_candidates(scorer, found, interval, by_name=True)
    match, doubts = _match(candidates)
    if match and not doubts:
        return _decision(scorer.line, _Verdict(registration=match), candidates)
    rules = (*doubts, *_against_rejection(candidates))
    return _decision(scorer.line, _review(candidates, rules) if rules else _invalid(candidates), candidates)


def _before_lookup(line: ParsedLine) -> Decision | None:
    """The decision where there is nothing to look up: no residence address, or no name that can be read (EC 100)."""
    if line.addresses and line.names:
        return None
    rule = Rule.UNREADABLE_NAME if line.addresses else Rule.NO_ADDRESS
    verdict = _Verdict(cause="weak_match") if line.addresses else _Verdict(fails=("no_address",))
    return _decision(line, verdict._replace(rules=(rule,) if line.signed else ()), None)


def _decision(line: ParsedLine, verdict: _Verdict, candidates: CandidateSet | None) -> Decision:
    """The decision with its evidence: that a line is not signed comes before whatever was found (EC 100)."""
    if not line.signed:
        certain = () if verdict.reason_open else verdict.fails
        verdict = _Verdict(fails=("no_signature", *certain), rules=(Rule.NO_SIGNATURE, *verdict.rules))
    evidence = Evidence(line, candidates, verdict.rules)
    r = verdict.registration.registration if verdict.registration else None
    return Decision(
        outcome=verdict.outcome(),
        reason_open=verdict.reason_open,
        voter_id=r.voter_id if r else None,
        registration_no=r.registration_no if r else None,
        secondary=verdict.fails[1:],
        evidence_json=evidence.as_json(),
        here=evidence.here(),
    )


def _match(candidates: CandidateSet) -> tuple[ComparedRegistration | None, tuple[Rule, ...]]:
    """The one registered voter of this name at this house and street, if there is one, and what speaks against it."""
    here = candidates.posterior.here
    best = _greatest(here)
    if best is None or here[best] < candidates.threshold("match_exact"):
        return None, ()
    registrations = candidates.persons[best].registrations
    match = next((r for r in registrations if r.eligibility == "registered" and r.address.here), None)
    if match is None or here[best] < _enough(candidates, match):
        return None, ()
    return match, tuple(_doubts(candidates, match, here[best]))


def _greatest(probabilities: Sequence[float]) -> int | None:
    """The index of the greatest, of equal ones the first; None where there are none."""
    return max(range(len(probabilities)), key=probabilities.__getitem__, default=None)


def _enough(candidates: CandidateSet, match: ComparedRegistration) -> float:
    """The probability from which a match is certain.

    Less is enough where the given name is the very one and the whole roll was searched: then no relative signed, and
    that a stranger of the same name did, at this house, is rarer than the hypotheses make it. A short form needs more:
    relatives are named after one another, Roberto after Robert.
    """
    given = match.name.levels.given.level
    if candidates.by_name and given is _EXACT_GIVEN and match.name.levels.has_surname:
        return candidates.threshold("match_exact")
    return candidates.threshold("match_weak" if given is _NICKNAME else "match")


def _doubts(candidates: CandidateSet, match: ComparedRegistration, probability: float) -> Iterator[Rule]:
    """What never lets the program accept by itself."""
    yield from _doubts_of_name(candidates, match, probability)
    if any(_is_canceled_namesake(person, match) for person in candidates.persons):
        yield Rule.CANCELED_NAMESAKE
    if candidates.county == "out":
        yield Rule.OUT_OF_COUNTY
    if match.registration.confidential:
        yield Rule.CONFIDENTIAL
    if _either_street_may_be_meant(candidates, match):
        yield Rule.STREET_OF_BOTH_NAMES


def _doubts_of_name(candidates: CandidateSet, match: ComparedRegistration, probability: float) -> Iterator[Rule]:
    name, given, middle = match.name.levels, match.name.levels.given, match.name.levels.middle.level
    by_initial = given.level is _INITIAL and middle not in _AGREEING_MIDDLE  # R. JAMES SMITH says who it is
    if not name.is_plausible:
        yield Rule.NAME_DIFFERS
    if not name.is_certain and probability < candidates.threshold("match_weak"):
        yield Rule.WEAK_NAME
    if given.level is _NO_GIVEN or by_initial:
        yield Rule.INITIAL_ONLY
    if given.level is _NEAR_GIVEN and candidates.scorer.terms.idf("given", given.word) < _RARE:
        yield Rule.ANOTHER_GIVEN_NAME  # ROSE is not JOSE misspelled, BRITANY may be BRITTANY
    if middle is _INITIAL_CONFLICT:
        yield Rule.MIDDLE_INITIAL_DIFFERS
    if name.suffix is _SUFFIX_CONFLICT:
        yield Rule.SUFFIX_DIFFERS


def _is_canceled_namesake(person: Person, match: ComparedRegistration) -> bool:
    """Whether another person, not registered, fits the line at the same address about as well."""
    other = person.best
    return (
        person.eligibility != "registered" and other.address.here and other.name.weight > match.name.weight - _AS_WELL
    )


def _either_street_may_be_meant(candidates: CandidateSet, match: ComparedRegistration) -> bool:
    """Whether a match by an alias is doubtful: another voter of the surname lives on the street that is written."""
    addresses = candidates.scorer.line.addresses
    if not addresses[match.address.written].alias:
        return False
    others = [person.registrations for person in candidates.persons if match not in person.registrations]
    return any(
        other.address.here
        and not addresses[other.address.written].alias
        and other.eligibility == "registered"
        and other.name.levels.has_surname
        for registrations in others
        for other in registrations
    )


def _against_rejection(candidates: CandidateSet) -> Iterator[Rule]:
    """What never lets the program reject by itself: a voter at this address, or a slip from it, may be the signer."""
    here, in_county = candidates.posterior.here, candidates.county != "out"
    readable, name_known, street_known = _readability(candidates)
    if sum(here) > candidates.threshold("invalid" if readable else "invalid_unread"):
        yield Rule.MAY_BE_REGISTERED
    if in_county and not name_known:
        yield Rule.NAME_NOT_KNOWN
    if in_county and not street_known:
        yield Rule.STREET_NOT_KNOWN
    if any(_is_plausible(candidates, one) for one in candidates.registrations):
        yield Rule.LIKE_NAME
    limit = candidates.threshold("invalid_new_surname")
    likely = (person.best for person, share in zip(candidates.persons, here, strict=True) if share > limit)
    if in_county and any(one.address.here and one.name.levels.given.level in _SAME_GIVEN for one in likely):
        yield Rule.SAME_GIVEN_NAME
    if any(one.registration.confidential for one in candidates.registrations if one.address.here):
        yield Rule.CONFIDENTIAL


def _readability(candidates: CandidateSet) -> tuple[bool, bool, bool]:
    """Whether name and house number can be read; whether part of the name is the county's; whether the street is."""
    terms, line, household = candidates.scorer.terms, candidates.scorer.line, candidates.scorer.household
    name = line.names[0]
    given = bool(name.given) and terms.is_known("given", name.given[0])
    surname = bool(name.surname) and all(terms.is_known("surname", part) for part in name.surname)
    house = all(address.house and address.house_certain for address in line.addresses)
    street = any(terms.is_known("street", street) for address in line.addresses for street in address.streets)
    inhabited = household is not None and household.size > 0
    return given and surname and house, given or surname, street or inhabited


def _is_plausible(candidates: CandidateSet, one: ComparedRegistration) -> bool:
    """Whether a voter of a like name is registered at the address, or where it may be meant: never rejected."""
    if one.eligibility != "registered":
        return False
    name, address = one.name.levels, one.address.levels
    if address.is_plausible:
        return name.is_plausible
    if address.house is _SAME_HOUSE or (address.house is _NEAR_HOUSE and address.zip is Zip.SAME):
        return name.is_certain  # at this number, of a street that may be misread
    if address.street.level is not _SAME_STREET:
        return False
    if address.house is _FAR_HOUSE and name.is_plausible and (name.is_certain or one.name.weight > 0):
        return True
    # Hardly any other of that name is to be expected in that street: the number may be misread.
    terms = candidates.scorer.terms
    return (
        name.is_certain
        and one.name.weight + terms.idf("street", address.street.word) > log(terms.registrations) + _ALONE
    )


def _invalid(candidates: CandidateSet) -> _Verdict:
    """The likeliest reason; open where it is not certain."""
    reason, one, certain = _registration_reason(candidates)
    if candidates.county == "out":
        return _Verdict(("out_of_county", reason) if certain else ("out_of_county",))
    if candidates.county == "unclear" or not certain:
        return _Verdict((reason,), registration=one, reason_open=True)
    elsewhere = one and reason != "different_address" and not (one.address.here or one.address.levels.is_missing)
    return _Verdict((reason, "different_address") if elsewhere else (reason,), registration=one)


def _registration_reason(candidates: CandidateSet) -> tuple[Reason, ComparedRegistration | None, bool]:
    """The likeliest reason of the rules of registration and address, the voter it is about, whether it is certain."""
    posterior, enough = candidates.posterior, candidates.threshold("reason")
    unregistered = posterior.relative + posterior.stranger
    others = [moved + canceled for moved, canceled in zip(posterior.moved, posterior.canceled, strict=True)]
    best = _greatest(others)
    all_seen = not candidates.scorer.namesakes_cut
    if best is None or unregistered >= others[best]:
        given = candidates.scorer.line.names[0].given
        searched = any(len(word) > 1 for word in given[:1])  # R. SMITH cannot be searched for
        return "not_registered", None, all_seen and searched and unregistered >= enough
    person = candidates.persons[best]
    return REASON_OF[person.eligibility], person.best, all_seen and others[best] >= enough


def _review(candidates: CandidateSet, rules: tuple[Rule, ...]) -> _Verdict:
    """A person looks; the likeliest voter comes first."""
    posterior = candidates.posterior
    likeliest = _greatest(posterior.of_persons())
    one = None if likeliest is None else candidates.persons[likeliest].best
    cause: ReviewCause = "weak_match"
    if Rule.CONFIDENTIAL in rules or (one and one.registration.confidential):
        cause = "confidential"
    elif sum(share >= candidates.threshold("rival") for share in posterior.here) >= _SEVERAL:
        cause = "ambiguous"
    elif one and not one.address.here and one.name.levels.given.level in CERTAIN_GIVEN:
        cause = "possible_move"
    return _Verdict(cause=cause, registration=one, rules=rules)
