"""What people put on record besides findings, compared with the entries that name it.

These are sections' registrations, dates and defects, proposals of the raw count, and rulesets with their changes.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from app.ledger.entries import leaf_hash
from app.ledger.replay import Chain, FaultCode

RecordKind = Literal["registration", "proposal", "defect"]

_NAMED_IN: Final[Mapping[str, tuple[RecordKind, str]]] = {
    "registration": ("registration", "declaration"),
    "freeze": ("proposal", "proposal"),
    "correction": ("proposal", "proposal"),
    "defect": ("defect", "act"),
}
"""By the type of an entry: the kind of the records that it names, and under which name it has their hashes."""
_CHANGE: Final = ("ruleset", "reason", "proposed_by", "confirmed_by")


class StoredRecord(NamedTuple):
    """A record as it is stored: the ledger names the hash of its salt and content."""

    kind: RecordKind
    where: str  # such as "section 12, registration 1"
    salt: bytes
    content: str  # canonical JSON
    columns: Mapping[str, Any]  # of its row, as JSON values


class StoredDates(NamedTuple):
    """A section's dates as they are stored."""

    section: int
    dates: tuple[str | None, str | None]
    confirmed_by: str | None


class Records:
    """Takes every stored record, and compares them with what the entries of a chain name."""

    def __init__(self, chain: Chain) -> None:
        """Compare with a chain that has all its entries."""
        self._found, self._partly = chain.found, bool(chain.destroyed)
        self._acts = [act for act in chain.acts if _is_readable(act)]
        for seq in {act[0] for act in chain.acts} - {act[0] for act in self._acts}:
            self._found.fault("payload", f"entry {seq}", "what it names cannot be compared")
        self._named = dict(named for act in self._acts for named in _named(act))
        self._since = _in_force_from(self._acts)
        self._declared: dict[str, tuple[str | None, str | None]] = {}  # by the hash of a registration

    def take(self, record: StoredRecord) -> None:
        """Check the next record."""
        leaf = leaf_hash(record.salt, record.content.encode()).hex()
        entry, said = self._named.pop((record.kind, leaf), (0, {}))
        content, columns = _object(record.content), dict(record.columns)
        if not entry and (record.kind != "proposal" or columns["confirmed_by"]):
            self._fault(record.kind, record.where, "no entry names it as it is here")
        elif not _agrees(content, columns) or not _agrees({k: said[k] for k in said.keys() & columns.keys()}, columns):
            self._fault(record.kind, record.where, "its columns differ from the content that was sealed")
        elif record.kind == "defect" and self._since.get(leaf) != columns["in_force_from"]:
            self._fault(record.kind, record.where, "whether it is in force is not the ledger's")
        if record.kind == "registration" and content.get("declared"):
            self._declared[leaf] = (content["signed_from"], content["signed_to"])

    def finish(
        self, dates: Iterable[StoredDates], changes: Sequence[tuple[str, ...]], parameters: Mapping[str, str]
    ) -> None:
        """After all records: which are missing, and whether the rest follows from the entries.

        Args:
            dates: of the sections, in their order.
            changes: of the ruleset that were confirmed, in order: its name, the reason, and both people.
            parameters: of the rulesets by name, the SHA-256 of their text.
        """
        if not self._partly:  # retention may have destroyed some
            for number, missing in sorted({(seq, kind) for (kind, _), (seq, _) in self._named.items()}):
                self._fault(missing, f"entry {number}", "the record that it names is missing")
        self._compare_dates(dates)
        said = [tuple(facts[name] for name in _CHANGE) for _, kind, facts in self._acts if kind == "ruleset"]
        if said != list(changes):
            self._fault("ruleset", "changes", "the changes of the ruleset are not the ledger's")
        for seq, kind, facts in self._acts:
            known = parameters.get(str(facts.get("ruleset")))
            if kind in ("open", "ruleset") and facts.get("ruleset_sha256", known) != known:
                self._fault("ruleset", f"entry {seq}", "the parameters of its ruleset are not those it was made under")

    def _compare_dates(self, stored: Iterable[StoredDates]) -> None:
        expected: defaultdict[int, list[StoredDates]] = defaultdict(list)
        for section, dates, confirmed_by in self._dates():
            before = expected[section]
            if confirmed_by and before:
                before[-1] = before[-1]._replace(confirmed_by=confirmed_by)
            elif dates and (not before or before[-1].dates != dates):
                before.append(StoredDates(section, dates, None))
        found: defaultdict[int, list[StoredDates]] = defaultdict(list)
        for one in stored:
            found[one.section].append(one)
        for section in sorted(expected.keys() | found.keys()):
            if expected[section] != found[section]:
                self._fault("section_dates", f"section {section}", "its dates are not those that the ledger has")

    def _dates(self) -> Iterable[tuple[int, tuple[str | None, str | None] | None, str | None]]:
        """What the entries say of sections' dates: those that were declared, or who confirmed them."""
        for _, kind, facts in self._acts:
            if kind == "registration":
                for one in facts["sections"]:
                    yield one["section"], self._declared.get(one["declaration"]), None
            elif kind == "section":
                dates = (facts["signed_from"], facts.get("signed_to")) if "signed_from" in facts else None
                yield facts["section"], dates, facts.get("confirmed_by")

    def _fault(self, code: FaultCode, where: str, message: str) -> None:
        self._found.fault(code, where, message)


Act = tuple[int, str, Mapping[str, Any]]
"""The number of an entry, its type, and the facts in its payload."""


def _named(act: Act) -> Iterable[tuple[tuple[RecordKind, str], tuple[int, Mapping[str, Any]]]]:
    """What an entry names: by kind and hash its number, and what it says of the record."""
    seq, entry_type, facts = act
    if entry_type in _NAMED_IN:
        kind, under = _NAMED_IN[entry_type]
        for one in facts["sections"] if entry_type == "registration" else [facts]:
            yield (kind, one[under]), (seq, one)


def _is_readable(act: Act) -> bool:
    """Whether an entry has what its type needs, so that the records can be compared with it."""
    _, entry_type, facts = act
    needs = {"section": ("section",), "ruleset": _CHANGE, "defect": ("section", "in_force")}.get(entry_type, ())
    try:
        sections = [one["section"] for one in facts["sections"]] if entry_type == "registration" else []
        hash((*sections, *(facts[name] for name in needs), *(leaf for (_, leaf), _ in _named(act))))
    except (LookupError, TypeError):
        return False
    return True


def _in_force_from(acts: Iterable[Act]) -> dict[str, int | None]:
    """By the hash of each act about a defect: the entry since when the defect is in force after it."""
    since: dict[int, int | None] = {}
    found = {}
    for seq, kind, facts in acts:
        if kind == "defect":
            section = facts["section"]
            since[section] = (since.get(section) or seq) if facts["in_force"] else None
            found[facts["act"]] = since[section]
    return found


def _agrees(said: Mapping[str, Any], columns: Mapping[str, Any]) -> bool:
    """Whether the columns repeat what was said, times in whatever spelling."""
    return all(_plain(columns.get(name)) == _plain(value) for name, value in said.items())


def _plain(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return value
    return value


def _object(text: str) -> dict[str, Any]:
    """The JSON object of a text; one that agrees with nothing if it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"": ""}
