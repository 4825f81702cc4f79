"""A line's findings in words that a person can follow without the program."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from app.count.line_queries import line_history, read_line
from app.database.engine import Database
from app.errors import UnknownLineError
from app.law.line import Place, Writing
from app.law.petition import Petition
from app.law.reasons import REASONS_IN_WORDS
from app.law.ruleset import RULESETS
from app.matching.evidence import ADDRESS_FIELDS, NAME_FIELDS, RARITY, level_in_words, written_fields
from app.matching.hypotheses import RULES

WITHHELD: Final = "withheld: the registration is confidential (EC 2166)"


def explanation(writing: Writing, findings: Sequence[Mapping[str, Any]]) -> str:
    """What stands on a line, and every finding on it, the oldest first, as text of at most some 120 columns.

    Opinions of a signature are told once it is decided: until then nobody may learn who doubted it (2 CCR 20960).
    """
    lines = [*_paper(writing)]
    confidential = {voter for finding in findings for voter in _confidential_voters(finding)}
    decided = max((n for n, finding in enumerate(findings, 1) if not finding["mismatch_by"]), default=0)
    for number, finding in enumerate(findings, 1):
        if number > decided and finding["person"]:
            lines += ["", *_pending(finding)]
        else:
            told = finding if number <= decided else {**finding, "mismatch_by": ()}
            lines += ["", *_finding(told, len(findings), confidential)]
    return "\n".join(lines)


def _pending(finding: Mapping[str, Any]) -> Iterator[str]:
    yield f"Finding {finding['finding_no']}: an opinion of the signature"
    yield "  withheld until the signature is decided: each who compares is blind to the others (2 CCR 20960)"


def _paper(writing: Writing) -> Iterator[str]:
    name = writing.printed_name
    if writing.name:
        parts = (writing.name.first, writing.name.middle, writing.name.last, writing.name.suffix)
        name = " ".join(part for part in parts if part)
    yield "On paper"
    yield f"  name:    {name or '(nothing)'}"
    yield f"  address: {writing.residence_address or '(nothing)'}, {writing.city} {writing.zip}".rstrip(", ")
    yield f"  signed:  {'yes' if writing.signed else 'no'}"


def _finding(finding: Mapping[str, Any], of: int, confidential: set[str]) -> Iterator[str]:
    evidence = finding["evidence"] or {}
    reason = f", {finding['reason']}" if finding["reason"] else ""
    yield f"Finding {finding['finding_no']} of {of}: {finding['status']}{reason}"
    words = REASONS_IN_WORDS.get(finding["reason"] or "")
    if words:
        yield f"  {words}"
    if finding["reason_open"]:
        yield "  invalid for certain; this is the likeliest reason, and a person chooses it"
    yield f"  {_settled(finding)}"
    yield f"  decided by {_who(finding)} at {finding['decided_at']}"
    yield f"  under ruleset {finding['ruleset']}, {_basis(finding, evidence)}"
    yield from _facts(finding, confidential)
    if evidence:
        yield from (f"  {line}" for line in _evidence(evidence))
    elif not finding["person"]:
        yield "  follows from the voter's other lines: of the good ones the lowest place counts (EC 105(b))"


def _settled(finding: Mapping[str, Any]) -> str:
    if finding["status"] == "review":
        return "a person must decide"
    if finding["settled"]:
        return "settled"
    ruleset = RULESETS.get(finding["ruleset"])
    missing = (
        ruleset.people_needed(finding["status"], finding["reason"]) - len(finding["confirmed_by"]) if ruleset else 0
    )
    return f"not settled: {missing} more to confirm it" if missing > 0 else "not settled yet"


def _who(finding: Mapping[str, Any]) -> str:
    return finding["decided_by"] if finding["person"] else "the machine alone,"


def _basis(finding: Mapping[str, Any], evidence: Mapping[str, Any]) -> str:
    roll = finding["roll_version"]
    parts = [f"roll version {roll}" if roll else "no roll"]
    parts += [f"{part} {evidence[part]}" for part in ("model", "reader", "keys", "aliases") if part in evidence]
    return ", ".join(parts)


def _confidential_voters(finding: Mapping[str, Any]) -> Iterator[str]:
    """The voters of a finding whose number is not shown."""
    candidates = (finding["evidence"] or {}).get("candidates", ())
    yield from (c.get("voter_id", "") for c in candidates if c.get("confidential"))
    if finding["reason"] == "confidential" and finding["voter_id"]:
        yield finding["voter_id"]


def _facts(finding: Mapping[str, Any], confidential: set[str]) -> Iterator[str]:
    if finding["voter_id"]:
        number = f", registration {finding['registration_no']}" if finding["registration_no"] else ""
        hidden = finding["voter_id"] in confidential
        yield f"  voter: {WITHHELD if hidden else finding['voter_id'] + number}"
    if finding["counted_place"]:
        yield f"  counts instead: {finding['counted_place']}, a good line of the same voter at a lower place"
    for label, key in (
        ("fails as well", "secondary"),
        ("confirmed by", "confirmed_by"),
        ("signature doubted by", "mismatch_by"),
    ):
        if finding[key]:
            yield f"  {label}: {', '.join(finding[key])}"
    if finding["note"]:
        yield f"  note: {finding['note']}"


_TOLD: Final = {
    "model", "reader", "keys", "aliases", "interval", "filed_on", "read", "stories", "county", "considered",
    "candidates", "household", "namesakes", "namesakes_cut", "rules",
}  # fmt: skip
_COUNTY: Final = {"in": "in the county", "out": "not in the county", "unclear": "perhaps in the county"}


def _evidence(evidence: Mapping[str, Any]) -> Iterator[str]:
    read = evidence.get("read", {})
    yield from _interval(evidence)
    yield from _read(read, evidence.get("county"))
    yield from _stories(evidence.get("stories", {}))
    yield from _numbers(evidence)
    candidates = evidence.get("candidates", ())
    for number, candidate in enumerate(candidates, start=1):
        yield from _candidate(candidate, f"candidate {number} of {len(candidates)}", read)
    for rule in evidence.get("rules", ()):
        known = RULES.get(rule["rule"])
        cites = f" ({rule['cites']})" if rule.get("cites") else ""
        yield f"rule: {rule['rule']}{f': {known.words}' if known else ''}{cites}"
    yield from _tree({key: value for key, value in evidence.items() if key not in _TOLD}, "")


def _interval(evidence: Mapping[str, Any]) -> Iterator[str]:
    if "interval" in evidence:
        first, last = evidence["interval"]
        filed = f", in a petition filed on {evidence['filed_on']}" if "filed_on" in evidence else ""
        yield f"signed between {first} and {last}{filed}"


def _read(read: Mapping[str, Any], county: str | None) -> Iterator[str]:
    for number, name in enumerate(read.get("names", ())):
        yield f"{'name read as' if not number else '          or'}: {name}"
    for number, address in enumerate(read.get("addresses", ())):
        parts = ", ".join(f"{part} {text}" for part, text in address.items())
        yield f"{'address read as' if not number else '             or'}: {parts}"
    if read.get("po_box"):
        yield "a PO box, which is no residence"
    if county:
        city, zip_code = read.get("city") or "-", read.get("zip") or "-"
        yield f"city and zip read as: {city}, {zip_code}; {_COUNTY.get(county, county)}"
        if read.get("city_alias"):
            yield f"  another name of the city: {read['city_alias']}"


_STORIES: Final = (
    ("here", "a voter who is registered at this address"),
    ("moved", "a voter who is registered at another address"),
    ("not_registered_in_time", "somebody whose registration was canceled, late, pending or under age"),
    ("relative", "a relative or housemate of a voter at this address, not registered"),
    ("stranger", "somebody else who is not registered"),
)
_LIKELY: Final = (
    (0.995, "almost certain"),
    (0.95, "very likely"),
    (0.7, "likely"),
    (0.3, "possible"),
    (0.01, "unlikely"),
)


def _stories(stories: Mapping[str, float]) -> Iterator[str]:
    if not stories:
        return
    yield "who signed"
    known = dict(_STORIES)
    for story in [*known, *(story for story in stories if story not in known)]:
        if story in stories:
            yield f"  {_percent(stories[story]):>9}  {_likely(stories[story]):<15} {known.get(story, story)}"


_FAINT: Final = 0.00001


def _percent(share: float) -> str:
    return f"{100 * share:.3f} %" if share >= _FAINT else "< 0.001 %"


def _likely(share: float) -> str:
    return next((words for bound, words in _LIKELY if share >= bound), "hardly possible")


def _numbers(evidence: Mapping[str, Any]) -> Iterator[str]:
    if "considered" in evidence:
        yield f"registrations compared: {evidence['considered']}"
    if "household" in evidence:
        yield f"registrations at this house and street: {evidence['household']}"
    if "namesakes" in evidence:
        more = ", and more who were not looked at" if evidence.get("namesakes_cut") else ""
        yield f"people of this name in the roll: {evidence['namesakes']}{more}"


_CANDIDATE_TOLD: Final = {
    "voter_id", "registration_no", "probability", "standing", "confidential", "address", "reading", "written_address",
    "fields", "weight", "registration",
}  # fmt: skip
_STANDINGS: Final = {
    "registered": "registered in time",
    "registered_late": "registered too late (EC 2102(b))",
    "pending_registration": "registration pending",
    "under_age": "under age (EC 2102(d))",
    "canceled": "registration canceled before (EC 2201)",
    "former": "no longer registered there",
}


def _candidate(candidate: Mapping[str, Any], label: str, read: Mapping[str, Any]) -> Iterator[str]:
    standing = _STANDINGS.get(candidate["standing"], candidate["standing"])
    share = f"{_percent(candidate['probability'])}, {standing}"
    if candidate.get("confidential"):
        yield f"{label}: {share}; {WITHHELD}"
        return
    voter = f"voter {candidate['voter_id']}, registration {candidate['registration_no']}"
    yield f"{label}: {voter}; {share}; address {candidate.get('address', '-')}"
    if "registration" in candidate:
        dates = candidate["registration"]
        yield "  registration " + ", ".join(_DATES.get(event, event) + " " + day for event, day in dates.items())
    yield from _table(candidate, read)
    yield from _tree({key: value for key, value in candidate.items() if key not in _CANDIDATE_TOLD}, "  ")


_DATES: Final = {
    "status": "status",
    "signed": "affidavit signed on",
    "received": "received on",
    "ended": "in force until",
    "of_age_on": "of age on",
}
_ORDER: Final = (*NAME_FIELDS, *ADDRESS_FIELDS)
_FIELDS: Final = {"way": "type, direction", "given": "given name", "middle": "middle name", "house": "house number"}
# What never rejects a line, however it differs.
_WAIVED: Final = {"unit": "EC 105(a)(2)", "way": "2 CCR 20931", "zip": "2 CCR 20931"}
_AGREES: Final = {"same", "none", "exact"}


def _table(candidate: Mapping[str, Any], read: Mapping[str, Any]) -> Iterator[str]:
    """Field by field: written, roll, how they agree, and the weight that this has."""
    written = written_fields(read, candidate.get("reading"), candidate.get("written_address", 0))
    row = "  {:<15} {:<20} {:<20} {:>7}  {}"
    yield row.format("field", "written", "roll", "weight", "agreement")
    fields: Mapping[str, Sequence[Any]] = candidate.get("fields", {})
    for field in sorted(fields, key=_order):
        roll, level, weight = fields[field]
        waived = f"; no reason to reject ({_WAIVED[field]})" if field in _WAIVED and level not in _AGREES else ""
        if field == "street" and written.get("alias"):
            waived = "; another name of the street: no reason to reject (2 CCR 20931)"
        words = level_in_words(field, level, written.get(field, ""), roll) + waived
        yield row.format(_FIELDS.get(field, field), written.get(field) or "-", roll or "-", f"{weight:+.2f}", words)
    if "weight" in candidate:
        rest = candidate["weight"] - sum(weight for _, _, weight in fields.values())
        yield row.format("", "", "", f"{rest:+.2f}", RARITY)
        yield row.format("together", "", "", f"{candidate['weight']:+.2f}", "above 0 it speaks for this voter")


def _order(field: str) -> tuple[int, str]:
    return _ORDER.index(field) if field in _ORDER else len(_ORDER), field


def _tree(value: object, indent: str) -> Iterator[str]:
    """What has no words of its own here, as indented lines: nothing of the evidence is left out."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            nested = isinstance(inner, dict | list) and bool(inner)
            yield f"{indent}{str(key).replace('_', ' ')}:" + ("" if nested else f" {_plain(inner)}")
            if nested:
                yield from _tree(inner, indent + "  ")
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict | list):
                yield f"{indent}-"
                yield from _tree(inner, indent + "  ")
            else:
                yield f"{indent}- {_plain(inner)}"


def _plain(value: object) -> str:
    return "-" if value in (None, "", [], {}) else str(value)


async def explain(database: Database, petition: Petition, place: Place) -> str:
    """The line's writing, where it stands and every finding that led there, as text.

    Raises:
        UnknownLineError: no signature stands there.
    """
    async with database.reading() as connection:
        read = await read_line(connection, petition.key, place)
        if read is None:
            raise UnknownLineError
        history = await line_history(connection, petition.key, place)
    return explanation(read.writing, history)
