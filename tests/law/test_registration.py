"""A voter's registration in the interval of a line, and the district of the office (EC 2102, 2201, 11045)."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.law.district import district_codes, district_text, is_of_district
from app.law.petition import SigningInterval
from app.law.reasons import REASONS, VALID, Failing, Outcome, Reason, in_order
from app.law.registration import REASON_OF, Eligibility, best_eligibility, eligibility, of_age_on
from app.law.ruleset import RegistrationRule
from tests.matching.roll_of_three import MARIA

INTERVAL = SigningInterval(date(2022, 2, 1), date(2022, 3, 1), date(2022, 7, 6))
BEFORE, WITHIN, AFTER = date(2022, 1, 31), date(2022, 2, 15), date(2022, 3, 2)


@pytest.mark.parametrize(
    ("facts", "standing"),
    [
        ({}, "registered"),
        ({"status": "inactive"}, "registered"),
        ({"affidavit_signed": None, "affidavit_received": None}, "registered"),
        ({"affidavit_signed": INTERVAL.end}, "registered"),
        ({"affidavit_signed": AFTER}, "registered_late"),
        ({"affidavit_received": INTERVAL.filed_on}, "registered"),
        ({"affidavit_received": date(2022, 7, 7)}, "registered_late"),
        ({"effective_to": INTERVAL.start}, "registered"),
        ({"effective_to": BEFORE}, "former"),
        ({"status": "canceled", "effective_to": BEFORE}, "canceled"),
        ({"status": "canceled", "effective_to": INTERVAL.start}, "registered"),
        ({"status": "canceled", "effective_to": WITHIN}, "registered"),
        ({"status": "canceled", "effective_to": AFTER}, "registered"),
        ({"status": "canceled"}, "canceled_undated"),  # rule 8: it goes to a person
        ({"status": "canceled", "affidavit_signed": AFTER}, "registered_late"),
        ({"status": "pending"}, "pending_registration"),
        ({"status": "preregistered", "birth_date": date(2004, 3, 1)}, "registered"),
        ({"status": "preregistered", "birth_date": date(2004, 3, 2)}, "under_age"),
    ],
)
def test_the_standing_of_a_registration(facts: dict[str, object], standing: Eligibility) -> None:
    assert eligibility(MARIA._replace(**facts), INTERVAL) == standing  # type: ignore[arg-type]  # names of fields


RULED: list[tuple[dict[str, object], dict[str, object], Eligibility]] = [
    ({"inactive_counts": False}, {"status": "inactive"}, "inactive"),
    ({"inactive_counts": False}, {"status": "inactive", "effective_to": BEFORE}, "former"),
    ({"inactive_counts": False}, {"status": "inactive", "affidavit_signed": AFTER}, "registered_late"),
    ({"inactive_counts": False}, {}, "registered"),
    ({"voting_age": 16}, {"status": "preregistered", "birth_date": date(2006, 3, 1)}, "registered"),
    ({"voting_age": 16}, {"status": "preregistered", "birth_date": date(2006, 3, 2)}, "under_age"),
    ({"voting_age": 17}, {"status": "preregistered", "birth_date": date(2005, 3, 1)}, "registered"),
    ({"age_reached_by": "interval_start"}, {"status": "preregistered", "birth_date": date(2004, 2, 1)}, "registered"),
    ({"age_reached_by": "interval_start"}, {"status": "preregistered", "birth_date": date(2004, 2, 2)}, "under_age"),
    ({"age_reached_by": "filing"}, {"status": "preregistered", "birth_date": date(2004, 7, 6)}, "registered"),
    ({"age_reached_by": "filing"}, {"status": "preregistered", "birth_date": date(2004, 7, 7)}, "under_age"),
    ({"affidavit_signed_by": "interval_start"}, {"affidavit_signed": INTERVAL.start}, "registered"),
    ({"affidavit_signed_by": "interval_start"}, {"affidavit_signed": WITHIN}, "registered_late"),
    ({"affidavit_days_before_filing": 15}, {"affidavit_received": date(2022, 6, 21)}, "registered"),
    ({"affidavit_days_before_filing": 15}, {"affidavit_received": date(2022, 6, 22)}, "registered_late"),
    ({"affidavit_days_before_filing": 15}, {"affidavit_received": None}, "registered"),
    ({"undated_cancellation": "registered"}, {"status": "canceled"}, "registered"),
    ({"undated_cancellation": "registered"}, {"status": "canceled", "effective_to": BEFORE}, "canceled"),
]


@pytest.mark.parametrize(("rule", "facts", "standing"), RULED)
def test_the_ruleset_says_which_registrations_count(
    rule: dict[str, object], facts: dict[str, object], standing: Eligibility
) -> None:
    interval = INTERVAL._replace(rule=RegistrationRule(**rule))  # type: ignore[arg-type]  # names of parameters
    assert eligibility(MARIA._replace(**facts), interval) == standing  # type: ignore[arg-type]  # names of fields


@pytest.mark.parametrize(
    ("born", "age", "day"),
    [
        (date(2004, 2, 29), 18, date(2022, 3, 1)),
        (date(2004, 2, 29), 16, date(2020, 2, 29)),
        (date(2004, 2, 28), 17, date(2021, 2, 28)),
    ],
)
def test_a_birthday_on_a_leap_day_is_in_march_of_other_years(born: date, age: int, day: date) -> None:
    assert of_age_on(born, age) == day


def test_a_cancellation_without_a_date_is_worse_than_a_registration_in_force_and_better_than_any_other() -> None:
    every: list[Eligibility] = list(REASON_OF)
    assert best_eligibility(every) == "registered"
    assert best_eligibility(set(every) - {"registered"}) == "canceled_undated"


@pytest.mark.parametrize(
    ("districts", "district", "is_of"),
    [
        (None, None, True),
        ("SD-3", None, True),
        (None, "SD-3", None),
        ("SD-3", "SD-3", True),
        ("CD-28;SD-3", "sd-3", True),
        ("CD-28;SD-3", " Sd-3 ", True),
        ("CD-28;SD-33", "SD-3", False),
        ("SUPERVISOR 3", "Supervisor  3", True),
    ],
)
def test_a_registration_is_of_the_district_by_its_codes(
    districts: str | None, district: str | None, *, is_of: bool | None
) -> None:
    assert is_of_district(districts, district) is is_of


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("", ()), (";", ()), (" ; ", ()), ("SD-3", ("SD-3",)), ("sd-3;SD-3", ("SD-3",)), ("b;a", ("B", "A")),
        (" Supervisor   3 ;CD-28;", ("SUPERVISOR 3", "CD-28")),
    ],
)  # fmt: skip
def test_codes_are_read_without_blanks_around_them_each_once(text: str, codes: tuple[str, ...]) -> None:
    assert district_codes(text) == codes
    assert district_text(text) == (";".join(codes) or None)


@given(st.lists(st.sampled_from(REASONS)))
def test_reasons_are_kept_in_the_order_in_which_the_rules_are_tried(failing: list[Reason]) -> None:
    ordered = in_order(failing)
    assert set(ordered) == set(failing)
    assert list(ordered) == [reason for reason in REASONS if reason in failing]


BOTH: tuple[Reason, ...] = ("out_of_county", "canceled")


@pytest.mark.parametrize(
    ("failing", "outcome", "voter_id", "kept"),
    [
        (Failing(BOTH), Outcome("invalid", "out_of_county"), None, ("canceled",)),
        (Failing(BOTH), Outcome("invalid", "illegible"), None, BOTH),
        (Failing(BOTH), VALID, "V1", ()),
        (Failing(BOTH), Outcome("review", "undone"), None, ()),
        (Failing(("canceled", "out_of_district"), "V1"), Outcome("invalid", "out_of_district"), "V1", ("canceled",)),
        (Failing(("canceled", "different_address"), "V1"), Outcome("invalid", "not_registered"), None, ()),
        (Failing(("no_signature", "canceled"), "V1"), Outcome("invalid", "canceled"), "V2", ("no_signature",)),
        (Failing(), Outcome("invalid", "illegible"), None, ()),
    ],
)
def test_a_persons_finding_keeps_what_else_fails_by_the_data(
    failing: Failing, outcome: Outcome, voter_id: str | None, kept: tuple[Reason, ...]
) -> None:
    assert failing.beside(outcome, voter_id) == kept
