"""What one finding for many lines may say."""

import pytest

from app.errors import FindingRefusedError
from app.law.bulk import check_bulk, state_hash
from app.law.line import Place
from app.law.reasons import VALID, Outcome
from app.law.review import MISMATCH, PersonFinding


@pytest.mark.parametrize(
    ("said", "allowed"),
    [
        (PersonFinding(Outcome("invalid", "not_registered"), note="why"), True),
        (PersonFinding(Outcome("review", "undone"), note="why"), True),
        (PersonFinding(Outcome("invalid", "not_registered")), False),
        (PersonFinding(Outcome("invalid", "not_registered"), note=" "), False),
        (PersonFinding(VALID, note="why"), False),
        (PersonFinding(MISMATCH, note="why"), False),
        (PersonFinding(Outcome("invalid", "canceled"), "V1", "why"), False),
    ],
)
def test_a_signature_and_a_voter_are_looked_at_line_by_line(said: PersonFinding, allowed: bool) -> None:  # noqa: FBT001  # a case
    if allowed:
        check_bulk(said)
    else:
        with pytest.raises(FindingRefusedError):
            check_bulk(said)


def test_the_state_is_that_of_the_lines_whatever_their_order() -> None:
    lines = [(Place(1, 1, 2), 1), (Place(1, 1, 1), 3)]
    assert state_hash(lines) == state_hash(lines[::-1]) != state_hash([(Place(1, 1, 2), 2), (Place(1, 1, 1), 3)])
