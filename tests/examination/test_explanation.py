"""A line's findings in words: golden texts of the kinds of lines there are."""

from typing import Any

import pytest

from app.examination.explanation import WITHHELD, explanation
from app.law.line import Signature
from app.law.reasons import REASONS, REASONS_IN_WORDS, REVIEW_CAUSES
from app.matching.comparison import level_in_words
from app.matching.model import default_model
from app.matching.rules import Rule

WRITING = Signature("MARIA GARCIA-LOPEZ", "1234 1/2 W SUNSET BLVD APT 5", "LOS ANGELES", "90026")
UNSIGNED_WRITING = WRITING._replace(signed=False)
READ = {
    "names": ["GARCIA LOPEZ, MARIA (double)", "LOPEZ, MARIA GARCIA (plain)"],
    "addresses": [{"house": "1234", "street": "SUNSET", "way": "W BLVD", "unit": "5"}],
    "city": "LOS ANGELES",
    "zip": "90026",
}
FIELDS = {
    "given": ["MARIE", "nickname", 1.53],
    "house": ["1234", "same", -0.05],
    "middle": ["ANN", "missing", -0.38],
    "street": ["SUNSET", "same", -0.08],
    "suffix": ["", "none", 0.0],
    "surname": ["GARCIA-LOPEZ", "exact", 6.58],
    "unit": ["7", "other", -2.1],
    "way": ["W BLVD", "same", -0.03],
    "zip": ["90026", "same", -0.03],
}
CANDIDATE = {
    "voter_id": "V1",
    "registration_no": 17,
    "probability": 0.99712,
    "standing": "registered",
    "registration": {"status": "active", "signed": "2010-01-01", "received": "2010-01-02"},
    "address": "same without unit",
    "reading": "double",
    "fields": FIELDS,
    "weight": 12.14,
}
EVIDENCE: dict[str, Any] = {
    "model": "model-1",
    "reader": 1,
    "keys": 2,
    "interval": ["2022-01-27", "2022-07-06"],
    "filed_on": "2022-07-06",
    "read": READ,
    "stories": {
        "here": 0.99712,
        "moved": 0.0002,
        "not_registered_in_time": 0.0,
        "relative": 0.00201,
        "stranger": 0.00067,
    },
    "county": "in",
    "considered": 23,
    "household": 4,
    "namesakes": 2,
    "namesakes_cut": True,
    "candidates": [CANDIDATE],
}
NOBODY: dict[str, Any] = {
    **EVIDENCE,
    "stories": {"here": 0.0, "moved": 0.03, "not_registered_in_time": 0.0, "relative": 0.0, "stranger": 0.97},
    "candidates": [],
    "household": 0,
}


def finding(**changes: object) -> dict[str, Any]:
    """A machine's finding that the line is valid, with changes."""
    return {
        "place": "12-3-4",
        "finding_no": 1,
        "status": "valid",
        "reason": None,
        "reason_open": False,
        "settled": True,
        "voter_id": "V1",
        "registration_no": 17,
        "secondary": [],
        "evidence": EVIDENCE,
        "counted_place": None,
        "confirmed_by": [],
        "mismatch_by": [],
        "ruleset": "california-local-recall/1",
        "roll_version": 3,
        "decided_by": "machine",
        "person": False,
        "decided_at": "2022-07-11T17:00:00+00:00",
        "note": "",
        "people_needed": 1,
        **changes,
    }


DUPLICATE = finding(
    finding_no=2, status="invalid", reason="duplicate", registration_no=None, evidence=None, counted_place="2-1-1"
)
NOT_REGISTERED = finding(
    status="invalid", reason="not_registered", voter_id=None, registration_no=None, settled=False, evidence=NOBODY
)
CONFIRMED = finding(
    finding_no=2,
    status="invalid",
    reason="not_registered",
    voter_id=None,
    registration_no=None,
    evidence=None,
    person=True,
    decided_by="clerk-7",
    confirmed_by=["clerk-7"],
    note="looked under both surnames",
)
SECRET = {k: v for k, v in CANDIDATE.items() if k not in {"fields", "address", "reading", "weight", "registration"}}
CONFIDENTIAL = finding(
    status="review",
    reason="confidential",
    settled=False,
    evidence={
        **EVIDENCE,
        "candidates": [{**SECRET, "confidential": True}],
        "rules": [{"rule": "confidential", "cites": "EC 2166"}],
    },
)
BY_A_PERSON = finding(
    finding_no=2, evidence=None, person=True, decided_by="supervisor-1", confirmed_by=["supervisor-1"]
)
UNSIGNED = finding(
    status="invalid",
    reason="no_signature",
    voter_id=None,
    registration_no=None,
    evidence={"read": READ, "rules": [{"rule": "no_signature", "cites": "EC 100"}]},
)

A_VALID_LINE_THAT_BECAME_A_DUPLICATE = """\
On paper
  name:    MARIA GARCIA-LOPEZ
  address: 1234 1/2 W SUNSET BLVD APT 5, LOS ANGELES 90026
  signed:  yes

Finding 1 of 2: valid
  settled
  decided by the machine alone at 2022-07-11T17:00:00+00:00
  under ruleset california-local-recall/1, roll version 3, model model-1, parser version 1, blocking keys version 2
  voter: V1, registration 17
  signed between 2022-01-27 and 2022-07-06; petition filed on 2022-07-06
  name read as: GARCIA LOPEZ, MARIA (double)
            or: LOPEZ, MARIA GARCIA (plain)
  address read as: house number 1234; street SUNSET; direction, type W BLVD; unit 5
  city and zip read as: LOS ANGELES, 90026; in the county
  hypotheses: who signed, each with its probability p
    p = 0.99712  a voter who is registered at this address
    p = 0.00020  a voter who is registered at another address
    p < 0.00001  a person whose registration was canceled, late, pending or under age
    p = 0.00201  an unregistered relative or housemate of a voter at this address
    p = 0.00067  another unregistered person
  registrations compared: 23
  registrations at this house number and street: 4
  voters of this name in the roll: 2
    and more, who were not compared
  candidate 1 of 1: voter V1, registration 17; p = 0.99712, registered in time; address same without unit
    registration status active, affidavit signed on 2010-01-01, received on 2010-01-02
    field           on paper             in the roll           weight  comparison
    surname         GARCIA LOPEZ         GARCIA-LOPEZ           +6.58  the same
    given name      MARIA                MARIE                  +1.53  a short or other form of the name
    middle name     -                    ANN                    -0.38  not written
    suffix          -                    -                      +0.00  nothing on either side
    house number    1234                 1234                   -0.05  the same
    street          SUNSET               SUNSET                 -0.08  the same
    direction, type W BLVD               W BLVD                 -0.03  nothing that differs
    unit            5                    7                      -2.10  another one; no reason to reject (EC 105(a)(2))
    zip             90026                90026                  -0.03  the same
                                                                +6.70  how rare this address is, and this way of writing
    match weight                                               +12.14  above 0 favors this voter

Finding 2 of 2: invalid, duplicate
  another line of the same voter counts (EC 105(b))
  settled
  decided by the machine alone at 2022-07-11T17:00:00+00:00
  under ruleset california-local-recall/1, roll version 3
  voter: V1
  line that counts: 2-1-1, an eligible line of the same voter at a lower place
  follows from the voter's other lines: the eligible line at the lowest place counts (EC 105(b))
"""

NOBODY_AND_A_PERSON_AGREES = """\
On paper
  name:    MARIA GARCIA-LOPEZ
  address: 1234 1/2 W SUNSET BLVD APT 5, LOS ANGELES 90026
  signed:  yes

Finding 1 of 2: invalid, not_registered
  searches by name and by address found no registered voter who may have signed (EC 2102)
  not settled: people who must still confirm it: 1
  decided by the machine alone at 2022-07-11T17:00:00+00:00
  under ruleset california-local-recall/1, roll version 3, model model-1, parser version 1, blocking keys version 2
  signed between 2022-01-27 and 2022-07-06; petition filed on 2022-07-06
  name read as: GARCIA LOPEZ, MARIA (double)
            or: LOPEZ, MARIA GARCIA (plain)
  address read as: house number 1234; street SUNSET; direction, type W BLVD; unit 5
  city and zip read as: LOS ANGELES, 90026; in the county
  hypotheses: who signed, each with its probability p
    p < 0.00001  a voter who is registered at this address
    p = 0.03000  a voter who is registered at another address
    p < 0.00001  a person whose registration was canceled, late, pending or under age
    p < 0.00001  an unregistered relative or housemate of a voter at this address
    p = 0.97000  another unregistered person
  registrations compared: 23
  registrations at this house number and street: 0
  voters of this name in the roll: 2
    and more, who were not compared

Finding 2 of 2: invalid, not_registered
  searches by name and by address found no registered voter who may have signed (EC 2102)
  settled
  decided by clerk-7 at 2022-07-11T17:00:00+00:00
  under ruleset california-local-recall/1, roll version 3
  confirmed by: clerk-7
  note: looked under both surnames
"""

A_CONFIDENTIAL_VOTERS_LINE = """\
On paper
  name:    MARIA GARCIA-LOPEZ
  address: 1234 1/2 W SUNSET BLVD APT 5, LOS ANGELES 90026
  signed:  yes

Finding 1 of 2: review, confidential
  the line may be a confidential voter's (EC 2166)
  a person must decide
  decided by the machine alone at 2022-07-11T17:00:00+00:00
  under ruleset california-local-recall/1, roll version 3, model model-1, parser version 1, blocking keys version 2
  voter: withheld: the registration is confidential (EC 2166)
  signed between 2022-01-27 and 2022-07-06; petition filed on 2022-07-06
  name read as: GARCIA LOPEZ, MARIA (double)
            or: LOPEZ, MARIA GARCIA (plain)
  address read as: house number 1234; street SUNSET; direction, type W BLVD; unit 5
  city and zip read as: LOS ANGELES, 90026; in the county
  hypotheses: who signed, each with its probability p
    p = 0.99712  a voter who is registered at this address
    p = 0.00020  a voter who is registered at another address
    p < 0.00001  a person whose registration was canceled, late, pending or under age
    p = 0.00201  an unregistered relative or housemate of a voter at this address
    p = 0.00067  another unregistered person
  registrations compared: 23
  registrations at this house number and street: 4
  voters of this name in the roll: 2
    and more, who were not compared
  candidate 1 of 1: p = 0.99712, registered in time; withheld: the registration is confidential (EC 2166)
  rule: confidential: the voter's registration may be confidential (EC 2166)

Finding 2 of 2: valid
  settled
  decided by supervisor-1 at 2022-07-11T17:00:00+00:00
  under ruleset california-local-recall/1, roll version 3
  voter: withheld: the registration is confidential (EC 2166)
  confirmed by: supervisor-1
"""

AN_UNSIGNED_LINE = """\
On paper
  name:    MARIA GARCIA-LOPEZ
  address: 1234 1/2 W SUNSET BLVD APT 5, LOS ANGELES 90026
  signed:  no

Finding 1 of 1: invalid, no_signature
  the line is not signed (EC 100)
  settled
  decided by the machine alone at 2022-07-11T17:00:00+00:00
  under ruleset california-local-recall/1, roll version 3
  name read as: GARCIA LOPEZ, MARIA (double)
            or: LOPEZ, MARIA GARCIA (plain)
  address read as: house number 1234; street SUNSET; direction, type W BLVD; unit 5
  rule: no_signature: the line is not signed (EC 100)
"""


@pytest.mark.parametrize(
    ("writing", "findings", "text"),
    [
        (WRITING, [finding(), DUPLICATE], A_VALID_LINE_THAT_BECAME_A_DUPLICATE),
        (WRITING, [NOT_REGISTERED, CONFIRMED], NOBODY_AND_A_PERSON_AGREES),
        (WRITING, [CONFIDENTIAL, BY_A_PERSON], A_CONFIDENTIAL_VOTERS_LINE),
        (UNSIGNED_WRITING, [UNSIGNED], AN_UNSIGNED_LINE),
    ],
    ids=["duplicate", "not registered", "confidential", "unsigned"],
)
def test_a_line_is_explained_in_these_words(writing: Signature, findings: list[dict[str, Any]], text: str) -> None:
    assert explanation(writing, findings) + "\n" == text


def test_the_number_of_a_confidential_voter_is_withheld_in_every_finding() -> None:
    text = explanation(WRITING, [CONFIDENTIAL, BY_A_PERSON])
    assert "V1" not in text
    assert text.count(WITHHELD) == 3


def test_a_name_in_parts_is_shown_as_one() -> None:
    writing = Signature("", "", "", "", ("MARIA", "", "GARCIA", "JR"), signed=False)
    text = explanation(writing, [])
    assert "name:    MARIA GARCIA JR\n" in text
    assert "address: (nothing)\n" in text
    assert text.endswith("signed:  no")


def test_the_second_address_of_a_line_is_shown_where_the_candidate_was_compared_with_it() -> None:
    addresses = [{"house": "1", "street": "ELM"}, *EVIDENCE["read"]["addresses"]]
    evidence = {
        **EVIDENCE,
        "read": {**READ, "addresses": addresses},
        "candidates": [{**CANDIDATE, "written_address": 1}],
    }
    text = explanation(WRITING, [finding(evidence=evidence)])
    assert "    house number    1234 " in text


def test_nothing_of_the_evidence_is_left_out_even_where_it_has_no_words_here() -> None:
    candidate = {**CANDIDATE, "signed_on": "2010-01-01"}
    evidence = {
        **EVIDENCE,
        "candidates": [candidate],
        "weather": ["rain", "wind"],
        "read": {**READ, "suffix": "JR"},
        "stories": {"twin": 0.5},
    }
    text = explanation(WRITING, [finding(evidence=evidence)])
    for words in ("signed on: 2010-01-01", "weather:", "- rain", "suffix: JR", "p = 0.50000  twin"):
        assert words in text


def test_every_code_has_words() -> None:
    assert set(REASONS_IN_WORDS) == {*REASONS, *REVIEW_CAUSES}


def test_an_open_reason_and_doubts_about_a_signature_are_shown() -> None:
    open_reason = finding(status="invalid", reason="different_address", reason_open=True, settled=False)
    doubted = finding(finding_no=2, mismatch_by=["clerk-1", "clerk-2"], settled=False, people_needed=0)
    text = explanation(WRITING, [open_reason, doubted, finding(finding_no=3)])
    assert "certainly invalid; this is the most likely reason, and a person must choose it" in text
    assert "not settled: people who must still confirm it: 1" in text
    assert "signature doubted by: clerk-1, clerk-2" in text
    assert "not settled yet" in text


def test_pending_opinions_of_a_signature_are_withheld() -> None:
    doubt = {"mismatch_by": ["clerk-1"], "settled": False}
    opinion = finding(finding_no=2, **doubt, person=True, decided_by="clerk-1", note="another slant", evidence=None)
    text = explanation(WRITING, [finding(), opinion, finding(finding_no=3, **doubt)])
    assert "Finding 2: an opinion about the signature\n  withheld until the signature is decided" in text
    assert "clerk-1" not in text
    assert "another slant" not in text


def test_every_level_of_the_model_has_words() -> None:
    compared = {field: levels for field, levels in default_model().weights.items() if field != "reading"}
    levels = [(field, level) for field, of_field in compared.items() for level in of_field]
    assert [(field, level) for field, level in levels if level_in_words(field, ("", level, 0.0), "") == level] == []


def test_every_rule_that_keeps_the_machine_from_deciding_has_words() -> None:
    for rule in Rule:
        text = explanation(WRITING, [finding(evidence={**EVIDENCE, "rules": [{"rule": rule, "cites": rule.cites}]})])
        assert f"rule: {rule}: {rule.words}" in text
