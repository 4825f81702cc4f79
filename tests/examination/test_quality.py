"""The draw and what it says: the same for everybody, fair, and with intervals that hold."""

from hashlib import sha256
from math import comb
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import FindingRefusedError
from app.law.line import Place
from app.law.quality import (
    Check,
    DecidedLine,
    agrees,
    at_least,
    check_answer,
    clopper_pearson,
    decided_by_machine,
    draw,
    error_rates,
    is_drawn,
    people_of,
    rates_by_person,
    verdict,
)
from app.law.reasons import VALID, Outcome
from app.law.review import MISMATCH, PersonFinding

NUMBERS = st.integers(1, 2_147_483_647)
PLACES = st.builds(Place, NUMBERS, NUMBERS, NUMBERS)
SEED = bytes(range(32))


def test_the_draw_is_the_documented_one() -> None:
    text = bytes(32) + bytes([0, 0, 0, 12, 0, 0, 0, 3, 0, 0, 0, 4])
    assert draw(bytes(32), Place(12, 3, 4)) == int(sha256(text).hexdigest()[:16], 16) == 0x4A7663E55487B03D


@given(PLACES, st.integers(0, 1_000_000), st.integers(0, 1_000_000))
def test_a_larger_share_draws_what_a_smaller_one_does(place: Place, one: int, other: int) -> None:
    small, large = sorted((one, other))
    assert is_drawn(SEED, place, small) <= is_drawn(SEED, place, large)
    assert not is_drawn(SEED, place, 0)
    assert is_drawn(SEED, place, 1_000_000)


def test_the_share_that_is_drawn_is_the_share_that_was_asked_for() -> None:
    drawn = sum(
        is_drawn(SEED, Place(s, p, n), 10_000) for s in range(1, 101) for p in range(1, 51) for n in range(1, 21)
    )
    assert drawn == pytest.approx(1_000, abs=4 * 1_000**0.5)


# Published two-sided 95 % intervals, to the digits that are printed there.
TABLE = [
    ((0, 10), (0.0, 0.3085)),
    ((1, 10), (0.0025, 0.4450)),
    ((5, 10), (0.1871, 0.8129)),
    ((10, 10), (0.6915, 1.0)),
    ((10, 100), (0.0490, 0.1762)),
    ((0, 100), (0.0, 0.0362)),
    ((81, 263), (0.2527, 0.3676)),
    ((15, 148), (0.0578, 0.1617)),
]


@pytest.mark.parametrize(("seen", "interval"), TABLE)
def test_the_interval_is_the_published_one(seen: tuple[int, int], interval: tuple[float, float]) -> None:
    assert clopper_pearson(*seen) == pytest.approx(interval, abs=5e-5)


def test_without_errors_the_interval_is_the_rule_that_can_be_computed_by_hand() -> None:
    for sample in (1, 7, 299, 36_000):
        assert clopper_pearson(0, sample) == pytest.approx((0.0, 1 - 0.025 ** (1 / sample)), rel=1e-9)


def test_of_an_empty_sample_nothing_is_known() -> None:
    assert clopper_pearson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_each_end_leaves_the_tail_that_it_promises(seen: tuple[int, int]) -> None:
    errors, sample = seen
    lower, upper = clopper_pearson(errors, sample)
    assert 0 <= lower <= errors / sample <= upper <= 1
    if errors:
        assert tail(sample, lower, range(errors, sample + 1)) == pytest.approx(0.025, rel=1e-6)
    if errors < sample:
        assert tail(sample, upper, range(errors + 1)) == pytest.approx(0.025, rel=1e-6)


def tail(sample: int, p: float, errors: range) -> float:
    return sum(comb(sample, k) * p**k * (1 - p) ** (sample - k) for k in errors)


@given(st.integers(1, 40), st.integers(0, 39), st.floats(0, 1))
def test_a_binomial_tail_is_the_sum_of_its_terms(successes: int, failures: int, share: float) -> None:
    trials = successes + failures
    expected = tail(trials, share, range(successes, trials + 1))
    assert at_least(successes, trials, share) == pytest.approx(expected, abs=1e-9)


@given(st.integers(0, 5_000), st.integers(0, 5_000))
def test_the_interval_mirrors(errors: int, others: int) -> None:
    lower, upper = clopper_pearson(errors, errors + others)
    assert clopper_pearson(others, errors + others) == pytest.approx((1 - upper, 1 - lower), abs=1e-9)


@pytest.mark.parametrize("errors", [-1, 6])
def test_more_errors_than_checks_are_refused(errors: int) -> None:
    with pytest.raises(ValueError, match="errors"):
        clopper_pearson(errors, 5)


GOOD = DecidedLine(VALID, "V1")


@pytest.mark.parametrize(
    ("answer", "decided", "same"),
    [
        (PersonFinding(VALID, "V1"), GOOD, True),
        (PersonFinding(VALID, "V2"), GOOD, False),
        (PersonFinding(VALID, "V1"), DecidedLine(Outcome("invalid", "duplicate"), "V1"), True),
        (PersonFinding(VALID, "V1"), DecidedLine(Outcome("invalid", "withdrawn"), "V1"), True),
        (PersonFinding(VALID, "V2"), DecidedLine(Outcome("invalid", "duplicate"), "V1"), False),
        (PersonFinding(Outcome("invalid", "no_address")), DecidedLine(Outcome("invalid", "no_address")), True),
        (PersonFinding(Outcome("invalid", "no_address"), "V1"), DecidedLine(Outcome("invalid", "no_address")), True),
        (PersonFinding(Outcome("invalid", "out_of_county")), DecidedLine(Outcome("invalid", "no_address")), False),
        (PersonFinding(Outcome("invalid", "illegible")), GOOD, False),
        (PersonFinding(Outcome("review")), GOOD, False),
    ],
)
@pytest.mark.parametrize("by_machine", [True, False])
def test_an_answer_agrees_where_it_says_the_same_of_the_line(
    answer: PersonFinding, decided: DecidedLine, *, same: bool, by_machine: bool
) -> None:
    assert agrees(answer, decided, by_machine=by_machine) is same


OTHER_HAND = DecidedLine(MISMATCH, "V1")


@pytest.mark.parametrize(
    ("answer", "decided", "with_machine", "with_people"),
    [
        (PersonFinding(MISMATCH, "V1"), GOOD, True, False),
        (PersonFinding(MISMATCH, "V2"), GOOD, False, False),
        (PersonFinding(MISMATCH, "V1"), DecidedLine(Outcome("invalid", "duplicate"), "V1"), True, False),
        (PersonFinding(MISMATCH, "V1"), OTHER_HAND, True, True),
        (PersonFinding(VALID, "V1"), OTHER_HAND, True, False),
    ],
)
def test_a_machine_answers_for_the_voter_and_people_for_the_signature_as_well(
    answer: PersonFinding, decided: DecidedLine, *, with_machine: bool, with_people: bool
) -> None:
    assert agrees(answer, decided, by_machine=True) is with_machine
    assert agrees(answer, decided, by_machine=False) is with_people


@pytest.mark.parametrize("outcome", [VALID, MISMATCH])
def test_what_is_said_of_a_voter_names_the_voter(outcome: Outcome) -> None:
    with pytest.raises(FindingRefusedError, match="voter_id"):
        check_answer(PersonFinding(outcome))
    check_answer(PersonFinding(outcome, "V1"))


def content(status: str, reason: str | None = None, **facts: Any) -> dict[str, Any]:  # noqa: ANN401  # any JSON values
    """A finding's content, as far as the check reads it."""
    people = {"confirmed_by": [], "mismatch_by": [], "decided_by": "machine", "person": False}
    return {"status": status, "reason": reason, "voter_id": "V1", "evidence": {}, **people, **facts}


OF_ANOTHER = {"status": "valid", "reason": None, "voter_id": "V2"}
BY_CLERK: dict[str, Any] = {"person": True, "decided_by": "clerk-1", "confirmed_by": ["clerk-1"], "evidence": None}


@pytest.mark.parametrize(
    ("findings", "machine"),
    [
        ([content("valid")], GOOD),
        ([content("valid"), content("valid", **BY_CLERK)], GOOD),
        ([content("valid"), content("invalid", "illegible", **BY_CLERK)], GOOD),
        ([content("valid"), content("invalid", "duplicate", evidence=None)], GOOD),
        ([content("invalid", "canceled")], DecidedLine(Outcome("invalid", "canceled"), "V1")),
        ([content("review", "weak_match"), content("valid", **BY_CLERK)], None),
        ([content("valid"), content("valid", **BY_CLERK), content("review", "new_roll")], None),
        ([content("valid"), content("review", "new_roll", by_data=OF_ANOTHER)], DecidedLine(VALID, "V2")),
        ([content("valid"), content("invalid", "signature_mismatch", confirmed_by=["a", "b", "c"])], GOOD),
        ([content("valid", **BY_CLERK)], None),
    ],
)  # fmt: skip
def test_the_machines_decision_is_that_of_the_newest_examination(
    findings: list[dict[str, Any]], machine: DecidedLine | None
) -> None:
    assert decided_by_machine(findings) == machine


def test_who_has_spoken_on_a_line_is_everyone_of_its_findings() -> None:
    opinion = content("valid", person=True, decided_by="clerk-2", mismatch_by=["clerk-2"])
    undone = content("review", "undone", person=True, decided_by="supervisor-1")
    assert people_of([content("valid"), content("valid", **BY_CLERK), opinion, undone]) == {
        "clerk-1", "clerk-2", "supervisor-1",
    }  # fmt: skip


DOUBT = PersonFinding(Outcome("review"))


@pytest.mark.parametrize(
    ("check", "became"),
    [
        (Check(PersonFinding(VALID, "V1"), GOOD, DecidedLine(Outcome("invalid", "illegible"))), "confirmed"),
        (Check(DOUBT, GOOD, DecidedLine(Outcome("review", "quality_check"))), "open"),
        (Check(DOUBT, GOOD, GOOD), "upheld"),
        (Check(DOUBT, GOOD, DecidedLine(Outcome("invalid", "duplicate"), "V1")), "upheld"),
        (Check(DOUBT, GOOD, DecidedLine(VALID, "V2")), "wrong"),
        (Check(DOUBT, GOOD, DecidedLine(Outcome("invalid", "illegible"))), "wrong"),
        (Check(PersonFinding(MISMATCH, "V1"), GOOD, OTHER_HAND), "confirmed"),
        (Check(PersonFinding(MISMATCH, "V1"), GOOD, OTHER_HAND, ("a",)), "wrong"),
        (Check(PersonFinding(MISMATCH, "V1"), GOOD, GOOD, ("a",)), "upheld"),
        (Check(DOUBT, GOOD, OTHER_HAND), "upheld"),
        (Check(PersonFinding(VALID, "V1"), OTHER_HAND, OTHER_HAND, ("a", "b", "c")), "upheld"),
    ],
)
def test_a_doubt_is_what_the_second_look_makes_of_it(check: Check, became: str) -> None:
    assert verdict(check) == became


KINDS = st.sampled_from(
    [GOOD, DecidedLine(Outcome("invalid", "duplicate"), "V1"), DecidedLine(Outcome("invalid", "no_address"))]
)
ANSWERS = st.sampled_from(
    [PersonFinding(VALID, "V1"), PersonFinding(Outcome("invalid", "no_address")), PersonFinding(Outcome("review"))]
)
TODAY = st.sampled_from(
    [GOOD, DecidedLine(Outcome("review", "quality_check")), DecidedLine(Outcome("invalid", "illegible"))]
)


@given(st.lists(st.builds(Check, ANSWERS, KINDS, TODAY)))
def test_the_rates_add_up_whatever_the_order(checks: list[Check]) -> None:
    counts = {VALID: (100, 10), Outcome("invalid", "duplicate"): (7, 1)}
    together, *kinds = error_rates(counts, checks)
    assert [together, *kinds] == error_rates(counts, checks[::-1])
    assert (together.lines, together.drawn, together.checked) == (107, 11, len(checks))
    assert sum(kind.checked for kind in kinds) == len(checks)
    for rate in (together, *kinds):
        assert sum(rate.verdicts.values()) == rate.checked
        assert rate.rate is None or rate.lower <= rate.rate <= rate.upper


@given(st.lists(st.builds(Check, ANSWERS, KINDS, TODAY, st.sets(st.sampled_from(["ann", "ben", "cy"]), min_size=1))))
def test_each_person_answers_for_what_the_person_decided(checks: list[Check]) -> None:
    counts = {"ann": {VALID: (5, 1)}, "dee": {VALID: (1, 0)}}
    rates = rates_by_person(counts, checks)
    assert list(rates) == sorted({"ann", "dee", *(name for check in checks for name in check.people)})
    for name, (overall, *_) in rates.items():
        assert overall.checked == sum(name in check.people for check in checks)
        assert overall.lines == sum(lines for lines, _ in counts.get(name, {}).values())
