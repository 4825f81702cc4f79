"""Replaying the findings against the ledger, line by line in the paper's order, and against where the lines stand."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from app.domain.chain import Chain, Faults
from app.domain.ledger import leaf_hash
from app.domain.signature import Place


class StoredFinding(NamedTuple):
    """A finding as it is stored."""

    place: Place
    finding_no: int
    version: int
    leaf_no: int
    salt: bytes
    content: str


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
