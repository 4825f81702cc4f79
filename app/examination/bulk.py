"""Bulk decisions: one finding for many lines, by the rules of single findings.

Previewed first; carried out only if none of the lines moved since, in transactions of some hundred lines; undone as
one. A run that is interrupted is carried on by the same request. Meanwhile the person holds the lines, so that no other
person decides them in between.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from app import errors
from app.access.principals import Principal
from app.count.queries import Change, lock_head, lock_lines
from app.count.record import Count, check_in_force, resolve
from app.database.tables import new_id
from app.examination import bulk_queries as rows
from app.examination import leases, queue_queries, ruleset_queries
from app.examination.actions import decide_by_person
from app.examination.bulk_queries import Bulk, Run, RunKind
from app.law.bulk import MOST_LINES, check_bulk, state_hash
from app.law.line import Counts, Finding, Line, Place
from app.law.petition import Petition
from app.law.queues import Queue
from app.law.reasons import Outcome
from app.law.review import PersonFinding

_CHUNK: Final = 500  # lines of one transaction
_RUNS: Final = timedelta(minutes=5)  # of the leases: a run takes some seconds


@dataclass(frozen=True, slots=True)
class Chosen:
    """The lines that a bulk decision is about: these, or those of a queue."""

    places: Collection[Place] = ()
    queue: Queue | None = None
    reason: str | None = None
    section: int | None = None


@dataclass(slots=True)
class _Judged:
    """What a finding would do to each line."""

    findings: list[Finding] = field(default_factory=list)
    refused: dict[Place, errors.RecallError] = field(default_factory=dict)
    unchanged: int = 0

    async def keep(self, _change: Change, findings: list[Finding], _who: Principal) -> dict[Place, Line]:
        """Keep findings in place of recording them."""
        self.findings += findings
        return {finding.place: finding.before for finding in findings if finding.before}


async def preview(
    count: Count, petition: Petition, chosen: Chosen, said: PersonFinding, *, who: Principal, now: datetime
) -> Bulk:
    """What a finding would do to many lines, and the tally after it. Nothing is changed; the preview is stored.

    Args:
        count: the counts.
        petition: whose lines.
        chosen: which lines.
        said: the finding.
        who: the person.
        now: goes on record.

    Raises:
        FindingRefusedError: only findings on single lines may say it, or there are no lines or too many.
        PetitionClosedError: the count has ended.
    """
    check_bulk(said)
    places, judged = sorted(chosen.places), _Judged()
    if chosen.queue:
        only = {"reason": chosen.reason, "section": chosen.section, "limit": MOST_LINES + 1}
        async with count.database.reading() as connection:
            places = await rows.places_of(connection, petition.key, chosen.queue, **only)  # type: ignore[arg-type]  # of three types
    if not 0 < len(places) <= MOST_LINES:
        raise errors.FindingRefusedError(f"a bulk decision is about 1 to {MOST_LINES:,} lines: choose others")
    for part in _chunks(places):
        await count.attempt(petition, partial(_judge, part=part, said=said, who=who, judged=judged), now=now)
    return await count.attempt(petition, partial(_store, judged=judged, said=said, who=who), now=now)


async def _judge(
    change: Change, *, part: Sequence[Place], said: PersonFinding, who: Principal, judged: _Judged
) -> None:
    await check_in_force(change)
    before = len(judged.findings)
    results = await decide_by_person(change, dict.fromkeys(part, said), who=who, put=judged.keep)
    refused = {place: result for place, result in results.items() if isinstance(result, errors.RecallError)}
    judged.refused |= refused
    judged.unchanged += len(part) - len(refused) - (len(judged.findings) - before)


async def _store(change: Change, *, judged: _Judged, said: PersonFinding, who: Principal) -> Bulk:
    await check_in_force(change)
    head = await lock_head(change)
    if head is None or head.state != "open":
        raise errors.PetitionClosedError
    known = {finding.place: finding.before.finding_no for finding in judged.findings if finding.before}
    after = await _tally_after(change, judged.findings, head.counts)
    shown = {
        "version": head.version,
        "unchanged": judged.unchanged,
        "refused": [[str(place), error.code] for place, error in sorted(judged.refused.items())],
        "tally": {**head.counts._asdict(), "by_reason": dict(head.counts.by_reason)},
        "tally_after": {**after._asdict(), "by_reason": dict(after.by_reason)},
    }
    words = {"status": said.outcome.status, "reason": said.outcome.reason, "note": said.note}
    lines = dict(sorted(known.items()))
    new = Bulk(new_id(change.now), words, lines, state_hash(lines.items()), shown, who.name, change.now)
    await rows.add_bulk(change, new)
    return new


async def _tally_after(change: Change, findings: Sequence[Finding], counts: Counts) -> Counts:
    """The counts after these findings, with the other lines of their voters decided again."""
    lines = [finding.before for finding in findings if finding.before]
    rivals, withdrawn = await ruleset_queries.rivals_of(change.connection, change.petition.key, lines)
    decided = resolve(findings, rivals, withdrawn, change.petition.ruleset)
    return counts.moved((finding.before, line) for finding, line in decided)


async def execute(count: Count, petition: Petition, bulk_id: UUID, *, who: Principal, now: datetime) -> Run:
    """Carry a bulk decision out, or on. The person who previewed it does it, once.

    Args:
        count: the counts.
        petition: whose lines.
        bulk_id: of the preview.
        who: the person.
        now: goes on record.

    Raises:
        UnknownBulkError: there is no such preview of this person.
        BulkMovedError: one of its lines was decided since.
        LineHeldError: another person holds one of its lines.
        PetitionClosedError: the count has ended.
    """
    bulk = await get(count, petition, bulk_id)
    if bulk.previewed_by != who.name:
        raise errors.UnknownBulkError("another person previewed this: make a preview of your own")
    said = PersonFinding(Outcome(bulk.said["status"], bulk.said["reason"]), None, bulk.said["note"])
    await count.attempt(petition, partial(_begin, bulk=bulk, kind="execution", who=who, note=""), now=now)
    return await _run(count, petition, bulk, "execution", said, who=who, now=now)


async def undo(count: Count, petition: Petition, bulk_id: UUID, note: str, *, who: Principal, now: datetime) -> Run:
    """Return the lines of a bulk decision to review, as one. A line that was decided since stays as it is.

    Args:
        count: the counts.
        petition: whose lines.
        bulk_id: of the preview.
        note: why; not empty.
        who: the supervisor.
        now: goes on record.

    Raises:
        UnknownBulkError: nothing of it was carried out.
        LineHeldError: another person holds one of its lines.
        PetitionClosedError: the count has ended.
    """
    bulk = await get(count, petition, bulk_id)
    await count.attempt(petition, partial(_begin, bulk=bulk, kind="undo", who=who, note=note), now=now)
    said = PersonFinding(Outcome("review", "undone"), None, note)
    return await _run(count, petition, bulk, "undo", said, who=who, now=now)


async def get(count: Count, petition: Petition, bulk_id: UUID) -> Bulk:
    """A bulk decision as it was previewed. Raises UnknownBulkError if there is none."""
    async with count.database.reading() as connection:
        bulk = await rows.get_bulk(connection, petition.key, bulk_id)
    if bulk is None:
        raise errors.UnknownBulkError
    return bulk


async def _begin(change: Change, *, bulk: Bulk, kind: RunKind, who: Principal, note: str) -> None:
    """Begin a run, or find it begun, and hold its lines for the person.

    The lines are locked first: a finding that is being recorded on one of them is then seen to have moved it, and a
    later one meets the lease.
    """
    state, _ = await queue_queries.state_and_held(change.connection, change.petition.key, who)
    if state != "open":
        raise errors.PetitionClosedError
    runs = await rows.runs_of(change.connection, change.petition.key, bulk.bulk_id)
    last = len(bulk.findings) if kind == "execution" else runs["execution"].done if "execution" in runs else 0
    if not last:
        raise errors.UnknownBulkError("nothing of this bulk decision was carried out")
    await rows.begin_run(change, bulk.bulk_id, kind, by=who.name, note=note)
    run = await rows.lock_run(change, bulk.bulk_id, kind)
    left = bulk.places[run.done : last] if run.finished_at is None else []
    lines = await lock_lines(change, left, []) if left else {}
    moved = any(line.finding_no != bulk.findings[place] for place, line in lines.items())
    if kind == "execution" and ("undo" in runs or moved):
        raise errors.BulkMovedError
    if left and not await queue_queries.hold_all(change, left, bulk.bulk_id, who=who, runs=_RUNS):
        raise errors.LineHeldError


async def _run(
    count: Count, petition: Petition, bulk: Bulk, kind: RunKind, said: PersonFinding, *, who: Principal, now: datetime
) -> Run:
    """Carry a run on to its end, some hundred lines at a time."""
    while True:
        run = await count.attempt(petition, partial(_some, bulk=bulk, kind=kind, said=said, who=who), now=now)
        if run.finished_at:
            return run


async def _some(change: Change, *, bulk: Bulk, kind: RunKind, said: PersonFinding, who: Principal) -> Run:
    """The next lines of a run, in one transaction."""
    run = await rows.lock_run(change, bulk.bulk_id, kind)
    if run.finished_at:
        return run
    of_execution = (await rows.runs_of(change.connection, change.petition.key, bulk.bulk_id))["execution"]
    last = of_execution.done if kind == "undo" else len(bulk.findings)
    part = bulk.places[run.done : min(run.done + _CHUNK, last)]
    put = _Unmoved(bulk.findings, of_execution.versions, leaves=kind == "undo")
    results = await decide_by_person(change, dict.fromkeys(part, said), who=who, put=put.record)
    left_out = put.left_out + sum(isinstance(result, errors.RecallError) for result in results.values())
    if kind == "execution" and left_out:
        raise errors.BulkMovedError
    versions = [*run.versions, *([change.tally.version] if change.tally else [])]
    done = run.done + len(part)
    run = run._replace(done=done, left_out=run.left_out + left_out, versions=versions)
    run = run._replace(finished_at=change.now if done >= last else None)
    await rows.advance(change, bulk.bulk_id, run)
    if run.finished_at:
        await queue_queries.release(change.connection, change.petition.key, bulk.bulk_id, who=who)
    return run


@dataclass(slots=True)
class _Unmoved:
    """Records findings on lines that stand as the preview saw them, or as the run itself left them."""

    known: Mapping[Place, int]
    versions: Collection[int]  # that the execution made
    leaves: bool  # only what the execution made is decided, as an undo does
    left_out: int = 0

    def _stands(self, finding: Finding) -> bool:
        line = finding.before
        if line is None:
            return False
        return line.version in self.versions or (not self.leaves and line.finding_no == self.known[line.place])

    async def record(self, change: Change, findings: list[Finding], who: Principal) -> dict[Place, Line]:
        """Record those; the others are left out."""
        standing = [finding for finding in findings if self._stands(finding)]
        self.left_out = len(findings) - len(standing)
        before = {finding.place: finding.before for finding in findings if finding.before}
        return before | (await leases.record_findings(change, standing, who) if standing else {})


def _chunks(places: Sequence[Place]) -> list[Sequence[Place]]:
    return [places[at : at + _CHUNK] for at in range(0, len(places), _CHUNK)]
