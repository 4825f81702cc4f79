"""The standard rulesets as values. A test compares them with the rows that the migrations make."""

from dataclasses import replace
from datetime import date

from app.law.ruleset import Ruleset

_BY_A_PERSON = (
    "not_registered", "registered_late", "pending_registration", "under_age", "canceled", "different_address",
    "illegible", "not_personally_affixed", "section_defect", "out_of_district", "other",
)  # fmt: skip
CALIFORNIA = Ruleset(
    name="california-local-recall/1",
    valid_from=date(1900, 1, 1),
    compare_signatures=False,
    double_check_ppm=10_000,
    confirmations=dict.fromkeys(_BY_A_PERSON, 1) | {"signature_mismatch": 3},
    required_percent=((1_000, 30), (10_000, 25), (50_000, 20), (100_000, 15), (None, 10)),
    circulation_days=((1_000, 40), (5_000, 60), (10_000, 90), (50_000, 120), (None, 160)),
    examination_days=30,
)
CALIFORNIA_COMPARED = replace(
    CALIFORNIA, name="california-local-recall/2", valid_from=date(2020, 9, 28), compare_signatures=True
)
CALIFORNIA_DUPLICATES = replace(
    CALIFORNIA_COMPARED, name="california-local-recall/3", compare_duplicates=True, people_check_ppm=10_000
)
CALIFORNIA_DEFECTS = replace(
    CALIFORNIA_DUPLICATES,
    name="california-local-recall/4",
    confirmations={**CALIFORNIA_DUPLICATES.confirmations, "section_defect": 2},
    withdrawals_by_two=True,
)
