"""The tally always adds up."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.law.line import Counts, Line, Place, Tally, outlook, rate
from app.law.reasons import PUBLISHED, REASONS, REVIEW_CAUSES, VALID, Outcome, invalid_by_published

PLACE = st.just(Place(1, 1, 1))
lines_ = st.one_of(
    st.builds(Line, PLACE, st.just(VALID), st.just("V1"), st.booleans()),
    st.builds(Line, PLACE, st.builds(Outcome, st.just("invalid"), st.sampled_from(REASONS)), st.none(), st.booleans()),
    st.builds(
        Line, PLACE, st.builds(Outcome, st.just("review"), st.sampled_from(REVIEW_CAUSES)), settled=st.just(value=False)
    ),
    st.builds(Line, PLACE, st.just(Outcome("received")), settled=st.just(value=False)),
    st.builds(Line, PLACE, st.sampled_from([Outcome("blank"), Outcome("struck")]), st.none(), st.just(value=True)),
)
_REJECTED = Line(Place(1, 1, 1), Outcome("invalid", "illegible"), settled=True)
GASCON = {
    "not_registered": 88_464,
    "duplicate": 43_593,
    "different_address": 32_187,
    "signature_mismatch": 9_490,
    "canceled": 7_344,
    "out_of_county": 5_374,
    "other": 9_331,
}


def counted(lines: list[Line]) -> Counts:
    """The counts of these lines, each by itself."""
    return Counts().moved([(None, line) for line in lines])


def frozen(counts: Counts) -> Tally:
    """These counts of a frozen raw count."""
    return Tally(1, datetime(2022, 8, 15, tzinfo=UTC), "open", counts, raw_count="frozen")


@given(st.lists(lines_))
def test_raw_is_the_sum_of_its_parts(lines: list[Line]) -> None:
    counts = counted(lines)
    assert counts.raw + counts.blank + counts.struck == len(lines)
    assert counts.raw == counts.received + counts.valid + counts.invalid + counts.review
    assert sum(counts.by_reason.values()) == counts.invalid == sum(invalid_by_published(counts.by_reason).values())
    assert counts.unsettled == sum(not line.settled for line in lines)
    unsettled = [line.outcome.status for line in lines if not line.settled]
    assert (counts.unsettled_valid, counts.unsettled_invalid) == (unsettled.count("valid"), unsettled.count("invalid"))
    assert 0 <= counts.at_least <= counts.valid <= counts.at_most <= counts.raw


@given(st.lists(st.lists(lines_, min_size=1, max_size=5)))
def test_moving_lines_about_gives_what_counting_them_anew_gives(histories: list[list[Line]]) -> None:
    counts = Counts()
    for history in histories:
        for before, after in zip([None, *history], history, strict=False):
            counts = counts.moved([(before, after)])
    assert counts == counted([history[-1] for history in histories])


@given(st.lists(lines_))
def test_what_is_taken_out_again_leaves_nothing(lines: list[Line]) -> None:
    undecided = Line(Place(1, 1, 1), Outcome("received"))
    counts = counted(lines).moved([(line, undecided) for line in lines])
    assert counts == Counts(received=len(lines), unsettled=len(lines))


@given(st.lists(lines_), st.integers(1, 30), st.data())
def test_whatever_becomes_of_the_open_lines_the_result_is_within_the_bounds_and_as_foreseen(
    lines: list[Line], required: int, data: st.DataObject
) -> None:
    counts = counted(lines)
    decided = st.sampled_from([Line(Place(1, 1, 1), VALID, "V1", settled=True), _REJECTED])
    settled = counted([line if line.settled else data.draw(decided) for line in lines])
    assert counts.at_least <= settled.valid <= counts.at_most
    if (foreseen := outlook(frozen(counts), required)) != "undecided":
        assert foreseen == outlook(frozen(settled), required)


@pytest.mark.parametrize(
    ("counts", "bounds", "foreseen"),
    [
        (Counts(), (0, 0), "insufficient"),
        # 2,019 of these were found not registered, and none of them was confirmed yet.
        (Counts(valid=1_237, invalid=2_341, unsettled=2_036, review=17), (1_237, 3_273), "undecided"),
        (Counts(valid=3_000, unsettled=166, unsettled_valid=166), (2_834, 3_000), "undecided"),
        (Counts(valid=3_000, unsettled=165, unsettled_valid=165), (2_835, 3_000), "sufficient"),
        (Counts(valid=2_800, received=34, unsettled=34), (2_800, 2_834), "insufficient"),
        (Counts(valid=2_800, review=35, unsettled=35), (2_800, 2_835), "undecided"),
        (Counts(valid=2_834, invalid=9, blank=7, struck=7), (2_834, 2_834), "insufficient"),
    ],
)
def test_the_outlook_follows_the_bounds(counts: Counts, bounds: tuple[int, int], foreseen: str) -> None:
    assert (counts.at_least, counts.at_most) == bounds
    assert outlook(frozen(counts), 2_835) == foreseen


@pytest.mark.parametrize(
    ("changes", "at_most", "foreseen"),
    [
        ({"raw_count": "open"}, 2_000, "undecided"),  # more sections may come
        ({"raw_count": "filed"}, 2_000, "insufficient"),
        ({"raw_count": "filed", "claimed": 834}, 2_834, "insufficient"),
        ({"raw_count": "filed", "claimed": 835}, 2_835, "undecided"),
        ({"raw_count": "frozen", "claimed": 835}, 2_000, "insufficient"),
        ({"raw_count": "open", "state": "closed"}, 2_000, "insufficient"),
    ],
)
def test_lines_that_may_still_be_scanned_are_open(changes: dict[str, Any], at_most: int, foreseen: str) -> None:
    tally = frozen(Counts(valid=2_000, invalid=835))._replace(**changes)
    assert (tally.at_most, outlook(tally, 2_835)) == (at_most, foreseen)


@pytest.mark.parametrize(
    ("raw_count", "foreseen"), [("open", "undecided"), ("filed", "undecided"), ("frozen", "insufficient")]
)
def test_too_few_lines_are_insufficient_only_of_a_frozen_raw_count(raw_count: Any, foreseen: str) -> None:  # noqa: ANN401
    tally = frozen(Counts(valid=5, invalid=2_829))._replace(raw_count=raw_count)
    assert outlook(tally, 2_835) == foreseen, "EC 11222"


def test_the_published_result_of_2022_comes_out() -> None:
    counts = Counts(valid=520_050, invalid=195_783, by_reason=GASCON)
    assert counts.raw == 715_833
    assert invalid_by_published(counts.by_reason) == GASCON
    assert (counts.valid - 566_857, rate(counts.valid, counts.raw), rate(566_857, counts.raw)) == (
        -46_807,
        0.7265,
        0.7919,
    )
    assert outlook(frozen(counts), 566_857) == "insufficient"


def test_every_reason_is_published_under_one_heading() -> None:
    for reason in REASONS:
        shown = invalid_by_published({reason: 2})
        assert tuple(shown) == PUBLISHED
        assert sorted(shown.values()) == [0, 0, 0, 0, 0, 0, 2]


def test_a_rate_of_nothing_is_none_and_halves_are_rounded_up() -> None:
    assert rate(0, 0) is None
    assert rate(1, 20_000) == 0.0001
