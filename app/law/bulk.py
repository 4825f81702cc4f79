"""One finding for many lines at once: what it may say, and by what the state of its lines is known."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from app.errors import FindingRefusedError
from app.law.line import Place
from app.law.review import MISMATCH, PersonFinding

MOST_LINES: Final = 10_000
"""Of one bulk decision."""


def check_bulk(said: PersonFinding) -> None:
    """Raise FindingRefusedError if only a finding on each line by itself may say this.

    A signature is compared line by line (2 CCR 20960(a)), and a valid line has a voter of its own. Everything else that
    a person may find of one line may be found of many, for a reason that is on record.
    """
    if said.outcome.status == "valid" or said.outcome == MISMATCH:
        raise FindingRefusedError("a signature is compared line by line (2 CCR 20960): decide these lines one by one")
    if said.voter_id is not None:
        raise FindingRefusedError("one voter cannot be that of many lines")
    if not said.note.strip():
        raise FindingRefusedError("a bulk decision needs a note that says why")


def state_hash(lines: Iterable[tuple[Place, int]]) -> bytes:
    """SHA-256 over places in paper order, each with the number of its last finding: it changes if one of them does."""
    return sha256("".join(f"{place} {finding_no}\n" for place, finding_no in sorted(lines)).encode()).digest()
