"""A section's defect (EC 104): who may find, confirm and end it, and what it makes of each finding."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.access.names import COMMAND_LINE
from app.errors import SectionDefectRefusedError
from app.law.defect import (
    SECTION_DEFECT,
    Defect,
    DefectAct,
    defect_confirmed,
    defect_found,
    defect_taken_back,
    under_defect,
    without_defect,
)
from app.law.line import Finding, Line, Place, restated
from app.law.reasons import VALID, Outcome

NOW = datetime(2022, 7, 7, tzinfo=UTC)
PLACE = Place(7, 1, 1)
DEFECT = Defect(7, 2, ("signature_missing",), ("clerk-1", "clerk-2"), 9)
FOUND = DefectAct(DEFECT._replace(act_no=1, people=("clerk-1",), in_force_from=None), "found", "", "clerk-1", NOW)
IN_FORCE = FOUND._replace(defect=DEFECT, kind="confirmed")
ENDED = DefectAct(DEFECT._replace(act_no=3, in_force_from=None), "taken_back", "n", "supervisor-1", NOW)


@pytest.mark.parametrize(
    ("last", "changes", "allowed"),
    [
        (None, {}, True),
        (ENDED, {}, True),
        (FOUND, {}, False),
        (IN_FORCE, {}, False),
        (None, {"acted_by": COMMAND_LINE}, False),
        (None, {"defect": FOUND.defect._replace(codes=("other",))}, False),
        (None, {"defect": FOUND.defect._replace(codes=("other",)), "note": "two circulators"}, True),
        (None, {"defect": FOUND.defect._replace(codes=())}, False),
    ],
)
def test_a_person_finds_a_defect_once_and_says_what_it_is(
    last: DefectAct | None, changes: dict[str, Any], *, allowed: bool
) -> None:
    if allowed:
        assert defect_found(last, FOUND._replace(**changes)).defect.act_no == (last.defect.act_no + 1 if last else 1)
    else:
        with pytest.raises(SectionDefectRefusedError):
            defect_found(last, FOUND._replace(**changes))


@pytest.mark.parametrize(
    ("last", "needed", "by", "allowed"),
    [
        (FOUND, 2, "clerk-2", True),
        (FOUND, 2, "clerk-1", False),
        (FOUND, 2, "CLERK-1", False),  # names that look alike are one person's
        (FOUND, 2, COMMAND_LINE, False),
        (IN_FORCE, 2, "clerk-3", False),
        (IN_FORCE, 3, "clerk-3", True),  # another ruleset asks for more
        (ENDED, 2, "clerk-3", False),
        (None, 2, "clerk-2", False),
    ],
)
def test_different_people_confirm_a_defect(last: DefectAct | None, needed: int, by: str, *, allowed: bool) -> None:
    if allowed and last:
        assert defect_confirmed(last, needed, by=by, now=NOW).defect.people == (*last.defect.people, by)
    else:
        with pytest.raises(SectionDefectRefusedError):
            defect_confirmed(last, needed, by=by, now=NOW)


def test_a_defect_is_taken_back_with_a_note_and_once() -> None:
    ended = defect_taken_back(IN_FORCE, by="supervisor-1", note="the page was found", now=NOW)
    assert (ended.stage, ended.defect.in_force_from, ended.defect.act_no) == ("none", None, 3)
    for last, note in ((IN_FORCE, " "), (ended, "n"), (None, "n")):
        with pytest.raises(SectionDefectRefusedError):
            defect_taken_back(last, by="supervisor-1", note=note, now=NOW)
    assert (FOUND.stage, IN_FORCE.stage) == ("pending", "in_force")


@pytest.mark.parametrize(
    ("finding", "outcome", "secondary"),
    [
        (Finding(PLACE, VALID, "V1"), SECTION_DEFECT, ()),
        (Finding(PLACE, VALID, "V1", confirmed_by=("clerk-9",)), SECTION_DEFECT, ()),
        (Finding(PLACE, Outcome("review", "ambiguous")), SECTION_DEFECT, ()),
        (Finding(PLACE, Outcome("invalid", "not_registered")), SECTION_DEFECT, ("not_registered",)),
        (
            Finding(PLACE, Outcome("invalid", "canceled"), secondary=("different_address",)),
            SECTION_DEFECT,
            ("canceled", "different_address"),
        ),
        (
            Finding(PLACE, Outcome("invalid", "illegible"), confirmed_by=("clerk-9",), secondary=("no_address",)),
            ("invalid", "illegible"),
            ("section_defect", "no_address"),
        ),
        (Finding(PLACE, SECTION_DEFECT, confirmed_by=("clerk-9",)), SECTION_DEFECT, ()),
        (Finding(PLACE, Outcome("blank")), ("blank", None), ()),
        (Finding(PLACE, Outcome("struck")), ("struck", None), ()),
    ],
)
def test_what_a_defect_makes_of_a_finding(
    finding: Finding, outcome: tuple[str, str | None], secondary: tuple[str, ...]
) -> None:
    after = under_defect(finding, DEFECT)
    assert (after.outcome, after.secondary) == (outcome, secondary)
    if outcome == SECTION_DEFECT:
        assert (after.confirmed_by, after.note) == (DEFECT.people, "section 7 is defective, act 2: signature_missing")
    assert under_defect(after, DEFECT) == after
    assert under_defect(finding, None) is finding


def test_a_line_with_a_reason_of_its_own_keeps_it_without_the_defect() -> None:
    line = Line(PLACE, Outcome("invalid", "illegible"), confirmed_by=("clerk-9",))
    after = without_defect(restated(line), ("section_defect", "no_address"), ENDED)
    assert (after.outcome, after.secondary, after.confirmed_by) == (line.outcome, ("no_address",), ("clerk-9",))
