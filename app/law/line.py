"""One line of a petition: what is written on it, its status, and which of a voter's lines counts."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple

from app.law.reasons import COUNTED_LATER, Reason, ReviewCause, Status
from app.law.ruleset import Ruleset
from app.law.tally import LineState

LARGEST_NUMBER: Final = 999_999_999
"""Of a section, page or line: more than any paper has, and less than the columns hold."""


class Place(NamedTuple):
    """The identity of one signature on paper; its order is the paper's order."""

    section: int
    page: int
    line: int

    def __str__(self) -> str:
        """`section-page-line`, as in `12-3-4`."""
        return f"{self.section}-{self.page}-{self.line}"


@dataclass(frozen=True, slots=True)
class NameParts:
    """A name that the station read in parts; each may be ''."""

    first: str = ""
    middle: str = ""
    last: str = ""
    suffix: str = ""

    def as_json(self) -> str:
        """The parts in their order, as they are stored."""
        return json.dumps((self.first, self.middle, self.last, self.suffix), ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Writing:
    """The text of a line as the station read it. Every part may be '': an empty field is a fact about the paper."""

    printed_name: str
    residence_address: str
    city: str
    zip: str
    name: NameParts | None = None  # given instead of printed_name by stations that read the name in parts
    signed: bool = True
    image_sha256: str | None = None

    def fingerprint(self) -> bytes:
        """SHA-256 over the whole writing: what decides whether two submissions of a place say the same."""
        name = self.name.as_json() if self.name else None
        parts = (self.printed_name, name, self.residence_address, self.city, self.zip, self.signed, self.image_sha256)
        return sha256(json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()).digest()


@dataclass(frozen=True, slots=True)
class Submitted:
    """One line as it was handed in."""

    place: Place
    writing: Writing
    writing_sha256: bytes


@dataclass(frozen=True, slots=True)
class Merits:
    """What is true of a line by itself, before the voter's other lines are considered.

    `valid` means eligible: it passes every rule but the last (EC 105(b)).
    """

    status: Status
    reason: Reason | ReviewCause | None
    voter_id: str | None
    registration_no: int | None = None
    reason_open: bool = False  # invalid for certain, the reason still to be chosen by a person
    secondary: tuple[str, ...] = ()  # the other rules that fail
    evidence: str | None = None  # canonical JSON
    roll_version: int | None = None
    aliases_version: int = 0  # of the county's aliases it was read under; 0: none


@dataclass(frozen=True, slots=True)
class Line:
    """A place and where it stands now."""

    place: Place
    standing: LineState
    finding_no: int = 0
    confirmed_by: tuple[str, ...] = ()  # the people who agree with the current finding
    mismatch_by: tuple[str, ...] = ()  # the people who found a signature mismatch, while they are too few
    roll_version: int | None = None
    station: str = ""
    version: int = 0  # of the tally, when the line came to stand here
    aliases_version: int = 0  # that it was last read under by a machine

    @property
    def eligible(self) -> bool:
        """Whether it passes every rule but the last, so that its voter's slot decides about it."""
        return is_eligible(self.standing.status, self.standing.reason)


def is_eligible(status: str, reason: str | None) -> bool:
    """Whether a line of this standing competes for its voter's slot."""
    return status == "valid" or (status == "invalid" and reason in COUNTED_LATER)


def counted_places(eligible: Mapping[str, Iterable[Place]], withdrawn: frozenset[str]) -> dict[Place, Reason | None]:
    """What each eligible line becomes: None where it counts, else the reason why it does not.

    Of a voter's eligible lines the lowest place counts, the others are duplicates (EC 105(b)); where the voter
    withdrew, none counts, also one signed later (EC 11303; Carson Citizens v. Kawagoe). A function of the set: the
    order of arrival cannot matter.
    """
    result: dict[Place, Reason | None] = {}
    for voter_id, places in eligible.items():
        lowest, *others = sorted(set(places))
        result[lowest] = "withdrawn" if voter_id in withdrawn else None
        result.update(dict.fromkeys(others, "withdrawn" if voter_id in withdrawn else "duplicate"))
    return result


def standing_of(
    merits: Merits,
    outcome: Reason | None,
    confirmed_by: tuple[str, ...],
    mismatch_by: tuple[str, ...],
    ruleset: Ruleset,
) -> LineState:
    """Where a line stands: its merits, and for an eligible one what the slot made of it.

    It is settled when enough different people agree and nobody's view of the signature is pending.
    """
    status, reason = merits.status, merits.reason
    if status == "valid" and outcome is not None:
        status, reason = "invalid", outcome
    enough = status in ("valid", "invalid") and len(confirmed_by) >= ruleset.people_needed(status, reason)
    return LineState(status, reason, merits.voter_id, enough and not mismatch_by and not merits.reason_open)
