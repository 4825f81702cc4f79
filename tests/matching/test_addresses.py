"""Addresses in every writing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.matching.addresses import parse_address, parse_addresses, street_token, way
from app.matching.comparison import compare_unit


@pytest.mark.parametrize(
    ("text", "house", "fraction", "street", "kind", "unit"),
    [
        ("1234 1/2 W Sunset Blvd Apt 5", "1234", "1/2", "SUNSET", "BLVD", "5"),
        ("1234½ Sunset Bl #5", "1234", "1/2", "SUNSET", "BLVD", "5"),
        ("12249-6 E Main Wy", "12249", "", "MAIN", "WAY", "6"),
        ("8507 N Passage Avnue 1", "8507", "", "PASSAGE", "AVE", "1"),
        ("16775 Brighton St No K", "16775", "", "BRIGHTON", "ST", "K"),
        ("123 Main Plsce", "123", "", "MAIN", "PL", ""),
        ("123 Main St reet", "123", "", "MAIN", "ST", ""),
        ("123 N St", "123", "", "N", "ST", ""),
        ("123 Main St Rear", "123", "", "MAIN", "ST", ""),
        ("123 St. John Pl", "123", "", "STJOHN", "PL", ""),
        ("I718 Main St", "1718", "", "MAIN", "ST", ""),
        ("123 Oak St Los Angeles CA", "123", "", "OAK", "ST", ""),
    ],
)
def test_an_address_is_taken_apart(text: str, house: str, fraction: str, street: str, kind: str, unit: str) -> None:
    found = parse_address(text)
    assert (found.house, found.fraction, found.streets[0], found.street_type, found.unit) == (
        house, fraction, street, kind, unit,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "house", "street", "unit"),
    [
        pytest.param("14528SAGE RANCH AVE", "14528", "SAGERANCH", "", id="a blank lost behind the house number"),
        pytest.param("1234N Main St", "1234", "MAIN", "", id="a blank lost before the direction"),
        pytest.param("13999 MANDUJANOBLVD", "13999", "MANDUJANO", "", id="a blank lost before the type"),
        pytest.param("123 240THST", "123", "240", "", id="a blank lost behind an ordinal"),
        pytest.param("12 Main AveApt 5", "12", "MAIN", "5", id="a blank lost before the unit"),
        pytest.param("1794 115th 801", "1794", "115", "801", id="a unit behind a number without a type"),
        pytest.param("9119 Calle Torre 2", "9119", "CALLETORRE", "2", id="a unit behind a name without a type"),
        pytest.param("5120 N Avenue 45", "5120", "AVENUE45", "", id="a number that is the street's own"),
        pytest.param("6127 BALDWIN UNII 108", "6127", "BALDWIN", "108", id="a slip in the word for the unit"),
        pytest.param("16233 Ranch Rm St Unit 22", "16233", "RANCHRM", "22", id="a word for units before the type"),
        pytest.param("4267 S Front Ave", "4267", "FRONT", "", id="a street named as units are"),
        pytest.param("7766 IRON B1UFF RD", "7766", "IRONBIUFF", "", id="a digit that was a letter"),
        pytest.param("12 080 Elder Ct", "12080", "ELDER", "", id="a blank within the house number"),
        pytest.param("16 62 N. 5th Ave", "1662", "5", "", id="a blank within it before a numbered street"),
        pytest.param("12 80 St", "12", "80", "", id="a house in a numbered street"),
        pytest.param("10652 MAIN B0VLEV4KD", "10652", "MAIN", "", id="a type misread in several letters"),
    ],
)
def test_what_hand_and_machine_do_to_an_address_is_undone(text: str, house: str, street: str, unit: str) -> None:
    found = parse_address(text)
    assert (found.house, found.streets[0], found.unit) == (house, street, unit)


@pytest.mark.parametrize(
    ("text", "street"),
    [
        ("849 244RD ST", "243"), ("1234 5OTH ST", "50"), ("7741 8TJ AVENUE", "8"), ("3902 248TH STRFT", "248"),
        ("14533 WW 168TH AVE", "168"), ("15140 VEST VISTA DR", "VISTA"), ("12233 NORTH SVENUE", "NORTH"),
        ("60 WEST IAKE STREEI", "WESTIAKE"), ("13345 RANCH MILL 22", "RANCHMILL"),
    ],
)  # fmt: skip
def test_a_street_that_may_be_misread_has_further_readings(text: str, street: str) -> None:
    assert street in parse_address(text).streets


def test_each_reading_of_a_street_has_the_type_that_it_leaves() -> None:
    found = parse_address("13345 N Ranch Mill")
    assert dict(zip(found.streets, found.ways, strict=True)) == {"RANCH": ("ML", "N"), "RANCHMILL": ("", "N")}


def test_the_rolls_type_and_direction_are_compared_in_one_form() -> None:
    assert way("Street", "north") == way("ST", "N") == ("ST", "N")


def test_directions_stand_before_or_after_the_street() -> None:
    assert parse_address("12 North Main St").pre_direction == "N"
    assert parse_address("12 Main St NW").post_direction == "NW"


@pytest.mark.parametrize("text", ["42 St S", "5th Ave", "71st Street"])
def test_a_numbered_street_alone_has_no_house_number(text: str) -> None:
    assert not parse_address(text).house


def test_a_type_may_belong_to_the_name() -> None:
    assert {"BIGDALTON", "BIGDALTONCANYON"} <= set(parse_address("10222 Big Dalton Canyon").streets)
    assert "WAY" in parse_address("7558 West Way").streets


@pytest.mark.parametrize(
    ("one", "other"),
    [("Mt. Olive", "MOUNT OLIVE"), ("First", "1st"), ("71st", "71"), ("Twenty First", "21ST"),
     ("Saint John", "St John"), ("Avenue 45", "Ave 45"), ("Lomita Park", "LOMITAPARK"), ("O'Connor", "OConnor"),
     ("Rose Haven", "ROSEHAVEN"), ("Green Cyn", "Green Canyon"), ("Green Cyn", "GREENCANYON"),
     ("Peñón", "PENON")],
)  # fmt: skip
def test_two_writings_of_one_street_are_the_same(one: str, other: str) -> None:
    assert street_token(one) == street_token(other)


@pytest.mark.parametrize(
    ("written", "registered", "level"),
    [("5", "5", "same"), ("", "", "none"), ("", "5", "missing"), ("2O1", "201", "same"), ("01", "1", "same"),
     ("S", "5", "same"), ("297", "207", "near"), ("42", "2", "other"), ("A", "B", "other"), ("31", "205", "other")],
)  # fmt: skip
def test_units_are_compared_as_hand_and_machine_write_them(written: str, registered: str, level: str) -> None:
    assert compare_unit(written, registered) == level


def test_a_po_box_is_no_residence() -> None:
    alone, beside = parse_addresses("P.O. Box 12"), parse_addresses("PO Box 12, 123 Main St")
    assert alone == ((), True)
    assert (beside[0][0].house, beside[1]) == ("123", True)


def test_a_house_number_that_had_to_be_guessed_is_uncertain() -> None:
    assert parse_address("123 Main St").house_certain
    assert not parse_address("1Z3 Main St").house_certain
    assert not parse_address("9744106 Main St").house_certain  # a house and a unit run together


@pytest.mark.parametrize("text", ["Apt 5, 123 Main St", "#5 123 Main St", "UNIT 5 - 123 Main St"])
def test_a_unit_may_be_written_first(text: str) -> None:
    (found,) = parse_addresses(text)[0]
    assert (found.house, found.streets, found.unit) == ("123", ("MAIN",), "5")


def test_two_addresses_are_both_read() -> None:
    assert [a.house for a in parse_addresses("12 Main St; 34 Oak Ave")[0]] == ["12", "34"]


@given(st.text(max_size=80) | st.from_regex(r"[0-9A-Z #/,.&;-]{0,50}", fullmatch=True))
def test_no_text_raises_and_the_same_text_reads_the_same(text: str) -> None:
    assert parse_addresses(text) == parse_addresses(text)
    assert len(parse_addresses(text)[0]) <= 2
