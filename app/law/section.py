"""A section of a petition: what was claimed of it at receipt, its circulator's declaration, and its control totals."""

from datetime import date
from typing import Literal, NamedTuple, get_args

from app.law.line import canonical_text
from app.law.petition import SectionDates, SigningInterval

DeclarationFault = Literal[
    "undeclared", "declaration_missing", "name_missing", "address_missing", "dates_missing", "dates_incomplete",
    "dates_reversed", "dates_outside_window", "dates_clipped", "execution_day_missing", "execution_place_missing",
    "executed_early", "signature_missing", "age_missing",
]  # fmt: skip
"""What is missing, incomplete or contradictory in a circulator's declaration (EC 104)."""

Difference = Literal["unregistered", "missing", "too_many", "beyond_pages"]
"""Where a section's control totals disagree: how its lines differ from what was claimed at receipt."""
DIFFERENCES: tuple[Difference, ...] = get_args(Difference)
DATE_FAULTS: frozenset[DeclarationFault] = frozenset(
    {"dates_missing", "dates_incomplete", "dates_reversed", "dates_outside_window", "dates_clipped"}
)
"""Faults of dates, which a person confirms to be what the paper has."""


DefectStage = Literal["none", "pending", "in_force"]
"""Where a defect of a section stands: more people must confirm it, or all lines of the section are invalid."""

SectionTask = Literal["undeclared", "dates", "defect", "totals"]
"""What a person must still do about a section before the count can end."""


class ReceivedSection(NamedTuple):
    """A section as it was received: its pages and lines, and the declaration on it; what the paper lacks is empty."""

    section: int
    pages: int
    lines: int  # also blank and struck ones
    circulator_name: str = ""
    circulator_address: str = ""
    signed_from: date | None = None
    signed_to: date | None = None
    executed_on: date | None = None
    executed_at: str = ""  # the place
    circulator_signed: bool = False
    circulator_of_age: bool = False  # the circulator declares to be 18 or older
    declared: bool = False  # whether the declaration was entered; it may be entered later

    @property
    def dates(self) -> SectionDates:
        """Between which days the circulator declares that it was signed."""
        return SectionDates(self.signed_from, self.signed_to)

    def sealed(self) -> str:
        """The canonical JSON that the ledger's payload hashes."""
        plain = {n: v.isoformat() if isinstance(v, date) else v for n, v in self._asdict().items()}
        return canonical_text(plain)


def declaration_faults(
    said: ReceivedSection | None, dates: SectionDates | None, window: SigningInterval
) -> list[DeclarationFault]:
    """What a person must look at (EC 104): of the dates as they hold now, and of the rest as it was registered.

    Args:
        said: as it was registered; None: only the dates were declared, or nothing.
        dates: the newest; None: none were declared, and the window's stand in for them.
        window: in which the petition may be signed.
    """
    if dates is None:
        return ["undeclared"]
    if said is None or not said.declared:
        return date_faults(dates, window)
    if not any((*said[3:-1], *dates)):
        return ["declaration_missing"]
    return [*_missing(said), *date_faults(dates, window), *_early(said, dates)]


def _missing(said: ReceivedSection) -> list[DeclarationFault]:
    parts: dict[DeclarationFault, object] = {
        "name_missing": said.circulator_name.strip(),
        "address_missing": said.circulator_address.strip(),
        "execution_day_missing": said.executed_on,
        "execution_place_missing": said.executed_at.strip(),
        "signature_missing": said.circulator_signed,
        "age_missing": said.circulator_of_age,
    }
    return [fault for fault, part in parts.items() if not part]


def date_faults(dates: SectionDates, window: SigningInterval) -> list[DeclarationFault]:
    """What is wrong with the dates between which a section was signed; `dates_clipped`: partly outside the window."""
    start, end = dates
    if start is None or end is None:
        return ["dates_missing" if start is end else "dates_incomplete"]
    if end < start:
        return ["dates_reversed"]
    if end < window.start or start > window.end:
        return ["dates_outside_window"]
    return ["dates_clipped"] if start < window.start or end > window.end else []


def section_tasks(
    dates: SectionDates | None,
    window: SigningInterval,
    totals: "Totals",
    *,
    confirmed: bool,
    defect: DefectStage = "none",
) -> list[SectionTask]:
    """What a person must still do about a section. A defect in force decides its lines, whatever its dates are.

    Args:
        dates: that were declared; None: none were, and the window's stand in for them until they are.
        window: in which the petition may be signed.
        totals: of the section.
        confirmed: whether a person confirmed that the paper has these dates.
        defect: of the section; `pending` while more people must confirm it.
    """
    tasks: dict[SectionTask, bool] = {
        "undeclared": dates is None and totals.seen > 0 and defect != "in_force",
        "dates": dates is not None and not confirmed and bool(date_faults(dates, window)) and defect != "in_force",
        "defect": defect == "pending",
        "totals": bool(totals.differences),
    }
    return [task for task, is_open in tasks.items() if is_open]


def _early(said: ReceivedSection, dates: SectionDates) -> list[DeclarationFault]:
    """A declaration that was executed before the last date cannot speak of it (EC 104)."""
    early = said.executed_on and dates.signed_to and said.executed_on < dates.signed_to
    return ["executed_early"] if early else []


class Totals(NamedTuple):
    """Control totals: what was claimed at receipt (0 of a section that was not registered), and what was scanned."""

    pages: int = 0
    claimed: int = 0
    seen: int = 0  # every place, also blank and struck lines
    blank: int = 0
    struck: int = 0
    missing: int = 0
    too_many: int = 0
    beyond_pages: int = 0  # lines on pages after the last one that was claimed
    unregistered: int = 0  # lines of sections that were not registered

    def __add__(self, other: tuple[int, ...]) -> "Totals":  # type: ignore[override]  # sums, and no longer tuple
        """The totals of both, section by section: one section's surplus never hides another's gap."""
        return Totals._make(map(sum, zip(self, other, strict=True)))

    @property
    def differences(self) -> list[Difference]:
        """In what it disagrees."""
        return [difference for difference in DIFFERENCES if getattr(self, difference)]


def totals_of(registered: tuple[int, int] | None, seen: int, blank: int, struck: int, beyond_pages: int) -> Totals:
    """The control totals of one section.

    Args:
        registered: the pages and lines that were claimed; None: it was not registered.
        seen: lines scanned.
        blank: of these.
        struck: of these.
        beyond_pages: of these, on later pages than were claimed.
    """
    if registered is None:
        return Totals(seen=seen, blank=blank, struck=struck, unregistered=seen)
    pages, claimed = registered
    missing, too_many = max(claimed - seen, 0), max(seen - claimed, 0)
    return Totals(pages, claimed, seen, blank, struck, missing, too_many, beyond_pages)
