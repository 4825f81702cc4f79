"""Addresses in every writing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.addresses import parse_address, read_addresses
from app.domain.streets import street_token


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


def test_directions_stand_before_or_after_the_street() -> None:
    assert parse_address("12 North Main St").pre_direction == "N"
    assert parse_address("12 Main St NW").post_direction == "NW"


@pytest.mark.parametrize("text", ["42 St S", "5th Ave", "71st Street"])
def test_a_numbered_street_alone_has_no_house_number(text: str) -> None:
    assert not parse_address(text).house


def test_a_type_may_belong_to_the_name() -> None:
    assert {"BIGDALTON", "BIGDALTONCYN"} <= set(parse_address("10222 Big Dalton Canyon").streets)
    assert "WAY" in parse_address("7558 West Way").streets


@pytest.mark.parametrize(
    ("one", "other"),
    [("Mt. Olive", "MOUNT OLIVE"), ("First", "1st"), ("71st", "71"), ("Twenty First", "21ST"),
     ("Saint John", "St John"), ("Avenue 45", "Ave 45"), ("Lomita Park", "LOMITAPARK"), ("O'Connor", "OConnor"),
     ("Peñón", "PENON")],
)  # fmt: skip
def test_two_writings_of_one_street_are_the_same(one: str, other: str) -> None:
    assert street_token(one) == street_token(other)


def test_a_po_box_is_no_residence() -> None:
    alone, beside = read_addresses("P.O. Box 12"), read_addresses("PO Box 12, 123 Main St")
    assert (alone.addresses, alone.po_box) == ((), True)
    assert (beside.addresses[0].house, beside.po_box) == ("123", True)


def test_a_house_number_that_had_to_be_guessed_is_uncertain() -> None:
    assert parse_address("123 Main St").house_certain
    assert not parse_address("1Z3 Main St").house_certain
    assert not parse_address("9744106 Main St").house_certain  # a house and a unit run together


def test_two_addresses_are_both_read() -> None:
    assert [a.house for a in read_addresses("12 Main St; 34 Oak Ave").addresses] == ["12", "34"]


@given(st.text(max_size=80) | st.from_regex(r"[0-9A-Z #/,.&;-]{0,50}", fullmatch=True))
def test_no_text_raises_and_the_same_text_reads_the_same(text: str) -> None:
    assert read_addresses(text) == read_addresses(text)
    assert len(read_addresses(text).addresses) <= 2
