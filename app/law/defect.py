"""A section's defect (EC 104): one act of people for all its lines, also those to come, and taken back as one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

from app.access.names import COMMAND_LINE, is_among
from app.errors import SectionDefectRefusedError
from app.law.line import Finding, canonical_text
from app.law.reasons import NOT_RAW, Outcome
from app.law.section import DefectStage

DefectCode = Literal[
    "declaration_missing", "name_missing", "address_missing", "dates_missing", "dates_incomplete", "dates_reversed",
    "dates_outside_window", "execution_day_missing", "execution_place_missing", "executed_early", "signature_missing",
    "age_missing", "other",
]  # fmt: skip
"""What makes a circulator's declaration defective (EC 104); `other` needs a note."""

DefectActKind = Literal["found", "confirmed", "taken_back"]

SECTION_DEFECT: Final = Outcome("invalid", "section_defect")


class Defect(NamedTuple):
    """A section's defect, as its lines need it."""

    section: int
    act_no: int  # of its newest act
    codes: tuple[DefectCode, ...]
    people: tuple[str, ...]  # who found and confirmed it
    in_force_from: int | None = None  # the tally's version; None: too few people confirmed it, or it was taken back

    @property
    def words(self) -> str:
        """The note on each of its lines."""
        return f"section {self.section} is defective, act {self.act_no}: {', '.join(self.codes)}"


class DefectAct(NamedTuple):
    """One act about a section's defect. The newest one says all that holds."""

    defect: Defect
    kind: DefectActKind
    note: str
    acted_by: str
    acted_at: datetime

    @property
    def stage(self) -> DefectStage:
        """Where the defect stands after it."""
        if self.kind == "taken_back":
            return "none"
        return "pending" if self.defect.in_force_from is None else "in_force"

    def sealed(self) -> str:
        """The canonical JSON that the ledger's payload hashes."""
        said = self._asdict() | self.defect._asdict() | {"acted_at": self.acted_at.isoformat()}
        return canonical_text({name: said[name] for name in said if name not in ("defect", "in_force_from")})


def defect_found(last: DefectAct | None, new: DefectAct) -> DefectAct:
    """The act that begins a defect, numbered.

    Raises SectionDefectRefusedError if it is no person's, does not say what is defective, or a defect was found before.
    """
    _check_person(new.acted_by)
    if last and last.kind != "taken_back":
        raise SectionDefectRefusedError("a defect of this section was found already: confirm it or take it back")
    if not new.defect.codes or ("other" in new.defect.codes and not new.note.strip()):
        raise SectionDefectRefusedError("say what is defective by its codes, and in the note what `other` means")
    return new._replace(defect=new.defect._replace(act_no=last.defect.act_no + 1 if last else 1))


def defect_confirmed(last: DefectAct | None, needed: int, *, by: str, now: datetime) -> DefectAct:
    """Another person's agreement. Raises SectionDefectRefusedError if it is not needed, or the same person's.

    Args:
        last: the newest act.
        needed: how many people the ruleset asks for.
        by: the person.
        now: goes on record.
    """
    _check_person(by)
    if last is None or last.kind == "taken_back":
        raise SectionDefectRefusedError("no defect of this section was found")
    if is_among(by, last.defect.people):
        raise SectionDefectRefusedError("another person than those who found it must confirm it")
    if last.defect.in_force_from is not None and len(last.defect.people) >= needed:
        raise SectionDefectRefusedError("enough people have confirmed it")
    defect = last.defect._replace(act_no=last.defect.act_no + 1, people=(*last.defect.people, by))
    return last._replace(defect=defect, kind="confirmed", note="", acted_by=by, acted_at=now)


def defect_taken_back(last: DefectAct | None, *, by: str, note: str, now: datetime) -> DefectAct:
    """The end of a defect. Raises SectionDefectRefusedError if there is none, it is no person's act or has no reason.

    Args:
        last: the newest act.
        by: the supervisor.
        note: why.
        now: goes on record.
    """
    _check_person(by)
    if last is None or last.kind == "taken_back":
        raise SectionDefectRefusedError("no defect of this section was found")
    if not note.strip():
        raise SectionDefectRefusedError("say in the note why it is taken back")
    defect = last.defect._replace(act_no=last.defect.act_no + 1, in_force_from=None)
    return DefectAct(defect, "taken_back", note, by, now)


def _check_person(who: str) -> None:
    if who == COMMAND_LINE:
        raise SectionDefectRefusedError("this takes people: each needs a key of their own")


def under_defect(finding: Finding, defect: Defect | None) -> Finding:
    """What a defect of its section makes of a finding on a line: invalid, with what else fails as secondary.

    A line that a person rejected for another reason keeps that reason, and the defect is its secondary one.
    """
    status, reason = finding.outcome
    if defect is None or status in NOT_RAW:
        return finding
    by_act = finding._replace(decided_by=defect.people[-1], person=True, note=defect.words)
    if status == "invalid" and finding.confirmed_by and finding.outcome != SECTION_DEFECT:
        return by_act._replace(secondary=tuple(dict.fromkeys(("section_defect", *finding.secondary))))
    failing = dict.fromkeys((*([reason] if status == "invalid" and reason else []), *finding.secondary))
    secondary = tuple(code for code in failing if code != "section_defect")
    return by_act._replace(
        outcome=SECTION_DEFECT, reason_open=False, secondary=secondary, confirmed_by=defect.people, mismatch_by=(),
        against_data=False, uncompared=False, looked_at=None, held=False,
    )  # fmt: skip


def without_defect(kept: Finding, secondary: Sequence[str], end: DefectAct) -> Finding:
    """The finding on a line that `kept` a reason of its own, once the defect of its section was taken back."""
    others = tuple(code for code in secondary if code != "section_defect")
    words = f"the defect of section {end.defect.section} was taken back, act {end.defect.act_no}"
    return kept._replace(secondary=others, decided_by=end.acted_by, person=True, note=words)
