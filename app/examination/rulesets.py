"""A petition's change of rulesets by two people, the lines that are decided again for it, and its dry run."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

from asyncpg import Connection

from app import errors
from app.access.names import people
from app.access.principals import Principal
from app.count.line_queries import read_lines
from app.count.queries import Change, lock_head, lock_lines, section_dates
from app.count.record import Count, check_in_force, record, resolve, write
from app.count.ruleset_queries import find_ruleset, parameters_sha256
from app.database.pools import Database
from app.examination import ruleset_queries as rows
from app.examination.ruleset_queries import Group, RulesetChange
from app.law.defect import under_defect
from app.law.line import Counts, Finding, Line, Place, line_after
from app.law.petition import Petition
from app.law.reasons import Outcome
from app.law.review import under
from app.law.ruleset import Ruleset
from app.ledger.queries import read_head

_BATCH: Final = 500  # lines that one transaction decides again
_FIRST: Final = Place(0, 0, 0)


async def propose_ruleset(change: Change, name: str, reason: str, *, who: Principal) -> RulesetChange:
    """Propose another ruleset for a petition. It changes nothing until another person confirms it.

    Args:
        change: the transaction, its petition and the time.
        name: of the ruleset.
        reason: why; goes into the ledger.
        who: the person who proposes it.

    Raises:
        UnknownRulesetError: the county has no such ruleset.
        RulesetChangeRefusedError: it is in force already, or the proposal is no person's.
        PetitionClosedError: the count has ended.
    """
    connection, key = change.connection, change.petition.key
    head = await lock_head(change)
    if head and head.state != "open":
        raise errors.PetitionClosedError
    if not people([who.name]):
        raise errors.RulesetChangeRefusedError("it takes a person: on the command line, the person's key as RECALL_KEY")
    if await find_ruleset(connection, key.county_id, name) is None:
        raise errors.UnknownRulesetError
    if head and head.ruleset == name:
        raise errors.RulesetChangeRefusedError("this ruleset is in force")
    record_of = (name, reason, who.name, change.now)
    return RulesetChange(await connection.fetchval(rows.ADD_CHANGE, *key, *record_of), *record_of)


async def confirm_ruleset(change: Change, change_no: int, *, who: Principal) -> RulesetChange:
    """Put a proposed ruleset into force; the lines that it decides otherwise are decided again afterwards.

    Args:
        change: the transaction, its petition and the time.
        change_no: the proposal's number.
        who: the person who confirms it: another one than the person who proposed it.

    Raises:
        UnknownRulesetChangeError: there is no such proposal.
        RulesetChangeRefusedError: it is confirmed, is not the newest one, or one person would do it alone.
        PetitionClosedError: the count has ended.
    """
    connection, key = change.connection, change.petition.key
    head = await lock_head(change)
    known = {one.change_no: one for one in await rows.changes_of(connection, key)}
    if head is None or change_no not in known:
        raise errors.UnknownRulesetChangeError
    proposal = known[change_no]
    if proposal.confirmed_by:
        raise errors.RulesetChangeRefusedError("this change is confirmed already")
    if change_no != max(known):
        raise errors.RulesetChangeRefusedError("a later change was proposed: confirm that one")
    both = (proposal.proposed_by, who.name)
    if people(both) != both:
        raise errors.RulesetChangeRefusedError("it takes two different people: another person must confirm it")
    sealed = await parameters_sha256(connection, proposal.ruleset)
    facts = {
        "ruleset": proposal.ruleset,
        "ruleset_sha256": sealed,
        "reason": proposal.reason,
        "proposed_by": both[0],
        "confirmed_by": both[1],
    }
    await write(change, "ruleset", [], facts=facts)
    await connection.execute(rows.ADD_CONFIRMATION, *key, change_no, *both, change.now)
    await connection.execute(rows.PUT_INTO_FORCE, *key, proposal.ruleset, head.version + 1)
    return proposal._replace(confirmed_by=who.name, confirmed_at=change.now)


async def decide_again(count: Count, petition: Petition, *, now: datetime) -> int:
    """Decide the lines again that the ruleset in force decides otherwise than the one before. Returns how many.

    It takes transactions of its own, in paper order, so that the count goes on meanwhile. It may be interrupted and
    started again at any time; the petition cannot be closed before it is done.
    """
    decided, after = 0, _FIRST
    while True:
        act = partial(_decide_some, after=after)
        done, last = await count.attempt(petition, act, now=now)
        if last is None:
            return decided
        decided, after = decided + done, last


async def _decide_some(change: Change, *, after: Place) -> tuple[int, Place | None]:
    """Decide some lines behind a place again. Returns how many changed, and the place to go on from; None: it is done.

    Those that change go on record in one transaction, the others are marked in the next, which locks nothing else: a
    transaction that locks a line never waits for a slot.
    """
    connection, key = change.connection, change.petition.key
    pending = await connection.fetchval(rows.PENDING, *key)
    if pending is None:
        return 0, None
    await check_in_force(change)
    ruleset = change.petition.ruleset
    found = await rows.next_lines(connection, key, ruleset, after=after, limit=_BATCH)
    if not found:
        await connection.execute(rows.DONE, *key, pending)
        return 0, None
    changed = [flip.finding for line, is_open in found if (flip := _flip(line, ruleset, reason_open=is_open))]
    if changed:
        await record(change, "reexamination", await _completed(connection, change.petition, changed))
        return len(changed), after
    places = [line.place for line, _ in found]
    await lock_lines(change, places, [])
    await rows.mark(connection, key, ruleset, places)
    return 0, max(places)


async def _completed(connection: Connection, petition: Petition, findings: Sequence[Finding]) -> list[Finding]:
    """The findings with all other rules that fail; where one says otherwise than before, its section's defect holds."""
    if not findings:
        return []
    places = [finding.place for finding in findings]
    reads = await read_lines(connection, petition.key, places)
    _, _, defects = await section_dates(connection, petition.key, {place.section for place in places})
    completed = []
    for finding in findings:
        read = reads[finding.place]
        if finding.outcome == read.line.by_itself:
            completed.append(finding._replace(secondary=tuple(read.finding["secondary"])))
        else:
            completed.append(under_defect(read.completed(finding), defects.get(finding.place.section)))
    return completed


class Flip(NamedTuple):
    """A line that a ruleset decides otherwise: the finding, and the line as it leaves it."""

    finding: Finding
    after: Line

    @property
    def before(self) -> Line:
        """The line as it is decided now."""
        return self.finding.before or self.after


def _flip(line: Line, ruleset: Ruleset, *, reason_open: bool = False) -> Flip | None:
    """What the ruleset makes of a line, whose voter's other lines stay as they are; None if it decides the same."""
    finding = under(line, ruleset, reason_open=reason_open)
    after = line_after(finding, line.outcome if line.outcome.eligible else None, ruleset)
    same = ("outcome", "settled", "confirmed_by", "mismatch_by")
    return None if all(getattr(after, name) == getattr(line, name) for name in same) else Flip(finding, after)


Ruled = tuple[Outcome, bool]
"""A line's outcome, and whether it is settled."""


class Kind(NamedTuple):
    """How lines would change."""

    before: Ruled
    after: Ruled


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a ruleset would make of a petition."""

    version: int  # of the tally that it starts from
    now: Counts
    then: Counts
    kinds: Counter[Kind]
    lines: Sequence[Flip]  # a page of them, in paper order


async def dry_run(
    database: Database, petition: Petition, name: str, *, blind: bool = True, after: Place = _FIRST, limit: int
) -> DryRun:
    """Compute what another ruleset would make of a petition, from one snapshot, and write nothing.

    Args:
        database: of the service.
        petition: whose lines.
        name: the ruleset's.
        blind: whether to leave out the lines of voters whose signature is doubted, since who compares it must not know
            (2 CCR 20960). They are counted all the same.
        after: the last place of the page before.
        limit: how many lines of the page at most.

    Raises:
        UnknownRulesetError: the county has no such ruleset.
        PetitionClosedError: the count has ended.
    """
    async with database.reading() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        ruleset = await find_ruleset(connection, petition.county_id, name)
        head = await read_head(connection, petition.key)
        if ruleset is None:
            raise errors.UnknownRulesetError
        if head is None or head.state != "open":
            raise errors.PetitionClosedError
        crossing, rivals, withdrawn = await rows.crossing_lines(connection, petition.key, ruleset)
        said = await _completed(connection, petition, [under(line, ruleset) for line in crossing])
        found = resolve(said, rivals, withdrawn, ruleset)
        special = {finding.place: Flip(finding, line) for finding, line in found}
        groups = await rows.groups(connection, petition.key, ruleset)
        crossed = {line.place for line in crossing}
        groups.subtract(Counter(_group(flip.before) for place, flip in special.items() if place not in crossed))
        doubted = {flip.before.voter_id for flip in special.values() if blind and flip.before.mismatch_by}
        page = await _page(connection, petition, ruleset, special, doubted, after=after, limit=limit)
    changes = Counter[Kind](Kind(*map(_decided, (flip.before, flip.after))) for flip in special.values())
    for group, number in groups.items():
        if flip := _flip(_example(group), ruleset, reason_open=group.reason_open):
            changes[Kind(_decided(flip.before), _decided(flip.after))] += number
    return DryRun(head.version, head.counts, _counts(head.counts, changes), +changes, page)


def _decided(line: Line) -> Ruled:
    return line.outcome, line.settled


def _group(line: Line) -> Group:
    people = len(line.confirmed_by), len(line.mismatch_by)
    return Group(line.outcome, line.settled, *people, line.against_data, line.uncompared, reason_open=False)


def _example(group: Group) -> Line:
    """A line of a group. A ruleset looks at nothing else of it."""
    return Line(
        _FIRST,
        group.outcome,
        settled=group.settled,
        confirmed_by=("?",) * group.confirmed,
        mismatch_by=("?",) * group.doubted,
        against_data=group.against_data,
        uncompared=group.uncompared,
    )


def _counts(counts: Counts, kinds: Counter[Kind]) -> Counts:
    for kind, lines in kinds.items():
        before, after = (Line(_FIRST, outcome, settled=settled) for outcome, settled in kind)
        counts = counts.moved([(before, after)], lines)
    return counts


async def _page(
    connection: Connection,
    petition: Petition,
    ruleset: Ruleset,
    special: dict[Place, Flip],
    hidden: Collection[str | None],
    *,
    after: Place,
    limit: int,
) -> list[Flip]:
    """The next lines that would change, and one more, without those of `hidden` voters.

    `special` are the lines whose signature is decided otherwise, and the other lines of their voters.
    """
    page: list[Flip] = []
    last = after
    while len(page) <= limit:
        found = await rows.next_lines(connection, petition.key, ruleset, after=last, limit=max(_BATCH, limit))
        if not found:
            break
        others = ((line, is_open) for line, is_open in found if line.place not in special)
        page += [flip for line, is_open in others if (flip := _flip(line, ruleset, reason_open=is_open))]
        last = found[-1][0].place
    page += [flip for place, flip in special.items() if place > after and flip.before.voter_id not in hidden]
    return sorted(page, key=lambda flip: flip.before.place)[: limit + 1]
