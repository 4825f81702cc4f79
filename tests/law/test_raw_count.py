"""Notes on control totals that differ: on a section, or on neighboring ones."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import RawCountRefusedError
from app.law.raw_count import Proposal, RawList, SectionRange, check_proposal

ranges = st.tuples(st.integers(1, 60), st.integers(0, 8)).map(lambda one: SectionRange(one[0], one[0] + one[1]))


def a_proposal(notes: dict[SectionRange, str]) -> Proposal:
    return Proposal(0, "freeze", RawList(0, b""), "", notes, "clerk-1", datetime(2022, 7, 7, tzinfo=UTC))


@pytest.mark.parametrize(("text", "sections"), [("12", (12, 12)), ("12-40", (12, 40))])
def test_a_range_is_stored_as_text_and_a_section_as_before(text: str, sections: tuple[int, int]) -> None:
    assert SectionRange.stored(text) == sections
    assert str(SectionRange(*sections)) == text
    assert a_proposal({SectionRange(12, 12): "x"}).sealed() == '{"kind":"freeze","notes":{"12":"x"},"reason":""}'


@given(st.lists(ranges, max_size=6), st.sets(st.integers(1, 70)))
def test_a_section_has_a_note_where_a_range_has_it(noted: list[SectionRange], differing: set[int]) -> None:
    apart = list[SectionRange]()
    for one in sorted(noted):
        if not apart or apart[-1].last < one.first:
            apart.append(one)
    expected = sorted(s for s in differing if not any(one.first <= s <= one.last for one in apart))
    assert a_proposal(dict.fromkeys(apart, "x")).without_note(differing) == expected


def test_an_empty_note_is_none_and_what_lacks_one_is_named() -> None:
    with pytest.raises(RawCountRefusedError, match="2 sections differ without a note: 4, 9"):
        check_proposal(a_proposal({SectionRange(1, 3): "x", SectionRange(4, 5): " "}), "filed", [2, 9, 4])


def test_one_note_is_enough_for_a_hundred_thousand_sections() -> None:
    check_proposal(a_proposal({SectionRange(1, 100_000): "miscounted by the proponents"}), "filed", range(1, 100_001))
