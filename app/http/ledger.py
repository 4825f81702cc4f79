"""The ledger for those who do not trust us: its entries, its checkpoints, proofs, and a verification of the count."""

import asyncio
from base64 import b64encode
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from app.access.principals import Principal
from app.count.petitions import get_petition
from app.errors import BusyError, NoCheckpointError, UnknownEntryError, UnknownPetitionError
from app.http.body import PLAIN as DIGITS
from app.http.frame import AppState, PetitionId, ServiceSigner, allow, petition_of
from app.law.petition import PetitionKey
from app.ledger import queries as rows
from app.ledger.entries import Entry, consistency_proof, inclusion_proof, log_leaf, log_root
from app.ledger.verification import verify

router = APIRouter(prefix="/v1/petitions/{petition_id}", tags=["ledger"])

# No personal data here, but the tally is in every entry, and an unfinished count is not public.
Reader = Annotated[Principal, allow("monitor", "clerk", "supervisor", "auditor")]
Verifier = Annotated[Principal, allow("supervisor", "auditor")]
After = Annotated[int, Query(ge=0, lt=2**63, description="The number behind which to go on."), DIGITS]
Limit = Annotated[int, Query(ge=1, le=1000), DIGITS]
Size = Annotated[int, Query(ge=1, lt=2**63, description="A size of the log: a number of entries."), DIGITS]


class EntryOut(BaseModel):
    """A ledger entry. Hashes are hexadecimal; `payload` is the text that is hashed, canonical JSON."""

    seq: int
    type: str
    leaf_root: str
    leaves: list[str]
    payload: str
    hash: str


class EntriesOut(BaseModel):
    """Entries in order; `next_after` asks for the following ones, null at the end."""

    entries: list[EntryOut]
    next_after: int | None


class CheckpointsOut(BaseModel):
    """Checkpoints, the oldest first, as signed notes; `next_after` asks for the following ones, null at the end."""

    checkpoints: list[str]
    next_after: int | None


class InclusionOut(BaseModel):
    """That an entry is in the log of this size (RFC 9162, section 2.1.3). Hashes are base64, as in checkpoints."""

    seq: int
    index: int
    size: int
    leaf: str
    root: str
    hashes: list[str]


class ConsistencyOut(BaseModel):
    """That the log of one size is the beginning of a later one (RFC 9162, section 2.1.4). Hashes are base64."""

    first: int
    second: int
    first_root: str
    second_root: str
    hashes: list[str]


class FaultOut(BaseModel):
    """A place where two records disagree."""

    code: str
    where: str
    says: str


class VerificationOut(BaseModel):
    """What a verification found: that all agrees, or where it does not (`faults`: the first 100 of `fault_count`)."""

    petition_id: UUID
    agrees: bool
    version: int
    entries: int
    findings: int
    lines: int
    destroyed: int
    checkpoints: int
    uncovered: int
    fault_count: int
    faults: list[FaultOut]


def _text(body: str) -> Response:
    return Response(body, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "private, no-cache"})


def _entry_out(entry: Entry) -> EntryOut:
    hex_leaves = entry.leaves.hex()
    return EntryOut(
        seq=entry.seq,
        type=entry.type,
        leaf_root=entry.leaf_root.hex(),
        leaves=[hex_leaves[i : i + 64] for i in range(0, len(hex_leaves), 64)],
        payload=entry.payload,
        hash=entry.hash.hex(),
    )


def _base64(hashes: list[bytes]) -> list[str]:
    return [b64encode(node).decode() for node in hashes]


PLAIN: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}


@router.get(
    "/ledger/checkpoint",
    operation_id="get_checkpoint",
    summary="Read the newest checkpoint",
    response_class=Response,
    responses=PLAIN,
)
async def get_checkpoint(principal: Reader, state: AppState, petition_id: PetitionId) -> Response:
    """The newest checkpoint as a signed note (C2SP tlog-checkpoint). Keep it: it shows any later change of the past."""
    await petition_of(state, principal, petition_id)
    async with state.database.reading() as connection:
        last = await rows.last_checkpoint(connection, PetitionKey(principal.county_id, petition_id))
    if last is None:
        raise NoCheckpointError
    return _text(last.note)


@router.get("/ledger/checkpoints", operation_id="list_checkpoints", summary="Read the checkpoints")
async def list_checkpoints(
    principal: Reader, state: AppState, petition_id: PetitionId, after: After = 0, limit: Limit = 100
) -> CheckpointsOut:
    """All checkpoints, the oldest first."""
    await petition_of(state, principal, petition_id)
    bounded = min(after, 2**31 - 1)  # they are numbered by integers of 32 bits
    async with state.database.reading() as connection:
        found = await rows.checkpoints(
            connection, PetitionKey(principal.county_id, petition_id), after=bounded, limit=limit
        )
    following = found[-1].number if len(found) == limit else None
    return CheckpointsOut(checkpoints=[row.note for row in found], next_after=following)


@router.get(
    "/ledger/key", operation_id="get_ledger_key", summary="Read the key", response_class=Response, responses=PLAIN
)
async def get_ledger_key(
    principal: Reader, state: AppState, petition_id: PetitionId, signer: ServiceSigner
) -> Response:
    """The public key that checks the checkpoints, as `name+id+key`. Compare it with one that came by another way."""
    await petition_of(state, principal, petition_id)
    return _text(signer.verifier_key + "\n")


@router.get("/ledger/entries", operation_id="list_entries", summary="Read the entries")
async def list_entries(
    principal: Reader, state: AppState, petition_id: PetitionId, after: After = 0, limit: Limit = 100
) -> EntriesOut:
    """The ledger's entries in order. They hold no personal data: of a finding there is a salted hash."""
    await petition_of(state, principal, petition_id)
    async with state.database.reading() as connection:
        found = await rows.page_of_entries(
            connection, PetitionKey(principal.county_id, petition_id), after=after, limit=limit
        )
    following = found[-1].seq if len(found) == limit else None
    return EntriesOut(entries=[_entry_out(entry) for entry in found], next_after=following)


@router.get("/ledger/proofs/inclusion", operation_id="prove_inclusion", summary="Prove that an entry is in the log")
async def prove_inclusion(
    principal: Reader, state: AppState, petition_id: PetitionId, seq: Size, size: Size
) -> InclusionOut:
    """The nodes that lead from an entry to the root of the log of that size, which a checkpoint has signed."""
    hashes = await _hashes(state, principal, petition_id, size)
    if seq > size:
        raise UnknownEntryError
    leaves = [log_leaf(entry) for entry in hashes]
    proof = await asyncio.to_thread(inclusion_proof, seq - 1, leaves)
    leaf, root = _base64([leaves[seq - 1], log_root(hashes)])
    return InclusionOut(seq=seq, index=seq - 1, size=size, leaf=leaf, root=root, hashes=_base64(proof))


@router.get("/ledger/proofs/consistency", operation_id="prove_consistency", summary="Prove that the log only grew")
async def prove_consistency(
    principal: Reader, state: AppState, petition_id: PetitionId, first: Size, second: Size
) -> ConsistencyOut:
    """The nodes that show that the log of size `first` is the beginning of the log of size `second`."""
    hashes = await _hashes(state, principal, petition_id, second)
    if first > second:
        raise UnknownEntryError
    leaves = [log_leaf(entry) for entry in hashes]
    proof = await asyncio.to_thread(consistency_proof, first, leaves)
    first_root, second_root = _base64([log_root(hashes[:first]), log_root(hashes)])
    return ConsistencyOut(
        first=first, second=second, first_root=first_root, second_root=second_root, hashes=_base64(proof)
    )


async def _hashes(state: AppState, principal: Principal, petition_id: UUID, size: int) -> list[bytes]:
    await petition_of(state, principal, petition_id)
    async with state.database.reading() as connection:
        hashes = await rows.entry_hashes(connection, PetitionKey(principal.county_id, petition_id), size)
    if len(hashes) != size:
        raise UnknownEntryError
    return hashes


@router.get("/tally/verification", operation_id="verify_tally", summary="Verify the count")
async def verify_tally(
    principal: Verifier, state: AppState, request: Request, petition_id: PetitionId, signer: ServiceSigner
) -> VerificationOut:
    """Recount every row and replay the ledger against the tally and the checkpoints.

    It takes up to a minute for a million lines. One runs at a time: another is asked to come back.
    """
    turn: asyncio.Lock = request.app.state.verifying
    if turn.locked():
        raise BusyError
    async with turn:
        petition = await get_petition(
            state.database, PetitionKey(principal.county_id, petition_id)
        )  # fresh: it is verified as well
        if petition is None:
            raise UnknownPetitionError
        verdict = await verify(state.database, petition, signer)
    state.measures.verified(petition_id, agrees=verdict.agrees, now=state.now())
    return VerificationOut(
        petition_id=petition_id,
        agrees=verdict.agrees,
        version=verdict.version,
        entries=verdict.entries,
        findings=verdict.findings,
        lines=verdict.lines,
        destroyed=verdict.destroyed,
        checkpoints=verdict.checkpoints,
        uncovered=verdict.uncovered,
        fault_count=verdict.fault_count,
        faults=[FaultOut(**fault._asdict()) for fault in verdict.faults],
    )
