"""The queues of the people who decide, and who may decide a line that another person holds or that was escalated."""

from typing import Final, Literal, NamedTuple

from app.access.names import is_among
from app.access.principals import Principal
from app.errors import LeaseOverError, LineEscalatedError, LineHeldError, RecallError
from app.law.line import Line

Queue = Literal["to_decide", "to_confirm", "to_compare", "escalated", "confidential"]
"""To decide: lines in review. To confirm: invalid ones that people must confirm. To compare: ones that pass every other
rule and whose signature is not compared (2 CCR 20960(a)). Escalated lines are supervisors', and in no other queue.
Confidential: lines that a confidential voter may have signed (EC 2166), which are in one of the others as well."""

MOST_HELD: Final = 200
"""Lines of a petition that one person may hold at a time, so that no one empties a queue."""


def queue_of(line: Line) -> Queue | None:
    """The queue in which a line waits that is neither escalated nor held for the officer; None: for no person."""
    if line.outcome.status == "review":
        return "to_decide"
    if line.settled or line.outcome.status not in ("valid", "invalid"):
        return None
    return "to_compare" if line.outcome.eligible else "to_confirm"


class Hold(NamedTuple):
    """What keeps people from deciding a line."""

    holder: str | None  # who claimed it last; None: no lease on it remains
    live: bool  # whether the lease still runs
    escalated: bool


def refusal(hold: Hold, who: Principal) -> RecallError | None:
    """Why a person may not decide a line now; None: the person may.

    A line that no one holds may be decided by any person, also without a claim. A person whose lease ran out looked at
    the line long ago, and claims it again first.
    """
    own = hold.holder is not None and is_among(who.name, [hold.holder])
    if hold.escalated and who.role == "clerk":
        return LineEscalatedError()
    if hold.live and not own:
        return LineHeldError()
    return LeaseOverError() if own and not hold.live else None
