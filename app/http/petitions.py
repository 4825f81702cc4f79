"""Petitions: opened, closed and read; their tally: read, followed, and over time; and the ledger that proves it."""

import asyncio
import re
from base64 import b64encode
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BeforeValidator, Field, model_validator
from starlette.types import Receive, Scope, Send

from app.count import line_queries as rows
from app.database.engine import UNAVAILABLE
from app.errors import NoCheckpointError, UnknownPetitionError
from app.examination.closing import close_and_sign
from app.http import frame, wire
from app.http.frame import AppState, Decider, Monitor, PathPetition, Reader, State, Supervisor
from app.http.problems import field_error
from app.law.line import Tally, outlook, rate
from app.law.petition import Petition, PetitionKey, Terms
from app.law.reasons import invalid_by_published
from app.ledger import queries
from app.ledger.evidence import verify
from app.ledger.replay import Verification

router = APIRouter(prefix="/v1/petitions", tags=["petitions"])
_TALLY: Final = "/v1/petitions/{petition_id}/tally"
direct = APIRouter(prefix=_TALLY, tags=["tally"], route_class=frame.DirectRoute)
tallies = APIRouter(prefix=_TALLY, tags=["tally"])
# Entries hold no personal data, but each holds the tally, and an unfinished count is not public: so the roles of the
# tally may read them.
ledger = APIRouter(prefix="/v1/petitions/{petition_id}", tags=["ledger"])

_LONGEST: Final = 600.0  # seconds of a stream; then the client connects again
_CHECK_EVERY: Final = 10.0  # seconds between checks of a stream's key
_RETRY: Final = b"retry: 2000\n\n"  # milliseconds until a client connects again
_KEEP_ALIVE: Final = b": alive\n\n"
_KEEP_ALIVE_EVERY: Final = 15.0  # seconds without an event
_STREAM_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"private, no-store"),
    (b"x-accel-buffering", b"no"),
]

Version = Annotated[int, Query(ge=0, lt=2**63), wire.DIGITS]  # of a tally
Size = Annotated[int, Query(ge=1, lt=2**63), wire.DIGITS]  # of a log
Hex = Annotated[str, BeforeValidator(bytes.hex)]
Base64 = Annotated[str, BeforeValidator(lambda node: b64encode(node).decode())]  # as in checkpoints
_Notes = wire.page_of("CheckpointsOut", "A page of checkpoints as signed notes, the oldest first.", checkpoints=str)


class PetitionIn(wire.RequestModel):
    """A petition to open, with `required`, or with `registered_voters` to derive it from (EC 11221).

    `registered_voters` comes with the day and the name of the report and the day on which the form was approved.
    """

    title: wire.Title
    officer: wire.Title
    office: wire.Title | None = None
    district: wire.Title | None = None
    required: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    registered_voters: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    registration_reported_on: wire.IsoDate | None = None
    registration_source: wire.Title | None = None
    form_approved_on: wire.IsoDate | None = None
    circulation_from: wire.IsoDate
    circulation_to: wire.IsoDate
    filed_on: wire.IsoDate
    window_exception: wire.RequiredNote | None = None
    ruleset: wire.Name | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "PetitionIn":
        if (self.required is None) == (self.registered_voters is None):
            raise wire.wrong("contradiction")
        return self


class PetitionOut(wire.ResponseModel):
    """A petition."""

    petition_id: UUID
    county_id: str
    title: str
    officer: str
    office: str | None
    district: str | None
    required: int
    registered_voters: int | None
    registration_reported_on: date | None
    registration_source: str | None
    form_approved_on: date | None
    circulation_from: date
    circulation_to: date
    filed_on: date
    window_exception: str | None
    ruleset: str = Field(validation_alias="ruleset_name")
    ruleset_in_force: str
    state: Literal["open", "closed"]
    created_at: datetime


@router.post("", status_code=201, response_model=PetitionOut)
async def open_petition(principal: Decider, state: AppState, new: wire.Body[PetitionIn]) -> Petition:
    """Open a petition in the key's county. `required` is given, or derived from the registration (EC 11221)."""
    terms = Terms(county_id=principal.county_id, ruleset_name=new.ruleset, **new.model_dump(exclude={"ruleset"}))
    return await state.count.open_petition(terms, opened_by=principal.name, now=state.now())


@router.get("", response_model=wire.page_of("PetitionsOut", "A page of a county's petitions.", petitions=PetitionOut))
async def list_petitions(principal: Reader, state: AppState, paging: wire.ListPaging) -> object:
    """The petitions of the key's county, the oldest first."""
    async with state.database.begin() as connection:
        found = await rows.list_petitions(connection, county_id=principal.county_id)
    return paging.page_of_all("petitions", found, lambda petition: petition.petition_id)


@router.get("/{petition_id}", response_model=PetitionOut)
async def get_petition(_: Reader, state: AppState, petition: PathPetition) -> Petition:
    """One petition."""
    async with state.database.begin() as connection:
        current = await rows.get_petition(connection, petition.key)  # its state is not that of the cached terms
    if current is None:
        raise UnknownPetitionError
    return current


@router.post("/{petition_id}/close", response_model=PetitionOut)
async def close_petition(principal: Supervisor, state: AppState, petition: PathPetition) -> Petition:
    """End the count, with the ledger's closing entry and a last checkpoint. Later changes of the count are refused.

    If there are as many lines as are required, none may be received, in review or unsettled; if there are fewer, the
    raw count must be frozen. Each section with lines must be declared, dates that are contradictory or partly outside
    the window confirmed, and control totals that differ must have a note.
    """
    return await close_and_sign(state.count, petition, state.signer, closed_by=principal.name, now=state.now)


class CountsOut(wire.ResponseModel):
    """How many lines have which status."""

    raw: int
    received: int
    valid: int
    invalid: int
    review: int
    unsettled: int
    blank: int
    struck: int


class _BoundsOut(CountsOut):
    unsettled_valid: int
    unsettled_invalid: int
    at_least: int


class TallyOut(_BoundsOut):
    """The count against the number required."""

    petition_id: UUID
    version: int
    as_of: datetime
    required: int
    raw_count: wire.RawCountStage
    unscanned: int
    at_most: int
    invalid_by_reason: dict[str, int]
    invalid_by_code: dict[str, int]
    margin: int
    validity_rate: float | None
    break_even_rate: float | None
    outlook: wire.Outlook


def tally_out(petition: Petition, tally: Tally) -> TallyOut:
    """The tally of a petition as it is shown."""
    counts, required = tally.counts, petition.required
    return TallyOut(
        **dict(_BoundsOut.model_validate(counts)),
        petition_id=petition.petition_id,
        version=tally.version,
        as_of=tally.as_of,
        required=required,
        raw_count=tally.raw_count,
        unscanned=tally.unscanned,
        at_most=tally.at_most,
        invalid_by_reason=dict(invalid_by_published(counts.by_reason)),
        invalid_by_code=dict(counts.by_reason),
        margin=counts.valid - required,
        validity_rate=rate(counts.valid, counts.raw),
        break_even_rate=rate(required, counts.raw),
        outlook=outlook(tally, required),
    )


@direct.get("", response_model=TallyOut)
async def get_tally(request: Request, principal: Monitor) -> Response:
    """The tally, with its version as ETag. An unfinished count is not public: no shared cache may keep it."""
    state, petition = frame.state_of(request), await frame.direct_petition(request, principal)
    tally = await state.count.tallies.read(PetitionKey(principal.county_id, petition.petition_id))
    if tally is None:
        raise UnknownPetitionError
    etag = f'"{tally.version}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    # `If-None-Match` may be given any number of times (RFC 9110, 13.1.2: compared weakly).
    listed = ",".join(request.headers.getlist("if-none-match")).split(",")
    if {"*", etag} & {tag.strip().removeprefix("W/") for tag in listed}:
        return Response(status_code=304, headers=headers)
    return Response(_tally_body(state, petition, tally), media_type="application/json", headers=headers)


def _tally_body(state: State, petition: Petition, tally: Tally) -> bytes:
    """The tally as JSON, which is written once for each version."""
    version, body = state.tally_bodies.get(petition.petition_id, (None, b""))
    if version != tally.version:
        body = tally_out(petition, tally).model_dump_json().encode()
        state.tally_bodies[petition.petition_id] = tally.version, body
    return body


class PastTallyOut(CountsOut):
    """The counts as one version left them."""

    version: int
    at: datetime
    by_reason: dict[str, int]


class HistoryOut(wire.ResponseModel):
    """The tally over time, in the order of versions."""

    petition_id: UUID
    required: int
    history: list[PastTallyOut]
    next_cursor: str | None


@tallies.get("/history")
async def get_tally_history(
    _: Monitor, state: AppState, petition: PathPetition, since_version: Version = 0, limit: wire.Limit = 200
) -> HistoryOut:
    """The tally as past versions left it: all later ones, or `limit` evenly spaced ones that end with the current one.

    The list is thinned out rather than paged, so `next_cursor` is always null.
    """
    async with state.database.reading() as connection:
        past = await rows.read_history(connection, petition.key, queries.Span(since_version, limit))
    none = dict.fromkeys(("blank", "struck"), 0)  # an entry leaves them out where there are none
    history = [PastTallyOut(version=version, at=at, **none | counts) for version, at, counts in past]
    return HistoryOut(petition_id=petition.petition_id, required=petition.required, history=history, next_cursor=None)


@direct.get("/stream", response_class=StreamingResponse, response_model=None)
async def stream_tally(request: Request, principal: Monitor) -> "_TallyStream":
    """The tally at once and after each change, at most once a second, with a comment to keep the connection alive.

    The stream ends after ten minutes and when the service stops: clients connect again automatically. It ends within
    half a minute after its key was revoked or has expired, and where it is the oldest of the user with the most streams
    and another user needs its place.
    """
    given = request.headers.get("last-event-id")
    good = given is None or re.fullmatch("[0-9]{1,18}", given)
    wrong = [] if good else [field_error("header.last-event-id", "wrong_format")]
    petition = await frame.direct_petition(request, principal, *wrong)
    return _TallyStream(request, petition, int(given) if given else None)


@dataclass(eq=False, slots=True)
class _TallyStream:
    """The answer that is a stream. There may be thousands, so each is one task and a second that waits for its end."""

    request: Request
    petition: Petition
    version: int | None  # that the client has

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client is gone or the stream has to end."""
        await send({"type": "http.response.start", "status": 200, "headers": _STREAM_HEADERS})
        gone = asyncio.create_task(_gone(receive))
        try:
            async with aclosing(self._events()) as events:
                async for event in events:
                    if gone.done():
                        return
                    if event:
                        await send({"type": "http.response.body", "body": event, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()

    async def _events(self) -> AsyncGenerator[bytes]:
        """What to send, once a second; empty where there is nothing new."""
        request, petition, state = self.request, self.petition, frame.state_of(self.request)
        clock = asyncio.get_running_loop().time
        checked = began = sent = clock()
        yield _RETRY
        async with aclosing(state.count.tallies.follow(petition.key, self.version)) as rounds:
            async for tally in rounds:
                now = clock()
                if now - began > _LONGEST or request.state.admission.ending:
                    return
                if now - checked > _CHECK_EVERY:
                    with suppress(*UNAVAILABLE):  # while the database cannot be asked, the stream goes on
                        if await frame.principal_of(request) != request.state.principal:
                            return
                    checked = now
                event = b"" if tally is None else _event(tally.version, _tally_body(state, petition, tally))
                if not event and now - sent > _KEEP_ALIVE_EVERY:
                    event = _KEEP_ALIVE
                sent = now if event else sent
                yield event


def _event(version: int, body: bytes) -> bytes:
    return b"id: %d\nevent: tally\ndata: %b\n\n" % (version, body)


async def _gone(receive: Receive) -> None:
    """Wait until the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


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


def _text(body: str) -> Response:
    return Response(body, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "private, no-cache"})


@ledger.get("/ledger/checkpoint", response_class=Response)
async def get_checkpoint(_: Monitor, state: AppState, petition: PathPetition) -> Response:
    """The newest checkpoint as a signed note (C2SP tlog-checkpoint). Keep it: it reveals later changes of the past."""
    async with state.database.reading() as connection:
        last = await queries.last_checkpoint(connection, petition.key)
    if last is None:
        raise NoCheckpointError
    return _text(last.note)


@ledger.get("/ledger/checkpoints", response_model=_Notes)
async def list_checkpoints(_: Monitor, state: AppState, petition: PathPetition, paging: wire.ListPaging) -> object:
    """All checkpoints, the oldest first."""
    after = min(paging.after(wire.number_of) or 0, 2**31 - 1)  # they are numbered by integers of 32 bits
    async with state.database.reading() as connection:
        found = await queries.checkpoints(connection, petition.key, queries.Span(after, paging.limit + 1))
    page = paging.page("checkpoints", found, lambda row: row.number)
    return page | {"checkpoints": [row.note for row in page["checkpoints"]]}


@ledger.get("/ledger/key", response_class=Response)
async def get_ledger_key(_: Monitor, state: AppState, _petition: PathPetition) -> Response:
    """The public key that checks the checkpoints, as `name+id+key`. Compare it with a copy from another source."""
    return _text(state.signer.verifier_key + "\n")


@ledger.get(
    "/ledger/entries", response_model=wire.page_of("EntriesOut", "A page of entries, in order.", entries=EntryOut)
)
async def list_entries(_: Monitor, state: AppState, petition: PathPetition, paging: wire.ListPaging) -> object:
    """The ledger's entries in order. They hold no personal data: findings are salted hashes.

    A page has fewer entries than its limit where they have more than 16,384 leaves.
    """
    after = paging.after(wire.number_of) or 0
    async with state.database.reading() as connection:
        found, more = await queries.page_of_entries(connection, petition.key, queries.Span(after, paging.limit + 1))
    return paging.page("entries", found, lambda entry: entry.seq, more=more)


@ledger.get("/ledger/proofs/inclusion")
async def prove_inclusion(_: Monitor, state: AppState, petition: PathPetition, seq: Size, size: Size) -> InclusionOut:
    """The nodes that lead from an entry to the root of the log of that size, which a checkpoint has signed."""
    proof = await state.prover.inclusion(petition.key, seq, size)
    return InclusionOut(seq=seq, index=seq - 1, size=size, **proof._asdict())


@ledger.get("/ledger/proofs/consistency")
async def prove_consistency(
    _: Monitor, state: AppState, petition: PathPetition, first: Size, second: Size
) -> ConsistencyOut:
    """The nodes that show that the log of size `first` is the beginning of the log of size `second`."""
    proof = await state.prover.consistency(petition.key, first, second)
    return ConsistencyOut(first=first, second=second, **proof._asdict())


@ledger.get("/tally/verification", response_model=VerificationOut)
async def verify_tally(_: frame.Verifier, state: AppState, petition: PathPetition) -> Verification:
    """Recount every row and replay the ledger against the tally and the checkpoints.

    This takes up to a minute for a million lines. One verification runs at a time: another is answered 503.
    """
    async with state.database.reading() as connection:
        # The petition's terms are read again and not taken from the cache: they are verified as well.
        found = await verify(connection, petition.key, state.signer)
    state.metrics.verified(petition.petition_id, agrees=found.agrees, now=state.now())
    return found
