"""What never lets the program reject: a voter who may have signed, or a search that may have missed the voter."""

from collections.abc import AsyncIterator
from datetime import date
from io import BytesIO

import asyncpg
import pytest

from app.database.engine import connect_arguments
from app.law.line import Signature
from app.matching.decision import Decision
from app.matching.lookup import LineToDecide, decide_lines
from app.matching.queries import SearchedRoll
from app.matching.scoring import Household
from app.roll.loading import load_roll
from app.roll.queries import REGISTRATION_COLUMNS
from tests.matching.roll_of_three import INTERVAL, MARIA, ROBERT, a_line, a_voter, decided, evidence_of

HYUN = a_voter(5, last_name="TANG", first_name="HYUN", middle_name="JAE")
HOME = "500 Main St"
EMPTY = Household(0, {})


def rules(decision: Decision) -> set[str]:
    return {rule["rule"] for rule in evidence_of(decision).get("rules", ())}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        pytest.param("Robert Tang", "review", id="an adopted name of the same sex"),
        pytest.param("Patrick Tang", "review", id="another one"),
        pytest.param("Robert H Tang", "review", id="with the initial of the registered name"),
        pytest.param("Robert Jae Tang", "review", id="with the registered middle name"),
        pytest.param("Robert Xavier Tang", "invalid", id="with the middle name of another person"),
    ],
)
def test_a_voter_of_the_surname_at_the_address_may_go_by_another_given_name(name: str, status: str) -> None:
    found = decided(a_line(name, HOME), HYUN)
    assert found.outcome.status == status


def test_a_middle_name_of_another_person_needs_more_than_the_given_name() -> None:
    voter = a_voter(5, last_name="TANG", first_name="MARIA", middle_name="LUISA")
    assert decided(a_line("Maria Tang", HOME), voter).outcome.status == "valid"
    assert decided(a_line("Maria Xqzwia Tang", HOME, zip_code="90042"), voter).outcome.status == "review"


def test_a_given_name_of_the_other_sex_is_a_relatives() -> None:
    found = decided(a_line("Patrick Garcia-Lopez", "1234 W Sunset Blvd Apt 5"), MARIA)
    assert (found.outcome.status, found.outcome.reason) == ("invalid", "not_registered")


@pytest.mark.parametrize(
    ("name", "address"),
    [
        pytest.param("Xqzw Tang", "1777 Xqzwv St", id="given name and street"),
        pytest.param("Patrick Xqzwv", "1777 Xqzwv St", id="surname and street"),
        pytest.param("Q Tang", "Main St", id="an initial, and no house number"),
    ],
)
def test_two_fields_that_cannot_be_read_leave_the_line_to_a_person(name: str, address: str) -> None:
    found = decided(a_line(name, address), ROBERT, household=EMPTY)
    assert found.outcome.status == "review"
    assert "too little readable" in rules(found)


def test_a_street_that_is_none_makes_no_voter_of_a_name_that_nobody_has() -> None:
    assert decided(a_line("Patrick Tang", "1777 Xqzwv St"), ROBERT, household=EMPTY).outcome.status == "invalid"


def test_the_reason_is_open_where_a_word_of_the_name_is_no_name() -> None:
    misread, read = decided(a_line("Patrick Tqng", "71 Main St")), decided(a_line("Patrick Tang", "71 Main St"))
    assert (misread.outcome.reason, misread.reason_open) == ("not_registered", True)
    assert (read.outcome.reason, read.reason_open) == ("not_registered", False)


def test_a_rare_name_of_the_country_is_no_misread_one() -> None:
    found = decided(a_line("Patrick Oglesby", "71 Main St"))  # no voter of the county has the surname
    assert (found.outcome.reason, found.reason_open) == ("not_registered", False)


@pytest.mark.parametrize(
    ("city", "zip_code", "away"),
    [
        pytest.param("Las Vegas", "89101", True, id="a zip of the country and its city"),
        pytest.param("Las Vages", "89101", True, id="misspelled"),
        pytest.param("Las Vegas", "89000", False, id="a zip that is none"),
        pytest.param("Vallveen", "98568", False, id="a city that is none"),
        pytest.param("Reno", "94102", False, id="a city of another place than the zip"),
    ],
)
def test_zip_and_city_together_are_out_of_the_county(city: str, zip_code: str, *, away: bool) -> None:
    found = decided(a_line("Patrick Tang", "12 Main St", city, zip_code))
    assert (found.outcome.reason == "out_of_county") == away


def test_a_swapped_name_is_as_likely_a_voters_as_a_strangers() -> None:
    plain, swapped = (decided(a_line(name, "71 71st St"), HYUN) for name in ("Hyun Tang", "Tang, Hyun"))
    assert evidence_of(swapped)["stories"]["moved"] == pytest.approx(evidence_of(plain)["stories"]["moved"], abs=0.02)


# What a search finds in PostgreSQL.

ROWS = (
    "V1,KULKARNI,REBECCA,,,1970-01-01,3003,,,DOVE,ST,,,,LOS ANGELES,90026",
    "V2,FLORES,LESLIE,,,1971-01-01,18016,,,GARNET,ST,,,,LOS ANGELES,90026",
    "V3,ABERNATHY,CORDELIA,,,1972-01-01,77,,,JUNIPER,AVE,,,,LOS ANGELES,90026",
    *(f"V{n},SMITH,ROBERT,,,1960-01-01,{n}00,,,MAPLE,AVE,,,,LOS ANGELES,90026" for n in range(10, 60)),
)


@pytest.fixture
async def roll(database: str) -> AsyncIterator[SearchedRoll]:
    """A roll of 53 voters."""
    state = ",active,,2015-01-01,2015-01-02,,"
    source = BytesIO("\n".join([",".join(REGISTRATION_COLUMNS[1:-1]), *(row + state for row in ROWS)]).encode())
    await load_roll(database, county_id="c", source=source, complete_through=date(2022, 7, 6), activate=True)
    connection = await asyncpg.connect(**connect_arguments(database))
    yield SearchedRoll(connection, "c", 1)
    await connection.close()


@pytest.mark.parametrize(
    ("name", "address", "voter"),
    [
        pytest.param("BECKY KULKQRNI", "3003 DOVE ST", "V1", id="a short form, and a slip in the surname"),
        pytest.param("LE SLIE FLNORE", "18016 GARNET ST", "V2", id="a torn name, and slips in the surname"),
        pytest.param("C. ABERNAHTY", "JUNIPER AVE", "V3", id="an initial, and no house number"),
        pytest.param("BECKY KLLKARQI", "3003 DOVE ST", "V1", id="half of the surname"),
        pytest.param("CORDELIA ABFRNQTHY", "5512 JUNIPER AVE", "V3", id="a misread surname and another number"),
    ],
)
async def test_a_voter_at_the_address_is_found_however_the_name_is_damaged(
    roll: SearchedRoll, name: str, address: str, voter: str
) -> None:
    line = LineToDecide(Signature(name, address, "LOS ANGELES", "90026"), INTERVAL)
    [found] = await decide_lines(roll, [line])
    assert found.outcome.status != "invalid"
    assert found.voter_id == voter
