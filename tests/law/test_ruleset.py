"""What no ruleset may be (2 CCR 20960), and what its numbers mean."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import RulesetRefusedError
from app.law.reasons import REASONS, Outcome
from app.law.ruleset import FEWEST_PEOPLE, RegistrationRule, Ruleset, check_ruleset
from tests.rulesets import CALIFORNIA, CALIFORNIA_COMPARED, CALIFORNIA_DUPLICATES

OWN = replace(CALIFORNIA, name="sample/1")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "other/1"}, "name"),
        ({"name": "california-local-recall/3"}, "name"),
        ({"confirmations": {}}, "signature_mismatch"),
        ({"confirmations": {**CALIFORNIA.confirmations, "signature_mismatch": 0}}, "signature_mismatch"),
        ({"confirmations": {**CALIFORNIA.confirmations, "signature_mismatch": 1}}, "signature_mismatch"),
        ({"confirmations": {**CALIFORNIA.confirmations, "illegible": 0}}, "illegible"),
        ({"confirmations": {**CALIFORNIA.confirmations, "not_personally_affixed": 0}}, "not_personally_affixed"),
        ({"confirmations": {**CALIFORNIA.confirmations, "other": 0}}, "other"),
        ({"confirmations": {**CALIFORNIA.confirmations, "not_a_reason": 1}}, "codes"),
        ({"confirmations": {**CALIFORNIA.confirmations, "canceled": 10}}, "0 to 9"),
        ({"double_check_ppm": -1}, "double_check_ppm"),
        ({"double_check_ppm": 1_000_001}, "double_check_ppm"),
        ({"people_check_ppm": -1}, "people_check_ppm"),
        ({"people_check_ppm": 1_000_001}, "people_check_ppm"),
        ({"compare_duplicates": True}, "compare_duplicates"),
        ({"required_percent": ()}, "required_percent"),
        ({"required_percent": ((1_000, 30),)}, "required_percent"),
        ({"required_percent": ((2_000, 30), (1_000, 20), (None, 10))}, "required_percent"),
        ({"required_percent": ((None, 10), (None, 10))}, "required_percent"),
        ({"required_percent": ((None, 101),)}, "required_percent"),
        ({"circulation_days": ((None, 0),)}, "circulation_days"),
        ({"examination_days": 0}, "examination_days"),
        ({"mismatch_characteristics": 1}, "mismatch_characteristics"),
        ({"mismatch_characteristics": 14}, "mismatch_characteristics"),
        ({"closed_days": (date(2022, 4, 1),) * 401}, "closed_days"),
        ({"registration": RegistrationRule(voting_age=15)}, "voting_age"),
        ({"registration": RegistrationRule(voting_age=19)}, "voting_age"),
        ({"registration": RegistrationRule(affidavit_days_before_filing=-1)}, "received after the filing"),
        ({"registration": RegistrationRule(affidavit_days_before_filing=367)}, "affidavit_days_before_filing"),
        ({"registration": RegistrationRule(affidavit_signed_by="filing")}, "signed after the line"),  # type: ignore[arg-type]  # refused
        ({"registration": RegistrationRule(undated_cancellation="canceled")}, "never presumed"),  # type: ignore[arg-type]  # refused
    ],
)
def test_a_ruleset_that_the_law_does_not_allow_is_refused(changes: dict[str, Any], says: str) -> None:
    check_ruleset(OWN, "sample")
    with pytest.raises(RulesetRefusedError, match=says):
        check_ruleset(replace(OWN, **changes), "sample")


def test_a_county_whose_code_looks_like_a_standard_ruleset_adds_none() -> None:
    with pytest.raises(RulesetRefusedError):
        check_ruleset(replace(OWN, name="california-local-recall/9"), "california-local-recall")


@given(st.dictionaries(st.sampled_from(REASONS), st.integers(-1, 12)))
def test_no_ruleset_that_passes_lets_fewer_people_reject_a_signature(confirmations: dict[str, int]) -> None:
    ruleset = replace(OWN, confirmations=confirmations)
    try:
        check_ruleset(ruleset, "sample")
    except RulesetRefusedError:
        return
    for reason, fewest in FEWEST_PEOPLE.items():
        assert ruleset.people_needed(Outcome("invalid", reason)) >= fewest  # type: ignore[arg-type]  # reasons of a table


@pytest.mark.parametrize(
    ("ruleset", "valid", "duplicate"),
    [
        (CALIFORNIA, 0, 0),
        (CALIFORNIA_COMPARED, 1, 0),
        (CALIFORNIA_DUPLICATES, 1, 1),
        (replace(CALIFORNIA_DUPLICATES, confirmations={"signature_mismatch": 3, "duplicate": 2}), 1, 2),
        (replace(CALIFORNIA_COMPARED, confirmations={"signature_mismatch": 3, "duplicate": 2}), 1, 2),
    ],
)
def test_valid_lines_and_duplicates_are_settled_by_one_comparison_where_the_ruleset_compares_them(
    ruleset: Ruleset, valid: int, duplicate: int
) -> None:
    assert ruleset.people_needed(Outcome("valid")) == valid
    assert ruleset.people_needed(Outcome("invalid", "duplicate")) == duplicate
    assert ruleset.people_needed(Outcome("invalid", "withdrawn")) == 0
    assert ruleset.people_needed(Outcome("review", "ambiguous")) == 0
    assert ruleset.people_needed(Outcome("invalid", "signature_mismatch")) == 3


@pytest.mark.parametrize(
    "ruleset", [CALIFORNIA_COMPARED, CALIFORNIA_DUPLICATES, replace(CALIFORNIA, closed_days=(date(2022, 4, 1),))]
)
def test_a_ruleset_reads_back_as_it_was_stored(ruleset: Ruleset) -> None:
    stored = json.dumps(ruleset.parameters())
    assert Ruleset.stored(ruleset.name, ruleset.valid_from, stored) == ruleset


def test_a_ruleset_of_before_reads_as_it_did() -> None:
    stored = CALIFORNIA_COMPARED.parameters()
    del stored["compare_duplicates"], stored["people_check_ppm"], stored["registration"]
    del stored["mismatch_characteristics"], stored["closed_days"]
    assert Ruleset.stored(CALIFORNIA_COMPARED.name, CALIFORNIA_COMPARED.valid_from, json.dumps(stored)) == (
        CALIFORNIA_COMPARED
    )
