"""The end of a count: afterwards nothing of it can change."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from app.count.queries import Change, any_held, has_lines_to_redecide, hold_petition, lock_head
from app.count.record import Count, write
from app.errors import CheckpointRefusedError, UndecidedLinesError
from app.examination.section_queries import section_states
from app.examination.sections import tasks_of
from app.law.closing import check_closing
from app.law.petition import Petition
from app.ledger.evidence import make_checkpoint
from app.ledger.notes import Signer


async def close_petition(count: Count, petition: Petition, *, closed_by: str, now: datetime) -> Petition:
    """End a petition's count, with the ledger's closing entry.

    Args:
        count: the counts.
        petition: whose count ends.
        closed_by: the name of the user who ends it.
        now: goes on record.

    Raises:
        PetitionClosedError: it has ended already.
        RecallError: what `check_closing` refuses; also if lines wait for the officer of confidential voters.
    """

    async def close(change: Change) -> None:
        await hold_petition(change)  # no section is registered, dated or found defective meanwhile
        head = await lock_head(change)
        if head and head.state == "open":
            states = await section_states(change.connection, petition.key)
            tasks = Counter(task for state in states for task in tasks_of(petition, state))
            check_closing(head, petition.required, tasks, pending=await has_lines_to_redecide(change))
            if await any_held(change):  # also those that another clerk has decided meanwhile
                raise UndecidedLinesError
        await write(change, "close", [], facts={"closed_by": closed_by})

    await count.attempt(petition, close, now=now)
    return replace(petition, state="closed")


async def close_and_sign(
    count: Count, petition: Petition, signer: Signer, *, closed_by: str, now: Callable[[], datetime]
) -> Petition:
    """End a petition's count, and sign its ledger before and after.

    Where the ledger does not continue its last checkpoint, that is a CheckpointRefusedError and nothing is changed.

    Args:
        count: the counts.
        petition: whose count ends.
        signer: signs with the service's key.
        closed_by: the name of the user who ends it.
        now: the clock.
    """
    await make_checkpoint(count.database, signer, petition.key, now=now())
    closed = await close_petition(count, petition, closed_by=closed_by, now=now())
    with suppress(CheckpointRefusedError):  # it was changed in between: the checkpoints that fall due report it
        await make_checkpoint(count.database, signer, petition.key, now=now())
    return closed
