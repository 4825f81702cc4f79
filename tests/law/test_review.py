"""What a person's word makes of a line, and what a new examination may and may not do to it."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.principals import Principal
from app.errors import FindingRefusedError, SupervisorNeededError
from app.law.line import Line, Merits, Place, is_eligible, standing_of
from app.law.reasons import KEPT_FOR_A_PERSON, REASONS, REVIEW_CAUSES, ReviewCause
from app.law.review import PersonFinding, current_merits, judge, judge_again
from app.law.ruleset import CALIFORNIA
from app.law.tally import LineState

people = st.sampled_from([Principal("sample", f"{role}-{n}", role) for role in ("clerk", "supervisor") for n in (1, 2)])
names = st.lists(st.sampled_from(["clerk-1", "clerk-2", "supervisor-1"]), unique=True, max_size=3).map(tuple)
voter_ids = st.sampled_from(["V1", "V2"])
merits = st.one_of(
    st.builds(Merits, st.just("valid"), st.none(), voter_ids),
    st.builds(
        Merits,
        st.just("invalid"),
        st.sampled_from([r for r in REASONS if r not in ("duplicate", "withdrawn")]),
        st.none() | voter_ids,
    ),
    st.builds(Merits, st.just("review"), st.sampled_from(REVIEW_CAUSES), st.none()),
)
words = st.builds(
    PersonFinding,
    st.sampled_from(["valid", "invalid", "review"]),
    st.none() | st.sampled_from([*REASONS, *REVIEW_CAUSES]),
    st.none() | voter_ids,
    st.sampled_from(["", "because"]),
)


@st.composite
def lines(draw: st.DrawFn) -> Line:
    found = draw(merits)
    confirmed = () if found.status == "review" else draw(names)
    if found.reason == "signature_mismatch":
        confirmed = ("clerk-1", "clerk-2", "supervisor-1")
    doubted = draw(names)[:2] if found.status == "valid" and not confirmed else ()
    outcome = draw(st.sampled_from([None, "duplicate", "withdrawn"]))
    standing = standing_of(found, outcome, confirmed, doubted, CALIFORNIA)  # type: ignore[arg-type]  # drawn
    return Line(Place(1, 1, 1), standing, 1, confirmed_by=confirmed, mismatch_by=doubted)


@given(lines(), words, people)
def test_no_word_does_what_the_rules_forbid(line: Line, word: PersonFinding, who: Principal) -> None:
    try:
        judged = judge(line, word, who, CALIFORNIA)
    except (FindingRefusedError, SupervisorNeededError):
        return
    if judged is None:
        return
    now, before = judged.merits, current_merits(line)
    assert now.status != "valid" or (now.voter_id is not None and now.reason is None)
    assert now.reason not in ("duplicate", "withdrawn"), "the slot alone says that"
    assert now.status != "review" or judged.confirmed_by == (), "a review is nobody's finding"
    if (now.status, now.reason) == ("invalid", "signature_mismatch"):
        assert len(set(judged.confirmed_by)) >= 3, "2 CCR 20960"
    changed = (now.status, now.reason, now.voter_id) != (before.status, before.reason, before.voter_id)
    if changed and set(line.confirmed_by) - {who.name}:
        assert who.role == "supervisor", "a reversal is a supervisor's"
        assert word.note.strip()
    if changed and line.confirmed_by == (who.name,) and who.role == "clerk":
        assert now.status == "review", "an undo never flips a line"


@given(lines(), words, people)
def test_saying_the_same_twice_is_saying_it_once(line: Line, word: PersonFinding, who: Principal) -> None:
    try:
        judged = judge(line, word, who, CALIFORNIA)
    except (FindingRefusedError, SupervisorNeededError):
        return
    if judged is None:
        return
    standing = standing_of(judged.merits, None, judged.confirmed_by, judged.mismatch_by, CALIFORNIA)
    after = Line(line.place, standing, 2, confirmed_by=judged.confirmed_by, mismatch_by=judged.mismatch_by)
    assert judge(after, word, who, CALIFORNIA) is None


@given(lines(), merits, st.sampled_from(get_args(ReviewCause)))
def test_a_new_examination_never_flips_what_people_found(line: Line, found: Merits, cause: ReviewCause) -> None:
    judged = judge_again(line, found, cause)
    before, now = current_merits(line), judged.merits
    same = (now.status, now.reason, now.voter_id) == (before.status, before.reason, before.voter_id)
    if line.confirmed_by:
        assert same or (now.status, now.reason) == ("review", cause)
    if before.status == "review" and before.reason in KEPT_FOR_A_PERSON:
        assert (now.status, now.reason) == ("review", before.reason)
    assert set(judged.confirmed_by) <= set(line.confirmed_by)
    assert not (judged.confirmed_by and not same)


@given(lines(), st.lists(merits, max_size=4))
def test_an_eligible_line_without_peoples_findings_follows_the_data(line: Line, found: list[Merits]) -> None:
    for merit in found:
        judged = judge_again(line, merit, "new_dates")
        if not line.confirmed_by and is_eligible(line.standing.status, line.standing.reason):
            assert judged.merits == merit


@pytest.mark.parametrize("reason", ["signature_mismatch", "not_personally_affixed", "section_defect", "other"])
def test_what_is_seen_on_paper_is_not_refuted_by_the_data(reason: str) -> None:
    standing = LineState("invalid", reason, "V1", settled=True)  # type: ignore[arg-type]  # the table's
    line = Line(Place(1, 1, 1), standing, 1, confirmed_by=("a", "b", "c"))
    judged = judge_again(line, Merits("valid", None, "V1"), "new_dates")
    assert (judged.merits.status, judged.merits.reason, judged.confirmed_by) == ("invalid", reason, ("a", "b", "c"))
    other = judge_again(line, Merits("valid", None, "V2"), "new_dates")
    assert (other.merits.status, other.merits.reason) == ("review", "new_dates")
