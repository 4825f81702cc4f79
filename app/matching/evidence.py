"""The evidence of a decision: complete enough to follow it without the program, small enough to keep for every line."""

from collections.abc import Sequence
from enum import StrEnum
from operator import itemgetter
from typing import Any, Final, Self

from app.law.line import canonical_text
from app.law.registration import Registration, of_age_on
from app.matching.addresses import Address
from app.matching.blocking import KEYS_VERSION
from app.matching.comparison import AGREEING_STREET, Field, FieldEvidence
from app.matching.parsing import READER_VERSION, ParsedLine
from app.matching.scoring import CandidateSet, ComparedAddress, ComparedRegistration, Person, Scorer

_CANDIDATES_SHOWN: Final = 3
DIGITS: Final = 5  # of a probability
_FAINT: Final = 0.0005  # a smaller probability is not worth a line


class Rule(StrEnum):
    """A rule that decided a line, or that left it to a person. The value is stored with the evidence.

    `words` explain it; `cites` is the law behind it ('': a precaution of the ruleset).
    """

    words: str
    cites: str

    def __new__(cls, value: str, words: str, cites: str = "") -> Self:
        """Keep the words and the law beside the value."""
        rule = str.__new__(cls, value)
        rule._value_, rule.words, rule.cites = value, words, cites
        return rule

    NO_SIGNATURE = "no_signature", "the line is not signed", "EC 100"
    NO_ADDRESS = "no_address", "no residence address is written, or only a PO box", "EC 100"
    UNREADABLE_NAME = "weak_match", "no name can be read", "EC 100"
    NAME_DIFFERS = "name differs", "the name is not the voter's in every part"
    WEAK_NAME = "weak name", "the name resembles the voter's, but not enough to be certain"
    INITIAL_ONLY = "initial only", "a voter is not identified by an initial alone", "EC 105(a)(1)"
    ANOTHER_GIVEN_NAME = "another given name", "the given name resembles the voter's, but is itself a known name"
    MIDDLE_INITIAL_DIFFERS = "middle initial differs", "the middle initial is not the voter's", "EC 100"
    SUFFIX_DIFFERS = "suffix differs", "the suffix is not the voter's", "EC 100"
    CANCELED_NAMESAKE = (
        "canceled namesake here", "a person of this name at this address is no longer registered", "EC 2201",
    )  # fmt: skip
    OUT_OF_COUNTY = "city and zip out of county", "city and zip are not of this county", "EC 105(a)(2)"
    STREET_OF_BOTH_NAMES = (
        "street of both names",
        "the street is another name of the voter's street, but also one where a voter of this surname has this number",
        "EC 105(a)(1)",
    )
    CONFIDENTIAL = "confidential", "the voter's registration may be confidential", "EC 2166"  # of earlier versions
    MAY_BE_REGISTERED = "may be registered here", "a voter at this address may have signed", "EC 105(a)(1)"
    NAME_NOT_KNOWN = "name not known", "neither given name nor surname is known in the county: both may be misread"
    STREET_NOT_KNOWN = (
        "street not known", "the county has no such street, and no voter is registered there: it may be misread",
    )  # fmt: skip
    TOO_LITTLE_READABLE = (
        "too little readable",
        "fewer than three of given name, surname, house number and street are certain: a search may miss the voter",
    )
    LIKE_NAME = (
        "like name at the address",
        "a voter of a similar name is registered at this address, or at one that differs by a slip of the pen",
        "EC 105(a)(1), 2 CCR 20931",
    )
    LEFT_TO_A_PERSON = "left to a person", "a share of the lines that the program could reject is left to a person"
    NO_DISTRICT = "no district", "the roll has no registration with the code of the officer's district", "EC 11045"
    DISTRICT_NOT_SHOWN = "district not shown", "the roll does not show the districts of this registration", "EC 11045"
    OTHER_DISTRICT_TOO = (
        "registered in the district as well",
        "the address is outside the district, and another registration of the voter in the interval is within it",
        "EC 11045, 2 CCR 20931",
    )
    UNDATED_CANCELLATION = (
        "cancellation without a date", "the registration was canceled, before or after the line was signed", "EC 2201",
    )  # fmt: skip
    SAME_GIVEN_NAME = "same given name at the address", "a voter there may have changed the surname", "2 CCR 20931"


def evidence_json(line: ParsedLine, candidates: CandidateSet | None, rules: Sequence[Rule]) -> str:
    """Return what a decision rests on as canonical JSON, as it is stored and as the ledger hashes it.

    There are no candidates where the line needed no lookup (EC 100).
    """
    found: dict[str, Any] = {"reader": READER_VERSION, "read": _parsed(line)}
    if line.aliases_version:
        found["aliases"] = line.aliases_version
    if candidates:
        found |= _compared(candidates)
    if rules:
        found["rules"] = [{"rule": rule, "cites": rule.cites} if rule.cites else {"rule": rule} for rule in rules]
    return canonical_text(found)


def _compared(candidates: CandidateSet) -> dict[str, Any]:
    scorer, interval, posterior = candidates.scorer, candidates.scorer.interval, candidates.posterior
    shares = zip(candidates.persons, posterior.of_persons(), strict=True)
    best = sorted(shares, key=itemgetter(1), reverse=True)[:_CANDIDATES_SHOWN]
    found = {
        "model": scorer.model.version,
        "keys": KEYS_VERSION,
        "interval": [interval.start.isoformat(), interval.end.isoformat()],
        "filed_on": interval.filed_on.isoformat(),
        **({"district": scorer.district} if scorer.district else {}),
        "stories": {
            "here": round(sum(posterior.here), DIGITS),
            "moved": round(sum(posterior.moved), DIGITS),
            "not_registered_in_time": round(sum(posterior.canceled), DIGITS),
            "relative": round(posterior.relative, DIGITS),
            "stranger": round(posterior.stranger, DIGITS),
        },
        "county": candidates.county,
        "considered": len(candidates.registrations),
        "candidates": [_candidate(scorer, person, share) for person, share in best if share >= _FAINT],
    }
    if scorer.household is not None:
        found["household"] = scorer.household.size
    if candidates.by_name:
        named = (any(one.name.is_certain for one in person.registrations) for person in candidates.persons)
        found["namesakes"] = sum(named)  # voters of the written name, at any address
        if scorer.namesakes_cut:
            found["namesakes_cut"] = True
    return found


def _parsed(line: ParsedLine) -> dict[str, Any]:
    parsed: dict[str, Any] = {
        "names": [f"{' '.join(n.surname)}, {' '.join(n.given)} ({n.order})" for n in line.names],
        "addresses": [address_parts(address) for address in line.addresses],
        "city": line.city,
        "zip": line.zip,
    }
    further = {"suffix": line.suffix, "po_box": line.po_box, "city_alias": line.city_alias}
    return parsed | {part: value for part, value in further.items() if value}


def address_parts(address: Address) -> dict[str, str]:
    """Return the parts of a written address that are not empty."""
    parts = {
        "house": address.house,
        "street": " / ".join(address.streets),
        "way": " ".join(filter(None, (address.pre_direction, address.street_type, address.post_direction))),
        "unit": address.unit,
        "alias": address.alias,
    }
    return {part: text for part, text in parts.items() if text}


def _candidate(scorer: Scorer, person: Person, share: float) -> dict[str, Any]:
    """One voter: the registration that fits best, and each field's value in the roll, level, and weight."""
    best = scorer.with_all_fields(person.best)
    r = best.registration
    return {
        **({"districts": r.districts} if scorer.district else {}),
        "voter_id": r.voter_id,
        "registration_no": r.registration_no,
        "probability": round(share, DIGITS),
        "standing": person.eligibility,
        "registration": _dates(r, scorer.interval.rule.voting_age),
        "address": _address_verdict(best.address),
        "reading": best.name.order,
        "written_address": best.address.written,
        "fields": field_evidence(scorer, best),
        "weight": round(best.weight, 2),
    }


def _dates(r: Registration, voting_age: int) -> dict[str, str]:
    """What the standing follows from: the status and the known dates (EC 2102(b), 2102(d), 2201)."""
    dates = {
        "signed": r.affidavit_signed,
        "received": r.affidavit_received,
        "ended": r.effective_to,
        "of_age_on": of_age_on(r.birth_date, voting_age) if r.status == "preregistered" and r.birth_date else None,
    }
    return {"status": r.status, **{event: day.isoformat() for event, day in dates.items() if day}}


def _address_verdict(address: ComparedAddress) -> str:
    """`same`, `same without unit`, `near house`, `near street`, `different` or `insufficient`."""
    if address.here:
        return "same" if address.unit in {"none", "same"} else "same without unit"
    if address.is_missing:
        return "insufficient"
    if address.house in {"near", "far"} and address.street.level in AGREEING_STREET:
        return "near house"
    if address.house == "same" and address.street.level in {"near", "garbled"}:
        return "near street"
    return "different"


def field_evidence(scorer: Scorer, compared: ComparedRegistration) -> dict[Field, FieldEvidence]:
    """Return the evidence of each field, with its weight to two decimals where a word's frequency counts."""
    r, weight, weights = compared.registration, scorer.field_weight, scorer.model.weights
    name, address = compared.name, compared.address
    way = " ".join(filter(None, (r.pre_direction, r.street_type, r.post_direction)))
    return {
        "surname": (r.last_name, name.surname.level, round(weight("surname", name.surname), 2)),
        "given": (r.first_name, name.given.level, round(weight("given", name.given), 2)),
        "middle": (r.middle_name, name.middle.level, round(weight("middle", name.middle), 2)),
        "suffix": (r.suffix, name.suffix, weights["suffix"][name.suffix]),
        "house": (r.house_number, address.house, weights["house"][address.house]),
        "street": (r.street_name, address.street.level, weights["street"][address.street.level]),
        "way": (way, address.way, weights["way"][address.way]),
        "unit": (r.unit_number, address.unit, weights["unit"][address.unit]),
        "zip": (r.zip, address.zip, weights["zip"][address.zip]),
    }
