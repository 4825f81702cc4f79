"""Notes that people leave on lines for their colleagues; also escalations, returns, and referrals to the officer.

Notes are on record with their writers, and change nothing of the count.
"""

from app import errors
from app.access.principals import Principal
from app.count.queries import Change, lock_lines
from app.examination import confidential_queries, leases, queue_queries
from app.examination import note_queries as rows
from app.examination.note_queries import Note, NoteKind
from app.law.line import Place
from app.law.queues import queue_of
from app.law.reasons import NOT_RAW


async def leave_note(change: Change, place: Place, kind: NoteKind, note: str, *, who: Principal) -> Note:
    """Leave a note on a line. An escalation moves the line to the supervisors' queue, a return moves it back.

    All but a note alone end the person's lease on the line. A supervisor's finding returns the line as well. A referral
    has the officer of confidential voters look at a line whose signer the person does not find, as one whose name is
    misread; to others the line stays what it is.

    Args:
        change: the transaction, its petition and the time.
        place: of the line.
        kind: a note alone, or what the person does with the line.
        note: the text; not empty.
        who: the person.

    Raises:
        PetitionClosedError: the count has ended.
        UnknownLineError: there is no signature at this place.
        LineEscalatedError: it is escalated already.
        NotEscalatedError: it is not, or waits for no person; a referred line is good and settled, or not in raw.
        LineHeldError: another person holds it; or the person's lease is over (LeaseOverError).
    """
    state, _ = await queue_queries.state_and_held(change.connection, change.petition.key, who)
    if state != "open":
        raise errors.PetitionClosedError
    line = (await lock_lines(change, [place], [])).get(place)
    if line is None:
        raise errors.UnknownLineError
    if kind != "note":
        if refused := (await leases.refusals(change, [place], who)).get(place):
            raise refused
        if kind == "escalation" and queue_of(line) is None:
            raise errors.NotEscalatedError("this line waits for no person: there is nothing to escalate")
        if kind == "referral" and (line.outcome.status in NOT_RAW or (line.outcome.eligible and line.settled)):
            raise errors.NotEscalatedError(
                "this line is good and settled, or in no raw count: there is nothing to refer"
            )
        await queue_queries.end_holds(change, [place], apart=False, escalations=False)
        await _move(change, place, kind, who)
    return await rows.add_note(change, place, kind, note, who.name)


async def _move(change: Change, place: Place, kind: NoteKind, who: Principal) -> None:
    if kind == "escalation" and not await rows.escalate(change, place, who.name):
        raise errors.LineEscalatedError
    if kind == "referral":
        await confidential_queries.hold(change, place)
    if kind == "return" and not await rows.give_back(change, place):
        raise errors.NotEscalatedError
