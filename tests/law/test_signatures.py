"""What an opinion that a signature is not the voter's must say (2 CCR 20960)."""

from dataclasses import replace

import pytest

from app.access.principals import Principal
from app.errors import FindingRefusedError
from app.law.line import Line, Place
from app.law.reasons import VALID
from app.law.review import MISMATCH, Grounds, PersonFinding, judge
from app.law.signatures import CHARACTERISTICS, Characteristic, SignatureComparison, check_comparison
from tests.rulesets import CALIFORNIA

ON_FILE = ("affidavit of 2010", "affidavit of 2014")
CLERK = Principal("sample", "clerk-1", "clerk")


@pytest.mark.parametrize(
    ("references", "characteristics", "missing"),
    [
        (ON_FILE, ("slant", "letter_formations"), None),
        (ON_FILE, ("strokes", "pen_lifts"), None),
        (ON_FILE, CHARACTERISTICS, None),
        (ON_FILE, (), "at least 2"),
        (ON_FILE, ("letter_formations",), "at least 2"),
        (ON_FILE, ("strokes", "strokes"), "at least 2"),
        (ON_FILE, ("slant", "size"), "never suffice"),
        (ON_FILE, ("slant", "size", "print_or_cursive"), "never suffice"),
        ((), ("strokes", "pen_lifts"), "held"),
    ],
)
def test_a_mismatch_rests_on_two_characteristics_and_on_signatures_on_file(
    references: tuple[str, ...], characteristics: tuple[Characteristic, ...], missing: str | None
) -> None:
    comparison = SignatureComparison(references, characteristics)
    said = PersonFinding(MISMATCH, comparison=comparison)
    line = Line(Place(1, 1, 1), VALID, "V1", settled=True)
    if missing is None:
        found = judge(line, said, CLERK, CALIFORNIA, Grounds("V1"))
        assert found
        assert (found.comparison, found.mismatch_by) == (comparison, ("clerk-1",))
        return
    with pytest.raises(FindingRefusedError, match=missing):
        check_comparison(comparison)
    with pytest.raises(FindingRefusedError, match=missing):
        judge(line, said, CLERK, CALIFORNIA, Grounds("V1"))


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        (PersonFinding(MISMATCH), "takes a comparison"),
        (
            PersonFinding(MISMATCH, looked_at="line", comparison=SignatureComparison(ON_FILE, ("strokes", "size"))),
            "look at",
        ),
        (
            PersonFinding(VALID, comparison=SignatureComparison(ON_FILE, ("strokes", "size"))),
            "only a signature_mismatch",
        ),
    ],
)
def test_what_is_said_of_a_comparison_is_consistent(said: PersonFinding, missing: str) -> None:
    with pytest.raises(FindingRefusedError, match=missing):
        judge(Line(Place(1, 1, 1), VALID, "V1", settled=True), said, CLERK, CALIFORNIA, Grounds("V1"))


def test_a_ruleset_may_ask_for_more_characteristics() -> None:
    strict = replace(CALIFORNIA, mismatch_characteristics=3)
    line = Line(Place(1, 1, 1), VALID, "V1", settled=True)
    two, three = (SignatureComparison(ON_FILE, CHARACTERISTICS[3:number]) for number in (5, 6))
    with pytest.raises(FindingRefusedError, match="at least 3"):
        judge(line, PersonFinding(MISMATCH, comparison=two), CLERK, strict, Grounds("V1"))
    assert judge(line, PersonFinding(MISMATCH, comparison=three), CLERK, strict, Grounds("V1"))
