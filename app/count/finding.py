"""A finding: a decision on one line, with everything needed to explain and to prove it."""

from dataclasses import dataclass, replace
from typing import Any, Final

from app.law.canonical import canonical_text
from app.law.line import Line, Merits, Place, standing_of
from app.law.reasons import Reason
from app.law.ruleset import Ruleset
from app.law.tally import LineState


@dataclass(frozen=True, slots=True)
class Finding:
    """One decision on one line: the line as it stands afterwards, and where it stood before (None: it is new)."""

    line: Line
    before: LineState | None
    merits: Merits
    decided_by: str  # "machine", or the person's principal
    person: bool
    note: str = ""
    counted_place: Place | None = None  # for a duplicate: the line of the same voter that counts
    writing_sha256: bytes = b""  # of the writing it was decided on; empty where the count alone decided


def displaced(line: Line, outcome: Reason | None, counted: dict[str, Place], ruleset: Ruleset) -> Finding | None:
    """The finding on a line that was not claimed but whose slot now says something else of it; None if it does not."""
    merits = Merits("valid", None, line.standing.voter_id, roll_version=line.roll_version)
    after = standing_of(merits, outcome, line.confirmed_by, line.mismatch_by, ruleset)
    if after == line.standing:
        return None
    return Finding(
        line=replace(line, standing=after, finding_no=line.finding_no + 1),
        before=line.standing,
        merits=merits,
        decided_by="machine",
        person=False,
        counted_place=counted.get(after.voter_id or "") if after.reason == "duplicate" else None,
    )


_NO_EVIDENCE: Final = ',"evidence":null,'
"""A finding without evidence, in canonical JSON. No text in it can look like this: its quotes are escaped."""


def finding_content(finding: Finding, *, ruleset: str, decided_at: str) -> str:
    """The canonical JSON of a finding: what is stored, shown as evidence, and hashed into the ledger.

    The evidence, most of it, is canonical JSON already, and is put in as it is.
    """
    line, merits = finding.line, finding.merits
    content: dict[str, Any] = {
        "place": str(line.place),
        "finding_no": line.finding_no,
        "status": line.standing.status,
        "reason": line.standing.reason,
        "reason_open": merits.reason_open,
        "settled": line.standing.settled,
        "voter_id": line.standing.voter_id,
        "registration_no": merits.registration_no,
        "secondary": merits.secondary,
        "evidence": None,
        "counted_place": str(finding.counted_place) if finding.counted_place else None,
        "confirmed_by": line.confirmed_by,
        "mismatch_by": line.mismatch_by,
        "ruleset": ruleset,
        "roll_version": merits.roll_version,
        "decided_by": finding.decided_by,
        "person": finding.person,
        "decided_at": decided_at,
        "note": finding.note,
        "writing_sha256": finding.writing_sha256.hex() or None,
    }
    text = canonical_text(content)
    return text if merits.evidence is None else text.replace(_NO_EVIDENCE, f',"evidence":{merits.evidence},', 1)
