"""The decision on a line, tolerance by tolerance."""

from datetime import date
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.law.line import Signature
from app.law.petition import SigningInterval
from app.matching.model import default_model
from app.matching.parsing import parse_line
from app.matching.scoring import household_of
from tests.matching.roll_of_three import ELIZABETH, INTERVAL, MARIA, ROBERT, a_line, a_voter, decided, evidence_of

ROLL = (MARIA, ROBERT, ELIZABETH)
NAME, ADDRESS = "Maria L Garcia-Lopez", "1234 1/2 W Sunset Blvd Apt 5"


def test_the_line_of_a_registered_voter_is_valid() -> None:
    found = decided(a_line(NAME, ADDRESS), *ROLL)
    assert (found.outcome.status, found.outcome.reason, found.voter_id, found.registration_no) == (
        "valid",
        None,
        "V1",
        1,
    )


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("1234 1/2 W Sunset Blvd", id="a missing unit: EC 105(a)(2)"),
        pytest.param("1234 1/2 W Sunset Blvd Apt 7", id="a wrong unit: EC 105(a)(2)"),
        pytest.param("1234 1/2 W Sunset Blvd # 5", id="another form of the unit: EC 105(a)(2)"),
        pytest.param("1234 W Sunset Blvd Apt 5", id="a fraction left out: 2 CCR 20931"),
        pytest.param("1234 1/4 W Sunset Blvd Apt 5", id="a different fraction: 2 CCR 20931"),
        pytest.param("1234 West Sunset Boulevard 5", id="words written out: 2 CCR 20931"),
        pytest.param("1234 Sunset #5", id="direction and type left out: 2 CCR 20931"),
        pytest.param("1234 W Sunset Bl. Apt 5", id="an abbreviation that is not the post's: Fuentes"),
        pytest.param("1234 W Sunzet Blvd Apt 5", id="a minor misspelling: Fuentes"),
        pytest.param("1234 W S?nset Blvd Apt 5", id="one illegible letter: Fuentes"),
        pytest.param("P.O. Box 12, 1234 W Sunset Blvd Apt 5", id="a PO box beside the address: 2 CCR 20931"),
        pytest.param("99 Elsewhere Rd; 1234 W Sunset Blvd Apt 5", id="two addresses, one of them right: 2 CCR 20931"),
        pytest.param("1234 W Sunset Ave Apt 5", id="another type of the street: EC 105(a)(1)"),
    ],
)
def test_an_address_is_the_voters_with(address: str) -> None:
    assert decided(a_line(NAME, address), *ROLL).voter_id == "V1"
    assert decided(a_line(NAME, address), *ROLL).outcome.status == "valid"


@pytest.mark.parametrize(
    ("city", "zip_code"),
    [("", "90026"), ("L.A.", ""), ("LA", "90042"), ("Echo Park", "90026"), ("Los Angelos", "90026-1234"), ("", "")],
)
def test_no_city_and_no_zip_are_needed_where_street_and_number_identify(city: str, zip_code: str) -> None:
    found = decided(a_line(NAME, ADDRESS, city, zip_code), *ROLL)  # 2 CCR 20931
    assert (found.outcome.status, found.voter_id) == ("valid", "V1")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("Maria Garcia-Lopez", id="a missing middle name"),
        pytest.param("Maria Luisa Garcia Lopez", id="no hyphen"),
        pytest.param("Maria Luisa GarciaLopez", id="no space"),
        pytest.param("María Luisa García-López", id="accents"),
        pytest.param("Garcia-Lopez, Maria", id="the surname first"),
        pytest.param("Garcia-Lopez Maria Luisa", id="swapped order"),
        pytest.param("Mrs. Maria Garcia-Lopez", id="a title"),
        pytest.param("Maria Lopez", id="one of two surnames"),
        pytest.param("Maria Garcia-Lopez Sr", id="a suffix that the roll lacks"),
        pytest.param("Mara L Garcia-Lopez", id="a letter left out"),
    ],
)
def test_a_name_is_the_voters_with(name: str) -> None:
    found = decided(a_line(name, ADDRESS), *ROLL)
    assert (found.outcome.status, found.voter_id) == ("valid", "V1")


@pytest.mark.parametrize(
    "name",
    ["M Garcia-Lopez", "Maria X Garcia-Lopez", "Maria Ortiz", "Garcia", "Luisa Garcia", "M4r7a G4rc7a-L0p3z", "Maria"],
)
def test_a_doubtful_name_at_the_address_is_never_rejected(name: str) -> None:
    found = decided(a_line(name, ADDRESS), *ROLL)
    assert found.outcome.status in {"valid", "review"}
    assert found.voter_id == "V1"


def test_a_nickname_is_the_voters() -> None:
    assert decided(a_line("Liz O'Brien", "300 Main St"), *ROLL).voter_id == "V3"
    assert decided(a_line("Bob Smith", "200 Main St"), *ROLL).voter_id == "V2"


def test_a_bare_initial_never_decides() -> None:
    found = decided(a_line("R Smith", "200 Main St"), *ROLL)
    assert (found.outcome.status, found.voter_id) == ("review", "V2")


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("400 Xqzwv St", id="the same number of a street that is none"),
        pytest.param("400 Sunset Blvd", id="the same number of another street"),
        pytest.param("440 Sunset Blvd", id="a number one digit off in another street of the zip"),
        pytest.param("17 Main St", id="another number of the same street"),
    ],
)
def test_a_voter_whose_address_may_be_misread_is_never_rejected(address: str) -> None:
    qiu = a_voter(4, last_name="TANG", first_name="QIU")
    assert decided(a_line("Qiu Tang", address), *ROLL, qiu).outcome.status == "review"


def test_that_a_namesake_lives_in_a_long_street_says_nothing() -> None:
    maria = a_voter(4, last_name="SMITH", first_name="MARIA")
    assert decided(a_line("Maria Smith", "1777 Main St"), *ROLL, maria).outcome.status == "invalid"


def test_who_writes_an_initial_cannot_be_searched_for_by_name() -> None:
    found = decided(a_line("Q Tang", "1777 Main St"), *ROLL)
    assert (found.outcome.status, found.outcome.reason, found.reason_open) == ("invalid", "not_registered", True)


def test_another_zip_or_type_is_a_slip_where_the_roll_has_no_such_address() -> None:
    patrick = a_voter(4, last_name="GARCIA", first_name="JOSE", zip="90026")
    line = a_line("Jose Garcia", "400 Main Ave", zip_code="90042")
    alone = household_of({"\t90026\tST\t": 40})
    both = household_of({"\t90026\tST\t": 20, "\t90042\tAVE\t": 20})
    assert decided(line, patrick, household=alone).outcome.status == "valid"
    assert decided(line, patrick, household=both).outcome.status == "review"


@pytest.mark.parametrize("house", ["1235", "1243", "123", "12344", "1284"])
def test_one_digit_off_the_house_number_is_neither_accepted_nor_rejected(house: str) -> None:
    found = decided(a_line(NAME, f"{house} W Sunset Blvd Apt 5"), *ROLL)
    assert (found.outcome.status, found.voter_id) == ("review", "V1")


def test_a_relative_at_the_address_is_not_the_voter() -> None:
    found = decided(a_line("Patrick Garcia-Lopez", ADDRESS), *ROLL)
    assert found.outcome.status == "invalid"
    assert found.outcome.reason == "not_registered"
    assert found.voter_id is None


def test_a_name_that_resembles_a_relatives_is_never_taken_for_hers() -> None:
    michael = a_voter(4, last_name="SMITH", first_name="MICHAEL")
    assert decided(a_line("Michele Smith", "400 Main St"), *ROLL, michael).outcome.status == "review"


def test_nobody_of_this_name_and_address_is_not_registered() -> None:
    found = decided(a_line("Patrick Tang", "1234 W Sunset Blvd"), *ROLL)
    assert (found.outcome.status, found.outcome.reason, found.reason_open) == ("invalid", "not_registered", False)


def test_a_voter_of_a_rare_name_elsewhere_has_another_address() -> None:
    qiu = a_voter(4, last_name="TANG", first_name="QIU")
    found = decided(a_line("Qiu Tang", "1234 W Sunset Blvd"), *ROLL, qiu)
    assert (found.outcome.status, found.outcome.reason, found.voter_id) == ("invalid", "different_address", "V4")


def test_the_reason_is_open_where_namesakes_live_elsewhere() -> None:
    namesakes = [a_voter(n, last_name="GARCIA", first_name="JOSE") for n in range(4, 60)]
    found = decided(a_line("Jose Garcia", "71 71st St", zip_code="90042"), *ROLL, *namesakes)
    assert (found.outcome.status, found.reason_open) == ("invalid", True)


def test_the_best_name_and_the_best_address_of_two_voters_make_no_match() -> None:
    other = a_voter(4, last_name="TANG", first_name="QIU", house_number="5178")
    found = decided(a_line("Robert Smith", "5178 Main St"), ROBERT, other)
    assert found.outcome.status == "invalid"


def test_two_voters_of_one_name_at_one_address_are_ambiguous() -> None:
    son = a_voter(4, last_name="SMITH", first_name="ROBERT", house_number="200")
    found = decided(a_line("Robert Smith", "200 Main St"), ROBERT, son)
    assert (found.outcome.status, found.outcome.reason) == ("review", "ambiguous")


def test_the_unit_tells_two_namesakes_in_one_building_apart() -> None:
    one, other = (
        ROBERT._replace(registration_no=n, voter_id=f"V{n}", unit_number=str(n), birth_date=None) for n in (4, 5)
    )
    assert decided(a_line("Robert Smith", "200 Main St Apt 5"), one, other).voter_id == "V5"


def test_a_voter_under_two_numbers_is_one_person() -> None:
    again = ROBERT._replace(registration_no=9, voter_id="V9")
    assert decided(a_line("Robert Smith", "200 Main St"), ROBERT, again).outcome.status == "valid"


def test_a_canceled_voter_is_canceled() -> None:
    gone = MARIA._replace(status="canceled", effective_to=date(2021, 12, 1))
    found = decided(a_line(NAME, ADDRESS), gone, ROBERT)
    assert (found.outcome.status, found.outcome.reason, found.voter_id) == ("invalid", "canceled", "V1")


def test_a_cancellation_after_the_interval_began_takes_nothing_away() -> None:
    leaving = MARIA._replace(status="canceled", effective_to=date(2022, 3, 1))  # EC 2201
    assert decided(a_line(NAME, ADDRESS), leaving, ROBERT).outcome.status == "valid"


def test_an_affidavit_signed_after_the_interval_is_late() -> None:
    late = MARIA._replace(affidavit_signed=date(2022, 7, 7), affidavit_received=date(2022, 7, 7))  # EC 2102(b)
    found = decided(a_line(NAME, ADDRESS), late, ROBERT)
    assert (found.outcome.status, found.outcome.reason) == ("invalid", "registered_late")


def test_an_affidavit_received_after_filing_is_late() -> None:
    late = MARIA._replace(affidavit_received=date(2022, 7, 7))
    assert decided(a_line(NAME, ADDRESS), late, ROBERT).outcome.reason == "registered_late"


def test_a_pending_registration_is_told_apart() -> None:
    assert (
        decided(a_line(NAME, ADDRESS), MARIA._replace(status="pending"), ROBERT).outcome.reason
        == "pending_registration"
    )


@pytest.mark.parametrize(("born", "status"), [(date(2004, 7, 6), "valid"), (date(2004, 7, 7), "invalid")])
def test_who_preregistered_is_a_voter_from_the_eighteenth_birthday(born: date, status: str) -> None:
    young = MARIA._replace(status="preregistered", birth_date=born)  # EC 2102(d)
    found = decided(a_line(NAME, ADDRESS), young, ROBERT)
    assert found.outcome.status == status
    assert found.outcome.reason in {None, "under_age"}


def test_inactive_voters_count_as_registered() -> None:
    assert decided(a_line(NAME, ADDRESS), MARIA._replace(status="inactive"), ROBERT).outcome.status == "valid"


def test_the_address_of_the_interval_counts_for_a_voter_who_moved() -> None:
    old = MARIA._replace(effective_to=date(2022, 3, 1))
    new = a_voter(4, voter_id="V1", first_name="MARIA", birth_date=MARIA.birth_date, affidavit_signed=date(2022, 3, 1))
    at_old, at_new = a_line(NAME, ADDRESS), a_line("Maria Garcia-Lopez", "400 Main St")
    assert decided(at_old, old, new).outcome.status == "valid"
    assert decided(at_new, old, new).outcome.status == "valid"
    later = SigningInterval(date(2022, 4, 1), date(2022, 7, 6), date(2022, 7, 6))
    moved = decided(at_old, old, new, interval=later)
    assert (moved.outcome.status, moved.outcome.reason, moved.voter_id) == ("invalid", "different_address", "V1")


def test_no_signature_comes_before_every_lookup() -> None:
    assert decided(a_line(NAME, ADDRESS, signed=False), *ROLL).outcome.reason == "no_signature"


def test_what_else_fails_on_an_unsigned_line_is_secondary() -> None:
    gone = MARIA._replace(status="canceled", effective_to=date(2021, 12, 1))
    found = decided(a_line(NAME, ADDRESS, signed=False), gone, ROBERT)
    assert (found.outcome.reason, found.secondary, found.voter_id) == ("no_signature", ("canceled",), None)
    away = decided(a_line("Patrick Tang", "12 Fremont St", "Las Vegas", "89101", signed=False))
    assert (away.outcome.reason, away.secondary) == ("no_signature", ("out_of_county", "not_registered"))
    assert decided(a_line(NAME, "", signed=False), *ROLL).secondary == ("no_address",)
    assert decided(a_line(NAME, ADDRESS, signed=False), *ROLL).secondary == ()


def test_another_address_of_a_canceled_voter_is_secondary() -> None:
    facts = {"last_name": "TANG", "first_name": "QIU", "middle_name": "LUISA"}
    gone = a_voter(4, **facts, status="canceled", effective_to=date(2021, 12, 1))
    found = decided(a_line("Qiu Luisa Tang", "1234 W Sunset Blvd"), *ROLL, gone)
    assert (found.outcome.reason, found.secondary) == ("canceled", ("different_address",))


def test_what_is_open_is_never_secondary() -> None:
    namesakes = [a_voter(n, last_name="GARCIA", first_name="JOSE") for n in range(4, 60)]
    assert decided(a_line("Jose Garcia", "71 71st St", zip_code="90042"), *ROLL, *namesakes).secondary == ()


def test_an_unknown_name_and_an_unknown_street_are_told_apart() -> None:
    def rules(name: str, address: str) -> set[str]:
        found = decided(a_line(name, address), elsewhere, household=household_of({}))
        return {rule["rule"] for rule in evidence_of(found).get("rules", ())}

    elsewhere = a_voter(4, last_name="TANG", first_name="PATRICK")
    assert rules("Xqzw Vbnrt", "200 Main St") == {"name not known"}
    assert rules("Patrick Tang", "1777 Xqzwv St") == {"street not known"}
    assert rules("Patrick Tang", "71 71st St") == set()


@pytest.mark.parametrize("address", ["", "  ", "PO Box 12", "p.o.box 33", "?"])
def test_no_residence_address_is_a_reason(address: str) -> None:
    found = decided(a_line(NAME, address), *ROLL)  # EC 100, 105(a)(1)
    assert (found.outcome.status, found.outcome.reason) == ("invalid", "no_address")


@pytest.mark.parametrize("name", ["", "...", "李小龙", "-,-", "- -", "-, Maria -"])
def test_an_unreadable_name_goes_to_a_person(name: str) -> None:
    assert decided(a_line(name, ADDRESS), *ROLL).outcome.status == "review"


def test_city_and_zip_of_another_county_are_out_of_it() -> None:
    found = decided(a_line("Patrick Tang", "12 Fremont St", "Las Vegas", "89101"))
    assert (found.outcome.status, found.outcome.reason) == ("invalid", "out_of_county")


def test_a_wrong_zip_alone_is_never_a_reason() -> None:
    assert decided(a_line(NAME, ADDRESS, "Los Angeles", "89101"), *ROLL).outcome.status == "valid"


def test_a_name_in_parts_is_read_as_it_is() -> None:
    parts = ("Maria", "L", "Garcia-Lopez", "")
    assert decided(Signature("", ADDRESS, "Los Angeles", "90026", name=parts), *ROLL).voter_id == "V1"


def test_the_evidence_shows_value_level_and_weight_of_every_field() -> None:
    evidence = evidence_of(decided(a_line(NAME, ADDRESS), *ROLL))
    best = evidence["candidates"][0]
    assert best["fields"]["given"][:2] == ["MARIA", "exact"]
    assert best["fields"]["house"][:2] == ["1234", "same"]
    assert evidence["stories"]["here"] > 0.99
    assert evidence["model"] == default_model().version


def test_the_evidence_shows_the_dates_that_standing_follows_from() -> None:
    gone = MARIA._replace(status="canceled", effective_to=date(2021, 12, 1))
    evidence = evidence_of(decided(a_line(NAME, ADDRESS), gone, ROBERT))
    assert (evidence["interval"], evidence["filed_on"]) == (["2022-01-27", "2022-07-06"], "2022-07-06")
    dates = {"status": "canceled", "signed": "2010-01-01", "received": "2010-01-02", "ended": "2021-12-01"}
    assert evidence["candidates"][0]["registration"] == dates
    young = MARIA._replace(status="preregistered", birth_date=date(2004, 7, 7))
    shown = evidence_of(decided(a_line(NAME, ADDRESS), young, ROBERT))["candidates"][0]
    assert shown["registration"]["of_age_on"] == "2022-07-07"


def test_the_evidence_counts_the_people_of_the_name() -> None:
    namesakes = [a_voter(n, last_name="SMITH", first_name="ROBERT") for n in range(4, 9)]
    assert evidence_of(decided(a_line("Robert Smith", "200 Main St"), *ROLL, *namesakes))["namesakes"] == 6


@pytest.mark.parametrize("name", [NAME, "Robert Smith", "Michele Smith"])
def test_the_order_of_finding_does_not_matter(name: str) -> None:
    line = a_line(name, "200 Main St")
    assert len({str(decided(line, *order)) for order in permutations(ROLL)}) == 1


texts = st.text(max_size=60) | st.from_regex(r"[0-9A-Z #/,.-]{0,40}", fullmatch=True)


@settings(max_examples=300, deadline=None)
@given(texts, texts, texts, texts)
def test_nothing_that_a_person_could_write_raises(name: str, address: str, city: str, zip_code: str) -> None:
    line = a_line(name, address, city, zip_code)
    found = decided(line, *ROLL)
    assert found == decided(line, *ROLL)
    assert found.outcome.status in {"valid", "invalid", "review"}


@settings(max_examples=100, deadline=None)
@given(texts, texts, texts, texts)
def test_no_name_in_parts_raises(first: str, middle: str, last: str, suffix: str) -> None:
    parse_line(Signature("", "", "", "", name=(first, middle, last, suffix)))


@settings(max_examples=200, deadline=None)
@given(texts, st.sampled_from([ADDRESS, "200 Main St", "1235 Sunset", "17 St John Pl"]))
def test_the_rules_only_turn_a_decision_into_review(name: str, address: str) -> None:
    found = decided(a_line(name, address), *ROLL)
    if "stories" not in evidence_of(found):
        return
    here, thresholds = evidence_of(found)["stories"]["here"], default_model().thresholds
    if found.outcome.status == "valid":
        assert here >= thresholds["match_exact"]
    if found.outcome.status == "invalid":
        assert here <= thresholds["invalid"]


def test_the_interval_is_the_lines_own() -> None:
    before = SigningInterval(date(2009, 1, 1), date(2009, 2, 1), INTERVAL.filed_on)
    assert decided(a_line(NAME, ADDRESS), MARIA, interval=before).outcome.reason == "registered_late"
