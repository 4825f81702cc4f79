"""Who of the roll may have signed, field by field: what is written, what the roll says, how they agree, its weight."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.domain.line import Interval
from app.domain.scoring import Scored, Scorer
from app.domain.standing import Standing
from app.domain.voter import Registration


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


def rank_candidates(scorer: Scorer, found: Sequence[Registration], interval: Interval) -> list[Candidate]:
    """The voters behind the registrations that were found, best first. Only what is written of a line is weighed."""
    best: dict[str, Scored] = {}
    for one in sorted((scorer.score(r, interval) for r in found), key=_fit):
        best.setdefault(one.registration.voter_id, one)
    shown = [_candidate(scorer, one) for one in best.values()]
    return sorted(shown, key=lambda c: (-c.weight, c.registration.voter_id))


def _fit(one: Scored) -> tuple[bool, float, int]:
    """A voter is shown by a registration that was in force, if there is one, and of these by the best."""
    return one.standing != "registered", -one.weight, one.registration.registration_no


def _candidate(scorer: Scorer, one: Scored) -> Candidate:
    named = _name_fields(scorer, one) if scorer.line.name.readings else []
    addressed = _address_fields(scorer, one) if scorer.line.addresses else []
    fields = tuple(named + addressed)
    return Candidate(one.registration, one.standing, round(sum(f.weight for f in fields), 2), fields)


def _name_fields(scorer: Scorer, one: Scored) -> list[FieldEvidence]:
    r, levels, line = one.registration, one.name.levels, scorer.line
    reading = next(reading for reading in line.name.readings if reading.kind == one.name.reading)
    rows = (
        ("surname", " ".join(reading.surname), r.last_name, levels.surname),
        ("given", " ".join(reading.given[:1]), r.first_name, levels.given),
        ("middle", " ".join(reading.given[1:]), r.middle_name, levels.middle),
    )
    fields = [_row(f, written, roll, level.level, scorer.field_weight(f, level)) for f, written, roll, level in rows]
    return [
        *fields,
        _row("suffix", line.name.suffix, r.suffix, levels.suffix, scorer.model.weights["suffix"][levels.suffix]),
    ]


def _address_fields(scorer: Scorer, one: Scored) -> list[FieldEvidence]:
    r, levels, weights = one.registration, one.address.levels, scorer.model.weights
    line = scorer.line
    written = line.addresses[one.address.at]
    ways = (_joined(written.pre_direction, written.street_type, written.post_direction),
            _joined(r.pre_direction, r.street_type, r.post_direction))  # fmt: skip
    rows = (
        ("house", written.house, r.house_number, levels.house),
        ("street", written.street, r.street_name, levels.street.level),
        ("way", *ways, levels.way),
        ("unit", written.unit, r.unit_number, levels.unit),
        ("zip", line.zip, r.zip, levels.zip),
    )
    fields = [_row(field, wrote, roll, level, weights[field][level]) for field, wrote, roll, level in rows]
    rarity = one.address.weight - sum(weights[field][level] for field, _, _, level in rows)
    return [*fields, _row("rarity of the address", "", "", "", rarity)]


def _row(field: str, written: str, roll: str, level: str, weight: float) -> FieldEvidence:
    return FieldEvidence(field, written, roll, level_in_words(field, level, written, roll), round(weight, 2))


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
    "garbled": "no known name, badly readable",
    "initial": "an initial that fits",
    "other initial": "an initial that does not fit",
    "initial conflict": "an initial that does not fit",
    "part": "one part of a double surname",
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
