"""Which queue a line waits in, and who may decide a line that another person holds or that was escalated."""

import pytest

from app.access.principals import Principal, Role
from app.law.line import Line, Place
from app.law.queues import Hold, Queue, queue_of, refusal
from app.law.reasons import VALID, Outcome


@pytest.mark.parametrize(
    ("outcome", "settled", "queue"),
    [
        (Outcome("review", "weak_match"), False, "to_decide"),
        (Outcome("invalid", "not_registered"), False, "to_confirm"),
        (Outcome("invalid", "not_registered"), True, None),
        (VALID, False, "to_compare"),
        (VALID, True, None),
        (Outcome("invalid", "duplicate"), False, "to_compare"),  # it passes every rule but the last
        (Outcome("invalid", "withdrawn"), False, "to_compare"),
        (Outcome("received"), False, None),
        (Outcome("blank"), True, None),
        (Outcome("struck"), True, None),
    ],
)
def test_a_line_waits_for_what_is_missing(outcome: Outcome, settled: bool, queue: Queue | None) -> None:  # noqa: FBT001  # a case
    assert queue_of(Line(Place(1, 1, 1), outcome, "V1", settled=settled)) == queue


NO_ONE = Hold(None, live=False, escalated=False)
MINE = Hold("clerk-1", live=True, escalated=False)


@pytest.mark.parametrize(
    ("role", "hold", "code"),
    [
        ("clerk", NO_ONE, None),
        ("clerk", MINE, None),
        ("clerk", MINE._replace(holder="C1erk-l"), None),  # the same person's name, by its look
        ("clerk", MINE._replace(holder="clerk-2"), "line_held"),
        ("supervisor", MINE._replace(holder="clerk-2"), "line_held"),
        ("clerk", MINE._replace(live=False), "lease_over"),
        ("clerk", Hold("clerk-2", live=False, escalated=False), None),
        ("clerk", NO_ONE._replace(escalated=True), "line_escalated"),
        ("supervisor", NO_ONE._replace(escalated=True), None),
        ("confidential", NO_ONE._replace(escalated=True), None),
        ("supervisor", Hold("clerk-2", live=True, escalated=True), "line_held"),
    ],
)
def test_a_line_is_decided_by_its_holder_or_where_there_is_none_by_any_person(
    role: Role, hold: Hold, code: str | None
) -> None:
    refused = refusal(hold, Principal("sample", "clerk-1", role))
    assert (refused.code if refused else None) == code
