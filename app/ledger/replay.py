"""Checking the ledger entry by entry and finding by finding against the lines."""

import json
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple, get_args

from app.law.canonical import canonical
from app.law.line import Place
from app.law.tally import Counts
from app.ledger.entries import (
    GENESIS,
    HASH_BYTES,
    Entry,
    EntryType,
    Frontier,
    StoredFinding,
    entry_hash,
    leaf_hash,
    merkle_root,
)
from app.ledger.notes import Checkpoint

_SEEN, _DESTROYED = 1, 2
_MOST = 2**31 - 1
MAX_FAULTS = 100


class Fault(NamedTuple):
    """A place where two records disagree, without personal data."""

    code: str
    where: str  # such as "entry 17", "line 12-3-4", "checkpoint 3"
    says: str


class Faults:
    """The faults found: how many, and the first of them."""

    def __init__(self) -> None:
        """None so far."""
        self.count = 0
        self.first: list[Fault] = []

    def add(self, code: str, where: str, says: str) -> None:
        """Put a fault on record."""
        self.count += 1
        if len(self.first) < MAX_FAULTS:
            self.first.append(Fault(code, where, says))


def follows(previous: bytes, entry: Entry) -> bool:
    """Whether an entry's hash is that of what it holds and of the entry before."""
    try:
        digest = entry_hash(previous, entry.seq, entry.type, entry.leaf_root, entry.payload.encode())
    except (ValueError, OverflowError):  # a type or a number that no entry can have
        return False
    return digest == entry.hash


@dataclass(frozen=True, slots=True)
class Witness:
    """A checkpoint whose signature holds, and what it is called in a fault."""

    checkpoint: Checkpoint
    name: str


class Chain:
    """Takes the entries in order. What does not fit is a fault at its entry; those behind it go on from there."""

    def __init__(self, faults: Faults, witnesses: Sequence[Witness] = ()) -> None:
        """A chain without entries; each of `witnesses` is held against the log at its size."""
        self._faults = faults
        self._witnesses: dict[int, list[Witness]] = {}
        for witness in witnesses:
            self._witnesses.setdefault(witness.checkpoint.size, []).append(witness)
        self._seqs, self._starts = array("q"), array("q")
        self._hashes = bytearray()
        self._marks = bytearray()
        self._moves: defaultdict[str, array[int]] = defaultdict(lambda: array("i"))
        self._log = Frontier()
        self._closed = False
        self.hash, self.seq, self.tally = GENESIS, 0, Counts().as_json()
        self.opening: Mapping[str, Any] = {}
        self.sealed: dict[str, int] = {}  # hash of a withdrawal or its revocation -> the entry that names it

    @property
    def state(self) -> str:
        """`closed` after a close entry, else `open`."""
        return "closed" if self._closed else "open"

    def take(self, entry: Entry) -> None:
        """The next entry."""
        where = f"entry {entry.seq}"
        if entry.seq != self.seq + 1:
            self._faults.add(
                "entry_missing", f"entry {self.seq + 1}", f"the next entry there is has number {entry.seq}"
            )
        if not follows(self.hash, entry):
            self._faults.add("entry_hash", where, "its hash does not follow from it and the entry before")
        self._check_order(entry, where)
        before, payload = self.tally, self._payload(entry, where)
        self._add_leaves(entry, where)
        self._add_moves(before)
        self.hash, self.seq = entry.hash, entry.seq
        self._log.append(entry.hash)
        self._check_witnesses()
        if entry.type == "open":
            self.opening = payload
        self.sealed.update((str(payload[kind]), entry.seq) for kind in ("withdrawal", "revocation") if kind in payload)
        if entry.type == "retention":
            self._mark_destroyed(payload, where)
        self._closed = self._closed or entry.type == "close"

    def _check_order(self, entry: Entry, where: str) -> None:
        if (entry.type == "open") != (not self._seqs) or entry.type not in get_args(EntryType):
            self._faults.add("entry_type", where, "the first entry opens the petition, and no other")
        if self._closed != (entry.type == "retention"):
            self._faults.add("entry_type", where, "after the close there is retention and nothing else, and not before")

    def _payload(self, entry: Entry, where: str) -> dict[str, Any]:
        """The entry's payload; the tally moves to what it says."""
        try:
            payload: dict[str, Any] = json.loads(entry.payload)
            counts = payload["tally"]
            whole = (
                canonical(payload) == entry.payload.encode()
                and payload["leaves"] * HASH_BYTES == len(entry.leaves)
                and counts["raw"] == counts["received"] + counts["valid"] + counts["invalid"] + counts["review"]
                and counts["invalid"] == sum(counts["by_reason"].values())
                and all(0 <= number <= _MOST for number in _cells(counts).values())
            )
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            payload, counts, whole = {}, {}, False
        if not whole:
            self._faults.add("payload", where, "its payload is not canonical or does not add up")
            counts = self.tally
        self.tally = counts
        return payload

    def _add_leaves(self, entry: Entry, where: str) -> None:
        leaves = [entry.leaves[i : i + HASH_BYTES] for i in range(0, len(entry.leaves), HASH_BYTES)]
        if merkle_root(leaves) != entry.leaf_root:
            self._faults.add("leaf_root", where, "its leaves do not give its root")
        self._seqs.append(entry.seq)
        self._starts.append(len(self._marks))
        self._hashes += entry.leaves[: len(entry.leaves) // HASH_BYTES * HASH_BYTES]
        self._marks += bytes(len(entry.leaves) // HASH_BYTES)

    def _add_moves(self, before: Mapping[str, Any]) -> None:
        """By how much the entry says that each number of the tally changed."""
        was, now = _cells(before), _cells(self.tally)
        for cell in was.keys() | now.keys():
            moves = self._moves[cell]
            moves.extend([0] * (len(self._seqs) - len(moves)))
            moves[-1] = now.get(cell, 0) - was.get(cell, 0)

    def _check_witnesses(self) -> None:
        for witness in self._witnesses.pop(self.seq, ()):
            said = witness.checkpoint
            if said.root != self._log.root() or said.head != self.hash:
                self._faults.add(
                    "rewritten", witness.name, f"entries up to {self.seq} are not those it was signed over"
                )
            elif said.tally.encode() != canonical(self.tally):
                self._faults.add("rewritten", witness.name, "the tally of its entry is not the one it was signed over")

    def _mark_destroyed(self, payload: Mapping[str, Any], where: str) -> None:
        try:
            ranges = [self._range(*named) for named in payload["destroyed"]]
        except (ValueError, LookupError, TypeError):
            self._faults.add("payload", where, "it names leaves that do not exist")
            return
        for leaf in chain.from_iterable(ranges):
            self._marks[leaf] |= _DESTROYED

    def _range(self, seq: int, first: int, last: int) -> range:
        """The positions of an entry's leaves from `first` to `last`."""
        _, start, end = self._find(seq)
        if not start <= start + first <= start + last < end:
            raise ValueError
        return range(start + first, start + last + 1)

    def _find(self, seq: int) -> tuple[int, int, int]:
        """The position of an entry and where its leaves begin and end; -1 and nowhere where there is none."""
        index = bisect_left(self._seqs, seq)
        if index == len(self._seqs) or self._seqs[index] != seq:
            return -1, 0, 0
        return (
            index,
            self._starts[index],
            self._starts[index + 1] if index + 1 < len(self._starts) else len(self._marks),
        )

    def prove(self, seq: int, leaf_no: int, leaf: bytes, *, before: Sequence[str], after: Sequence[str]) -> bool:
        """Whether this is that leaf of that entry; a leaf is given once.

        `before` and `after` are the numbers of the tally in which its line was and is counted: what it changed of them
        is taken off what the entry says that changed.
        """
        index, start, end = self._find(seq)
        if index < 0:
            return False
        for cell in before:
            self._explain(index, cell, -1)
        for cell in after:
            self._explain(index, cell, 1)
        position = start + leaf_no
        if not start <= position < end or self._marks[position] & _SEEN:
            return False
        if self._hashes[position * HASH_BYTES : (position + 1) * HASH_BYTES] != leaf:
            return False
        self._marks[position] |= _SEEN
        return True

    def _explain(self, index: int, cell: str, change: int) -> None:
        moves = self._moves[cell]
        if len(moves) < len(self._seqs):
            moves.extend([0] * (len(self._seqs) - len(moves)))
        moves[index] -= change

    @property
    def destroyed(self) -> int:
        """How many leaves' rows retention has destroyed."""
        return sum(mark >> 1 for mark in self._marks)

    def finish(self) -> None:
        """After all entries and findings: what is missing, and whose tally does not follow from its findings."""
        for witness in sorted(self._witnesses):
            for late in self._witnesses[witness]:
                self._faults.add("shortened", late.name, f"it saw {late.checkpoint.size} entries, there are {self.seq}")
        for seq in self._seqs:
            self._finish_entry(seq)

    def _finish_entry(self, seq: int) -> None:
        index, start, end = self._find(seq)
        marks = self._marks[start:end]
        whole = marks.count(_SEEN) == len(marks)
        for leaf_no, mark in enumerate(() if whole else marks):
            if mark in (0, _SEEN | _DESTROYED):
                says = "no finding belongs to it" if not mark else "its finding should have been destroyed"
                self._faults.add("leaf", f"entry {seq}, leaf {leaf_no}", says)
        replayable = whole or not any(mark & _DESTROYED for mark in marks)
        if replayable and any(index < len(moves) and moves[index] for moves in self._moves.values()):
            self._faults.add(
                "tally", f"entry {seq}", "its tally does not follow from its findings and the entry before"
            )


def _cells(tally: Mapping[str, Any]) -> dict[str, int]:
    numbers = {cell: tally[cell] for cell in ("received", "valid", "invalid", "review", "unsettled")}
    return numbers | {f"invalid:{reason}": count for reason, count in tally["by_reason"].items()}


class StoredLine(NamedTuple):
    """Where the row of a line says that it stands."""

    status: str
    reason: str | None
    voter_id: str | None
    settled: bool
    version: int
    roll_version: int | None
    confirmed_by: list[str]
    mismatch_by: list[str]


class Replay:
    """Takes every finding with, if it is its line's last, the line; ordered by place and number."""

    def __init__(self, chain: Chain, faults: Faults, revisions: Mapping[Place, set[bytes]]) -> None:
        """Replay against a chain that has its entries. `revisions`: what clerks wrote in place of a reading."""
        self._chain, self._faults, self._revisions = chain, faults, revisions
        self._place: Place | None = None
        self._number = self._version = 0
        self._cells: tuple[str, ...] = ()
        self._stood = True  # the last finding had its line beside it
        self.findings = self.lines = 0

    def take(self, finding: StoredFinding, line: StoredLine | None, written: bytes | None) -> None:
        """The next finding; `written` is the hash of what the station read at its place."""
        if finding.place != self._place:
            self.finish()
            self._place, self._number, self._version, self._cells = finding.place, 0, 0, ()
        where = f"line {finding.place}, finding {finding.finding_no}"
        if finding.finding_no != self._number + 1 or finding.version <= self._version:
            self._faults.add("finding_order", where, f"finding {self._number + 1} is expected here, of a later entry")
        self._number, self._version = finding.finding_no, finding.version
        self.findings += 1
        content = _content(finding.content)
        after = cells(content.get("status", ""), content.get("reason"), settled=bool(content.get("settled")))
        leaf = leaf_hash(finding.salt, finding.content.encode())
        if not self._chain.prove(finding.version, finding.leaf_no, leaf, before=self._cells, after=after):
            says = f"it is not what leaf {finding.leaf_no} of entry {finding.version} was made from"
            self._faults.add("finding", where, says)
        self._cells = after
        self._check_content(finding, content, written, where)
        self._stood = line is not None
        if line is not None:
            self.lines += 1
            if line != _standing(content, finding.version):
                self._faults.add("line", f"line {finding.place}", "it does not stand where its last finding put it")

    def _check_content(
        self, finding: StoredFinding, content: Mapping[str, Any], written: bytes | None, where: str
    ) -> None:
        if (content.get("place"), content.get("finding_no")) != (str(finding.place), finding.finding_no):
            self._faults.add("finding", where, "its content is of another place or number")
        decided_on = content.get("writing_sha256")
        known = self._revisions.get(finding.place, ())
        if decided_on and written and decided_on not in {digest.hex() for digest in (written, *known)}:
            self._faults.add("writing", f"line {finding.place}", "what stands there is not what was decided on")

    def finish(self) -> None:
        """After the last finding of a line."""
        if not self._stood:
            self._faults.add("line", f"line {self._place}", "it has findings, and no row that says where it stands")
        self._stood = True


@lru_cache(maxsize=256)
def cells(status: str, reason: str | None, *, settled: bool) -> tuple[str, ...]:
    """The numbers of the tally in which a line of this standing is counted."""
    by_reason = (f"invalid:{reason}",) if status == "invalid" else ()
    return (status, *by_reason, *(() if settled else ("unsettled",)))


def _content(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(content, dict):
        return {}
    known = isinstance(content.get("status"), str) and isinstance(content.get("reason"), str | None)
    return content if known else {}


def _standing(content: Mapping[str, Any], version: int) -> StoredLine:
    said = content.get
    return StoredLine(
        said("status", ""),
        said("reason"),
        said("voter_id"),
        bool(said("settled")),
        version,
        said("roll_version"),
        said("confirmed_by", []),
        said("mismatch_by", []),
    )
