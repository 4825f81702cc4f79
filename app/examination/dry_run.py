"""A dry run: what another ruleset would make of a petition, computed from one snapshot. Nothing is written."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

from asyncpg import Connection

from app import errors
from app.count.record import resolve
from app.count.ruleset_queries import find_ruleset
from app.database.pools import Database
from app.examination import ruleset_queries as rows
from app.examination.again import found_otherwise
from app.examination.ruleset_queries import Group
from app.examination.rulesets import BATCH, FIRST, Flip, completed, flip_of
from app.law.line import Counts, Finding, Line, Place, line_after
from app.law.petition import Petition
from app.law.reasons import Outcome
from app.law.review import under
from app.law.ruleset import Ruleset
from app.ledger.queries import read_head
from app.matching.lookup import Decide, decide_lines, in_use

Ruled = tuple[Outcome, bool]
"""A line's outcome, and whether it is settled."""


class Kind(NamedTuple):
    """How lines would change."""

    before: Ruled
    after: Ruled


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a ruleset would make of a petition, while the snapshot is held."""

    version: int  # of the tally that it starts from
    now: Counts
    then: Counts
    kinds: Counter[Kind]
    connection: Connection
    petition: Petition  # under the ruleset to try
    special: Mapping[Place, Flip]  # lines that were examined again or whose signature is decided otherwise, and rivals
    hidden: Collection[str | None]  # voters whose lines are in no page

    async def page(self, *, after: Place, limit: int) -> list[Flip]:
        """The next lines behind a place that would change, in paper order, and one more than the limit."""
        page: list[Flip] = []
        last, key, ruleset = after, self.petition.key, self.petition.ruleset
        while len(page) <= limit:
            found = await rows.next_lines(self.connection, key, ruleset, after=last, limit=max(BATCH, limit))
            if not found:
                break
            others = ((line, is_open) for line, is_open in found if line.place not in self.special)
            page += [flip for line, is_open in others if (flip := flip_of(line, ruleset, reason_open=is_open))]
            last = found[-1][0].place
        special = (flip for place, flip in self.special.items() if place > after and flip.changes)
        page += [flip for flip in special if flip.before.voter_id not in self.hidden]
        return sorted(page, key=lambda flip: flip.before.place)[: limit + 1]


@asynccontextmanager
async def dry_run(
    database: Database, petition: Petition, name: str, *, blind: bool = True, decide: Decide = decide_lines
) -> AsyncIterator[DryRun]:
    """Compute what another ruleset would make of a petition, from one snapshot, which is held while this is open.

    Where other registrations count under the ruleset, every line is looked up again, in the roll in use.

    Args:
        database: of the service.
        petition: whose lines.
        name: the ruleset's.
        blind: whether to leave out the lines of voters whose signature is doubted, since who compares it must not know
            (2 CCR 20960). They are counted all the same.
        decide: looks lines up.

    Raises:
        UnknownRulesetError: the county has no such ruleset.
        PetitionClosedError: the count has ended.
        NoRollError: lines must be looked up, and no roll is in use.
    """
    async with database.reading() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        ruleset = await find_ruleset(connection, petition.county_id, name)
        head = await read_head(connection, petition.key)
        if ruleset is None:
            raise errors.UnknownRulesetError
        if head is None or head.state != "open":
            raise errors.PetitionClosedError
        in_force = await find_ruleset(connection, petition.county_id, head.ruleset)
        under_it = replace(petition, ruleset=ruleset)
        pending = await connection.fetchval(rows.EXAMINE_AFTER, *petition.key) is not None
        if pending or in_force is None or in_force.registration != ruleset.registration:
            examined = await _examined(connection, under_it, decide)
        else:
            examined = []
        special = await _special(connection, under_it, examined)
        kinds = Counter(Kind(*map(_decided, (flip.before, flip.after))) for flip in special.values() if flip.changes)
        for group, number in (await rows.groups(connection, petition.key, ruleset, special)).items():
            if flip := flip_of(_example(group), ruleset, reason_open=group.reason_open):
                kinds[Kind(_decided(flip.before), _decided(flip.after))] += number
        hidden = {flip.before.voter_id for flip in special.values() if blind and flip.before.mismatch_by}
        then = _counts(head.counts, kinds)
        yield DryRun(head.version, head.counts, then, kinds, connection, under_it, special, hidden)


async def _examined(connection: Connection, petition: Petition, decide: Decide) -> list[Finding]:
    """What a new examination of every line finds otherwise than the last one."""
    roll, *_ = await in_use(connection, petition.county_id)
    if roll is None:
        raise errors.NoRollError
    found, after = list[Finding](), FIRST
    while lines := await rows.lines_behind(connection, petition.key, after, BATCH):
        found += await found_otherwise(connection, petition, lines, decide)
        after = lines[-1].place
    return [_ruled(finding, petition.ruleset) for finding in found]


def _ruled(finding: Finding, ruleset: Ruleset) -> Finding:
    """What follows from a new examination: the opinions of the signature may be enough for the ruleset, or too few."""
    again = under(line_after(finding, None, ruleset), ruleset)
    return finding if again.outcome == finding.outcome else again._replace(before=finding.before)


async def _special(connection: Connection, petition: Petition, examined: Collection[Finding]) -> dict[Place, Flip]:
    """The lines that were examined again or whose signature is decided otherwise, and others of their voters."""
    key, ruleset = petition.key, petition.ruleset
    known = {finding.place for finding in examined}
    crossing = [line for line in await rows.crossing_lines(connection, key, ruleset) if line.place not in known]
    said = [*examined, *await completed(connection, petition, [under(line, ruleset) for line in crossing])]
    were = [finding.before for finding in examined if finding.before]
    rivals, withdrawn = await rows.rivals_of(connection, key, [*crossing, *examined, *were])
    return {finding.place: Flip(finding, line) for finding, line in resolve(said, rivals, withdrawn, ruleset)}


def _decided(line: Line) -> Ruled:
    return line.outcome, line.settled


def _example(group: Group) -> Line:
    """A line of a group. A ruleset looks at nothing else of it."""
    return Line(
        FIRST,
        group.outcome,
        settled=group.settled,
        confirmed_by=("?",) * group.confirmed,
        mismatch_by=("?",) * group.doubted,
        against_data=group.against_data,
        uncompared=group.uncompared,
    )


def _counts(counts: Counts, kinds: Counter[Kind]) -> Counts:
    for kind, lines in kinds.items():
        before, after = (Line(FIRST, outcome, settled=settled) for outcome, settled in kind)
        counts = counts.moved([(before, after)], lines)
    return counts
