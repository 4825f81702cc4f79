"""What a person's word makes of a line, and what a new examination may and may not do to it."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.principals import Principal
from app.errors import FindingRefusedError, SupervisorNeededError
from app.law.line import Finding, Line, LineKind, LookedAt, Place, line_after
from app.law.reasons import KEPT_FOR_A_PERSON, REASONS, REVIEW_CAUSES, VALID, Outcome, ReviewCause
from app.law.review import MISMATCH, Grounds, PersonFinding, agreed_out_of_count, judge, judge_again
from app.law.signatures import SignatureComparison
from tests.rulesets import CALIFORNIA, CALIFORNIA_COMPARED

COMPARED = SignatureComparison(("affidavit",), ("slant", "strokes"))
ANOTHER_HAND = PersonFinding(MISMATCH, comparison=COMPARED)
people = st.sampled_from([Principal("sample", f"{role}-{n}", role) for role in ("clerk", "supervisor") for n in (1, 2)])
names = st.lists(st.sampled_from(["clerk-1", "clerk-2", "supervisor-1"]), unique=True, max_size=3).map(tuple)
voter_ids = st.sampled_from(["V1", "V2"])
PLACE = Place(1, 1, 1)
reasons = st.sampled_from([r for r in REASONS if r not in ("duplicate", "withdrawn")])
findings = st.one_of(
    st.tuples(st.just(VALID), voter_ids),
    st.tuples(st.builds(Outcome, st.just("invalid"), reasons), st.none() | voter_ids),
    st.tuples(st.builds(Outcome, st.just("review"), st.sampled_from(REVIEW_CAUSES))),
).map(lambda found: Finding(PLACE, *found))
words = st.builds(
    PersonFinding,
    st.builds(
        Outcome,
        st.sampled_from(["valid", "invalid", "review"]),
        st.none() | st.sampled_from([*REASONS, *REVIEW_CAUSES]),
    ),
    st.none() | voter_ids,
    st.sampled_from(["", "because"]),
    st.sampled_from([None, "line", "signature", "both"]),
    st.sampled_from([None, COMPARED]),
)
grounds = st.builds(Grounds, st.none() | voter_ids, st.sets(voter_ids))
GOOD = Grounds("V1", {"V1"})


@st.composite
def lines(draw: st.DrawFn) -> Line:
    found = draw(findings)
    confirmed = () if found.outcome.status == "review" else draw(names)
    if found.outcome.reason == "signature_mismatch":
        confirmed = ("clerk-1", "clerk-2", "supervisor-1")
    doubted = draw(names)[:2] if found.outcome == VALID and not confirmed else ()
    by_slot = draw(st.sampled_from([None, Outcome("invalid", "duplicate"), Outcome("invalid", "withdrawn")]))
    return line_after(found._replace(confirmed_by=confirmed, mismatch_by=doubted), by_slot, CALIFORNIA)


@given(lines(), words, people, grounds)
def test_no_word_does_what_the_rules_forbid(line: Line, word: PersonFinding, who: Principal, data: Grounds) -> None:
    try:
        judged = judge(line, word, who, CALIFORNIA, data)
    except (FindingRefusedError, SupervisorNeededError):
        return
    if judged is None:
        return
    now, before = judged.outcome, line.by_itself
    assert now.status != "valid" or (judged.voter_id is not None and now.reason is None)
    assert now.reason not in ("duplicate", "withdrawn"), "the slot alone says that"
    assert now.status != "review" or judged.confirmed_by == (), "a review is nobody's finding"
    if now == MISMATCH:
        assert len(set(judged.confirmed_by)) >= 3, "2 CCR 20960"
    changed = (now, judged.voter_id) != (before, line.voter_id)
    after = line_after(judged, None, CALIFORNIA)
    if after.settled and data.contradict(now, judged.voter_id):
        assert len(set(after.confirmed_by)) >= 2, "one person does not overrule the data"
    if after.outcome.reason in ("other", "illegible", "not_personally_affixed"):
        assert word.note.strip(), "EC 100.5"
    compared = line_after(judged, None, CALIFORNIA_COMPARED)
    if compared.outcome == VALID and compared.settled and not line.confirmed_by:
        assert word.compares, "2 CCR 20960(a)"
    if changed and set(line.confirmed_by) - {who.name}:
        assert who.role == "supervisor", "a reversal is a supervisor's"
        assert word.note.strip()
    if changed and line.confirmed_by == (who.name,) and who.role == "clerk":
        assert now.status == "review", "an undo never flips a line"


@given(lines(), words, people, grounds)
def test_saying_the_same_twice_is_saying_it_once(
    line: Line, word: PersonFinding, who: Principal, data: Grounds
) -> None:
    try:
        judged = judge(line, word, who, CALIFORNIA, data)
    except (FindingRefusedError, SupervisorNeededError):
        return
    if judged is None:
        return
    after = line_after(judged, None, CALIFORNIA)
    assert judge(after, word, who, CALIFORNIA, data) is None


@given(lines(), findings, st.sampled_from(get_args(ReviewCause)))
def test_a_new_examination_never_flips_what_people_found(line: Line, found: Finding, cause: ReviewCause) -> None:
    judged = judge_again(line, found, cause)
    before, now = line.by_itself, judged.outcome
    same = (now, judged.voter_id) == (before, line.voter_id)
    if line.confirmed_by:
        assert same or now == ("review", cause)
    if before.status == "review" and before.reason in KEPT_FOR_A_PERSON:
        assert now == before
    assert set(judged.confirmed_by) <= set(line.confirmed_by)
    assert not (judged.confirmed_by and not same)


@given(lines(), st.lists(findings, max_size=4))
def test_an_eligible_line_without_peoples_findings_follows_the_data(line: Line, found: list[Finding]) -> None:
    for finding in found:
        judged = judge_again(line, finding, "new_dates")
        if not line.confirmed_by and line.outcome.eligible:
            doubted = line.mismatch_by if (finding.outcome, finding.voter_id) == (VALID, line.voter_id) else ()
            expected = finding._replace(before=line, mismatch_by=doubted, against_data=judged.against_data)
            assert judged == expected


@pytest.mark.parametrize("reason", ["signature_mismatch", "not_personally_affixed", "section_defect", "other"])
def test_what_is_seen_on_paper_is_not_refuted_by_the_data(reason: str) -> None:
    outcome = Outcome("invalid", reason)  # type: ignore[arg-type]  # the table's
    line = Line(PLACE, outcome, "V1", settled=True, confirmed_by=("a", "b", "c"))
    judged = judge_again(line, Finding(PLACE, VALID, "V1"), "new_dates")
    assert (judged.outcome, judged.confirmed_by) == (outcome, ("a", "b", "c"))
    other = judge_again(line, Finding(PLACE, VALID, "V2"), "new_dates")
    assert other.outcome == ("review", "new_dates")


@pytest.mark.parametrize("again", ["Clerk-1", "clerk-1 ", "c1erk-l"])
def test_names_that_look_alike_are_one_person(again: str) -> None:
    """As in a database from before such names were refused: keys of both are still in use."""
    mismatch, no = ANOTHER_HAND, PersonFinding(Outcome("invalid", "illegible"), None, "smeared")
    line = Line(PLACE, VALID, "V1", settled=True)
    for who in ("clerk-1", "clerk-2"):
        doubt = judge(line, mismatch, Principal("sample", who, "clerk"), CALIFORNIA, GOOD)
        assert doubt
        line = line_after(doubt, None, CALIFORNIA)
    assert judge(line, mismatch, Principal("sample", again, "clerk"), CALIFORNIA, GOOD) is None
    found = judge(Line(PLACE, VALID, "V1"), no, Principal("sample", "clerk-1", "clerk"), CALIFORNIA, GOOD)
    assert found
    line = line_after(found, None, CALIFORNIA)
    assert judge(line, no, Principal("sample", again, "clerk"), CALIFORNIA, GOOD) is None
    undone = judge(line, PersonFinding(Outcome("review")), Principal("sample", again, "clerk"), CALIFORNIA, GOOD)
    assert undone, "a person's own finding"


@given(lines(), words)
def test_without_a_persons_key_no_line_is_decided(line: Line, word: PersonFinding) -> None:
    with pytest.raises(FindingRefusedError, match="that person's key"):
        judge(line, word, Principal("sample", "command line", "supervisor"), CALIFORNIA, GOOD)


BY_DATA = {"good": Grounds("V1", {"V1", "V2"}), "a candidate": Grounds(None, {"V1"}), "nobody": Grounds()}


@pytest.mark.parametrize(
    ("data", "outcome", "voter_id", "contradicted"),
    [
        ("good", Outcome("invalid", "other"), "V1", True),
        ("good", Outcome("invalid", "not_registered"), None, True),
        ("good", VALID, "V1", False),
        ("good", VALID, "V2", True),
        ("good", MISMATCH, "V1", False),  # which has its own rule
        ("good", Outcome("review", "undone"), None, False),
        ("a candidate", VALID, "V1", False),
        ("a candidate", VALID, "V2", True),
        ("a candidate", Outcome("invalid", "other"), "V1", False),
        ("nobody", VALID, "V1", True),
        ("nobody", Outcome("invalid", "not_registered"), None, False),
    ],
)
def test_what_the_data_contradict_takes_two_people(
    data: str,
    outcome: Outcome,
    voter_id: str | None,
    contradicted: bool,  # noqa: FBT001  # the table's
) -> None:
    """No way around the three people of 2 CCR 20960, such as one person's `other`."""
    assert BY_DATA[data].contradict(outcome, voter_id) is contradicted
    for ruleset in (CALIFORNIA, CALIFORNIA_COMPARED):
        needed = ruleset.people_needed(outcome, against_data=contradicted)
        assert needed >= 2 or not contradicted


@pytest.mark.parametrize("reason", ["other", "illegible", "not_personally_affixed"])
def test_what_only_paper_shows_needs_a_note(reason: str) -> None:
    said, clerk = PersonFinding(Outcome("invalid", reason)), Principal("sample", "clerk-1", "clerk")  # type: ignore[arg-type]  # the table's
    with pytest.raises(FindingRefusedError, match="needs a note"):
        judge(Line(PLACE, Outcome("review", "weak_match")), said, clerk, CALIFORNIA, Grounds())


@pytest.mark.parametrize(
    ("looked_at", "settled"), [(None, False), ("line", False), ("signature", True), ("both", True)]
)
def test_to_find_the_voter_is_not_to_compare_the_signature(
    looked_at: LookedAt | None,
    settled: bool,  # noqa: FBT001  # the table's
) -> None:
    """2 CCR 20960(a): the official must compare."""
    clerk, other = (Principal("sample", f"clerk-{n}", "clerk") for n in (1, 2))
    found = judge(Line(PLACE, VALID, "V1"), PersonFinding(VALID, looked_at=looked_at), clerk, CALIFORNIA_COMPARED, GOOD)
    assert found
    line = line_after(found, None, CALIFORNIA_COMPARED)
    assert (line.settled, line_after(found, None, CALIFORNIA).settled) == (settled, True)
    for who in (clerk, other):
        compared = judge(line, PersonFinding(VALID, looked_at="signature"), who, CALIFORNIA_COMPARED, GOOD)
        assert line_after(compared, None, CALIFORNIA_COMPARED).settled if compared else line.settled


def test_to_find_the_voter_ends_no_doubt_about_the_signature() -> None:
    first, second = (Principal("sample", f"clerk-{n}", "clerk") for n in (1, 2))
    doubt = judge(Line(PLACE, VALID, "V1", settled=True), ANOTHER_HAND, first, CALIFORNIA, GOOD)
    assert doubt
    line = line_after(doubt, None, CALIFORNIA)
    for looked_at, doubted in (("line", True), ("both", False)):
        found = judge(line, PersonFinding(VALID, looked_at=looked_at), second, CALIFORNIA, GOOD)  # type: ignore[arg-type]  # the table's
        assert found
        line = line_after(found, None, CALIFORNIA)
        assert (bool(line.mismatch_by), line.settled) == (doubted, not doubted)
    with pytest.raises(SupervisorNeededError):
        judge(line, ANOTHER_HAND, first, CALIFORNIA, GOOD)


@pytest.mark.parametrize(
    ("outcome", "said", "by", "last", "last_by", "leaves"),
    [
        (Outcome("review", "new_writing"), "struck", "clerk-2", "struck", "clerk-1", True),
        (Outcome("review", "undone"), "blank", "clerk-2", "blank", "clerk-1", True),
        (Outcome("invalid", "section_defect"), "struck", "clerk-2", "struck", "clerk-1", True),
        (Outcome("review", "new_writing"), "struck", "clerk-1", "struck", "clerk-1", False),
        (Outcome("review", "new_writing"), "struck", "CLERK-1", "struck", "clerk-1", False),
        (Outcome("review", "new_writing"), "struck", "clerk-2", "blank", "clerk-1", False),
        (Outcome("review", "new_writing"), "written", "clerk-2", "written", "clerk-1", False),
        (Outcome("review", "new_writing"), "struck", "clerk-2", "struck", "command line", False),
        (VALID, "struck", "clerk-2", "written", "station-1", False),
        (VALID, "struck", "clerk-2", "struck", "clerk-1", False),  # a person found it good since
    ],
)
def test_a_line_leaves_the_raw_count_as_two_people_say_one_after_the_other(
    outcome: Outcome, said: LineKind, by: str, last: LineKind, last_by: str, *, leaves: bool
) -> None:
    assert agreed_out_of_count(Line(PLACE, outcome), said, by, last, last_by) == leaves


@pytest.mark.parametrize("current", [VALID, Outcome("invalid", "no_address"), Outcome("review", "undone")])
@pytest.mark.parametrize("cause", ["new_writing", "new_dates", "new_roll"])
def test_no_examination_takes_a_line_out_of_the_raw_count(current: Outcome, cause: ReviewCause) -> None:
    judged = judge_again(Line(PLACE, current), Finding(PLACE, Outcome("struck")), cause)
    assert judged.outcome == ("review", "new_writing")
    out = Line(PLACE, Outcome("struck"))
    assert judge_again(out, Finding(PLACE, Outcome("blank")), cause).outcome.status == "blank"
