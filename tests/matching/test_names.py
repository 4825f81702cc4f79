"""Names in every writing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.matching.names import (
    fold,
    is_form,
    name_forms,
    parse_name,
    parse_name_parts,
    short_form,
    sound,
    suffix_of,
    surname_parts,
)


def parsed(text: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(name.given, name.surname) for name in parse_name(text)[0]]


@pytest.mark.parametrize(
    ("text", "given_names", "surname"),
    [
        ("Robert Smith", ("ROBERT",), ("SMITH",)),
        ("SMITH, ROBERT J", ("ROBERT", "J"), ("SMITH",)),
        ("Mrs. Maria Garcia-Lopez", ("MARIA",), ("GARCIA", "LOPEZ")),
        ("José de la Cruz", ("JOSE",), ("DELACRUZ",)),
        ("Patrick O'Brien Jr.", ("PATRICK",), ("OBRIEN",)),
        ("SMITH R", ("R",), ("SMITH",)),
        ("R0BERT 5MITH", ("ROBERT",), ("SMITH",)),
        ("DAV:D TANG", ("DAVID",), ("TANG",)),
        ("Jean - Luc Tang", ("JEAN", "LUC"), ("TANG",)),
    ],
)
def test_the_likeliest_parsed_name_comes_first(
    text: str, given_names: tuple[str, ...], surname: tuple[str, ...]
) -> None:
    assert parsed(text)[0] == (given_names, surname)


def test_two_surnames_without_a_hyphen_are_one_of_the_parsed_names() -> None:
    assert (("MARIA",), ("GARCIA", "LOPEZ")) in parsed("Maria Garcia Lopez")


def test_the_swapped_order_is_one_of_the_parsed_names() -> None:
    assert (("QIU",), ("TANG",)) in parsed("Tang Qiu")


def test_a_suffix_is_no_part_of_the_name() -> None:
    assert parse_name("Robert Smith III")[1] == "III"
    assert parse_name("Smith, Jr., Robert")[1] == "JR"
    assert parse_name_parts(("Robert", "", "Smith", "Sr"))[1] == "SR"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("de la Cruz", ("DELACRUZ",)),
        ("De La O", ("DELAO",)),
        ("Mc Donald", ("MCDONALD",)),
        ("Van Dyke-Smith", ("VANDYKE", "SMITH")),
        ("SAN", ("SAN",)),
        ("", ()),
    ],
)
def test_particles_are_joined_to_the_surname_they_lead(text: str, parts: tuple[str, ...]) -> None:
    assert surname_parts(text) == parts


def test_a_short_form_and_its_full_name_are_forms_of_each_other() -> None:
    assert is_form("BOB", "ROBERT")
    assert is_form("ROBERT", "BOB")
    assert is_form("PACO", "FRANCISCO")
    assert not is_form("ROBERT", "MARIA")
    assert "ROBERT" in name_forms("BOB")


@pytest.mark.parametrize(
    ("short", "full"),
    [("KATE", "CATHERINE"), ("FREDDY", "ALFREDO"), ("BARB", "BARBARA"), ("TINA", "CRISTINA"), ("NACHO", "IGNACIO")],
)
def test_a_name_and_its_spellings_share_their_short_forms(short: str, full: str) -> None:
    assert is_form(short, full)


@pytest.mark.parametrize(
    ("one", "other", "cut"),
    [
        ("MARIB", "MARIBEL", True), ("JUAN", "JUANITA", True), ("BRENDY", "BRENDA", True), ("LINDA", "HERLINDA", True),
        ("MARIO", "MARIA", False), ("ANA", "MARIANA", False), ("JACOB", "JAMES", False),
    ],
)  # fmt: skip
def test_one_name_may_be_cut_from_another(one: str, other: str, cut: bool) -> None:  # noqa: FBT001 - the answer
    assert short_form(one, other) is short_form(other, one) is cut


def test_an_initial_is_no_suffix() -> None:
    assert parse_name("Holden D. V")[1] == ""
    assert parse_name("Robert Smith V")[1] == "V"
    assert suffix_of("Jr.") == suffix_of("junior") == "JR"


@pytest.mark.parametrize(
    ("one", "other"),
    [("DIAZ", "DYAZ"), ("VALDEZ", "BALDES"), ("SANDRA", "SANTRA"), ("ALLEN", "ALEN"), ("BRIAN", "BRYAN")],
)
def test_words_heard_alike_sound_the_same(one: str, other: str) -> None:
    assert sound(one) == sound(other)


@given(st.text(max_size=80))
def test_folding_leaves_letters_digits_and_single_spaces(text: str) -> None:
    folded = fold(text)
    assert folded == fold(folded)
    assert all(c == " " or (c.isascii() and c.isalnum() and not c.islower()) for c in folded)
    assert folded == folded.strip()
    assert "  " not in folded
