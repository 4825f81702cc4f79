"""The counts of a made-up petition, at any scale."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.demo.generate import KINDS, LINES, apportion, gascon, kinds

weights = st.dictionaries(st.text(min_size=1, max_size=3), st.integers(0, 10**6), min_size=1, max_size=9).filter(
    lambda drawn: sum(drawn.values()) > 0
)


@given(st.integers(0, 10**7), weights)
def test_apportioned_parts_add_up_and_stay_within_one_of_their_share(total: int, drawn: dict[str, int]) -> None:
    parts = apportion(total, drawn)

    assert sum(parts.values()) == total
    for key, weight in drawn.items():
        share = Fraction(total * weight, sum(drawn.values()))
        assert share - 1 < parts[key] < share + 1


@given(st.fractions("1/1000", 2))
def test_a_petition_of_any_scale_has_its_lines_and_divides_them_wholly(scale: Fraction) -> None:
    mix = gascon(scale)

    assert mix.raw == round(715_833 * scale)
    assert sum(kinds(mix.lines).values()) == mix.raw - mix.lines["duplicate"]
    assert mix.required >= 566_857 * scale > mix.required - 1


def test_the_whole_petition_is_the_published_one() -> None:
    mix = gascon(Fraction(1))

    assert mix.lines == LINES
    assert (mix.registered, mix.required, mix.raw) == (5_668_569, 566_857, 715_833)
    assert mix.raw - mix.lines["valid"] == 195_783


def test_a_hundredth_is_rounded_by_the_largest_remainders() -> None:
    assert gascon(Fraction("0.01")).lines == {
        "valid": 5200,
        "not_registered": 885,
        "duplicate": 436,
        "different_address": 322,
        "signature_mismatch": 95,
        "canceled": 73,
        "out_of_county": 54,
        "other": 93,
    }


def test_kinds_belong_to_a_published_result() -> None:
    assert set(KINDS) <= set(LINES)


@pytest.mark.parametrize("scale", [0, -1, Fraction(1, 100_000)])
def test_a_scale_that_makes_no_petition_is_refused(scale: Fraction) -> None:
    with pytest.raises(ValueError, match="scale"):
        gascon(Fraction(scale))
