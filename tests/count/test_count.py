"""Every voter once, whatever the order of arrival (EC 105(b), 11303)."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from app.count.record import resolve
from app.law.line import Finding, Line, Place, line_after, outcomes_by_slot
from app.law.reasons import VALID, Outcome
from tests.rulesets import CALIFORNIA, CALIFORNIA_COMPARED, CALIFORNIA_DUPLICATES

PLACE = Place(1, 1, 2)
DUPLICATE, WITHDRAWN = Outcome("invalid", "duplicate"), Outcome("invalid", "withdrawn")
places = st.builds(Place, st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
voters = st.sampled_from(["V1", "V2", "V3"])
eligible = st.dictionaries(voters, st.lists(places, min_size=1, max_size=6))
withdrawn = st.frozensets(voters)


def owned_once(lines: dict[str, list[Place]]) -> dict[str, list[Place]]:
    """The lines with each place under one voter, as the line's key has it."""
    taken: set[Place] = set()
    result: dict[str, list[Place]] = {}
    for voter, owned in lines.items():
        mine = [place for place in dict.fromkeys(owned) if place not in taken]
        taken.update(mine)
        if mine:
            result[voter] = mine
    return result


@given(eligible, withdrawn)
def test_exactly_the_lowest_place_of_a_voter_counts_and_none_of_who_withdrew(
    lines: dict[str, list[Place]], gone: frozenset[str]
) -> None:
    lines = owned_once(lines)
    outcome = outcomes_by_slot(lines, gone)
    assert outcome.keys() == {place for owned in lines.values() for place in owned}
    for voter, owned in lines.items():
        counting = [place for place in owned if outcome[place] == VALID]
        assert counting == ([] if voter in gone else [min(owned)])
        others = {outcome[place] for place in owned if outcome[place] != VALID}
        assert others <= ({WITHDRAWN} if voter in gone else {DUPLICATE})


@given(st.lists(places, min_size=1, max_size=4, unique=True), st.booleans())
def test_the_order_of_arrival_does_not_matter(owned: list[Place], gone: bool) -> None:  # noqa: FBT001  # drawn
    absent = frozenset({"V1"} if gone else ())
    outcomes = [outcomes_by_slot({"V1": order}, absent) for order in permutations(owned)]
    assert all(outcome == outcomes[0] for outcome in outcomes)


@given(st.lists(places, min_size=2, max_size=6, unique=True))
def test_when_the_counted_line_falls_the_next_takes_its_place(owned: list[Place]) -> None:
    first, second, *_ = sorted(owned)
    without = outcomes_by_slot({"V1": [place for place in owned if place != first]}, frozenset())
    assert without[second] == VALID


def test_only_lines_that_pass_every_other_rule_compete() -> None:
    assert VALID.eligible
    assert DUPLICATE.eligible
    assert WITHDRAWN.eligible
    assert not Outcome("invalid", "different_address").eligible
    assert not Outcome("review", "weak_match").eligible
    assert not Outcome("received").eligible


def test_a_line_that_fails_another_rule_is_never_called_a_duplicate() -> None:
    moved = Finding(PLACE, Outcome("invalid", "different_address"), "V1")
    assert line_after(moved, DUPLICATE, CALIFORNIA).outcome.reason == "different_address"


def test_a_machine_settles_what_the_ruleset_lets_it_and_a_person_the_rest() -> None:
    stranger = Finding(PLACE, Outcome("invalid", "not_registered"))
    assert not line_after(stranger, None, CALIFORNIA).settled
    assert line_after(stranger._replace(confirmed_by=("clerk-1",)), None, CALIFORNIA).settled
    good = Finding(PLACE, VALID, "V1")
    assert line_after(good, None, CALIFORNIA).settled
    assert not line_after(good, None, CALIFORNIA_COMPARED).settled
    assert line_after(good._replace(confirmed_by=("clerk-1",)), None, CALIFORNIA_COMPARED).settled
    assert line_after(good, DUPLICATE, CALIFORNIA_COMPARED).settled
    assert not line_after(good, DUPLICATE, CALIFORNIA_DUPLICATES).settled
    assert line_after(good._replace(confirmed_by=("clerk-1",)), DUPLICATE, CALIFORNIA_DUPLICATES).settled


def test_a_doubted_signature_or_an_open_reason_is_not_settled() -> None:
    doubted = Finding(PLACE, VALID, "V1", confirmed_by=("clerk-1",), mismatch_by=("clerk-2",))
    assert not line_after(doubted, None, CALIFORNIA).settled
    unsure = Finding(PLACE, Outcome("invalid", "not_registered"), reason_open=True, confirmed_by=("clerk-1",))
    assert not line_after(unsure, None, CALIFORNIA).settled


@given(st.sampled_from([VALID, DUPLICATE, WITHDRAWN]), st.sampled_from([VALID, DUPLICATE, WITHDRAWN]))
def test_a_line_is_displaced_only_when_its_slot_says_something_new(before: Outcome, after: Outcome) -> None:
    lower = Finding(Place(1, 1, 1), VALID, "V1")
    line = Line(PLACE, before, "V1", settled=True, finding_no=3)
    gone = frozenset({"V1"} if after == WITHDRAWN else ())
    found = [lower] if after == DUPLICATE else []
    displaced = resolve(found, [line], gone, CALIFORNIA)[len(found) :]
    if before == after:
        assert displaced == []
    else:
        ((finding, now),) = displaced
        assert (now.outcome, now.finding_no, finding.before) == (after, 4, line)
        assert finding.counted_place == (Place(1, 1, 1) if after == DUPLICATE else None)
