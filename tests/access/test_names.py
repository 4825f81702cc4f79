"""Which names persons may have, and which names are the same person's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.names import COMMAND_LINE, allowed_name, is_among, look_of, people
from app.errors import InvalidKeyError

_LETTERS = "ABCMNOWILabcmnowil0158 ÀÉÑÖØØÞßæçđłñøœřşžƠưếỹ"
written = st.text(_LETTERS + " .'_@+#&/:()-", max_size=20).map(lambda text: f"x{text}")
CYRILLIC, GREEK, FULL_WIDTH = "\u0441lerk-4", "clerk-4".replace("k", "\u03ba"), "\uff43lerk-4"


@given(written)
def test_case_blanks_and_width_make_no_other_person(name: str) -> None:
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name)
    for other in (name.upper(), name.lower(), f" {name}  ", name.replace(" ", "\u00a0 "), wide, allowed_name(name)):
        assert is_among(other, [name]), other


@given(st.text(max_size=30))
def test_every_text_has_one_look_and_looks_like_itself(text: str) -> None:
    assert is_among(text, [text])
    assert look_of(look_of(text)) == look_of(text)


@pytest.mark.parametrize(
    "other",
    [
        *("Clerk-4", "CLERK-4", " clerk-4 ", "clerk -4", "CIerk-4", "c1erk-4", "c|erk-4", "cl\u00e9rk-4"),
        *("clerk\u200b-4", "clerk\u20134", CYRILLIC, GREEK, FULL_WIDTH),
    ],
)
def test_a_name_that_looks_like_a_clerks_is_the_clerks(other: str) -> None:
    assert people(["clerk-4", other]) == ("clerk-4",)


@pytest.mark.parametrize("other", ["clerk-5", "clerk-41", "clerk-14", "clark-4", "supervisor-4"])
def test_other_names_are_other_persons(other: str) -> None:
    assert people(["clerk-4", other]) == ("clerk-4", other)


def test_the_command_line_is_no_person() -> None:
    assert people([COMMAND_LINE, "clerk-1", COMMAND_LINE.upper()]) == ("clerk-1",)


@pytest.mark.parametrize(
    "name", ["Ann Lee", "José Núñez", "Nguyễn Thị Minh", "O'Brien-7", "a+b@c.gov", "dept. 2 (scan)"]
)
def test_a_name_is_kept_as_it_is_written(name: str) -> None:
    assert allowed_name(name) == name
    assert allowed_name(f"  {name.replace(' ', '   ')}\t") == name


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", "-", "a,b", "x" * 101, "a\0b", "clerk|4", "clerk\u200b4", "clerk\u202e4", "clerk\u00ad4"),
        *("a\u0303\u0303\u0303", "\u0410\u043d\u043d\u0430", CYRILLIC, GREEK),
    ],
)
def test_a_name_that_could_be_mistaken_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(InvalidKeyError, match="1 to 100 Latin letters") as refused:
        allowed_name(name)
    assert not name.strip(" -") or name not in str(refused.value)


@pytest.mark.parametrize("name", ["machine", "Machine ", "rnachine", "command line", "commandline", "System", "ADMlN"])
def test_what_the_program_writes_into_records_is_nobodys_name(name: str) -> None:
    with pytest.raises(InvalidKeyError, match="reserved"):
        allowed_name(name)
