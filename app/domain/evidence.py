"""The evidence of a decision: complete enough to follow it without the program, small enough to keep for every line."""

from typing import Any, Final

from app.domain.addresses import Address
from app.domain.blocking import KEYS_VERSION
from app.domain.case import Case, namesakes
from app.domain.line import READER_VERSION, ReadLine
from app.domain.names import NameReading
from app.domain.rules import fired
from app.domain.scoring import Scored, Scorer
from app.domain.standing import of_age_on
from app.domain.stories import Person, Stories
from app.domain.voter import Registration

_CANDIDATES_SHOWN: Final = 3
_FAINT: Final = 0.0005  # a share below this is not worth a line


def evidence(case: Case) -> dict[str, Any]:
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


def evidence_without_lookup(line: ReadLine, rule: str) -> dict[str, Any]:
    """Return the evidence of a decision that needed no roll (EC 100)."""
    return {"reader": READER_VERSION, **_read_under(line), "read": read_as(line), "rules": [fired(rule)]}


def _read_under(line: ReadLine) -> dict[str, int]:
    """The version of the county's aliases that was asked, if it has any."""
    return {"aliases": line.aliases} if line.aliases else {}


def _share(stories: Stories, at: int) -> float:
    return stories.here[at] + stories.moved[at] + stories.canceled[at]


def _rounded(share: float) -> float:
    return round(share, 5)


def read_as(line: ReadLine) -> dict[str, Any]:
    """Return what was understood of the writing: the readings of name and address."""
    read: dict[str, Any] = {
        "names": [_name(reading) for reading in line.name.readings],
        "addresses": [_address(address) for address in line.addresses],
    }
    if line.name.suffix:
        read["suffix"] = line.name.suffix
    if line.po_box:
        read["po_box"] = True
    if line.city_alias:
        read["city_alias"] = line.city_alias
    return read | {"city": line.city, "zip": line.zip}


def _name(reading: NameReading) -> str:
    return f"{' '.join(reading.surname)}, {' '.join(reading.given)} ({reading.kind})"


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
        return found | {"standing": person.standing, "confidential": True}
    return found | {
        "standing": person.standing,
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
