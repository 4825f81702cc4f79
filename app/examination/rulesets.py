"""A petition's change of rulesets by two people, and the lines that are decided again for it."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

from asyncpg import Connection

from app import errors
from app.access.names import people
from app.access.principals import Principal
from app.count.line_queries import read_lines
from app.count.queries import Change, hold_basis, lock_head, lock_lines, section_dates
from app.count.record import ChangedMeanwhileError, Count, check_in_force, record, write
from app.count.ruleset_queries import find_ruleset, parameters_sha256
from app.examination import ruleset_queries as rows
from app.examination.again import found_otherwise
from app.examination.ruleset_queries import RulesetChange
from app.law.defect import under_defect
from app.law.line import Finding, Line, Place, line_after
from app.law.petition import Petition
from app.law.review import under
from app.law.ruleset import Ruleset
from app.matching.lookup import Decide

BATCH: Final = 500
"""Lines that one transaction decides or examines again."""
FIRST: Final = Place(0, 0, 0)
"""Before every line."""


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
    new = await find_ruleset(connection, key.county_id, proposal.ruleset)
    looks_up = new is None or new.registration != change.petition.ruleset.registration  # in force, or `write` raises
    facts = {
        "ruleset": proposal.ruleset,
        "ruleset_sha256": sealed,
        "reason": proposal.reason,
        "proposed_by": both[0],
        "confirmed_by": both[1],
    }
    await write(change, "ruleset", [], facts=facts)
    await connection.execute(rows.ADD_CONFIRMATION, *key, change_no, *both, change.now)
    await connection.execute(rows.PUT_INTO_FORCE, *key, proposal.ruleset, head.version + 1, looks_up)
    return proposal._replace(confirmed_by=who.name, confirmed_at=change.now)


async def examine_under(count: Count, petition: Petition, decide: Decide, *, now: datetime) -> int:
    """Examine every line again since other registrations count under the ruleset in force. Returns how many changed.

    It goes on record how far it came, so it may be interrupted at any time, and then continues. The petition cannot be
    closed before it is done.

    Args:
        count: the counts.
        petition: whose lines.
        decide: looks lines up.
        now: goes on record.
    """
    examined, act = 0, partial(_examine_some, decide=decide)
    while (done := await count.attempt(petition, act, now=now)) is not None:
        examined += done
    return examined


async def _examine_some(change: Change, *, decide: Decide) -> int | None:
    """Examine the next lines again. Returns how many changed; None: none is left, or no roll can be searched."""
    connection, petition = change.connection, change.petition
    await check_in_force(change)
    roll_version, *_ = await hold_basis(connection, petition.key)
    after = await connection.fetchval(rows.EXAMINE_AFTER, *petition.key)
    if after is None or roll_version is None:
        return None
    lines = await rows.lines_behind(connection, petition.key, Place(*after), BATCH)
    findings = await found_otherwise(connection, petition, lines, decide) if lines else []
    if findings:
        await record(change, "reexamination", findings)
    through = list(lines[-1].place) if lines else None
    moved = (*petition.key, after, through, petition.ruleset.name)
    if not await connection.fetchval(rows.EXAMINED_THROUGH, *moved):
        raise ChangedMeanwhileError
    return len(findings)


async def decide_again(count: Count, petition: Petition, *, now: datetime) -> int:
    """Decide the lines again that the ruleset in force decides otherwise than the one before. Returns how many.

    It takes transactions of its own, in paper order, so that the count goes on meanwhile. It may be interrupted and
    started again at any time; the petition cannot be closed before it is done.
    """
    decided, after = 0, FIRST
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
    found = await rows.next_lines(connection, key, ruleset, after=after, limit=BATCH)
    if not found:
        await connection.execute(rows.DONE, *key, pending)
        return 0, None
    changed = [flip.finding for line, is_open in found if (flip := flip_of(line, ruleset, reason_open=is_open))]
    if changed:
        await record(change, "reexamination", await completed(connection, change.petition, changed))
        return len(changed), after
    places = [line.place for line, _ in found]
    await lock_lines(change, places, [])
    await rows.mark(connection, key, ruleset, places)
    return 0, max(places)


async def completed(connection: Connection, petition: Petition, findings: Sequence[Finding]) -> list[Finding]:
    """The findings with all other rules that fail; where one says otherwise than before, its section's defect holds."""
    if not findings:
        return []
    places = [finding.place for finding in findings]
    reads = await read_lines(connection, petition.key, places)
    _, _, defects = await section_dates(connection, petition.key, {place.section for place in places})
    found = []
    for finding in findings:
        read = reads[finding.place]
        if finding.outcome == read.line.by_itself:
            found.append(finding._replace(secondary=tuple(read.finding["secondary"])))
        else:
            found.append(under_defect(read.completed(finding), defects.get(finding.place.section)))
    return found


class Flip(NamedTuple):
    """A line that a ruleset decides otherwise: the finding, and the line as it leaves it."""

    finding: Finding
    after: Line

    @property
    def before(self) -> Line:
        """The line as it is decided now."""
        return self.finding.before or self.after

    @property
    def changes(self) -> bool:
        """Whether the line is decided otherwise, or by other people."""
        names = ("outcome", "settled", "confirmed_by", "mismatch_by")
        return any(getattr(self.after, name) != getattr(self.before, name) for name in names)


def flip_of(line: Line, ruleset: Ruleset, *, reason_open: bool = False) -> Flip | None:
    """What the ruleset makes of a line, whose voter's other lines stay as they are; None if it decides the same."""
    finding = under(line, ruleset, reason_open=reason_open)
    after = line_after(finding, line.outcome if line.outcome.eligible else None, ruleset)
    flip = Flip(finding, after)
    return flip if flip.changes else None
