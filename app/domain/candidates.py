"""Who of the roll may have signed, field by field: what is written, what the roll says, how they agree, its weight."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.domain.evidence import compared_fields, read_as
from app.domain.line import Interval
from app.domain.scoring import Scored, Scorer
from app.domain.standing import Standing
from app.domain.voter import Registration

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
    standing: Standing  # in the interval that was asked about
    weight: float
    fields: tuple[FieldEvidence, ...]


def rank_candidates(scorer: Scorer, found: Sequence[Registration], interval: Interval) -> list[Scored]:
    """The voters behind the registrations that were found, each by the one that fits best, the best voter first."""
    best: dict[str, Scored] = {}
    for one in sorted((scorer.score(r, interval) for r in found), key=_fit):
        best.setdefault(one.registration.voter_id, one)
    return sorted(best.values(), key=lambda one: (-_weight(scorer, one), one.registration.voter_id))


def _weight(scorer: Scorer, one: Scored) -> float:
    """What is not written of a line weighs nothing."""
    line = scorer.line
    return one.name.weight * bool(line.name.readings) + one.address.weight * bool(line.addresses)


def _fit(one: Scored) -> tuple[bool, float, int]:
    """A voter is shown by a registration that was in force, if there is one, and of these by the best."""
    return one.standing != "registered", -one.weight, one.registration.registration_no


def candidate(scorer: Scorer, one: Scored) -> Candidate:
    """A candidate as it is shown: the fields that are written, and last what belongs to no single field."""
    line, compared, weight = scorer.line, compared_fields(scorer, one), round(_weight(scorer, one), 2)
    written = written_fields(read_as(line), one.name.reading, one.address.at)
    weighed = [*(NAME_FIELDS if line.name.readings else ()), *(ADDRESS_FIELDS if line.addresses else ())]
    fields = [_row(field, written.get(field, ""), *compared[field]) for field in weighed]
    rest = FieldEvidence("rarity", "", "", RARITY, round(weight - sum(f.weight for f in fields), 2))
    return Candidate(one.registration, one.standing, weight, (*fields, rest))


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
    ("way", "other"): "another type and direction",
    ("way", "same"): "nothing that differs",
}


def level_in_words(field: str, level: str, written: str, roll: str) -> str:
    """How a field agrees, for a person; a level that has no words here is shown as it is."""
    if level == "missing":
        return "not written" if roll else "not in the roll" if written else "nothing on either side"
    return _OF_FIELD.get((field, level)) or _WORDS.get(level, level)
