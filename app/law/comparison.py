"""Comparing a signature with those on file (2 CCR 20960)."""

from collections.abc import Collection

from app.errors import FindingRefusedError
from app.law.line import Place
from app.law.review import MISMATCH, PersonFinding


def check_on_file(said: PersonFinding, on_file: Collection[str]) -> None:
    """Raise FindingRefusedError if a person says to have compared a signature, and not with all on file or with none.

    A signature is rejected only where it differs from all on file: where there is none the line is held, and neither
    rejected nor found to match (2 CCR 20960).
    """
    if not on_file and (said.compares or said.outcome == MISMATCH):
        raise FindingRefusedError("no signature of this voter is on file to compare with: the line is held")
    if said.comparison and set(said.comparison.references) != set(on_file):
        raise FindingRefusedError("references must be all signatures of the voter on file, as shown, and no other")


def check_shown(place: Place, on_file: Collection[str], shown: Collection[Collection[str]]) -> None:
    """Raise FindingRefusedError unless all signatures on file were shown to the person beside the line at once.

    Args:
        place: of the line.
        on_file: the signatures of its voter.
        shown: those that were shown to the person, each time.
    """
    if not any(set(on_file) == set(one) for one in shown):
        raise FindingRefusedError(
            f"line {place}: not all signatures on file were shown to you: open the page of comparisons first"
        )
