"""The raw count: the lines with writing on them, frozen by two people before it decides anything (EC 11222)."""

from bisect import bisect_right
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Literal, NamedTuple, Self

from app.access.names import COMMAND_LINE, is_among
from app.errors import RawCountRefusedError
from app.law.line import RawCountStage, canonical_text

ProposalKind = Literal["freeze", "correction"]
"""To freeze the raw count; or to open a frozen one for a correction, until it is frozen again."""


class RawList(NamedTuple):
    """The lines in the raw count: how many, and SHA-256 over their places in paper order, each with a newline."""

    raw: int
    list_hash: bytes


class SectionRange(NamedTuple):
    """Neighboring sections that one note is about; `first` and `last` are among them, and may be the same."""

    first: int
    last: int

    @classmethod
    def stored(cls, text: str) -> Self:
        """The range from its text."""
        first, _, last = text.partition("-")
        return cls(int(first), int(last or first))

    def __str__(self) -> str:
        """`12`, or `12-40`."""
        return f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"


class Proposal(NamedTuple):
    """What one person proposes of the raw count, and another may confirm."""

    proposal_no: int
    kind: ProposalKind
    raw_list: RawList  # as it was when it was proposed
    reason: str
    notes: Mapping[SectionRange, str]  # why the control totals differ; no two ranges have a section in common
    proposed_by: str
    proposed_at: datetime

    def sealed(self) -> str:
        """The canonical JSON of its words, that the ledger's payload hashes."""
        notes = {str(sections): note for sections, note in self.notes.items()}
        return canonical_text({"kind": self.kind, "reason": self.reason, "notes": notes})

    def without_note(self, sections: Collection[int]) -> list[int]:
        """Those of these sections about which there is no note."""
        noted = sorted(one for one, note in self.notes.items() if note.strip())
        firsts = [one.first for one in noted]
        before = ((section, bisect_right(firsts, section) - 1) for section in sorted(sections))
        return [section for section, at in before if at < 0 or noted[at].last < section]


STAGE_AFTER: Mapping[ProposalKind, RawCountStage] = {"freeze": "frozen", "correction": "filed"}


def check_proposal(proposal: Proposal, stage: RawCountStage, differing: Collection[int]) -> None:
    """Raise RawCountRefusedError unless it can be proposed now.

    A freeze needs the filing, and a note for each section whose control totals differ; a correction a frozen raw count
    and a reason.
    """
    if proposal.proposed_by == COMMAND_LINE:
        raise RawCountRefusedError("this takes people: each needs a key of their own")
    check_stage(proposal.kind, stage)
    if proposal.kind == "correction" and not proposal.reason.strip():
        raise RawCountRefusedError("a correction needs a reason")
    _check_notes(proposal, differing)


def _check_notes(proposal: Proposal, differing: Collection[int]) -> None:
    if proposal.kind == "correction":
        return
    if lacking := proposal.without_note(differing):
        first = ", ".join(map(str, lacking[:10]))
        raise RawCountRefusedError(f"the control totals of {len(lacking)} sections differ without a note: {first}")


def check_stage(kind: ProposalKind, stage: RawCountStage) -> None:
    """Raise RawCountRefusedError if the raw count is not where this can be done."""
    if kind == "freeze" and stage != "filed":
        raise RawCountRefusedError("the petition is not filed yet" if stage == "open" else "it is frozen already")
    if kind == "correction" and stage != "frozen":
        raise RawCountRefusedError("the raw count is not frozen: correct it as it is")


def check_confirmation(proposal: Proposal, who: str, now: RawList, differing: Collection[int]) -> None:
    """Raise RawCountRefusedError unless another person confirms what was proposed, and it is still so.

    Args:
        proposal: the newest one.
        who: the person who confirms it.
        now: the raw list.
        differing: the sections whose control totals differ now: struck lines that came in since are not on the list.
    """
    if who == COMMAND_LINE or is_among(who, [proposal.proposed_by]):
        raise RawCountRefusedError("another person than the one who proposed it must confirm it")
    if now != proposal.raw_list:
        raise RawCountRefusedError("lines changed since it was proposed: propose it again")
    _check_notes(proposal, differing)
