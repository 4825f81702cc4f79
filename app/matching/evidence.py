"""The evidence of a decision: complete enough to follow it without the program, small enough to keep for every line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.law.petition import SigningInterval
from app.law.registration import Eligibility, Registration, of_age_on
from app.matching.addresses import Address
from app.matching.blocking import KEYS_VERSION
from app.matching.hypotheses import CandidateSet, Hypotheses, Person, fired, namesakes
from app.matching.names import ParsedName
from app.matching.parsing import READER_VERSION, ParsedLine
from app.matching.scoring import Scored, Scorer

_CANDIDATES_SHOWN: Final = 3
_FAINT: Final = 0.0005  # a share below this is not worth a line


def evidence(case: CandidateSet) -> dict[str, Any]:
    """Return the dates, the stories' probabilities, the readings, the best candidates field by field, and the rules."""
    scorer, stories = case.scorer, case.stories
    shares = [(_share(stories, at), at) for at in range(len(case.persons))]
    best = sorted(shares, key=lambda share: (-share[0], share[1]))[:_CANDIDATES_SHOWN]
    found: dict[str, Any] = {
        "model": scorer.model.version,
        "reader": READER_VERSION,
        "keys": KEYS_VERSION,
        "interval": [case.interval.start.isoformat(), case.interval.end.isoformat()],
        "filed_on": case.interval.filed_on.isoformat(),
        "read": read_as(scorer.line),
        "stories": {
            "here": _rounded(sum(stories.here)),
            "moved": _rounded(sum(stories.moved)),
            "not_registered_in_time": _rounded(sum(stories.canceled)),
            "relative": _rounded(stories.relative),
            "stranger": _rounded(stories.stranger),
        },
        "county": case.where,
        "considered": len(case.scored),
        "candidates": [_candidate(scorer, case.persons[at], share) for share, at in best if share >= _FAINT],
    }
    found |= _read_under(scorer.line)
    if scorer.household is not None:
        found["household"] = scorer.household.size
    if case.by_name:
        found["namesakes"] = namesakes(case)
        if scorer.namesakes_cut:
            found["namesakes_cut"] = True
    if case.fired:
        found["rules"] = [fired(rule) for rule in case.fired]
    return found


def evidence_without_lookup(line: ParsedLine, rule: str) -> dict[str, Any]:
    """Return the evidence of a decision that needed no roll (EC 100)."""
    return {"reader": READER_VERSION, **_read_under(line), "read": read_as(line), "rules": [fired(rule)]}


def _read_under(line: ParsedLine) -> dict[str, int]:
    """The version of the county's aliases that was asked, if it has any."""
    return {"aliases": line.aliases_version} if line.aliases_version else {}


def _share(stories: Hypotheses, at: int) -> float:
    return stories.here[at] + stories.moved[at] + stories.canceled[at]


def _rounded(share: float) -> float:
    return round(share, 5)


def read_as(line: ParsedLine) -> dict[str, Any]:
    """Return what was understood of the writing: the readings of name and address."""
    read: dict[str, Any] = {
        "names": [_name(reading) for reading in line.names],
        "addresses": [_address(address) for address in line.addresses],
    }
    if line.suffix:
        read["suffix"] = line.suffix
    if line.po_box:
        read["po_box"] = True
    if line.city_alias:
        read["city_alias"] = line.city_alias
    return read | {"city": line.city, "zip": line.zip}


def _name(reading: ParsedName) -> str:
    return f"{' '.join(reading.surname)}, {' '.join(reading.given)} ({reading.order})"


def _address(address: Address) -> dict[str, str]:
    parts = {
        "house": address.house,
        "street": " / ".join(address.streets),
        "way": " ".join(filter(None, (address.pre_direction, address.street_type, address.post_direction))),
        "unit": address.unit,
        "alias": address.alias,
    }
    return {part: text for part, text in parts.items() if text}


def _candidate(scorer: Scorer, person: Person, share: float) -> dict[str, Any]:
    """One voter: the registration that fits best, each field's value in the roll, level in words, and weight."""
    one = scorer.whole(person.scored[0])
    r = one.registration
    found = {"voter_id": r.voter_id, "registration_no": r.registration_no, "probability": _rounded(share)}
    if r.confidential:  # EC 2166: matched, and not shown
        return found | {"standing": person.eligibility, "confidential": True}
    return found | {
        "standing": person.eligibility,
        "registration": _dates(r),
        "address": _verdict(one),
        "reading": one.name.reading,
        "written_address": one.address.at,
        "fields": compared_fields(scorer, one),
        "weight": round(one.weight, 2),
    }


def _dates(r: Registration) -> dict[str, str]:
    """What the standing follows from: the status and the known dates (EC 2102(b), 2102(d), 2201)."""
    young = r.status == "preregistered" and r.birth_date
    dates = {
        "signed": r.affidavit_signed,
        "received": r.affidavit_received,
        "ended": r.effective_to,
        "of_age_on": of_age_on(r.birth_date) if young and r.birth_date else None,
    }
    return {"status": r.status, **{event: day.isoformat() for event, day in dates.items() if day}}


def _verdict(one: Scored) -> str:
    """The address in words: same, same without unit, near house, near street, different, insufficient."""
    levels = one.address.levels
    if one.address.here:
        return "same" if levels.unit in {"none", "same"} else "same without unit"
    if "missing" in (levels.house, levels.street.level):
        return "insufficient"
    if levels.house in {"near", "far"} and levels.street.level in {"same", "typo"}:
        return "near house"
    if levels.house == "same" and levels.street.level in {"near", "garbled"}:
        return "near street"
    return "different"


def compared_fields(scorer: Scorer, one: Scored) -> dict[str, list[Any]]:
    """Return of each field the roll's value, the level, the weight (natural logarithm of the likelihood ratio)."""
    r, name, address = one.registration, one.name.levels, one.address.levels
    weights = scorer.model.weights
    way = " ".join(filter(None, (r.pre_direction, r.street_type, r.post_direction)))
    return {
        "surname": [r.last_name, name.surname.level, round(scorer.field_weight("surname", name.surname), 2)],
        "given": [r.first_name, name.given.level, round(scorer.field_weight("given", name.given), 2)],
        "middle": [r.middle_name, name.middle.level, round(scorer.field_weight("middle", name.middle), 2)],
        "suffix": [r.suffix, name.suffix, weights["suffix"][name.suffix]],
        "house": [r.house_number, address.house, weights["house"][address.house]],
        "street": [r.street_name, address.street.level, weights["street"][address.street.level]],
        "way": [way, address.way, weights["way"][address.way]],
        "unit": [r.unit_number, address.unit, weights["unit"][address.unit]],
        "zip": [r.zip, address.zip, weights["zip"][address.zip]],
    }


NAME_FIELDS: Final = ("surname", "given", "middle", "suffix")
ADDRESS_FIELDS: Final = ("house", "street", "way", "unit", "zip")
RARITY: Final = "how rare this address is, and this way of writing"


@dataclass(frozen=True, slots=True)
class FieldEvidence:
    """One field of one candidate. `weight` is a natural logarithm: above 0 it speaks for the candidate."""

    field: str
    written: str
    roll: str
    level: str
    weight: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A voter of the roll whom the writing may mean, by the registration that fits it best."""

    registration: Registration
    eligibility: Eligibility  # in the interval that was asked about
    weight: float
    fields: tuple[FieldEvidence, ...]


def rank_candidates(scorer: Scorer, found: Sequence[Registration], interval: SigningInterval) -> list[Scored]:
    """The voters behind the registrations that were found, each by the one that fits best, the best voter first."""
    best: dict[str, Scored] = {}
    for one in sorted((scorer.score(r, interval) for r in found), key=_fit):
        best.setdefault(one.registration.voter_id, one)
    return sorted(best.values(), key=lambda one: (-_weight(scorer, one), one.registration.voter_id))


def _weight(scorer: Scorer, one: Scored) -> float:
    """What is not written of a line weighs nothing."""
    line = scorer.line
    return one.name.weight * bool(line.names) + one.address.weight * bool(line.addresses)


def _fit(one: Scored) -> tuple[bool, float, int]:
    """A voter is shown by a registration that was in force, if there is one, and of these by the best."""
    return one.eligibility != "registered", -one.weight, one.registration.registration_no


def candidate(scorer: Scorer, one: Scored) -> Candidate:
    """A candidate as it is shown: the fields that are written, and last what belongs to no single field."""
    line, compared, weight = scorer.line, compared_fields(scorer, one), round(_weight(scorer, one), 2)
    written = written_fields(read_as(line), one.name.reading, one.address.at)
    weighed = [*(NAME_FIELDS if line.names else ()), *(ADDRESS_FIELDS if line.addresses else ())]
    fields = [_row(field, written.get(field, ""), *compared[field]) for field in weighed]
    rest = FieldEvidence("rarity", "", "", RARITY, round(weight - sum(f.weight for f in fields), 2))
    return Candidate(one.registration, one.eligibility, weight, (*fields, rest))


def _row(field: str, written: str, roll: str, level: str, weight: float) -> FieldEvidence:
    return FieldEvidence(field, written, roll, level_in_words(field, level, written, roll), weight)


def written_fields(read: Mapping[str, Any], reading: str | None, at: int) -> dict[str, str]:
    """The written value of each field, by the kind of reading and the address that a candidate was compared with.

    `read` is what the evidence says of the writing.
    """
    names: Sequence[str] = read.get("names", ())
    name = next((name for name in names if name.endswith(f"({reading})")), names[0] if names else "")
    surname, _, given = name.rpartition(" (")[0].partition(", ")
    first, _, middle = given.partition(" ")
    addresses: Sequence[Mapping[str, str]] = read.get("addresses", ())
    address = addresses[at] if at < len(addresses) else {}
    named = {"surname": surname, "given": first, "middle": middle, "suffix": read.get("suffix", "")}
    return {**named, **address, "zip": read.get("zip", "")}


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def address_of(registration: Registration) -> str:
    """The residence address of a registration on one line, without city and zip."""
    r = registration
    unit = _joined(r.unit_type, r.unit_number)
    return _joined(
        r.house_number, r.house_fraction, r.pre_direction, r.street_name, r.street_type, r.post_direction, unit
    )


def name_of(registration: Registration) -> str:
    """The name of a registration on one line."""
    return _joined(registration.first_name, registration.middle_name, registration.last_name, registration.suffix)


_WORDS: Final = {
    "exact": "the same",
    "same": "the same",
    "none": "nothing on either side",
    "conflict": "another one",
    "other": "another one",
    "typo": "a slip of the pen: what is written is no known name",
    "near": "resembles, but is itself a known name",
    "unreadable": "no known name, and unlike",
    "added": "not in the roll",
    "garbled": "no known name, badly readable",
    "half": "one letter of two",
    "initial": "an initial that fits",
    "other initial": "an initial that does not fit",
    "initial conflict": "an initial that does not fit",
    "part": "one part of a double surname",
    "longer": "the surname, and another one beside it",
    "part typo": "one part of a double surname, with a slip",
    "nickname": "a short or other form of the name",
    "middle": "the middle name, used as the first",
    "second": "the second of the names written",
    "middle initial": "fits the middle initial",
    "middle alike": "resembles the middle name",
    "alike": "resembles",
    "other, same initial": "another name with the same initial",
    "other, no middle": "another name; the roll has no middle name",
    "other type": "another type of street",
    "other direction": "another direction",
}
_OF_FIELD: Final = {
    ("house", "near"): "one digit off",
    ("house", "far"): "two digits off",
    ("street", "near"): "resembles, but is another street of the county",
    ("street", "typo"): "a slip of the pen: what is written is no known street",
    ("zip", "near"): "one digit off",
    ("unit", "near"): "one sign off",
    ("way", "other"): "another type and direction",
    ("way", "same"): "nothing that differs",
}


def level_in_words(field: str, level: str, written: str, roll: str) -> str:
    """How a field agrees, for a person; a level that has no words here is shown as it is."""
    if level == "missing":
        return "not written" if roll else "not in the roll" if written else "nothing on either side"
    return _OF_FIELD.get((field, level)) or _WORDS.get(level, level)
