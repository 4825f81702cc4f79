"""Freezing the raw count, and opening a frozen one for a correction: one person proposes it, another confirms it.

Every line is read before anything is locked, so that stations' posts do not wait for it. Each action raises what
`record` raises besides.
"""

import secrets
from collections.abc import Mapping
from typing import NamedTuple

from asyncpg import Connection

from app import errors
from app.count.queries import Change, lock_head
from app.count.record import ChangedMeanwhileError, record
from app.examination import raw_count_queries as rows
from app.examination import section_queries
from app.law.line import RawCountStage
from app.law.petition import PetitionKey
from app.law.raw_count import (
    STAGE_AFTER,
    Proposal,
    ProposalKind,
    RawList,
    SectionRange,
    check_confirmation,
    check_proposal,
    check_stage,
)
from app.ledger.entries import SALT_BYTES, leaf_hash


class RawCount(NamedTuple):
    """Where the raw count stands, its list as it is now, and the newest proposal with the person who confirmed it."""

    stage: RawCountStage
    raw_list: RawList
    proposal: Proposal | None
    confirmed_by: str | None


async def read_raw_count(connection: Connection, petition: PetitionKey) -> RawCount:
    """Where the raw count stands."""
    stage = await section_queries.stage_of(connection, petition)
    newest = await rows.newest_proposal(connection, petition)
    now = await rows.raw_list(connection, petition)
    return RawCount(stage, now, newest.proposal if newest else None, newest.confirmed_by if newest else None)


async def propose(
    change: Change, kind: ProposalKind, *, by: str, reason: str = "", notes: Mapping[SectionRange, str] | None = None
) -> RawCount:
    """Propose to freeze the raw count, or to correct a frozen one. It replaces an earlier proposal.

    Args:
        change: the transaction, its petition and the time.
        kind: what to do.
        by: the person who proposes it; goes on record.
        reason: why; a correction needs one.
        notes: by sections, why their control totals differ; a freeze needs one about each that does.

    Raises:
        RawCountRefusedError: it cannot be proposed now.
        PetitionClosedError: the count has ended.
    """
    connection, key = change.connection, change.petition.key
    now, differing = await rows.raw_list(connection, key), await _differing(change)  # compared again to be confirmed
    stage = await section_queries.begin(connection, key)
    head = await lock_head(change)
    if head and head.state == "closed":
        raise errors.PetitionClosedError
    new = Proposal(0, kind, now, reason, notes or {}, by, change.now)
    check_proposal(new, stage, differing)
    number = await rows.add_proposal(change, new, secrets.token_bytes(SALT_BYTES))
    return RawCount(stage, now, new._replace(proposal_no=number), None)


async def confirm(change: Change, proposal_no: int, *, by: str) -> RawCount:
    """Confirm the newest proposal: the raw count is frozen, or open for a correction.

    Args:
        change: the transaction, its petition and the time.
        proposal_no: the number of the proposal.
        by: the person who confirms it; goes on record.

    Raises:
        UnknownProposalError: the petition's newest proposal has another number.
        RawCountRefusedError: the same person proposed it, it is done already, or lines changed since.
        ChangedMeanwhileError: lines changed while they were read.
    """
    connection, key = change.connection, change.petition.key
    version = await rows.version_of(connection, key)
    now, differing = await rows.raw_list(connection, key), await _differing(change)
    stage = await section_queries.begin(connection, key)
    await lock_head(change)
    if await rows.moved_since(connection, key, version):
        raise ChangedMeanwhileError
    newest = await rows.newest_proposal(connection, key)
    if newest is None or newest.proposal.proposal_no != proposal_no:
        raise errors.UnknownProposalError
    proposal = newest.proposal
    check_stage(proposal.kind, stage)
    if newest.confirmed_by:
        raise errors.RawCountRefusedError("it is confirmed already: propose it again")
    check_confirmation(proposal, by, now, differing)
    await rows.add_confirmation(change, proposal_no, by=by)
    change.raw_count = STAGE_AFTER[proposal.kind]
    people = {"proposed_by": proposal.proposed_by, "confirmed_by": by}
    facts = {"raw": proposal.raw_list.raw, "list_hash": proposal.raw_list.list_hash.hex(), **people}
    sealed = leaf_hash(newest.salt, proposal.sealed().encode()).hex()
    await record(change, proposal.kind, [], facts={**facts, "proposal": sealed})
    return RawCount(STAGE_AFTER[proposal.kind], now, proposal, by)


async def _differing(change: Change) -> list[int]:
    """The sections whose control totals differ."""
    states = await section_queries.section_states(change.connection, change.petition.key)
    return [state.section for state in states if state.totals.differences]
