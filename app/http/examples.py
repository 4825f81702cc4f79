"""Examples of the documented answers, by the schema's name. A test holds each against its schema."""

from collections.abc import Mapping
from typing import Any, Final

PETITION_ID: Final = "01890a5d-ac96-774b-bcce-b302099a8057"
_WITHDRAWAL_ID: Final = "01890a5e-0c11-7c31-9f0e-3a8a2f0c5d21"
_AT: Final = "2022-08-15T17:00:00Z"
_ROOT: Final = "0HM/IotsygDEf8uXWEDw2OGaxz76iNNsuq1tQ2w4M8o="
_OTHER_ROOT: Final = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
_SHA256: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_NOTE: Final = (
    f"recall-petition-verifier/los-angeles/{PETITION_ID}\n4711\n{_ROOT}\ncheckpoint 12\nprevious {_OTHER_ROOT}\n"
    f"at {_AT}\n\n— recall-petition-verifier/los-angeles 5bbf8a0cAAAA=\n"
)
_WRITING_OUT: Final = {
    "printed_name": "Maria Garcia-Lopez",
    "name": None,
    "residence_address": "1234 1/2 W Sunset Blvd Apt 5",
    "city": "Los Angeles",
    "zip": "90026",
    "signed": True,
    "image_sha256": None,
}
_INVALID: Final = {
    "place": "12-3-4",
    "status": "invalid",
    "reason": "not_registered",
    "settled": False,
    "version": 4711,
}
_VALID: Final = {"place": "12-3-5", "status": "valid", "reason": None, "settled": True, "version": 4711}
_FINDING: Final = {
    "finding_no": 1,
    "status": "invalid",
    "reason": "not_registered",
    "reason_open": False,
    "settled": False,
    "voter_id": None,
    "secondary": [],
    "evidence": {"candidates": [], "considered": 17, "interval": ["2022-01-27", "2022-07-06"]},
    "evidence_of": 1,
    "counted_place": None,
    "confirmed_by": [],
    "ruleset": "california-local-recall/1",
    "roll_version": 3,
    "decided_by": "machine",
    "decided_at": "2022-08-15T17:00:00+00:00",
    "note": "",
}
_WITHDRAWAL: Final = {
    "withdrawal_id": _WITHDRAWAL_ID,
    "voter_id": "V1",
    "received_on": "2022-07-01",
    "recorded_by": "clerk-1",
    "recorded_at": _AT,
    "note": "by letter",
    "revocation": None,
}
_ALIASES: Final = {
    "aliases_version": 2,
    "streets": 310,
    "cities": 88,
    "source_sha256": _SHA256,
    "loaded_by": "admin-1",
    "loaded_at": _AT,
}
_ROLL: Final = {
    "roll_version": 3,
    "state": "active",
    "format": "canonical",
    "complete_through": "2022-07-06",
    "registrations": 5_668_569,
    "progress_phase": "done",
    "progress_rows": 5_668_569,
    "failure": None,
    "created_at": _AT,
    "activated_at": _AT,
}
_CANDIDATES: Final = {
    "roll_version": 3,
    "candidates": [
        {
            "voter_id": "V1",
            "registration_no": 1,
            "name": "MARIA GARCIA-LOPEZ",
            "residence_address": "1234 1/2 W SUNSET BLVD APT 5",
            "city": "LOS ANGELES",
            "zip": "90026",
            "status": "active",
            "standing": "registered",
            "weight": 12.51,
            "fields": [
                {
                    "field": "surname",
                    "written": "GARCIA LOPEZ",
                    "roll": "GARCIA-LOPEZ",
                    "level": "the same",
                    "weight": 6.1,
                }
            ],
        }
    ],
    "confidential": False,
    "more": False,
}
_RATE: Final = {
    "status": None,
    "reason": None,
    "lines": 520_050,
    "drawn": 5_200,
    "checked": 5_200,
    "confirmed": 5_190,
    "upheld": 7,
    "open": 1,
    "wrong": 2,
    "errors": 3,
    "rate": 0.000577,
    "lower": 0.000119,
    "upper": 0.001685,
}
_OF_KIND: Final = {**_RATE, "status": "valid"}

ANSWERS: Final[Mapping[str, Any]] = {
    "LinesOut": {"signatures": [{**_VALID, "voter_id": "V1"}], "next_cursor": "MTItMy01"},
    "LineDetailOut": {**_INVALID, "writing": _WRITING_OUT, "finding": _FINDING},
    "WithdrawalDoneOut": {**_WITHDRAWAL, "lines": [{**_INVALID, "reason": "withdrawn", "settled": True}]},
    "WithdrawalsOut": {"withdrawals": [_WITHDRAWAL], "next_cursor": None},
    "SectionOut": {
        "section": 12,
        "signed_from": "2022-03-01",
        "signed_to": "2022-03-14",
        "declared_by": "clerk-1",
        "declared_at": _AT,
        "examined": 40,
    },
    "HistoryOut": {
        "petition_id": PETITION_ID,
        "required": 566_857,
        "history": [
            {
                "version": 4711,
                "at": _AT,
                "raw": 3,
                "received": 0,
                "valid": 1,
                "invalid": 2,
                "review": 0,
                "unsettled": 1,
                "by_reason": {"duplicate": 1, "not_registered": 1},
            }
        ],
    },
    "CheckpointsOut": {"checkpoints": [_NOTE], "next_after": None},
    "EntriesOut": {
        "entries": [
            {
                "seq": 1,
                "type": "open",
                "leaf_root": _SHA256,
                "leaves": [],
                "payload": f'{{"at":"{_AT}","leaves":0,"petition_id":"{PETITION_ID}"}}',
                "hash": "3bab725a77354fee79dc9cfd44f5911b5d917543d7ec2465e8748e7a97071990",
            }
        ],
        "next_after": 1,
    },
    "InclusionOut": {
        "seq": 2,
        "index": 1,
        "size": 3,
        "leaf": _ROOT,
        "root": _OTHER_ROOT,
        "hashes": [_ROOT, _OTHER_ROOT],
    },
    "ConsistencyOut": {"first": 2, "second": 3, "first_root": _ROOT, "second_root": _OTHER_ROOT, "hashes": [_ROOT]},
    "VerificationOut": {
        "petition_id": PETITION_ID,
        "agrees": True,
        "version": 4711,
        "entries": 4711,
        "findings": 716_204,
        "lines": 715_833,
        "destroyed": 0,
        "checkpoints": 12,
        "uncovered": 3,
        "fault_count": 0,
        "faults": [],
    },
    "RollsOut": {"rolls": [_ROLL]},
    "RollOut": _ROLL,
    "LoadOut": {"roll_version": 4},
    "AliasesOut": _ALIASES,
    "AliasVersionsOut": {"versions": [_ALIASES]},
    "KeysOut": {
        "keys": [
            {
                "prefix": "595c0651",
                "principal": "station-7",
                "role": "station",
                "created_at": _AT,
                "expires_at": None,
                "revoked_at": None,
                "last_used_at": _AT,
                "issued_by": "admin-1",
                "revoked_by": None,
            }
        ]
    },
    "NewKeyOut": {"key": f"rpk.los-angeles.595c0651.{'x' * 43}", "prefix": "595c0651"},
    "LookupOut": {
        **_CANDIDATES,
        "kind": "name_and_address",
        "decision": {"status": "valid", "reason": None, "reason_open": False, "voter_id": "V1"},
    },
    "SampleOut": {"lines": [{"place": "12-3-4", "writing": _WRITING_OUT, **_CANDIDATES}]},
    "CheckOut": {
        "place": "12-3-4",
        "status": "valid",
        "reason": None,
        "voter_id": "V1",
        "note": "the house number is 1234",
        "checked_by": "clerk-2",
        "checked_at": _AT,
    },
    "QualityOut": {
        "petition_id": PETITION_ID,
        "seed": _SHA256,
        "share": 0.01,
        "method": "A line is drawn if the first 8 bytes of SHA-256(seed, place) are below share * 2^64.",
        "confidence": 0.95,
        "interval": "Clopper-Pearson",
        "overall": _RATE,
        "decisions": [_OF_KIND],
    },
    "LiveOut": {"status": "ok"},
    "ReadyOut": {"status": "not_ready", "database": True, "migrations": True, "roll": False},
}


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
