"""What is read of a body before anybody looks at what it means."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http.problems import Problem
from app.http.wire import MAX_DEPTH, MAX_VALUES, decode

TEXT = st.text() | st.text(alphabet='[]{}"\\,:', max_size=20)
LEAVES = TEXT | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()


def level(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)


@given(level(level(level(LEAVES))), st.booleans())
def test_whatever_stands_in_strings_what_is_flat_is_read_as_it_was_written(value: object, ascii_only: bool) -> None:  # noqa: FBT001  # drawn
    assert decode(json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")) == value


@given(TEXT, st.integers(1, 3), st.lists(st.booleans(), min_size=MAX_DEPTH, max_size=MAX_DEPTH))
def test_what_has_too_many_levels_is_refused_and_what_has_one_less_is_read(
    text: str, more: int, lists: list[bool]
) -> None:
    value: object = text
    for is_list in lists:
        value = [value] if is_list else {text: value}
    assert decode(json.dumps(value).encode()) == value
    for _ in range(more):
        value = [value]
    with pytest.raises(Problem, match="malformed_json"):
        decode(json.dumps(value).encode())


@given(st.binary() | st.text(alphabet='[]{}"\\,:01 ', max_size=30).map(str.encode))
def test_bytes_are_read_as_any_json_reader_reads_them_or_refused(raw: bytes) -> None:
    try:
        value = decode(raw)
    except Problem:
        return
    assert json.dumps(value) == json.dumps(json.loads(raw))


def test_more_values_than_can_be_read_at_once_are_refused_before_they_are_read() -> None:
    assert len(decode(b"[" + b"0," * (MAX_VALUES - 1) + b"0]")) == MAX_VALUES
    with pytest.raises(Problem, match="content_too_large"):
        decode(b"[" + b"0," * MAX_VALUES + b"0]")
