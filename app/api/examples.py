"""Examples of the documented bodies and answers, by the schema's name."""

from collections.abc import Mapping
from typing import Any, Final

from app.api.answer_examples import ANSWERS, PETITION_ID

_PETITION: Final = {
    "title": "Recall of the district attorney",
    "officer": "District Attorney",
    "circulation_from": "2022-01-27",
    "circulation_to": "2022-07-06",
    "filed_on": "2022-07-06",
}
_OPEN: Final = {
    "petition_id": PETITION_ID,
    "county_id": "los-angeles",
    **_PETITION,
    "required": 566_857,
    "registered_voters": 5_668_569,
    "ruleset": "california-local-recall/1",
    "state": "open",
    "created_at": "2022-07-06T17:00:00Z",
}
_WRITING: Final = {
    "printed_name": "Maria Garcia-Lopez",
    "residence_address": "1234 1/2 W Sunset Blvd Apt 5",
    "city": "Los Angeles",
    "zip": "90026",
}
_LINE: Final = {"section": 12, "page": 3, "line": 4, **_WRITING, "signed": True, "image_sha256": "0f" * 32}
_STANDING: Final = {"place": "12-3-4", "status": "invalid", "reason": "duplicate", "settled": True, "version": 4711}
_NOT_TAKEN: Final = {
    "place": "12-3-5",
    "error": {"code": "place_conflict", "message": "Another writing stands at this place.", "errors": None},
}

EXAMPLES: Final[Mapping[str, Any]] = {
    **ANSWERS,
    "PetitionIn": {**_PETITION, "registered_voters": 5_668_569},
    "PetitionOut": _OPEN,
    "PetitionsOut": {"petitions": [_OPEN]},
    "SignatureIn": _LINE,
    "BatchIn": {"signatures": [_LINE]},
    "LineOut": _STANDING,
    "BatchOut": {"results": [_STANDING, _NOT_TAKEN]},
    "RevisionIn": {**_WRITING, "printed_name": "Maria Garcia Lopez", "note": "the hyphen is a crease"},
    "FindingIn": {"status": "valid", "voter_id": "V1", "note": "the number is 1234, not 1284"},
    "FindingsIn": {"findings": [{"place": "12-3-4", "status": "valid", "voter_id": "V1", "note": ""}]},
    "SectionIn": {"signed_from": "2022-03-01", "signed_to": "2022-03-14"},
    "WithdrawalIn": {"voter_id": "V1", "received_on": "2022-07-01", "note": "by letter"},
    "LookupIn": {**_WRITING, "signed_from": "2022-03-01", "signed_to": "2022-03-14", "filed_on": "2022-07-06"},
    "CheckIn": {"status": "valid", "voter_id": "V1", "note": "the house number is 1234"},
    "RevocationIn": {"note": "recorded for the wrong voter"},
    "KeyIn": {"principal": "station-7", "role": "station", "expires_at": "2099-12-31T00:00:00Z"},
    "ActivationIn": {"allow_older": False},
    "TallyOut": {
        "petition_id": PETITION_ID,
        "version": 4711,
        "as_of": "2022-08-15T17:00:00Z",
        "required": 566_857,
        "raw": 715_833,
        "received": 0,
        "valid": 520_050,
        "invalid": 195_783,
        "review": 0,
        "unsettled": 0,
        "invalid_by_reason": {
            "not_registered": 88_464,
            "duplicate": 43_593,
            "different_address": 32_187,
            "signature_mismatch": 9_490,
            "canceled": 7_344,
            "out_of_county": 5_374,
            "other": 9_331,
        },
        "invalid_by_code": {"not_registered": 88_464, "duplicate": 43_593, "other": 63_726},
        "margin": -46_807,
        "validity_rate": 0.7265,
        "break_even_rate": 0.7919,
        "outlook": "insufficient",
    },
    "ProblemOut": {
        "type": "urn:recall-petition:problem:invalid",
        "title": "Unprocessable content",
        "status": 422,
        "detail": "The input is not as documented.",
        "request_id": "6f0cbb1e6c4b4f0d9f0e5b8f3f7a3f10",
        "errors": [
            {
                "path": "signatures.3.page",
                "code": "wrong_type",
                "message": "This has another type than documented.",
            }
        ],
    },
}
"""The figures of the tally are those of the 2022 recall petition in Los Angeles County."""
