"""Examining lines and taking signatures in: each place, request and voter once, whatever is retried or races."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

import asyncpg

from app.count import queries as rows
from app.count.record import ATTEMPTS, Change, ChangedMeanwhileError, Count, record
from app.errors import BusyError, IdempotencyConflictError, RecallError
from app.law.line import Finding, Line, Place, Signature
from app.law.petition import DateRange, Petition, SigningInterval, signing_interval
from app.law.reasons import Outcome, ReviewCause
from app.matching.decision import Decision
from app.matching.lookup import Decide, LineToDecide, decide_lines
from app.matching.roll_cache import in_use

# What one submission's content can cause, and so must not fail another's. Any other error is the database's or ours.
_OF_ONE = (
    RecallError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
)


@dataclass(frozen=True, slots=True)
class Submission:
    """One request's signatures. A single signature is a submission of one."""

    principal: str
    signatures: Sequence[Signature]
    key: str | None = None  # the Idempotency-Key
    fingerprint: bytes = b""  # SHA-256 of the request's meaning; compared when its key comes again

    @property
    def request(self) -> tuple[str, str] | int:
        """What makes two submissions the same request: their principal and key, or nothing."""
        return (self.principal, self.key) if self.key else id(self)


class LineResult(NamedTuple):
    """How the line of a signature is decided, as a station sees it: no voter and no evidence."""

    place: str
    outcome: Outcome
    settled: bool
    version: int
    created: bool  # by this submission

    @classmethod
    def of(cls, line: Line, *, created: bool) -> "LineResult":
        """The result for a line."""
        return cls(str(line.place), line.outcome, line.settled, line.version, created)


@dataclass(frozen=True, slots=True)
class SubmissionResult:
    """A result for each signature of a submission, in their order; None if a different entry is recorded there."""

    results: Sequence[LineResult | None]
    replayed: bool = False  # it is the stored answer to an earlier request of the same key and content


Answer = SubmissionResult | Exception


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What was read for submissions before any lock. Whether it still holds is checked when it is written."""

    submissions: Sequence[Submission]
    answers: Sequence[Answer | None]  # of each; None: it is still to be taken in
    occupied: Mapping[Place, rows.Occupied]
    basis: rows.Basis | None = None  # of the findings; None: there is no new line
    findings: Mapping[tuple[Place, bytes], Finding] = field(default_factory=dict)  # by place and fingerprint

    @property
    def todo(self) -> list[Submission]:
        """The submissions to carry out: of several with one key (a client's retry beside its first try) the first."""
        first: dict[tuple[str, str] | int, Submission] = {}
        for submission, answer in zip(self.submissions, self.answers, strict=True):
            if answer is None:
                first.setdefault(submission.request, submission)
        return list(first.values())

    @property
    def new(self) -> list[tuple[Signature, str]]:
        """The signatures for free places in paper order, each with its station; of two for one place, the first."""
        first: dict[Place, tuple[Signature, str]] = {}
        for submission in self.todo:
            for signature in submission.signatures:
                if signature.place not in self.occupied:
                    first.setdefault(signature.place, (signature, submission.principal))
        return [first[place] for place in sorted(first)]


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes in submissions to one petition over one connection."""

    count: Count
    connection: asyncpg.Connection
    petition: Petition
    decide: Decide = decide_lines

    async def take_in(self, submissions: Sequence[Submission], *, now: datetime) -> list[Answer]:
        """Take several submissions in, in one transaction; one answer each, in order.

        What refuses or breaks one submission never fails another: where the whole fails, each is tried by itself. An
        answer that is an exception is for the caller who submitted.
        """
        for _ in range(ATTEMPTS):
            try:
                return await self._write(await self._look_up(submissions), now)
            except ChangedMeanwhileError:
                continue
            except _OF_ONE as error:
                if len(submissions) == 1:
                    return [error]
                return [(await self.take_in([one], now=now))[0] for one in submissions]
        return [BusyError() for _ in submissions]

    async def look_up(self, submissions: Sequence[Submission]) -> LookedUp:
        """What `take_in_looked_up` takes in. If one submission breaks it, nothing: that finds out which."""
        try:
            return await self._look_up(submissions)
        except _OF_ONE:
            return LookedUp(submissions, [None] * len(submissions), {})

    async def take_in_looked_up(self, groups: Sequence[LookedUp], *, now: datetime) -> list[Answer]:
        """Take in, in one transaction, what was looked up in several groups; one answer a submission, in order.

        If any of it changed meanwhile, or one submission breaks it, all is looked up again, as `take_in` does.
        """
        try:
            return await self._write(_together(groups), now)
        except (ChangedMeanwhileError, *_OF_ONE):
            return await self.take_in([one for group in groups for one in group.submissions], now=now)

    async def _look_up(self, submissions: Sequence[Submission]) -> LookedUp:
        """Read earlier answers, what is recorded at the places, and what the roll says of new lines. No lock."""
        connection, petition = self.connection, self.petition
        keyed = {(s.principal, s.key) for s in submissions if s.key}
        stored = await rows.stored_answers(connection, petition.key, keyed) if keyed else {}
        found = LookedUp(submissions, [_replay(s, stored) for s in submissions], {})
        places = {signature.place for submission in found.todo for signature in submission.signatures}
        occupied = await rows.occupied_places(connection, petition.key, places) if places else {}
        found = replace(found, occupied=occupied)
        new = [signature for signature, _ in found.new]
        if not new:
            return found
        basis, findings = await examine_lines(connection, petition, new, self.decide)
        return replace(found, basis=basis, findings={(f.place, f.writing_sha256): f for f in findings})

    async def _write(self, found: LookedUp, now: datetime) -> list[Answer]:
        """Write the new lines and the answers; one answer a submission."""
        todo, new = found.todo, found.new
        carried_out: dict[tuple[str, str] | int, tuple[Submission, SubmissionResult]] = {}
        if todo:
            async with self.count.change(self.connection, self.petition, now) as change:
                occupied = {**found.occupied, **await self._record(change, found, new)} if new else found.occupied
                created = {signature.place: signature for signature, _ in new}
                carried_out = {s.request: (s, _result(s, occupied, created)) for s in todo}
                await self._store(change, carried_out.values())
        pairs = zip(found.submissions, found.answers, strict=True)
        return [answer or _answer(submission, *carried_out[submission.request]) for submission, answer in pairs]

    async def _record(
        self, change: Change, found: LookedUp, new: Sequence[tuple[Signature, str]]
    ) -> dict[Place, rows.Occupied]:
        """Take the places of the new signatures and put the findings on them on record.

        Raises:
            ChangedMeanwhileError: what the findings rest on changed, or a place was taken, since the lookup.
        """
        findings = [_looked_up(found, signature, station) for signature, station in new]
        if await rows.hold_basis(self.connection, self.petition.key) != found.basis:
            raise ChangedMeanwhileError
        if not await rows.take_places(self.connection, self.petition.key, new, change.now):
            raise ChangedMeanwhileError
        lines = await record(change, "intake", findings)
        return {s.place: rows.Occupied(lines[s.place], frozenset([s.sha256])) for s, _ in new}

    async def _store(self, change: Change, carried_out: Iterable[tuple[Submission, SubmissionResult]]) -> None:
        stored = [(s.principal, s.key, s.fingerprint, dump_results(s, done)) for s, done in carried_out if s.key]
        if stored and not await rows.store_answers(self.connection, self.petition.key, stored, change.now):
            raise ChangedMeanwhileError  # the same request is being answered elsewhere: that answer counts


async def take_in(
    count: Count, petition: Petition, submissions: Sequence[Submission], *, now: datetime, decide: Decide = decide_lines
) -> list[Answer]:
    """Take several submissions in, in one transaction; one answer each, in order (see `Intake.take_in`).

    Args:
        count: the count to change.
        petition: that the signatures are for.
        submissions: the requests.
        now: when they were received.
        decide: looks lines up.
    """
    async with count.database.intake() as connection:
        return await Intake(count, connection, petition, decide).take_in(submissions, now=now)


def _together(groups: Sequence[LookedUp]) -> LookedUp:
    """Several groups as one.

    Raises:
        ChangedMeanwhileError: what the findings rest on changed between them.
    """
    bases = {group.basis for group in groups if group.basis}
    if len(bases) > 1:
        raise ChangedMeanwhileError
    return LookedUp(
        submissions=[one for group in groups for one in group.submissions],
        answers=[answer for group in groups for answer in group.answers],
        occupied={place: there for group in groups for place, there in group.occupied.items()},
        basis=next(iter(bases), None),
        findings={what: finding for group in groups for what, finding in group.findings.items()},
    )


def _looked_up(found: LookedUp, signature: Signature, station: str) -> Finding:
    """The finding on a new line.

    Raises:
        ChangedMeanwhileError: it was not looked up, since another signature was to take its place.
    """
    finding = found.findings.get((signature.place, signature.sha256))
    if finding is None:
        raise ChangedMeanwhileError
    return finding._replace(station=station)


def _result(
    submission: Submission, occupied: Mapping[Place, rows.Occupied], created: Mapping[Place, Signature]
) -> SubmissionResult:
    """A submission's results: `occupied` has every place's line, `created` the signatures that took theirs."""
    results = []
    for signature in submission.signatures:
        line, texts = occupied[signature.place]
        is_new = created.get(signature.place) is signature
        results.append(LineResult.of(line, created=is_new) if signature.sha256 in texts else None)
    return SubmissionResult(results)


def _replay(submission: Submission, stored: Mapping[tuple[str, str], tuple[bytes, str]]) -> Answer | None:
    """The answer to a request whose key was used before; None for one that is new."""
    known = stored.get((submission.principal, submission.key)) if submission.key else None
    if known is None:
        return None
    fingerprint, text = known
    if fingerprint != submission.fingerprint:
        return IdempotencyConflictError()
    return SubmissionResult(load_results(text), replayed=True)


def _answer(submission: Submission, first: Submission, result: SubmissionResult) -> Answer:
    """The answer to a submission, given what was carried out for the first one with its key."""
    if first is submission:
        return result
    return replace(result, replayed=True) if first.fingerprint == submission.fingerprint else IdempotencyConflictError()


def dump_results(submission: Submission, done: SubmissionResult) -> str:
    """Results as they are stored with their idempotency key."""
    pairs = zip(submission.signatures, done.results, strict=True)
    found = [
        (r.place, *r.outcome, r.settled, r.version, r.created) if r else (str(signature.place),)
        for signature, r in pairs
    ]
    return json.dumps(found, separators=(",", ":"))


def load_results(text: str) -> list[LineResult | None]:
    """Stored results, as they were."""
    return [LineResult(place, Outcome(*more[:2]), *more[2:]) if more else None for place, *more in json.loads(text)]


async def examine_lines(
    connection: asyncpg.Connection, petition: Petition, signatures: Sequence[Signature], decide: Decide = decide_lines
) -> tuple[rows.Basis, list[Finding]]:
    """What the active roll says of these signatures, in their order, and what that rests on.

    Args:
        connection: any; nothing is locked.
        petition: whose signatures.
        signatures: to examine.
        decide: looks lines up.
    """
    roll, aliases_version = await in_use(connection, petition.county_id)
    sections = {one.place.section for one in signatures}
    sections_version, declared = await rows.section_dates(connection, petition.key, sections)
    basis = rows.Basis(roll.roll_version if roll else None, sections_version, aliases_version)
    if roll is None:
        return basis, [_not_examined(one, "no_roll", basis) for one in signatures]
    intervals = {  # by section, so that a worker is sent each once
        section: SigningInterval(*interval, petition.filed_on)
        for section in sections
        if (interval := interval_of(petition, declared.get(section)))
    }
    by_line = [(one, intervals.get(one.place.section)) for one in signatures]
    decisions = iter(await decide(roll, [LineToDecide(one.writing, interval) for one, interval in by_line if interval]))
    return basis, [
        _found(one, next(decisions), basis) if interval else _not_examined(one, "section_dates", basis)
        for one, interval in by_line
    ]


def interval_of(petition: Petition, dates: rows.SectionDates | None) -> DateRange | None:
    """The interval of a section's lines; None if its declared dates (None: not declared) are missing or contradict."""
    if dates is None:
        return petition.window
    if dates.signed_from is None or dates.signed_to is None:
        return None
    return signing_interval(petition.window, DateRange(dates.signed_from, dates.signed_to))


def _not_examined(signature: Signature, cause: ReviewCause, basis: rows.Basis) -> Finding:
    """The finding on a line that cannot be looked up in the roll."""
    return Finding(
        signature.place,
        Outcome("review", cause),
        aliases_version=basis.aliases_version,
        writing_sha256=signature.sha256,
    )


def _found(signature: Signature, decision: Decision, basis: rows.Basis) -> Finding:
    return Finding(
        signature.place,
        decision.outcome,
        decision.voter_id,
        registration_no=decision.registration_no,
        reason_open=decision.reason_open,
        secondary=decision.secondary,
        evidence=decision.evidence_json,
        roll_version=basis.roll_version,
        aliases_version=basis.aliases_version,
        writing_sha256=signature.sha256,
    )
