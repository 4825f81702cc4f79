"""Every voter once, whatever the order of arrival (EC 105(b), 11303)."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from app.count.finding import displaced
from app.law.line import Line, Merits, Place, counted_places, is_eligible, standing_of
from app.law.ruleset import CALIFORNIA, CALIFORNIA_COMPARED
from app.law.tally import LineState

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
    outcome = counted_places(lines, gone)
    assert outcome.keys() == {place for owned in lines.values() for place in owned}
    for voter, owned in lines.items():
        counting = [place for place in owned if outcome[place] is None]
        assert counting == ([] if voter in gone else [min(owned)])
        others = {outcome[place] for place in owned if outcome[place]}
        assert others <= ({"withdrawn"} if voter in gone else {"duplicate"})


@given(st.lists(places, min_size=1, max_size=4, unique=True), st.booleans())
def test_the_order_of_arrival_does_not_matter(owned: list[Place], gone: bool) -> None:  # noqa: FBT001  # drawn
    absent = frozenset({"V1"} if gone else ())
    outcomes = [counted_places({"V1": order}, absent) for order in permutations(owned)]
    assert all(outcome == outcomes[0] for outcome in outcomes)


@given(st.lists(places, min_size=2, max_size=6, unique=True))
def test_when_the_counted_line_falls_the_next_takes_its_place(owned: list[Place]) -> None:
    first, second, *_ = sorted(owned)
    without = counted_places({"V1": [place for place in owned if place != first]}, frozenset())
    assert without[second] is None


def test_only_lines_that_pass_every_other_rule_compete() -> None:
    assert is_eligible("valid", None)
    assert is_eligible("invalid", "duplicate")
    assert is_eligible("invalid", "withdrawn")
    assert not is_eligible("invalid", "different_address")
    assert not is_eligible("review", "weak_match")
    assert not is_eligible("received", None)


def test_a_line_that_fails_another_rule_is_never_called_a_duplicate() -> None:
    merits = Merits("invalid", "different_address", "V1")
    assert standing_of(merits, "duplicate", (), (), CALIFORNIA).reason == "different_address"


def test_a_machine_settles_what_the_ruleset_lets_it_and_a_person_the_rest() -> None:
    stranger = Merits("invalid", "not_registered", None)
    assert not standing_of(stranger, None, (), (), CALIFORNIA).settled
    assert standing_of(stranger, None, ("clerk-1",), (), CALIFORNIA).settled
    good = Merits("valid", None, "V1")
    assert standing_of(good, None, (), (), CALIFORNIA).settled
    assert not standing_of(good, None, (), (), CALIFORNIA_COMPARED).settled
    assert standing_of(good, None, ("clerk-1",), (), CALIFORNIA_COMPARED).settled
    assert standing_of(good, "duplicate", (), (), CALIFORNIA_COMPARED).settled


def test_a_doubted_signature_or_an_open_reason_is_not_settled() -> None:
    good = Merits("valid", None, "V1")
    assert not standing_of(good, None, ("clerk-1",), ("clerk-2",), CALIFORNIA).settled
    unsure = Merits("invalid", "not_registered", None, reason_open=True)
    assert not standing_of(unsure, None, ("clerk-1",), (), CALIFORNIA).settled


@given(st.sampled_from([None, "duplicate", "withdrawn"]), st.sampled_from([None, "duplicate", "withdrawn"]))
def test_a_line_is_displaced_only_when_its_slot_says_something_new(before: str | None, after: str | None) -> None:
    place = Place(1, 1, 2)
    was = LineState("invalid" if before else "valid", before, "V1", settled=True)  # type: ignore[arg-type]  # drawn
    line = Line(place, was, finding_no=3)
    finding = displaced(line, after, {"V1": Place(1, 1, 1)}, CALIFORNIA)  # type: ignore[arg-type]  # drawn
    if before == after:
        assert finding is None
    else:
        assert finding is not None
        assert (finding.line.standing.reason, finding.line.finding_no, finding.before) == (after, 4, was)
        assert finding.counted_place == (Place(1, 1, 1) if after == "duplicate" else None)
