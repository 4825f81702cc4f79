"""The ledger for those who do not trust us: its entries, its checkpoints, proofs, and a verification of the count."""

import asyncio
from base64 import b64encode
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BeforeValidator, Field

from app.access.principals import Principal
from app.errors import BusyError, NoCheckpointError, UnknownEntryError
from app.http import wire
from app.http.frame import AppState, Monitor, PathPetition, State, allow
from app.law.petition import PetitionKey
from app.ledger import queries as rows
from app.ledger.entries import consistency_proof, inclusion_proof, log_leaf, merkle_root
from app.ledger.evidence import verify
from app.ledger.replay import Verification

router = APIRouter(prefix="/v1/petitions/{petition_id}", tags=["ledger"])

# Entries hold no personal data, but each holds the tally, and an unfinished count is not public: so the roles of the
# tally may read them.
Size = Annotated[int, Query(ge=1, lt=2**63), wire.DIGITS]
Hex = Annotated[str, BeforeValidator(bytes.hex)]
Base64 = Annotated[str, BeforeValidator(lambda node: b64encode(node).decode())]  # as in checkpoints


class EntryOut(wire.ResponseModel):
    """A ledger entry. Hashes are hexadecimal; `payload` is the text that is hashed, canonical JSON."""

    seq: int
    type: wire.EntryType
    leaf_root: Hex
    leaves: list[Hex] = Field(validation_alias="leaf_hashes")
    payload: str
    hash: Hex


class InclusionOut(wire.ResponseModel):
    """That an entry is in the log of this size (RFC 9162, section 2.1.3). Hashes are base64, as in checkpoints."""

    seq: int
    index: int
    size: int
    leaf: Base64
    root: Base64
    hashes: list[Base64]


class ConsistencyOut(wire.ResponseModel):
    """That the log of one size is the beginning of a later one (RFC 9162, section 2.1.4). Hashes are base64."""

    first: int
    second: int
    first_root: Base64
    second_root: Base64
    hashes: list[Base64]


class FaultOut(wire.ResponseModel):
    """A place where two records disagree."""

    code: str
    where: str
    says: str = Field(validation_alias="message")


class VerificationOut(wire.ResponseModel):
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


_Entries = wire.page_model("EntriesOut", "A page of entries, in order.", entries=EntryOut)
_Checkpoints = wire.page_model(
    "CheckpointsOut", "A page of checkpoints as signed notes, the oldest first.", checkpoints=str
)


def _text(body: str) -> Response:
    return Response(body, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "private, no-cache"})


@router.get("/ledger/checkpoint", response_class=Response)
async def get_checkpoint(_: Monitor, state: AppState, petition: PathPetition) -> Response:
    """The newest checkpoint as a signed note (C2SP tlog-checkpoint). Keep it: it reveals later changes of the past."""
    async with state.database.reading() as connection:
        last = await rows.last_checkpoint(connection, petition.key)
    if last is None:
        raise NoCheckpointError
    return _text(last.note)


@router.get("/ledger/checkpoints", response_model=_Checkpoints)
async def list_checkpoints(_: Monitor, state: AppState, petition: PathPetition, paging: wire.ListPaging) -> object:
    """All checkpoints, the oldest first."""
    after = min(paging.after(wire.number_of) or 0, 2**31 - 1)  # they are numbered by integers of 32 bits
    async with state.database.reading() as connection:
        found = await rows.checkpoints(connection, petition.key, rows.Span(after, paging.limit + 1))
    page = paging.page("checkpoints", found, lambda row: row.number)
    return page | {"checkpoints": [row.note for row in page["checkpoints"]]}


@router.get("/ledger/key", response_class=Response)
async def get_ledger_key(_: Monitor, state: AppState, _petition: PathPetition) -> Response:
    """The public key that checks the checkpoints, as `name+id+key`. Compare it with a copy from another source."""
    return _text(state.signer.verifier_key + "\n")


@router.get("/ledger/entries", response_model=_Entries)
async def list_entries(_: Monitor, state: AppState, petition: PathPetition, paging: wire.ListPaging) -> object:
    """The ledger's entries in order. They hold no personal data: findings are salted hashes."""
    after = paging.after(wire.number_of) or 0
    async with state.database.reading() as connection:
        found = await rows.page_of_entries(connection, petition.key, rows.Span(after, paging.limit + 1))
    return paging.page("entries", found, lambda entry: entry.seq)


@router.get("/ledger/proofs/inclusion")
async def prove_inclusion(_: Monitor, state: AppState, petition: PathPetition, seq: Size, size: Size) -> InclusionOut:
    """The nodes that lead from an entry to the root of the log of that size, which a checkpoint has signed."""
    leaves, index = await _log_leaves(state, petition.key, seq, size), seq - 1
    proof = await asyncio.to_thread(inclusion_proof, index, leaves)
    return InclusionOut(seq=seq, index=index, size=size, leaf=leaves[index], root=merkle_root(leaves), hashes=proof)


@router.get("/ledger/proofs/consistency")
async def prove_consistency(
    _: Monitor, state: AppState, petition: PathPetition, first: Size, second: Size
) -> ConsistencyOut:
    """The nodes that show that the log of size `first` is the beginning of the log of size `second`."""
    leaves = await _log_leaves(state, petition.key, first, second)
    proof = await asyncio.to_thread(consistency_proof, first, leaves)
    roots = {"first_root": merkle_root(leaves[:first]), "second_root": merkle_root(leaves)}
    return ConsistencyOut(first=first, second=second, **roots, hashes=proof)


async def _log_leaves(state: State, petition: PetitionKey, first: int, size: int) -> list[bytes]:
    """The leaves of the log of this size. Raises UnknownEntryError if it has no such size, or no entry `first`."""
    async with state.database.reading() as connection:
        hashes = await rows.entry_hashes(connection, petition, size)
    if len(hashes) != size or first > size:
        raise UnknownEntryError
    return [log_leaf(entry) for entry in hashes]


@router.get("/tally/verification", response_model=VerificationOut)
async def verify_tally(
    _: Annotated[Principal, allow("supervisor", "auditor")], state: AppState, petition: PathPetition
) -> Verification:
    """Recount every row and replay the ledger against the tally and the checkpoints.

    This takes up to a minute for a million lines. One verification runs at a time: another is answered 503.
    """
    if state.verifying.locked():
        raise BusyError
    async with state.verifying, state.database.reading() as connection:
        # The petition's terms are read again and not taken from the cache: they are verified as well.
        found = await verify(connection, petition.key, state.signer)
    state.metrics.verified(petition.petition_id, agrees=found.agrees, now=state.now())
    return found
