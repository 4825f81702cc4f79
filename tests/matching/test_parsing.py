"""Which ways to parse a name are worth a search."""

from hypothesis import given
from hypothesis import strategies as st

from app.law.line import Signature
from app.matching.parsing import likely_names, parse_line
from tests.matching.roll_of_three import a_line, loaded_terms

COUNTS = {
    "surname": {"SMITH": 800, "THOMAS": 150, "SALCEDA": 3, "JAMES": 150},
    "given": {"ROBERT": 900, "THOMAS": 300, "JAMES": 700, "ELOISA": 40},
    "middle": {},
    "street": {},
    "zip": {},
}


def kept(name: str) -> list[str]:
    line = parse_line(a_line(name, "1 Main St"))
    return [parsed.order for parsed in likely_names(line, loaded_terms(line, counts=COUNTS)).names]


def test_a_name_in_its_usual_order_is_parsed_in_no_other() -> None:
    assert kept("Robert Smith") == ["plain"]
    assert kept("Smith Robert") == ["swapped"]


def test_two_names_that_are_both_given_and_family_names_are_parsed_in_both_orders() -> None:
    assert kept("Thomas James") == ["plain", "swapped"]


def test_a_name_split_in_two_stays_a_given_name() -> None:
    assert "plain" in kept("El oisa Salceda")


def test_a_misspelling_removes_no_parsed_name() -> None:
    assert "plain" in kept("Rbxert Smith")
    assert "plain" in kept("Robert Smqth")


@given(st.text(max_size=40))
def test_the_likeliest_parsed_name_stays_for_any_text(name: str) -> None:
    line = parse_line(Signature(name, "1 Main St", "", ""))
    assert bool(likely_names(line, loaded_terms(line)).names) == bool(line.names)
