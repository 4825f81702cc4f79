"""The rules of a verification: what a petition's entries, findings, lines and checkpoints, as values, must agree on."""

import json
from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple, get_args
from uuid import UUID

from app.law.line import Counts, Place, RawCountStage, Signature, Tally, canonical
from app.law.petition import Petition
from app.law.ruleset import FEWEST_AGAINST_DATA
from app.ledger.entries import GENESIS, HASH_BYTES, Entry, EntryType, Frontier, StoredFinding, leaf_hash, merkle_root
from app.ledger.notes import Checkpoint, StoredCheckpoint

MAX_FAULTS: Final = 100
_CLAIMED, _DESTROYED = 1, 2  # marks of a leaf: a finding belongs to it; retention has destroyed its finding
_MOST = 10**9  # lines: more than any petition has, and no change of a count overflows an array of 32 bits

FaultCode = Literal[
    "checkpoint", "checkpoint_missing", "rewritten", "shortened",
    "entry_missing", "entry_hash", "entry_type", "payload", "leaf_root", "leaf", "tally",
    "finding", "finding_order", "line", "signature", "writing", "voter", "withdrawal",
    "head", "petition", "recount", "raw_list", "registration", "section_dates", "proposal", "defect", "ruleset",
]  # fmt: skip


class Fault(NamedTuple):
    """A place where two records disagree, without personal data."""

    code: FaultCode
    where: str  # such as "entry 17", "line 12-3-4", "checkpoint 3"
    message: str


@dataclass(slots=True)
class Verification:
    """What a verification finds."""

    petition_id: UUID
    version: int = 0  # of the tally that was verified
    entries: int = 0  # the number of the last one
    findings: int = 0
    lines: int = 0
    destroyed: int = 0  # findings that retention has destroyed; only their hashes are left
    checkpoints: int = 0
    uncovered: int = 0  # entries after the last checkpoint: no checkpoint kept outside can show a change of them yet
    fault_count: int = 0
    faults: list[Fault] = field(default_factory=list)  # the first of them

    @property
    def agrees(self) -> bool:
        """Whether there is no fault."""
        return self.fault_count == 0

    def fault(self, code: FaultCode, where: str, message: str) -> None:
        """Record a fault."""
        self.fault_count += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(code, where, message))


class Chain:
    """Takes the entries in order. An entry that does not fit is a fault; the entries after it continue from it."""

    def __init__(self, found: Verification, checkpoints: Mapping[str, Checkpoint] | None = None) -> None:
        """A chain without entries; each of the checkpoints, by name, is compared with the log at its size."""
        self.found = found
        self._checkpoints: defaultdict[int, dict[str, Checkpoint]] = defaultdict(dict)
        for name, checkpoint in (checkpoints or {}).items():
            self._checkpoints[checkpoint.size][name] = checkpoint
        # Arrays and bytes, since a petition may have a million entries and several million leaves.
        self._seqs = array("q")  # of each entry, its number
        self._starts = array("q", [0])  # of each entry, the position of its first leaf; and the end of all leaves
        self._leaves, self._marks = bytearray(), bytearray()  # of each leaf: its hash, what is known of its finding
        self._unexplained: defaultdict[str, array[int]] = defaultdict(lambda: array("i"))  # changes, by cell and entry
        self._log = Frontier()
        self.seq, self.hash, self.tally, self.closed = 0, GENESIS, Counts().as_json(), False
        self.opening: Mapping[str, Any] = {}
        self.raw_count: RawCountStage = "open"
        self.freezes: dict[int, tuple[object, object]] = {}  # by entry: the raw count and the hash of its list
        self._frozen_raw: tuple[int, ...] = ()
        self.ruleset: object = None  # the name of the one in force
        self.acts: list[tuple[int, str, Mapping[str, Any]]] = []  # of `_RECORDED`: number, type and facts
        self.withdrawals: dict[str, int] = {}  # hash of a request, decision or revocation -> the entry that names it

    def take(self, entry: Entry) -> None:
        """Check the next entry, and keep its leaves and its changes of the tally for the findings."""
        where = f"entry {entry.seq}"
        if entry.seq != self.seq + 1:
            self.found.fault("entry_missing", f"entry {self.seq + 1}", f"the next entry has number {entry.seq}")
        if not entry.follows(self.hash):
            self.found.fault("entry_hash", where, "its hash does not follow from it and the entry before")
        if merkle_root(entry.leaf_hashes) != entry.leaf_root:
            self.found.fault("leaf_root", where, "its leaves do not give its root")
        # The first entry, and no other, is `open`; those after `close`, and no others, are `retention`.
        required = (not self._seqs, self.closed)
        if (entry.type == "open", entry.type == "retention") != required or entry.type not in get_args(EntryType):
            self.found.fault("entry_type", where, "an entry of its type is not allowed here")
        payload = _object(entry.payload)
        tally = _tally_of(entry, payload)
        if tally is None:
            self.found.fault("payload", where, "its payload is not canonical or does not add up")
        self._keep(entry, payload, tally or self.tally)
        for name, checkpoint in self._checkpoints.pop(self.seq, {}).items():
            if (checkpoint.root, checkpoint.head) != (self._log.root(), self.hash):
                self.found.fault("rewritten", name, f"the entries up to {self.seq} are not those it was signed over")
            elif checkpoint.tally.encode() != canonical(self.tally):
                self.found.fault("rewritten", name, "the tally of its entry is not the one it was signed over")
        if entry.type == "retention":
            self._mark_destroyed(payload, where)
        self._follow_raw_count(entry, payload, where)

    def _follow_raw_count(self, entry: Entry, payload: Mapping[str, Any], where: str) -> None:
        """Check that a frozen raw count stays as it is, and keep each freeze for the lines."""
        before, raw = self.raw_count, _raw_of(self.tally)
        needed, self.raw_count = _STAGES.get(entry.type, (before, before))
        if before != needed:
            self.found.fault("entry_type", where, "the raw count is not where an entry of its type is allowed")
        if entry.type == "freeze":
            self._frozen_raw = raw
            self.freezes[entry.seq] = (payload.get("raw"), payload.get("list_hash"))
        elif before == "frozen" and entry.type != "correction" and raw != self._frozen_raw:
            self.found.fault("tally", where, "the raw count was frozen, and it changed")

    def _keep(self, entry: Entry, payload: Mapping[str, Any], tally: dict[str, Any]) -> None:
        leaves = len(entry.leaves) // HASH_BYTES
        self._leaves += entry.leaves[: leaves * HASH_BYTES]
        self._marks += bytes(leaves)
        self._seqs.append(entry.seq)
        self._starts.append(len(self._marks))
        self._log.append(entry.hash)
        before, after = _cells(self.tally), _cells(tally)
        for cell in before.keys() | after.keys():
            self._change(len(self._seqs) - 1, cell, after.get(cell, 0) - before.get(cell, 0))
        self.seq, self.hash, self.tally = entry.seq, entry.hash, tally
        self.opening = payload if entry.type == "open" else self.opening
        self.closed = self.closed or entry.type == "close"
        if entry.type in ("open", "ruleset"):
            self.ruleset = payload.get("ruleset")
        if entry.type == "ruleset" and not _by_two(payload):
            self.found.fault("payload", f"entry {entry.seq}", "a change of the ruleset takes two people and a reason")
        if entry.type in _RECORDED:
            self.acts.append((entry.seq, entry.type, {name: payload[name] for name in payload if name != "tally"}))
        for kind in payload.keys() & {"withdrawal", "withdrawal_decision", "revocation"}:
            self.withdrawals[str(payload[kind])] = entry.seq

    def _change(self, index: int, cell: str, amount: int) -> None:
        """Add to an entry's change of a cell that its findings must explain; a negative amount explains some of it."""
        if amount:
            changes = self._unexplained[cell]
            changes.extend([0] * (index + 1 - len(changes)))
            changes[index] += amount

    def _mark_destroyed(self, payload: Mapping[str, Any], where: str) -> None:
        destroyed = list[range]()
        try:
            for seq, first, last in payload["destroyed"]:
                leaves = self._leaves_of(self._index(seq))
                if not 0 <= first <= last < len(leaves):
                    raise ValueError  # noqa: TRY301  # like every other value that names no leaves
                destroyed.append(leaves[first : last + 1])
        except (ValueError, LookupError, TypeError):
            self.found.fault("payload", where, "it names leaves that do not exist")
            return
        for leaf in (leaf for leaves in destroyed for leaf in leaves):
            self._marks[leaf] |= _DESTROYED

    def _index(self, seq: int) -> int:
        """The position of an entry; -1 if there is no such entry."""
        index = bisect_left(self._seqs, seq)
        return index if index < len(self._seqs) and self._seqs[index] == seq else -1

    def _leaves_of(self, index: int) -> range:
        """The positions of the leaves of the entry at this position; none for -1."""
        return range(self._starts[index], self._starts[index + 1]) if index >= 0 else range(0)

    def claim(self, finding: StoredFinding, before: Iterable[str], after: Iterable[str]) -> bool:
        """Whether a finding is the leaf that it names, which no other finding has claimed.

        Its line is counted in the cells `before` it and `after` it: that explains a part of what the entry changed.
        """
        index = self._index(finding.version)
        if index < 0:
            return False
        for cells, step in ((before, 1), (after, -1)):
            for cell in cells:
                self._change(index, cell, step)
        leaves = self._leaves_of(index)
        leaf = leaves.start + finding.leaf_no
        is_free = leaf in leaves and not self._marks[leaf] & _CLAIMED
        if not is_free or self._leaves[leaf * HASH_BYTES : (leaf + 1) * HASH_BYTES] != finding.leaf_hash():
            return False
        self._marks[leaf] |= _CLAIMED
        return True

    @property
    def destroyed(self) -> int:
        """How many findings retention has destroyed."""
        return self._marks.count(_DESTROYED) + self._marks.count(_DESTROYED | _CLAIMED)

    def finish(self) -> None:
        """After all findings: which are missing, and which entries' tallies do not follow from their findings."""
        for size in sorted(self._checkpoints):
            for name in self._checkpoints[size]:
                self.found.fault("shortened", name, f"it was signed over {size} entries; the last one is {self.seq}")
        unexplained = {i for changes in self._unexplained.values() for i, amount in enumerate(changes) if amount}
        for index, seq in enumerate(self._seqs):
            leaves = self._leaves_of(index)
            marks = self._marks[leaves.start : leaves.stop]
            for leaf_no, mark in enumerate(marks) if marks.count(_CLAIMED) != len(marks) else ():
                if mark not in (_CLAIMED, _DESTROYED):
                    message = "its finding should have been destroyed" if mark else "its finding is missing"
                    self.found.fault("leaf", f"entry {seq}, leaf {leaf_no}", message)
            # What an entry with destroyed findings changed cannot be replayed any more.
            if index in unexplained and not any(mark & _DESTROYED for mark in marks):
                message = "its tally does not follow from its findings and the entry before"
                self.found.fault("tally", f"entry {seq}", message)


_RECORDED: Final = frozenset({"open", "registration", "section", "freeze", "correction", "ruleset", "defect"})
"""Types of entries that name what is stored besides findings."""
_STAGES: Final[Mapping[str, tuple[RawCountStage, RawCountStage]]] = {
    "filing": ("open", "filed"),
    "freeze": ("filed", "frozen"),
    "correction": ("frozen", "filed"),
}


def _raw_of(tally: Mapping[str, Any]) -> tuple[int, ...]:
    """The lines within the raw count, and those outside of it."""
    return tally["raw"], tally.get("blank", 0), tally.get("struck", 0)


def _by_two(payload: Mapping[str, Any]) -> bool:
    both = [payload.get(name) for name in ("proposed_by", "confirmed_by")]
    return all(isinstance(name, str) and name for name in (*both, payload.get("reason"))) and both[0] != both[1]


def _object(text: str) -> dict[str, Any]:
    """The JSON object of a text; {} if it is not one."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _tally_of(entry: Entry, payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """The tally of an entry's payload; None if the payload is not canonical or does not add up."""
    try:
        tally: dict[str, Any] = payload["tally"]
        adds_up = (
            canonical(payload) == entry.payload.encode()
            and payload["leaves"] * HASH_BYTES == len(entry.leaves)
            and tally["raw"] == tally["received"] + tally["valid"] + tally["invalid"] + tally["review"]
            and tally["invalid"] == sum(tally["by_reason"].values())
            and all(type(lines) is int and 0 <= lines <= _MOST for lines in _cells(tally).values())
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return tally if adds_up else None


def _cells(tally: Mapping[str, Any]) -> dict[str, int]:
    """The independent numbers of a tally by name."""
    numbers = {cell: tally[cell] for cell in ("received", "valid", "invalid", "review", "unsettled")}
    numbers |= {cell: tally.get(cell, 0) for cell in ("blank", "struck")}  # which are absent where there are none
    return numbers | {f"invalid:{reason}": lines for reason, lines in tally["by_reason"].items()}


@lru_cache(maxsize=256)
def _cells_of_line(status: str, reason: str | None, *, settled: bool) -> tuple[str, ...]:
    """The names of the numbers in which a line is counted."""
    by_reason = (f"invalid:{reason}",) if status == "invalid" else ()
    return (status, *by_reason, *(() if settled else ("unsettled",)))


DETERMINED: Final = (
    "finding_no", "status", "reason", "voter_id", "settled", "version", "roll_version", "confirmed_by", "mismatch_by",
    "against_data", "uncompared",
)  # fmt: skip
"""The columns of a line that its last finding determines, under the names that they have in its content."""


class Recorded(NamedTuple):
    """What is on record of one place: its findings by number, its line, and the text that the station read."""

    place: Place
    findings: list[StoredFinding]
    line: Mapping[str, Any] | None  # `DETERMINED`
    text: Signature | None


class Replay:
    """Takes every place that has findings, and compares them with the chain, with the line and with the text there."""

    def __init__(self, chain: Chain, corrections: Mapping[Place, Sequence[Signature]]) -> None:
        """Replay against a chain that has all its entries; `corrections` are the texts that clerks put in place."""
        self._chain, self._found, self._corrections = chain, chain.found, corrections
        self._lists: dict[int, list[Any]] = {
            seq: [0, sha256()] for seq in chain.freezes
        }  # of each freeze, the raw list as findings give it
        self._recounted: Counter[str] = Counter()  # the numbers of the tally, counted from the lines
        for place, texts in corrections.items():
            self._check_hashes(place, texts)

    def take(self, recorded: Recorded) -> None:
        """Check the next place."""
        place, findings, line, text = recorded
        where, number, version = f"line {place}", 0, 0
        content: dict[str, Any] = {}
        cells: tuple[str, ...] = ()
        in_raw: list[tuple[int, bool]] = []
        texts = (text, *self._corrections.get(place, ())) if text else ()  # as it was read, and as it was corrected
        for finding in findings:
            if finding.finding_no != number + 1 or finding.version <= version:
                message = f"finding {number + 1} is expected here, of a later entry"
                self._found.fault("finding_order", f"{where}, finding {finding.finding_no}", message)
            number, version, content = finding.finding_no, finding.version, _content(finding)
            cells = self._take_finding(finding, content, cells)
            in_raw.append((version, content.get("status") not in ("blank", "struck")))
            decided_on = content.get("writing_sha256")
            if texts and decided_on and all(stored.sha256.hex() != decided_on for stored in texts):
                self._found.fault("writing", where, "the text there is not what was decided on")
        if line:
            self._found.lines += 1
            self._recounted.update(_cells_of_line(line["status"], line["reason"], settled=line["settled"]))
            self._recounted["unsettled_valid"] += line["status"] == "valid" and not line["settled"]
            if line != {name: content.get(name) for name in DETERMINED}:
                self._found.fault("line", where, "it is not as its last finding decided it")
        else:
            self._found.fault("line", where, "it has findings, and no row of its own")
        if not (line and text):
            self._found.fault("signature", where, "its text is missing" if line else "it is not in the count")
        self._check_hashes(place, texts[:1])
        self._list(place, in_raw)

    def _list(self, place: Place, in_raw: Sequence[tuple[int, bool]]) -> None:
        """Put a place on the raw list of each freeze at which it was in the raw count."""
        for seq, raw_list in self._lists.items():
            if next((said for version, said in reversed(in_raw) if version < seq), False):
                raw_list[0] += 1
                raw_list[1].update(f"{place}\n".encode())

    def _take_finding(self, finding: StoredFinding, content: dict[str, Any], before: Iterable[str]) -> tuple[str, ...]:
        """Check one finding by itself; returns the cells in which its line is counted after it."""
        where = f"line {finding.place}, finding {finding.finding_no}"
        self._found.findings += 1
        after = _cells_of_line(content.get("status", ""), content.get("reason"), settled=bool(content.get("settled")))
        if not self._chain.claim(finding, before, after):
            message = f"it is not what leaf {finding.leaf_no} of entry {finding.version} was made from"
            self._found.fault("finding", where, message)
        if _takes_two(content) and len(set(content.get("confirmed_by") or ())) < FEWEST_AGAINST_DATA:
            self._found.fault("finding", where, "it takes two different people")
        if (content.get("place"), content.get("finding_no")) != (str(finding.place), finding.finding_no):
            self._found.fault("finding", where, "its content is of another place or number")
        return after

    def _check_hashes(self, place: Place, texts: Iterable[Signature]) -> None:
        for text in texts:
            if text.fingerprint() != text.sha256:
                self._found.fault("writing", f"line {place}", "the text there is not what its hash was made from")

    def finish(self, head: Tally) -> None:
        """After all places: whether the tally is what the lines add up to, and each frozen list what they were then."""
        for seq, (raw, digest) in self._lists.items():
            if self._chain.freezes[seq] != (raw, digest.hexdigest()) and not self._chain.destroyed:
                self._found.fault("raw_list", f"entry {seq}", "its raw list is not what the lines were then")
        counted = _cells(head.counts.as_json()) | {"unsettled_valid": head.counts.unsettled_valid}
        if self._recounted != Counter(counted) and not self._chain.destroyed:
            self._found.fault("recount", "head", "its tally is not what the lines add up to")


def _takes_two(content: Mapping[str, Any]) -> bool:
    """Whether no ruleset lets one person settle this: a signature's mismatch, or what the data contradict."""
    if content.get("status") == "invalid" and content.get("reason") == "signature_mismatch":
        return True
    return bool(content.get("against_data") and content.get("settled"))


def _content(finding: StoredFinding) -> dict[str, Any]:
    """A finding's content with its version; {} if it is not a finding's content."""
    content = _object(finding.content)
    if not isinstance(content.get("status"), str) or not isinstance(content.get("reason"), str | None):
        return {}
    return {"against_data": False, "uncompared": False, **content, "version": finding.version}


StoredWithdrawal = tuple[UUID, bytes, str, dict[str, Any]]
"""A request to withdraw, a decision on it, or its revocation: id, salt, sealed content, and the columns that repeat it.

A request has `received_on` among them, and `state`, as a decision has it; a revocation has neither.
"""


def check_withdrawals(chain: Chain, stored: Sequence[StoredWithdrawal], slots: Mapping[str, str]) -> None:
    """Compare requests, decisions and revocations with the entries that name them, and the days in voters' slots."""
    found, missing = chain.found, dict(chain.withdrawals)
    for withdrawal_id, salt, content, columns in stored:
        where = f"withdrawal {withdrawal_id}"
        if missing.pop(leaf_hash(salt, content.encode()).hex(), None) is None:
            found.fault("withdrawal", where, "no entry names it as it is here")
        elif columns.items() - ({"state": "accepted"} | _plain(content)).items():
            found.fault("withdrawal", where, "its columns differ from the content that was sealed")
    if chain.destroyed:  # retention may have destroyed withdrawals as well
        return
    for seq in missing.values():
        found.fault("withdrawal", f"entry {seq}", "the request, decision or revocation that it names is missing")
    if wrong := slots.items() ^ _in_force(stored).items():
        voters = len({voter_id for voter_id, _ in wrong})
        found.fault("withdrawal", "slots", f"those of {voters} voters differ from the withdrawals on record")


def _plain(content: str) -> dict[str, Any]:
    """The texts of a sealed content, which columns repeat."""
    return {name: value for name, value in _object(content).items() if value is None or isinstance(value, str)}


def _in_force(stored: Sequence[StoredWithdrawal]) -> dict[str, str]:
    """The voters of requests that were accepted and not revoked, each with the day on which it was received."""
    revoked = {withdrawal_id for withdrawal_id, *_, columns in stored if "state" not in columns}
    received = {number: columns["received_on"] for number, *_, columns in stored if "received_on" in columns}
    return {
        columns["voter_id"]: received.get(withdrawal_id, "")
        for withdrawal_id, *_, columns in stored
        if columns.get("state") == "accepted" and withdrawal_id not in revoked
    }


def check_head(chain: Chain, petition: Petition, head: Tally) -> None:
    """Compare the head row and the petition's terms with the ledger."""
    if (head.version, head.hash) != (chain.seq, chain.hash):
        chain.found.fault("head", "head", f"it is at version {head.version}, the ledger ends at entry {chain.seq}")
    if (head.state == "closed") != chain.closed:
        chain.found.fault("head", "head", "its state, open or closed, is not the ledger's")
    if head.raw_count != chain.raw_count:
        chain.found.fault("head", "head", "where its raw count stands is not the ledger's")
    if head.ruleset != chain.ruleset:
        chain.found.fault("head", "head", "its ruleset is not the one that the ledger put into force")
    if head.counts.as_json() != chain.tally:
        chain.found.fault("head", "head", "its tally is not the last entry's")
    if any(chain.opening.get(name) != value for name, value in petition.facts().items()):
        chain.found.fault("petition", "petition", "its terms are not those it was opened with")


def check_checkpoints(found: Verification, stored: Sequence[StoredCheckpoint], signed: dict[str, Checkpoint]) -> None:
    """Check that the signed checkpoints are complete: numbered, each naming the one before, later and longer."""
    last: Checkpoint | None = None
    for row in stored:
        this = signed.get(row.name)
        if this is None:  # the key has not signed it
            continue
        expected = last.number + 1 if last else 1
        if this.number != expected:
            found.fault("checkpoint_missing", f"checkpoint {expected}", f"the next one has number {this.number}")
        elif this.previous != (last.digest() if last else bytes(32)):
            found.fault("checkpoint", row.name, "it does not name the checkpoint before it")
        if last and (this.size <= last.size or this.at < last.at):
            found.fault("checkpoint", row.name, "it shrinks the log or goes back in time")
        if (row.number, row.size, row.created_at) != (this.number, this.size, this.at):
            found.fault("checkpoint", row.name, "its columns differ from what was signed")
        last = this
