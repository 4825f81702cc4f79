"""The findings on a line, explained in words that a person can follow without the program."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from app.count.line_queries import line_history, read_line
from app.count.ruleset_queries import list_rulesets
from app.database.pools import Database
from app.law.line import Place, Signature
from app.law.petition import Petition
from app.law.reasons import NOT_RAW, REASONS_IN_WORDS, Outcome
from app.matching.comparison import ADDRESS_FIELDS, NAME_FIELDS, REST_IN_WORDS, level_in_words
from app.matching.rules import Rule

Json = Mapping[str, Any]
Lines = Iterator[str]

WITHHELD: Final = "withheld: the registration is confidential (EC 2166)"
_PENDING: Final = (
    "  withheld until the signature is decided: those who compare it must not know each other's opinion (2 CCR 20960)"
)


async def explain(database: Database, petition: Petition, place: Place) -> str:
    """The text on a line and every finding on it, explained. Raises UnknownLineError where there is no signature."""
    async with database.reading() as connection:
        read = await read_line(connection, petition.key, place)
        findings = await line_history(connection, petition.key, place)
        rulesets = {one.ruleset.name: one.ruleset for one in await list_rulesets(connection, petition.county_id)}
    for finding in findings:
        outcome = Outcome(finding["status"], finding["reason"])
        against = finding.get("against_data", False)
        finding["people_needed"] = rulesets[finding["ruleset"]].people_needed(outcome, against_data=against)
    return explanation(read.signature, findings)


def explanation(writing: Signature, findings: Sequence[Json]) -> str:
    """The text on a line and every finding on it, the oldest first, in lines of at most about 120 characters.

    Each finding has in addition `people_needed`: how many must confirm it under its ruleset.

    Opinions about a signature are shown only once the signature is decided: until then no one may learn who doubted it
    (2 CCR 20960).
    """
    candidates = [one for finding in findings for one in (finding["evidence"] or {}).get("candidates", ())]
    hidden = {one["voter_id"] for one in candidates if one.get("confidential")}
    hidden |= {finding["voter_id"] for finding in findings if finding["reason"] == "confidential"}
    decided = max((n for n, finding in enumerate(findings, 1) if not finding["mismatch_by"]), default=0)
    blocks: list[Iterable[str]] = [_paper(writing)]
    for number, finding in enumerate(findings, 1):
        if number > decided and finding["decided_by"] in finding["mismatch_by"]:
            blocks.append((f"Finding {finding['finding_no']}: an opinion about the signature", _PENDING))
        else:
            shown = finding if number <= decided else {**finding, "mismatch_by": ()}
            blocks.append(_finding(shown, len(findings), hidden))
    return "\n\n".join("\n".join(block) for block in blocks)


def _paper(writing: Signature) -> Lines:
    name = " ".join(filter(None, writing.name or ()))
    yield "On paper"
    yield f"  name:    {name or writing.printed_name or '(nothing)'}"
    yield f"  address: {writing.residence_address or '(nothing)'}, {writing.city} {writing.zip}".rstrip(", ")
    yield f"  signed:  {'yes' if writing.signed else 'no'}"
    if writing.kind in NOT_RAW:
        yield f"  {writing.kind}: not in the raw count"


_VERSIONS: Final = {"model": "model", "reader": "parser version", "keys": "blocking keys version", "aliases": "aliases"}


def _finding(finding: Json, of: int, hidden: Collection[str]) -> Lines:
    reason, evidence = finding["reason"], finding["evidence"] or {}
    yield f"Finding {finding['finding_no']} of {of}: {finding['status']}{f', {reason}' if reason else ''}"
    if reason in REASONS_IN_WORDS:
        yield f"  {REASONS_IN_WORDS[reason]}"
    if finding["reason_open"]:
        yield "  certainly invalid; this is the most likely reason, and a person must choose it"
    yield f"  {_settled(finding)}"
    decided_by = finding["decided_by"] if finding["person"] else "the machine alone"
    yield f"  decided by {decided_by} at {finding['decided_at']}"
    yield from _looked(finding)
    ruleset = f"ruleset {finding['ruleset']}"
    roll = f"roll version {finding['roll_version']}" if finding["roll_version"] else "no roll"
    versions = [f"{label} {evidence[key]}" for key, label in _VERSIONS.items() if key in evidence]
    yield f"  under {', '.join((ruleset, roll, *versions))}"
    yield from _facts(finding, hidden)
    if evidence:
        yield from (f"  {line}" for line in _evidence(evidence))
    elif not finding["person"]:
        yield "  follows from the voter's other lines: the eligible line at the lowest place counts (EC 105(b))"


def _settled(finding: Json) -> str:
    if finding["status"] == "review":
        return "a person must decide"
    if finding["settled"]:
        return "settled"
    missing = finding["people_needed"] - len(finding["confirmed_by"])
    if missing <= 0 and finding.get("uncompared"):
        return "not settled: a person must still compare the signature (2 CCR 20960(a))"
    return f"not settled: people who must still confirm it: {missing}" if missing > 0 else "not settled yet"


_LOOKED_AT: Final = {
    "line": "whose line it is",
    "signature": "the signature",
    "both": "whose line it is, the signature",
}


def _looked(finding: Json) -> Lines:
    if looked_at := finding.get("looked_at"):
        yield f"  looked at: {_LOOKED_AT[looked_at]}"
    if comparison := finding.get("comparison"):
        yield f"  compared with: {', '.join(comparison['references'])}"
        yield f"  it differs in: {', '.join(comparison['characteristics']).replace('_', ' ')}"
        yield f"  {comparison['standard']} (2 CCR 20960)"
    if searches := finding.get("searches"):
        yield f"  searched by name and by address, on record as: {', '.join(searches)}"
    if finding.get("against_data"):
        yield "  the data say otherwise: it takes more than one person"


_PEOPLE = {"secondary": "other rules that fail", "confirmed_by": "confirmed by", "mismatch_by": "signature doubted by"}


def _facts(finding: Json, hidden: Collection[str]) -> Lines:
    if voter := finding["voter_id"]:
        number = f", registration {finding['registration_no']}" if finding["registration_no"] else ""
        yield f"  voter: {WITHHELD if voter in hidden else voter + number}"
    if finding["counted_place"]:
        yield f"  line that counts: {finding['counted_place']}, an eligible line of the same voter at a lower place"
    yield from (f"  {label}: {', '.join(finding[key])}" for key, label in _PEOPLE.items() if finding[key])
    if finding["note"]:
        yield f"  note: {finding['note']}"


_COUNTS: Final = {
    "considered": "registrations compared",
    "household": "registrations at this house number and street",
    "namesakes": "voters of this name in the roll",
}
_HYPOTHESES: Final = {
    "here": "a voter who is registered at this address",
    "moved": "a voter who is registered at another address",
    "not_registered_in_time": "a person whose registration was canceled, late, pending or under age",
    "relative": "an unregistered relative or housemate of a voter at this address",
    "stranger": "another unregistered person",
}


def _evidence(evidence: Json) -> Lines:
    """The evidence of one finding. What has no words here is printed as a tree: nothing is left out."""
    rest = {key: value for key, value in evidence.items() if key not in _VERSIONS}
    read, candidates = rest.pop("read", {}), rest.pop("candidates", ())
    if "interval" in rest:
        first, last = rest.pop("interval")
        yield f"signed between {first} and {last}; petition filed on {rest.pop('filed_on', '-')}"
    yield from _read(read, rest.pop("county", None))
    if shares := rest.pop("stories", {}):
        yield "hypotheses: who signed, each with its probability p"
        for name in _in_order(shares, _HYPOTHESES):
            yield f"  {_p(shares[name]):<11}  {_HYPOTHESES.get(name, name)}"
    yield from (f"{label}: {rest.pop(key)}" for key, label in _COUNTS.items() if key in rest)
    if rest.pop("namesakes_cut", False):
        yield "  and more, who were not compared"
    for number, candidate in enumerate(candidates, start=1):
        yield from _candidate(f"candidate {number} of {len(candidates)}", candidate, read)
    for rule in rest.pop("rules", ()):
        known = next((known for known in Rule if known == rule["rule"]), None)
        cites = f" ({rule['cites']})" if rule.get("cites") else ""
        yield f"rule: {rule['rule']}{f': {known.words}' if known else ''}{cites}"
    yield from _tree(rest)


_COUNTY: Final = {"in": "in the county", "out": "not in the county", "unclear": "perhaps in the county"}
_FIELD_NAMES: Final = {
    "way": "direction, type",
    "given": "given name",
    "middle": "middle name",
    "house": "house number",
}


def _read(read: Json, county: str | None) -> Lines:
    """How the text was understood: each possible name, each possible address, city and zip."""
    rest = dict(read)
    names: Sequence[str] = rest.pop("names", ())
    addresses = [
        "; ".join(f"{_FIELD_NAMES.get(part, part)} {text}" for part, text in address.items())
        for address in rest.pop("addresses", ())
    ]
    for label, texts in (("name read as", names), ("address read as", addresses)):
        yield from (f"{'or' if number else label:>{len(label)}}: {text}" for number, text in enumerate(texts))
    if rest.pop("po_box", False):
        yield "a PO box, which is not a residence"
    city, zip_code = rest.pop("city", ""), rest.pop("zip", "")
    if county:
        yield f"city and zip read as: {city or '-'}, {zip_code or '-'}; {_COUNTY.get(county, county)}"
    if "city_alias" in rest:
        yield f"  another name of the city: {rest.pop('city_alias')}"
    yield from _tree(rest)


def _p(probability: float) -> str:
    return f"p = {probability:.5f}" if probability >= 0.00001 else "p < 0.00001"  # noqa: PLR2004  # as it is stored


def _in_order(names: Collection[str], order: Iterable[str]) -> list[str]:
    """The names in this order, and behind them those that the order does not have."""
    return list(dict.fromkeys([*(name for name in order if name in names), *sorted(names)]))


_STANDINGS: Final = {
    "registered": "registered in time",
    "canceled_undated": "registration canceled on an unknown day (EC 2201)",
    "inactive": "inactive, which the ruleset does not count as registered",
    "registered_late": "registered too late (EC 2102(b))",
    "pending_registration": "registration pending",
    "under_age": "under age (EC 2102(d))",
    "canceled": "registration canceled before (EC 2201)",
    "former": "no longer registered there",
}
_DATES: Final = {"signed": "affidavit signed on", "received": "received on", "ended": "in force until"}


def _candidate(label: str, candidate: Json, read: Json) -> Lines:
    rest = dict(candidate)
    voter = f"voter {rest.pop('voter_id')}, registration {rest.pop('registration_no')}"
    standing = rest.pop("standing")
    standing = f"{_p(rest.pop('probability'))}, {_STANDINGS.get(standing, standing)}"
    if rest.get("confidential"):
        yield f"{label}: {standing}; {WITHHELD}"
        return
    yield f"{label}: {voter}; {standing}; address {rest.pop('address', '-')}"
    if dates := rest.pop("registration", {}):
        words = (f"{_DATES.get(event, event.replace('_', ' '))} {day}" for event, day in dates.items())
        yield f"  registration {', '.join(words)}"
    written = _written_fields(read, rest.pop("reading", None), rest.pop("written_address", 0))
    yield from _fields(rest.pop("fields", {}), rest.pop("weight", None), written)
    yield from _tree(rest, "  ")


def _written_fields(read: Json, order: str | None, address: int) -> Mapping[str, str]:
    """The written value of each field, of the name's order and of the address that a candidate was compared with."""
    names: Sequence[str] = read.get("names", ())
    name = next((name for name in names if name.endswith(f"({order})")), names[0] if names else "")
    surname, _, given = name.rpartition(" (")[0].partition(", ")
    first, _, middle = given.partition(" ")
    addresses: Sequence[Mapping[str, str]] = read.get("addresses", ())
    parts = addresses[address] if address < len(addresses) else {}
    named = {"surname": surname, "given": first, "middle": middle, "suffix": read.get("suffix", "")}
    return {**named, **parts, "zip": read.get("zip", "")}


# These never reject a line, however they differ.
_WAIVED: Final = {"unit": "EC 105(a)(2)", "way": "2 CCR 20931", "zip": "2 CCR 20931"}


def _fields(fields: Mapping[str, tuple[str, str, float]], total: float | None, written: Mapping[str, str]) -> Lines:
    """One row per field: on paper, in the roll, its part of the match weight, and how the two compare."""
    row = "  {:<15} {:<20} {:<20} {:>7}  {}".format
    yield row("field", "on paper", "in the roll", "weight", "comparison")
    for field in _in_order(fields, (*NAME_FIELDS, *ADDRESS_FIELDS)):
        roll, level, weight = fields[field]
        words = level_in_words(field, (roll, level, weight), written.get(field, ""))
        if field == "street" and written.get("alias"):
            words += "; another name of the street: no reason to reject (2 CCR 20931)"
        elif field in _WAIVED and level not in {"same", "none", "exact"}:
            words += f"; no reason to reject ({_WAIVED[field]})"
        yield row(_FIELD_NAMES.get(field, field), written.get(field) or "-", roll or "-", f"{weight:+.2f}", words)
    if total is not None:
        rest = total - sum(weight for _, _, weight in fields.values())
        yield row("", "", "", f"{rest:+.2f}", REST_IN_WORDS)
        yield row("match weight", "", "", f"{total:+.2f}", "above 0 favors this voter")


def _tree(value: Json | Sequence[Any], indent: str = "") -> Lines:
    """A JSON object or array as indented lines."""
    items = value.items() if isinstance(value, Mapping) else (("-", inner) for inner in value)
    for key, inner in items:
        label = "-" if key == "-" else f"{key.replace('_', ' ')}:"
        if inner and isinstance(inner, dict | list):
            yield f"{indent}{label}"
            yield from _tree(inner, indent + "  ")
        else:
            yield f"{indent}{label} {'-' if inner in (None, '', [], {}) else inner}"
