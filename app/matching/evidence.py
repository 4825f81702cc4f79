"""The evidence of a decision: complete enough to follow it without the program, small enough to keep for every line."""

from collections.abc import Iterable, Mapping, Sequence
from json.encoder import encode_basestring as quoted
from operator import itemgetter
from typing import Final

from app.law.registration import Registration, of_age_on
from app.matching.addresses import Address
from app.matching.blocking import KEYS_VERSION
from app.matching.comparison import AGREEING_STREET, Field, FieldEvidence
from app.matching.parsing import READER_VERSION, ParsedLine
from app.matching.rules import Rule
from app.matching.scoring import CandidateSet, ComparedAddress, ComparedRegistration, Person, Posterior, Scorer

_CANDIDATES_SHOWN: Final = 3
DIGITS: Final = 5  # of a probability
_FAINT: Final = 0.0005  # a smaller probability is not worth a line


# Each part is made into JSON where it is: a tree of it for the library to walk took a third of a decision's time.


def evidence_json(line: ParsedLine, candidates: CandidateSet | None, rules: Sequence[Rule]) -> str:
    """Return what a decision rests on as canonical JSON, as it is stored and as the ledger hashes it.

    There are no candidates where the line needed no lookup (EC 100).
    """
    found = {"reader": str(READER_VERSION), "read": _parsed(line)}
    if line.aliases_version:
        found["aliases"] = str(line.aliases_version)
    if candidates:
        found |= _compared(candidates)
    if rules:
        found["rules"] = _array([_RULES[rule] for rule in rules])
    return _object(found)


def _object(parts: Mapping[str, str]) -> str:
    """A JSON object of parts that are JSON; the names need no escape."""
    members = ",".join([f'"{name}":{parts[name]}' for name in sorted(parts)])
    return f"{{{members}}}"


def _array(parts: Iterable[str]) -> str:
    return f"[{','.join(parts)}]"


def _texts(parts: Mapping[str, str]) -> dict[str, str]:
    return {name: quoted(text) for name, text in parts.items()}


def _rule(rule: Rule) -> str:
    return _object(_texts({"rule": rule, "cites": rule.cites} if rule.cites else {"rule": rule}))


_RULES: Final = {rule: _rule(rule) for rule in Rule}


def _compared(candidates: CandidateSet) -> dict[str, str]:
    scorer, interval, posterior = candidates.scorer, candidates.scorer.interval, candidates.posterior
    shares = zip(candidates.persons, posterior.of_persons(), strict=True)
    best = sorted(shares, key=itemgetter(1), reverse=True)[:_CANDIDATES_SHOWN]
    found = {
        "model": quoted(scorer.model.version),
        "keys": str(KEYS_VERSION),
        "interval": f'["{interval.start.isoformat()}","{interval.end.isoformat()}"]',
        "filed_on": f'"{interval.filed_on.isoformat()}"',
        "stories": _object(_stories(posterior)),
        "county": quoted(candidates.county),
        "considered": str(len(candidates.registrations)),
        "candidates": _array([_candidate(scorer, person, share) for person, share in best if share >= _FAINT]),
    }
    if scorer.district:
        found["district"] = quoted(scorer.district)
    if scorer.household is not None:
        found["household"] = str(scorer.household.size)
    if candidates.by_name:
        named = [any(one.name.is_certain for one in person.registrations) for person in candidates.persons]
        found["namesakes"] = str(named.count(True))  # voters of the written name, at any address
        if scorer.namesakes_cut:
            found["namesakes_cut"] = "true"
    return found


def _stories(posterior: Posterior) -> dict[str, str]:
    """The probability of each hypothesis; 0 of those about persons where there is none."""
    of_persons = {"here": posterior.here, "moved": posterior.moved, "not_registered_in_time": posterior.canceled}
    found = {name: repr(round(sum(shares, 0.0), DIGITS)) if shares else "0" for name, shares in of_persons.items()}
    found["relative"], found["stranger"] = (repr(round(p, DIGITS)) for p in (posterior.relative, posterior.stranger))
    return found


def _parsed(line: ParsedLine) -> str:
    names = [quoted(f"{' '.join(n.surname)}, {' '.join(n.given)} ({n.order})") for n in line.names]
    parsed = {
        "names": _array(names),
        "addresses": _array([_object(_texts(address_parts(address))) for address in line.addresses]),
        "city": quoted(line.city),
        "zip": quoted(line.zip),
    }
    if line.suffix:
        parsed["suffix"] = quoted(line.suffix)
    if line.po_box:
        parsed["po_box"] = "true"
    if line.city_alias:
        parsed["city_alias"] = quoted(line.city_alias)
    return _object(parsed)


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


def _candidate(scorer: Scorer, person: Person, share: float) -> str:
    """One voter: the registration that fits best, and each field's value in the roll, level, and weight."""
    best = scorer.with_all_fields(person.best)
    r = best.registration
    fields: dict[str, str] = {
        field: f'[{quoted(roll)},"{level}",{weight!r}]'
        for field, (roll, level, weight) in field_evidence(scorer, best).items()
    }
    found = {
        "voter_id": quoted(r.voter_id),
        "registration_no": str(r.registration_no),
        "probability": repr(round(share, DIGITS)),
        "standing": f'"{person.eligibility}"',
        "registration": _object(_texts(_dates(r, scorer.interval.rule.voting_age))),
        "address": f'"{_address_verdict(best.address)}"',
        "reading": f'"{best.name.order}"',
        "written_address": str(best.address.written),
        "fields": _object(fields),
        "weight": repr(round(best.weight, 2)),
    }
    if scorer.district:
        found["districts"] = "null" if r.districts is None else quoted(r.districts)
    return _object(found)


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
