"""The district of the office, cancellations without a date, and every reason that the data show (rules 7 and 8)."""

from datetime import date
from itertools import product

import pytest

from app.law.reasons import REASONS, in_order
from app.law.registration import Registration
from app.matching.decision import Decision
from tests.matching.roll_of_three import MARIA, a_line, a_voter, decided, evidence_of

NAME, ADDRESS = "Maria L Garcia-Lopez", "1234 1/2 W Sunset Blvd Apt 5"
INSIDE, OUTSIDE = MARIA._replace(districts="CD-28;SD-3"), MARIA._replace(districts="CD-28;SD-4")
OTHER = a_voter(7, last_name="SMITH", first_name="ROBERT", districts="SD-3")  # shows that the roll has the code
GONE = date(2021, 12, 1)


def by_data(voter: Registration, *others: Registration, district: str | None = "SD-3") -> Decision:
    return decided(a_line(NAME, ADDRESS), voter, OTHER, *others, district=district)


def test_a_voter_of_another_district_is_out_of_the_officers() -> None:
    found = by_data(OUTSIDE)
    assert (found.outcome, found.voter_id, found.reason_open) == (("invalid", "out_of_district"), "V1", False)
    evidence = evidence_of(found)
    assert evidence["district"] == "SD-3"
    assert evidence["candidates"][0]["districts"] == "CD-28;SD-4"


def test_a_voter_of_the_district_is_found_as_without_one() -> None:
    assert by_data(INSIDE).outcome == ("valid", None)
    found = by_data(OUTSIDE, district=None)
    assert found.outcome == ("valid", None)
    assert not {"district", "districts"} & {*evidence_of(found), *evidence_of(found)["candidates"][0]}


def test_a_registration_without_codes_goes_to_a_person() -> None:
    found = by_data(MARIA)
    assert (found.outcome, found.voter_id) == (("review", "no_district"), "V1")
    assert evidence_of(found)["rules"][0]["rule"] == "district not shown"


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize(("name", "address"), [(NAME, ADDRESS), (NAME, ""), ("", ADDRESS), ("Nu Bo", "1 Xqw St")])
def test_no_line_is_decided_where_the_roll_has_no_registration_of_the_district(
    name: str, address: str, *, signed: bool
) -> None:
    found = decided(a_line(name, address, signed=signed), OUTSIDE, district="SD-3")
    assert (found.outcome, found.voter_id, found.secondary) == (("review", "no_district"), None, ())
    assert [rule["rule"] for rule in evidence_of(found)["rules"]] == ["no district"]


def test_a_second_registration_in_the_district_leaves_the_line_to_a_person() -> None:
    moved = a_voter(
        4, voter_id="V1", first_name="MARIA", birth_date=MARIA.birth_date, affidavit_signed=date(2022, 3, 1)
    )
    left = OUTSIDE._replace(effective_to=date(2022, 3, 1))
    assert by_data(left, moved._replace(districts="SD-4")).outcome == ("invalid", "out_of_district")
    found = by_data(left, moved._replace(districts="SD-3"))
    assert found.outcome == ("review", "possible_move")
    assert evidence_of(found)["rules"][0]["cites"] == "EC 11045, 2 CCR 20931"


def test_of_two_registrations_at_the_address_the_one_in_the_district_counts() -> None:
    again = INSIDE._replace(registration_no=9, affidavit_signed=date(2022, 3, 1))
    assert by_data(OUTSIDE._replace(effective_to=date(2022, 3, 1)), again).registration_no == 9


@pytest.mark.parametrize("signed", [True, False])
def test_a_cancellation_without_a_date_goes_to_a_person(*, signed: bool) -> None:
    undated = MARIA._replace(status="canceled")
    found = decided(a_line(NAME, ADDRESS, signed=signed), undated, OTHER)
    expected = ("review", "undated_cancellation") if signed else ("invalid", "no_signature")
    assert (found.outcome, found.secondary) == (expected, ())
    assert {"rule": "cancellation without a date", "cites": "EC 2201"} in evidence_of(found)["rules"]
    assert evidence_of(found)["candidates"][0]["standing"] == "canceled_undated"


def test_elsewhere_the_line_is_invalid_whenever_the_registration_was_canceled() -> None:
    undated = a_voter(4, last_name="TANG", first_name="QIU", middle_name="LUISA", status="canceled")
    found = decided(a_line("Qiu Luisa Tang", "1234 W Sunset Blvd"), MARIA, undated)
    assert (found.outcome, found.reason_open) == (("invalid", "canceled"), True)
    assert found.secondary == ()


STANDINGS: dict[str, dict[str, object]] = {
    "registered": {},
    "registered_late": {"affidavit_signed": date(2022, 7, 7), "affidavit_received": date(2022, 7, 7)},
    "pending_registration": {"status": "pending"},
    "under_age": {"status": "preregistered", "birth_date": date(2004, 7, 7)},
    "canceled": {"status": "canceled", "effective_to": GONE},
}  # fmt: skip


@pytest.mark.parametrize(
    ("unsigned", "away", "standing", "outside", "elsewhere"),
    list(product([False, True], [False, True], STANDINGS, [False, True], [False, True])),
)
def test_every_reason_that_the_data_show_is_kept_in_the_order_of_the_rules(
    *, unsigned: bool, away: bool, standing: str, outside: bool, elsewhere: bool
) -> None:
    facts = {"last_name": "TANG", "first_name": "QIU", "middle_name": "LUISA", **STANDINGS[standing]}
    voter = a_voter(4, **facts, districts="SD-4" if outside else "SD-3")
    address = "1234 W Sunset Blvd" if elsewhere else "400 Main St"
    town = ("Las Vegas", "89101") if away else ("Los Angeles", "90026")
    line = a_line("Qiu Luisa Tang", address, *town, signed=not unsigned)
    found = decided(line, MARIA._replace(districts="SD-3"), voter, district="SD-3")
    expected = {
        "no_signature": unsigned,
        "out_of_county": away,
        standing: standing != "registered",
        "out_of_district": outside,
        "different_address": elsewhere,
    }
    failing = in_order(reason for reason in REASONS if expected.get(reason))
    decided_by_a_person = away and not elsewhere and standing == "registered"
    if decided_by_a_person and not unsigned:  # number and street are the voter's: city and zip do not reject alone
        assert found.outcome.status == "review"
    elif decided_by_a_person:
        assert (found.outcome.reason, found.secondary) == ("no_signature", ())
    else:
        assert (found.outcome.reason, *found.secondary) == (failing or (None,))


@pytest.mark.parametrize(
    ("name", "address", "town", "signed", "failing"),
    [
        (NAME, "", ("Los Angeles", "90026"), True, ("no_address",)),
        (NAME, "", ("Las Vegas", "89101"), True, ("no_address", "out_of_county")),
        (NAME, "PO Box 12", ("Las Vegas", "89101"), False, ("no_signature", "no_address", "out_of_county")),
        (NAME, "PO Box 12", ("Los Angeles", "90026"), False, ("no_signature", "no_address")),
        ("", ADDRESS, ("Las Vegas", "89101"), False, ("no_signature", "out_of_county")),
        ("", ADDRESS, ("Los Angeles", "90026"), False, ("no_signature",)),
        ("", "", ("Las Vegas", "89101"), True, ("no_address", "out_of_county")),
    ],
)
def test_reasons_of_lines_that_are_not_looked_up(
    name: str, address: str, town: tuple[str, str], *, signed: bool, failing: tuple[str, ...]
) -> None:
    found = decided(a_line(name, address, *town, signed=signed), MARIA)
    assert (found.outcome.reason, *found.secondary) == failing
