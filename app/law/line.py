"""One line of a petition: its text, its findings under a ruleset, which of a voter's lines counts, and the tally."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, Self

from app.law.reasons import VALID, Outcome
from app.law.ruleset import Ruleset
from app.law.signatures import SignatureComparison

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


_WRITTEN: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
TEXT_COLUMNS: Final = (
    "printed_name, residence_address, city, zip, name_parts, signed, image_sha256, struck, writing_sha256"
)
"""The columns of a stored text, for `Signature.stored`."""


LineKind = Literal["written", "unsigned", "struck", "blank"]
"""What stands on a line. Struck and blank ones hold their place and are not in the raw count (2 CCR 20520, 20931)."""


class Signature(NamedTuple):
    """The text of a line as the station read it. Every part may be '': an empty field is a fact about the paper."""

    printed_name: str
    residence_address: str
    city: str
    zip: str
    name: tuple[str, str, str, str] | None = None  # for printed_name: first, middle, last, suffix; each may be ''
    signed: bool = True
    image_sha256: str | None = None
    struck: bool = False
    sha256: bytes = b""  # the text's fingerprint, and
    place: Place = Place(0, 0, 0)  # where it is written: both only of a signature that is submitted or stored

    @classmethod
    def stored(cls, place: Iterable[int], text: Sequence[Any]) -> Self:
        """The signature at a place, from the values of `TEXT_COLUMNS`."""
        *written, name_parts, signed, image, struck, fingerprint = text
        name = tuple(json.loads(name_parts)) if name_parts else None
        return cls._make((*written, name, signed, image, struck, fingerprint, Place(*place)))

    def at(self, place: Place) -> "Signature":
        """The text at a place, with its fingerprint."""
        return self._replace(place=place, sha256=self.fingerprint())

    @property
    def kind(self) -> LineKind:
        """What stands on the line. Without any text and signature it is blank, whatever else was said of it."""
        if self.struck:
            return "struck"
        if self.signed:
            return "written"
        return "unsigned" if any(map(str.strip, (*self[:4], *(self.name or ())))) else "blank"

    @property
    def name_parts(self) -> str | None:
        """The parts of the name in their order, as they are stored."""
        return _WRITTEN.encode(self.name) if self.name else None

    def to_store(self) -> tuple[object, ...]:
        """The values of `TEXT_COLUMNS`."""
        return (*self[:4], self.name_parts, *self[5:9])

    def fingerprint(self) -> bytes:
        """SHA-256 of the whole text: two submissions of a place say the same if theirs are equal."""
        struck = ("struck",) if self.struck else ()  # earlier texts, none of them struck, keep their fingerprints
        parts = (self.printed_name, self.name_parts, *self[1:4], self.signed, self.image_sha256, *struck)
        return sha256(_WRITTEN.encode(parts).encode()).digest()


class Line(NamedTuple):
    """A place, and how it is decided now."""

    place: Place
    outcome: Outcome
    voter_id: str | None = None
    settled: bool = False  # every confirmation that the ruleset asks for has been given
    finding_no: int = 0
    roll_version: int | None = None
    station: str = ""
    version: int = 0  # the tally's, when the line was last decided
    aliases_version: int = 0  # under which a machine last read the line
    confirmed_by: tuple[str, ...] = ()  # the people who agree with the current finding
    mismatch_by: tuple[str, ...] = ()  # the people who found a signature mismatch, while they are too few
    against_data: bool = False  # people found what the data contradict: one person is too few to settle it
    uncompared: bool = False  # people found whose line it is, and none of them said that the signature was compared

    @property
    def by_itself(self) -> Outcome:
        """The outcome before the voter's other lines are considered: `valid` where only the slot says otherwise."""
        return VALID if self.outcome.eligible else self.outcome


Basis = tuple[int | None, int, int, int | None]
"""The versions that an examination rests on: of the roll in use, sections' dates, aliases, and the newest roll."""


LookedAt = Literal["line", "signature", "both"]
"""What a person looked at: whose line it is, the signature beside those on file, or both."""


class Finding(NamedTuple):
    """What is found on one line by itself, before its voter's others: `valid` means every rule but EC 105(b) holds."""

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
    against_data: bool = False  # as of a line
    uncompared: bool = False
    looked_at: LookedAt | None = None  # by the person who found it
    searches: tuple[str, ...] = ()  # by name and by address, that a person's `not_registered` rests on
    comparison: SignatureComparison | None = None  # that a mismatch rests on
    by_data: tuple[Outcome, str | None] | None = None  # what an examination found that left people's finding in place
    writing_sha256: bytes = b""  # of the text it was decided on; empty where only the slot's decision changed
    before: Line | None = None  # the line as it was read; None: it is new
    station: str = ""  # that read a new line
    counted_place: Place | None = None  # set by the count, of a duplicate: the line of the same voter that counts
    basis: Basis | None = None  # that it rests on
    held: bool = False  # a confidential voter may have signed, so that the officer must look at it (EC 2166)


_KEPT: Final = ("roll_version", "aliases_version", "confirmed_by", "mismatch_by", "against_data", "uncompared")


def restated(line: Line) -> Finding:
    """The finding that repeats what holds of a line by itself, for when its voter's slot is decided again."""
    kept = {name: getattr(line, name) for name in _KEPT}
    return Finding(line.place, line.by_itself, line.voter_id, before=line, **kept)


def line_after(finding: Finding, by_slot: Outcome | None, ruleset: Ruleset) -> Line:
    """The line as a finding leaves it; `by_slot` is what the voter's slot says of it if it is eligible."""
    outcome = by_slot if by_slot and finding.outcome == VALID else finding.outcome
    needed = ruleset.people_needed(outcome, against_data=finding.against_data)
    confirmed = outcome.status not in ("received", "review") and len(finding.confirmed_by) >= needed
    to_compare = finding.uncompared and ruleset.compares(outcome)
    before = finding.before
    return Line(
        finding.place,
        outcome,
        finding.voter_id,
        settled=confirmed and not (finding.mismatch_by or finding.reason_open or to_compare),
        finding_no=before.finding_no + 1 if before else 1,
        roll_version=finding.roll_version,
        station=before.station if before else finding.station,
        aliases_version=finding.aliases_version,
        confirmed_by=finding.confirmed_by,
        mismatch_by=finding.mismatch_by,
        against_data=finding.against_data,
        uncompared=finding.uncompared,
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


class Counts(NamedTuple):
    """How many lines stand where. raw = received + valid + invalid + review, always; blank and struck are apart."""

    received: int = 0
    valid: int = 0
    invalid: int = 0
    review: int = 0
    unsettled: int = 0
    unsettled_valid: int = 0  # of `unsettled`; those in review or received are unsettled as well
    blank: int = 0
    struck: int = 0
    by_reason: Mapping[str, int] = MappingProxyType({})  # reason code -> invalid lines; only what is not 0

    @property
    def raw(self) -> int:
        """All lines with writing on them (2 CCR 20520, 20931)."""
        return self.received + self.valid + self.invalid + self.review

    @property
    def unsettled_invalid(self) -> int:
        """Invalid lines that people must still confirm."""
        return self.unsettled - self.unsettled_valid - self.received - self.review

    @property
    def at_least(self) -> int:
        """The valid lines if everything that is open fails."""
        return self.valid - self.unsettled_valid

    @property
    def at_most(self) -> int:
        """The valid lines if everything that is open proves good.

        A valid line that is open may prove another voter's, and then a settled duplicate of its voter counts beside it.
        """
        settled_duplicates = min(self.by_reason.get("duplicate", 0), self.invalid - self.unsettled_invalid)
        freed = min(self.unsettled_valid, settled_duplicates)
        return self.valid + self.unsettled_invalid + self.received + self.review + freed

    def as_json(self) -> dict[str, object]:
        """The counts as the ledger's payload and the tally's history hold them; blank and struck if there are any."""
        shown = {name: count for name, count in self._asdict().items() if count or name not in _WITHOUT_ZEROS}
        del shown["unsettled_valid"]  # which follows from the lines
        return {"raw": self.raw, **shown, "by_reason": dict(self.by_reason)}

    def moved(self, changes: Iterable[tuple[Line | None, Line]], times: int = 1) -> "Counts":
        """The counts after lines changed from what they were (None: they are new), each as many `times`."""
        numbers, reasons = self._asdict(), dict(self.by_reason)
        for before, after in changes:
            for line, step in ((before, -times), (after, times)):
                if line is None:
                    continue
                status, reason = line.outcome
                numbers[status] += step
                if not line.settled:
                    numbers["unsettled"] += step
                    numbers["unsettled_valid"] += step if status == "valid" else 0
                if status == "invalid" and reason:
                    reasons[reason] = reasons.get(reason, 0) + step
        by_reason = {code: count for code, count in sorted(reasons.items()) if count}
        return Counts(**{**numbers, "by_reason": by_reason})


_WITHOUT_ZEROS: Final = ("blank", "struck")  # so that entries from before these were counted say the same
HEAD_COLUMNS: Final = (
    f"version, as_of, state, hash, raw_count, unscanned, ruleset_in_force, {', '.join(Counts._fields)}"
)
RawCountStage = Literal["open", "filed", "frozen"]
"""Open: sections are registered. Filed: their registration has ended (EC 11222(b)). Frozen: no place can be added."""


class Tally(NamedTuple):
    """The count after one version: the petition's head row."""

    version: int
    as_of: datetime
    state: str  # open, closed
    counts: Counts
    hash: bytes = b""  # of the ledger entry of this version
    raw_count: RawCountStage = "open"
    claimed: int = 0  # lines that sections claim beyond what was scanned of each
    ruleset: str = ""  # the name of the one in force

    @classmethod
    def stored(cls, row: Sequence[Any]) -> Self:
        """The tally from the values of `HEAD_COLUMNS`."""
        version, as_of, state, digest, raw_count, claimed, ruleset, *numbers, by_reason = row
        counts = Counts._make((*numbers, json.loads(by_reason)))
        return cls(version, as_of, state, counts, digest, raw_count, claimed, ruleset)

    @property
    def is_final(self) -> bool:
        """Whether no line can be added any more."""
        return self.raw_count == "frozen" or self.state == "closed"

    @property
    def unscanned(self) -> int:
        """Lines that were claimed at receipt and may still be scanned."""
        return 0 if self.is_final else self.claimed

    @property
    def at_most(self) -> int:
        """The valid lines if everything that is open proves good, and each line that was claimed as well."""
        return self.counts.at_most + self.unscanned


def rate(part: int, whole: int) -> float | None:
    """`part / whole` to four decimals, halves up; None where there is no whole."""
    if not whole:
        return None
    return float((Decimal(part) / Decimal(whole)).quantize(Decimal("0.0001"), ROUND_HALF_UP))


Outlook = Literal["sufficient", "insufficient", "undecided"]


def outlook(tally: Tally, required: int) -> Outlook:
    """The result that is certain whatever becomes of what is open: lines in review, unsettled, or not yet scanned.

    Until the filing more sections may come, and fewer lines than are required make a petition insufficient on its face
    only once the raw count is frozen (EC 11222).
    """
    if tally.counts.at_least >= required:
        return "sufficient"
    enough_lines = tally.raw_count == "filed" and tally.counts.raw + tally.unscanned >= required
    known = tally.is_final or enough_lines
    return "insufficient" if known and tally.at_most < required else "undecided"


# Not checked for values that contain themselves, which are never made: that takes a quarter of the time.
_CANONICAL = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
)


def canonical(value: Any) -> bytes:  # noqa: ANN401  # any JSON value
    """The one spelling of a JSON value that is hashed: sorted keys, no spaces, UTF-8."""
    return canonical_text(value).encode()


def canonical_text(value: Any) -> str:  # noqa: ANN401  # any JSON value
    """The same as text, to be put into other text."""
    return _CANONICAL.encode(value)
