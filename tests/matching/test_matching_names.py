"""The decision on a line, by the forms and slips of a name."""

import pytest

from tests.matching.roll_of_three import ELIZABETH, MARIA, ROBERT, a_line, a_voter, decided

ROLL = (MARIA, ROBERT, ELIZABETH)
ADDRESS = "1234 1/2 W Sunset Blvd Apt 5"


@pytest.mark.parametrize("name", ["R J Smith", "R. James Smith"])
def test_an_initial_and_the_middle_name_say_who_it_is(name: str) -> None:
    robert = ROBERT._replace(middle_name="JAMES")
    found = decided(a_line(name, "200 Main St"), robert, MARIA)
    assert (found.outcome.status, found.voter_id) == ("valid", "V2")
    assert decided(a_line("R X Smith", "200 Main St"), robert, MARIA).outcome.status == "review"
    roger = a_voter(4, last_name="SMITH", first_name="ROGER", middle_name="JAMES", house_number="200")
    assert decided(a_line(name, "200 Main St"), robert, roger).outcome.status == "review"


def test_of_two_namesakes_at_an_address_the_middle_initial_tells() -> None:
    son = a_voter(4, last_name="SMITH", first_name="ROBERT", house_number="200")
    father = ROBERT._replace(middle_name="JAMES")
    found = decided(a_line("Robert J Smith", "200 Main St"), father, son)
    assert (found.outcome.status, found.voter_id) == ("valid", "V2")
    assert decided(a_line("Robert Smith", "200 Main St"), father, son).outcome.status == "review"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("Maria Garcia Lopez", id="both surnames"),
        pytest.param("Maria Garcya Lopez", id="both, with a slip in one"),
        pytest.param("Garcia Lopez Maria", id="both, before the given name"),
        pytest.param("Maria Garcia", id="the first alone"),
        pytest.param("Maria Lopez", id="the second alone"),
    ],
)
def test_who_has_two_surnames_is_found_by(name: str) -> None:
    found = decided(a_line(name, ADDRESS), *ROLL)
    assert (found.outcome.status, found.voter_id) == ("valid", "V1")


def test_a_surname_without_its_particles_is_the_voters() -> None:
    alvaro = a_voter(4, last_name="DE LEON", first_name="ALVARO")
    for name in ("Alvaro Leon", "Alvaro de Leon", "Alvaro DeLeon"):
        found = decided(a_line(name, "400 Main St"), *ROLL, alvaro)
        assert (found.outcome.status, found.voter_id) == ("valid", "V4"), name


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        pytest.param("Freddy Tang", "ALFREDO", "TANG", id="an unlisted short form"),
        pytest.param("Brendy Tang", "BRENDA", "TANG", id="a fond form"),
        pytest.param("Qiu U", "QIU", "FU", id="a letter lost of a surname of two"),
        pytest.param("Qiu Om", "QIU", "OH", id="a letter misread of a surname of two"),
        pytest.param("Srnith Qiu", "QIU", "SMITH", id="two letters read for one, the surname first"),
        pytest.param("Patrick Sa", "PATRICK", "SO", id="another surname of two letters that differs in one"),
        pytest.param("Qiu 1e", "QIU", "LE", id="a letter read as a digit"),
    ],
)
def test_a_voter_is_never_rejected_for(name: str, first: str, last: str) -> None:
    voter = a_voter(4, last_name=last, first_name=first)
    found = decided(a_line(name, "400 Main St"), *ROLL, voter)
    assert found.outcome.status != "invalid"
    assert found.voter_id == "V4"


def test_two_digits_off_and_a_name_badly_read_is_never_rejected() -> None:
    qiu = a_voter(4, last_name="TANG", first_name="PATRICK", house_number="16539")
    found = decided(a_line("Patqlck Tang", "18549 Main St"), *ROLL, qiu)
    assert (found.outcome.status, found.voter_id) == ("review", "V4")


def test_among_many_of_a_surname_another_form_of_a_given_name_is_not_enough() -> None:
    home = {"last_name": "SMITH", "house_number": "400"}
    family = [a_voter(n, first_name=first, **home) for n, first in enumerate(("ANNA", "PATRICK", "LIZ", "QIU"), 5)]
    rob = a_voter(4, first_name="BOB", **home)
    assert decided(a_line("Bob Smith", "400 Main St"), rob, *family).outcome.status == "valid"
    found = decided(a_line("Robert Smith", "400 Main St"), rob, *family)
    assert (found.outcome.status, found.voter_id) == ("review", "V4")
    assert decided(a_line("Robert Smith", "400 Main St"), rob).outcome.status == "valid"
