"""One line of a petition: what is written on it, how it is decided, and which of a voter's lines counts."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple

from app.law.reasons import VALID, Outcome
from app.law.ruleset import Ruleset

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


class NameParts(NamedTuple):
    """A name that the station read in parts; each may be ''."""

    first: str = ""
    middle: str = ""
    last: str = ""
    suffix: str = ""


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

    @property
    def name_parts(self) -> str | None:
        """The parts of the name in their order, as they are stored."""
        return json.dumps(self.name, ensure_ascii=False, separators=(",", ":")) if self.name else None

    def fingerprint(self) -> bytes:
        """SHA-256 of the whole text: two submissions of a place say the same if theirs are equal."""
        texts = (self.printed_name, self.name_parts, self.residence_address, self.city, self.zip)
        parts = (*texts, self.signed, self.image_sha256)
        return sha256(json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()).digest()


class Signature(NamedTuple):
    """One signature: its place on paper, the text there, and the text's fingerprint."""

    place: Place
    writing: Writing
    sha256: bytes

    @classmethod
    def at(cls, place: Place, writing: Writing) -> "Signature":
        """The signature at a place."""
        return cls(place, writing, writing.fingerprint())


@dataclass(frozen=True, slots=True)
class Line:
    """A place, and how it is decided now."""

    place: Place
    outcome: Outcome
    voter_id: str | None = None
    settled: bool = False  # every confirmation that the ruleset asks for has been given
    finding_no: int = 0
    confirmed_by: tuple[str, ...] = ()  # the people who agree with the current finding
    mismatch_by: tuple[str, ...] = ()  # the people who found a signature mismatch, while they are too few
    roll_version: int | None = None
    station: str = ""
    version: int = 0  # the tally's, when the line was last decided
    aliases_version: int = 0  # under which a machine last read the line

    @property
    def by_itself(self) -> Outcome:
        """The outcome before the voter's other lines are considered: `valid` where only the slot says otherwise."""
        return VALID if self.outcome.eligible else self.outcome


@dataclass(frozen=True, slots=True)
class Finding:
    """What a machine or a person finds on one line by itself, before the voter's other lines are considered.

    `valid` means eligible: the line passes every rule but the last (EC 105(b)).
    """

    place: Place
    outcome: Outcome
    voter_id: str | None = None
    registration_no: int | None = None
    reason_open: bool = False  # invalid for certain, but a person must still choose the reason
    secondary: tuple[str, ...] = ()  # the other rules that fail
    evidence: str | None = None  # canonical JSON
    roll_version: int | None = None
    aliases_version: int = 0  # of the county's aliases under which the line was read; 0: none
    decided_by: str = "machine"  # or the person's name
    person: bool = False
    note: str = ""
    confirmed_by: tuple[str, ...] = ()  # the people who agree
    mismatch_by: tuple[str, ...] = ()  # the people who say that the signature does not match, while they are too few
    writing_sha256: bytes = b""  # of the text it was decided on; empty where only the slot's decision changed
    before: Line | None = None  # the line as it was read; None: it is new
    station: str = ""  # that read a new line
    counted_place: Place | None = None  # set by the count, of a duplicate: the line of the same voter that counts


def restated(line: Line) -> Finding:
    """The finding that repeats what holds of a line by itself, for when its voter's slot is decided again."""
    return Finding(
        line.place,
        line.by_itself,
        line.voter_id,
        roll_version=line.roll_version,
        aliases_version=line.aliases_version,
        confirmed_by=line.confirmed_by,
        mismatch_by=line.mismatch_by,
        before=line,
    )


def line_after(finding: Finding, by_slot: Outcome | None, ruleset: Ruleset) -> Line:
    """The line as a finding leaves it; `by_slot` is what the voter's slot says of it if it is eligible.

    It is settled when enough different people agree and no opinion on the signature is pending.
    """
    outcome = by_slot if by_slot and finding.outcome == VALID else finding.outcome
    confirmed = outcome.status in ("valid", "invalid") and len(finding.confirmed_by) >= ruleset.people_needed(outcome)
    before = finding.before
    return Line(
        finding.place,
        outcome,
        finding.voter_id,
        settled=confirmed and not finding.mismatch_by and not finding.reason_open,
        finding_no=before.finding_no + 1 if before else 1,
        confirmed_by=finding.confirmed_by,
        mismatch_by=finding.mismatch_by,
        roll_version=finding.roll_version,
        station=before.station if before else finding.station,
        aliases_version=finding.aliases_version,
    )


def outcomes_by_slot(eligible: Mapping[str, Iterable[Place]], withdrawn: frozenset[str]) -> dict[Place, Outcome]:
    """What the voters' slots make of their eligible lines.

    Of a voter's eligible lines the lowest place counts, the others are duplicates (EC 105(b)). If the voter withdrew,
    none counts, not even one signed later (EC 11303; Carson Citizens v. Kawagoe). This is a function of the set: the
    order of arrival cannot matter.
    """
    result: dict[Place, Outcome] = {}
    for voter_id, places in eligible.items():
        lowest, *others = sorted(set(places))
        gone = Outcome("invalid", "withdrawn") if voter_id in withdrawn else None
        result[lowest] = gone or VALID
        result.update(dict.fromkeys(others, gone or Outcome("invalid", "duplicate")))
    return result
