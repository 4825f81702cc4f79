"""Requests to withdraw: accepted, refused or open (EC 11303, 2 CCR 20970)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import WithdrawalRefusedError
from app.law.withdrawals import (
    ACCEPTED,
    REQUIREMENTS,
    RequestDecision,
    Revocation,
    Ruling,
    Withdrawal,
    WithdrawalRequest,
    check_decision,
    check_request,
    ruling,
)

FILED_ON, NOW = date(2022, 7, 6), datetime(2022, 7, 7, 8, tzinfo=UTC)
COMPLETE = WithdrawalRequest(date(2022, 7, 5), "V1", "paper", date(2022, 7, 4), REQUIREMENTS, signature_agrees=True)
UNKNOWN = COMPLETE._replace(voter_id=None, signature_agrees=None, written=("A", "1 B ST", "", ""))
WITHOUT_INTENT = tuple(one for one in REQUIREMENTS if one != "intent")


@pytest.mark.parametrize(
    ("request_", "ruled"),
    [
        (COMPLETE, ACCEPTED),
        (COMPLETE._replace(dated_on=None), ACCEPTED),
        (COMPLETE._replace(dated_on=date(2021, 1, 1)), ACCEPTED),  # before circulation began
        (COMPLETE._replace(received_on=FILED_ON), Ruling("refused", "late")),
        (UNKNOWN._replace(received_on=FILED_ON), Ruling("refused", "late")),
        (COMPLETE._replace(has=WITHOUT_INTENT), Ruling("refused", "incomplete")),
        (COMPLETE._replace(has=()), Ruling("refused", "incomplete")),
        (UNKNOWN._replace(has=WITHOUT_INTENT), Ruling("refused", "incomplete")),
        (COMPLETE._replace(signature_agrees=False), Ruling("refused", "signature_differs")),
        (COMPLETE._replace(signature_agrees=None), Ruling("open", "not_compared")),
        (UNKNOWN, Ruling("open", "unknown_voter")),
    ],
)
def test_the_ruling_on_a_request(request_: WithdrawalRequest, ruled: Ruling) -> None:
    assert ruling(request_, FILED_ON, by_two=False) == ruled


days = st.dates(date(2022, 6, 1), date(2022, 8, 1))


@given(days, days, days, st.none() | days)
def test_only_what_was_received_before_the_day_of_filing_is_accepted(
    received_on: date, filed_on: date, today: date, dated_on: date | None
) -> None:
    asked = COMPLETE._replace(received_on=received_on, dated_on=dated_on)
    assert (ruling(asked, filed_on, by_two=False) == ACCEPTED) == (received_on < filed_on)
    try:
        check_request(asked, today=today, by="clerk-1")
    except WithdrawalRefusedError:
        assert received_on > today or (dated_on and dated_on > received_on)
    else:
        assert received_on <= today


@pytest.mark.parametrize("wrong", [{"received_by": None}, {"has": None}])
def test_a_new_request_says_how_it_came_and_what_it_has(wrong: dict[str, Any]) -> None:
    with pytest.raises(WithdrawalRefusedError):
        check_request(COMPLETE._replace(**wrong), today=FILED_ON, by="clerk-1")


def test_where_it_takes_two_people_the_first_accepts_nothing() -> None:
    assert ruling(COMPLETE, FILED_ON, by_two=True) == Ruling("open", "not_confirmed")
    for never_accepted in (COMPLETE._replace(signature_agrees=False), COMPLETE._replace(has=()), UNKNOWN):
        assert ruling(never_accepted, FILED_ON, by_two=True) == ruling(never_accepted, FILED_ON, by_two=False)
    held = on_record(COMPLETE, by_two=True)
    for same_person in ("clerk-1", "Clerk-1"):
        with pytest.raises(WithdrawalRefusedError, match="another person"):
            check_decision(held, ACCEPTED, None, by=same_person, note="", by_two=True)
    check_decision(held, ACCEPTED, None, by="clerk-2", note="", by_two=True)
    check_decision(held, Ruling("refused", "other"), None, by="clerk-1", note="recorded by mistake", by_two=True)


def on_record(request: WithdrawalRequest, *, by_two: bool = False) -> Withdrawal:
    return Withdrawal(UUID(int=1), request, "clerk-1", NOW, "", ruling(request, FILED_ON, by_two=by_two))


NOT_COMPARED = on_record(COMPLETE._replace(signature_agrees=None))
REFUSED = Ruling("refused", "signature_differs")


@pytest.mark.parametrize(
    ("held", "said", "voter_id", "note"),
    [
        (on_record(COMPLETE), ACCEPTED, None, ""),
        (on_record(COMPLETE._replace(signature_agrees=False)), ACCEPTED, None, ""),
        (NOT_COMPARED, ACCEPTED, "V2", ""),
        (NOT_COMPARED, REFUSED, None, " "),
        (NOT_COMPARED, Ruling("refused", "not_compared"), None, "why"),
        (on_record(UNKNOWN), ACCEPTED, None, ""),
    ],
)
def test_decisions_that_are_refused(held: Withdrawal, said: Ruling, voter_id: str | None, note: str) -> None:
    with pytest.raises(WithdrawalRefusedError):
        check_decision(held, said, voter_id, by="clerk-2", note=note, by_two=False)


@pytest.mark.parametrize(
    ("held", "said", "voter_id", "note"),
    [
        (NOT_COMPARED, ACCEPTED, None, ""),
        (NOT_COMPARED, ACCEPTED, "V1", ""),
        (NOT_COMPARED, REFUSED, None, "another hand"),
        (on_record(UNKNOWN), ACCEPTED, "V1", ""),
        (on_record(UNKNOWN), Ruling("refused", "unknown_voter"), None, "searched by name and by address"),
    ],
)
def test_decisions_that_are_taken(held: Withdrawal, said: Ruling, voter_id: str | None, note: str) -> None:
    check_decision(held, said, voter_id, by="clerk-2", note=note, by_two=False)


@pytest.mark.parametrize("request_", [COMPLETE, UNKNOWN, COMPLETE._replace(dated_on=None, has=())])
def test_a_sealed_request_reads_as_it_was(request_: WithdrawalRequest) -> None:
    held = on_record(request_)
    decided = held._replace(decision=RequestDecision(held.withdrawal_id, *REFUSED, "V1", "clerk-2", NOW, "why"))
    assert Withdrawal.stored(held.sealed(), None) == held
    assert Withdrawal.stored(held.sealed(), decided.sealed()) == decided
    assert (decided.standing, decided.voter_id) == (REFUSED, "V1")
    assert decided.compared_by == ("clerk-1" if request_.signature_agrees else "clerk-2")


def test_what_an_earlier_program_sealed_reads_as_accepted() -> None:
    sealed = (
        '{"note":"","received_on":"2022-07-05","recorded_at":"2022-07-07T08:00:00+00:00","recorded_by":"clerk-1",'
        '"voter_id":"V1","withdrawal_id":"00000000-0000-0000-0000-000000000001"}'
    )
    held = Withdrawal.stored(sealed, None)
    assert held == Withdrawal(UUID(int=1), WithdrawalRequest(date(2022, 7, 5), "V1"), "clerk-1", NOW)
    assert (held.standing, held.request.missing, held.compared_by) == (ACCEPTED, None, None)


def test_the_newest_statement_is_what_is_sealed() -> None:
    held = on_record(COMPLETE)
    revoked = held._replace(revocation=Revocation(held.withdrawal_id, "supervisor-1", NOW + timedelta(1), "why"))
    assert "revoked_by" in revoked.sealed()
    assert held.sealed() == held._replace(search=None).sealed()


def test_no_signature_is_compared_without_a_person() -> None:
    check_request(UNKNOWN, today=FILED_ON, by="command line")
    with pytest.raises(WithdrawalRefusedError):
        check_request(COMPLETE, today=FILED_ON, by="command line")
    with pytest.raises(WithdrawalRefusedError):
        check_decision(NOT_COMPARED, ACCEPTED, None, by="command line", note="", by_two=False)
