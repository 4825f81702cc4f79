"""Requests to withdraw: recorded as received, decided, and revoked. Each action raises what `record` raises besides."""

import secrets
from collections.abc import Mapping
from uuid import UUID

from app import errors
from app.count.identity import counted_ids
from app.count.queries import Change, lock_slots
from app.count.record import ChangedMeanwhileError, record
from app.database.tables import new_id
from app.examination import withdrawal_queries as rows
from app.examination.actions import check_voter
from app.law.line import Line, Place
from app.law.withdrawals import (
    RequestDecision,
    Revocation,
    Ruling,
    Withdrawal,
    WithdrawalRequest,
    check_decision,
    check_request,
    ruling,
)
from app.ledger.entries import SALT_BYTES, leaf_hash

Changed = tuple[Withdrawal, Mapping[Place, Line] | None]
"""A request as it is on record now, and the lines that changed with it; None if nothing did: it was so before."""


async def receive(
    change: Change, request: WithdrawalRequest, *, by: str, note: str, confidential: bool = False
) -> Changed:
    """Put a request on record as it was received, with its ruling.

    If it is accepted, none of the voter's lines counts, neither those submitted nor those to come. Of a voter who has
    withdrawn already nothing is recorded.

    Args:
        change: the transaction.
        request: as it was received.
        by: who records it, and who compared its signature, if that was done.
        note: is recorded.
        confidential: whether it may be a confidential voter's, whom only their officer can name.

    Raises:
        WithdrawalRefusedError: it cannot be put on record like this.
        UnknownVoterError: the active roll has no such voter.
    """
    connection, key = change.connection, change.petition.key
    check_request(request, today=change.now.date(), by=by)
    ruled = ruling(request, change.petition.filed_on, by_two=change.petition.ruleset.withdrawals_by_two)
    if request.voter_id is not None:
        voter_id = await _counted(change, request.voter_id, confidential=confidential)
        request = request._replace(voter_id=voter_id)
        await lock_slots(change, [voter_id])
        held = await rows.find_withdrawal(connection, rows.IN_FORCE, *key, voter_id)
        if held and ruled.state != "refused":
            return held, None
    new = Withdrawal(new_id(change.now), request, by, change.now, note, ruled)
    salt = secrets.token_bytes(SALT_BYTES)
    await rows.add_request(change, new, salt)
    return await _sealed(change, "withdrawal", new, salt)


async def decide_request(
    change: Change,
    withdrawal_id: UUID,
    said: Ruling,
    *,
    voter_id: str | None,
    by: str,
    note: str,
    confidential: bool = False,
) -> Changed:
    """Decide an open request. The same decision again changes nothing.

    An accepted one holds from then on like any other. If its voter has withdrawn meanwhile, it is refused as such.

    Args:
        change: the transaction.
        withdrawal_id: the request.
        said: accepted, or refused with a reason.
        voter_id: whose it is; None: the voter whom the request names.
        by: the person, who compared the signature; goes on record.
        note: why.
        confidential: whether it may be a confidential voter's, whom only their officer can name.

    Raises:
        UnknownWithdrawalError: the petition has no such request.
        WithdrawalRefusedError: it cannot be decided like this.
        UnknownVoterError: the active roll has no such voter.
    """
    connection, key = change.connection, change.petition.key
    held = await rows.find_withdrawal(connection, rows.BY_ID, *key, withdrawal_id)
    if held is None:
        raise errors.UnknownWithdrawalError
    if held.decision and (held.standing, held.decision.decided_by) == (said, by):
        return held, None
    by_two = change.petition.ruleset.withdrawals_by_two
    check_decision(held, said, voter_id, by=by, note=note, by_two=by_two)
    if voter_id and not held.request.voter_id:
        voter_id = await _counted(change, voter_id, confidential=confidential)
    voter_id = voter_id or held.request.voter_id
    if said.state == "accepted" and voter_id:
        await lock_slots(change, [voter_id])
        if await rows.find_withdrawal(connection, rows.IN_FORCE, *key, voter_id):
            said = Ruling("refused", "already_withdrawn")
    decided = held._replace(decision=RequestDecision(withdrawal_id, *said, voter_id, by, change.now, note))
    salt = secrets.token_bytes(SALT_BYTES)
    if not await rows.add_decision(change, decided, salt):
        raise ChangedMeanwhileError
    return await _sealed(change, "withdrawal_decision", decided, salt)


async def revoke_withdrawal(change: Change, withdrawal_id: UUID, *, by: str, note: str) -> Changed:
    """Revoke a withdrawal that was accepted by mistake: the voter's lowest eligible line counts again.

    A withdrawal that was revoked already stays so. Both records are kept.

    Args:
        change: the transaction, its petition and the time.
        withdrawal_id: the withdrawal to revoke.
        by: the user who revokes it; goes on record.
        note: why; not empty.

    Raises:
        UnknownWithdrawalError: the petition has no such withdrawal.
        WithdrawalRefusedError: the note is empty, or the request is not accepted.
    """
    if not note.strip():
        raise errors.WithdrawalRefusedError("say in the note why the withdrawal is revoked")
    connection, key = change.connection, change.petition.key
    held = await rows.find_withdrawal(connection, rows.BY_ID, *key, withdrawal_id)
    if held is None:
        raise errors.UnknownWithdrawalError
    if held.standing.state != "accepted" or held.voter_id is None:
        raise errors.WithdrawalRefusedError("only an accepted request is revoked")
    await lock_slots(change, [held.voter_id])
    # Read again under the slot's lock: another supervisor may have revoked it just now.
    held = await rows.find_withdrawal(connection, rows.BY_ID, *key, withdrawal_id) or held
    if held.revocation:
        return held, None
    revoked = held._replace(revocation=Revocation(withdrawal_id, by, change.now, note))
    salt = secrets.token_bytes(SALT_BYTES)
    await rows.add_revocation(change, revoked, salt)
    return await _sealed(change, "revocation", revoked, salt)


async def _counted(change: Change, voter_id: str, *, confidential: bool) -> str:
    """The id by which the petition counts a voter of the active roll. Raises UnknownVoterError."""
    await check_voter(change.connection, change.petition.county_id, voter_id, confidential=confidential)
    return (await counted_ids(change, [voter_id])).get(voter_id, voter_id)


async def _sealed(change: Change, name: str, withdrawal: Withdrawal, salt: bytes) -> Changed:
    """Write the entry of the newest statement about a request, and decide the voter's lines again if it moves them."""
    voters = [withdrawal.voter_id] if withdrawal.voter_id and withdrawal.standing.state == "accepted" else []
    if voters:
        await rows.set_slot(change, withdrawal)
    facts = {name: leaf_hash(salt, withdrawal.sealed().encode()).hex()}
    return withdrawal, await record(change, "withdrawal", [], voters=voters, facts=facts)
