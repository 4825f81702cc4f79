"""Groups of single signatures: one is looked up while another commits; what changed in between is looked up anew."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256

import asyncpg

from app.count.intake import Answer, GroupCommit, Intake, Result, Submission
from app.count.record import Count
from app.database.pools import Database
from app.errors import IdempotencyConflictError
from app.law.line import Place, Signature
from app.law.petition import Petition
from app.law.reasons import VALID
from app.matching.decision import Decision
from app.matching.lookup import LineToDecide, decide_lines
from app.matching.queries import SearchedRoll
from tests import recount
from tests.races.acts import NOW, Acts, a_petition, signature


@dataclass
class Lookups:
    """Looks lines up as the service does, and remembers how many at a time."""

    sizes: list[int] = field(default_factory=list)
    failing: bool = False
    ended: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def decide_lines(self, roll: SearchedRoll, lines: Sequence[LineToDecide]) -> list[Decision]:
        async with self.changed:
            self.sizes.append(len(lines))
            self.changed.notify_all()
        if self.failing:
            raise ConnectionResetError
        decided = await decide_lines(roll, lines)
        async with self.changed:
            self.ended += 1
            self.changed.notify_all()
        return decided

    async def wait_for(self, begun: int, ended: int = 0) -> None:
        """Until so many lookups began, and so many of them ended."""
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(lambda: len(self.sizes) >= begun and self.ended >= ended)


@asynccontextmanager
async def head_locked(connection: asyncpg.Connection, petition: Petition) -> AsyncIterator[None]:
    """Nothing can be committed to the petition meanwhile."""
    async with connection.transaction():
        await connection.execute("SELECT 1 FROM head WHERE petition_id = $1 FOR UPDATE", petition.petition_id)
        yield


def submission(line: Signature, key: str | None = None, station: str = "station-1") -> Submission:
    """A single signature as it is handed in."""
    return Submission(station, [line], key, sha256(str(line.place).encode() + line.sha256).digest())


def hand_in(group: GroupCommit, petition: Petition, number: int) -> asyncio.Task[Answer]:
    """Post the signature of a voter."""
    return asyncio.create_task(group.hand_in(petition, submission(signature(number, Place(1, 1, number)))))


def answered(outcome: Answer) -> tuple[Sequence[Result], bool]:
    """The results of an answer that is no refusal, and whether it was stored."""
    assert not isinstance(outcome, Exception)
    return outcome


def results(outcomes: Sequence[Answer]) -> list[Result]:
    """The one result of each answer."""
    return [answered(outcome)[0][0] for outcome in outcomes]


async def test_the_next_groups_are_looked_up_while_one_commits_and_go_together_then(
    racing: Database, watching: asyncpg.Connection
) -> None:
    petition, lookups = await a_petition(racing), Lookups()
    group = GroupCommit(Count(racing), lambda: NOW, lookups.decide_lines)
    async with head_locked(watching, petition):
        handed_in = [hand_in(group, petition, 1)]
        for number in (2, 3, 4):
            await lookups.wait_for(number - 1)
            handed_in.append(hand_in(group, petition, number))
        await lookups.wait_for(4, ended=4)
        assert not any(task.done() for task in handed_in)
    accepted = results(await asyncio.gather(*handed_in))
    assert [result and result[0].outcome for result in accepted] == [VALID] * 4
    assert lookups.sizes == [1, 1, 1, 1]  # nothing was looked up twice
    versions = [result[0].version for result in accepted if result]
    assert versions[0] < versions[1] == versions[2] == versions[3]
    await recount.check(watching, petition.petition_id)


async def test_who_arrives_together_or_while_others_are_looked_up_goes_together(
    racing: Database, watching: asyncpg.Connection
) -> None:
    petition, lookups = await a_petition(racing), Lookups()
    group = GroupCommit(Count(racing), lambda: NOW, lookups.decide_lines)
    handed_in = [hand_in(group, petition, number) for number in range(1, 11)]
    await lookups.wait_for(1)
    handed_in += [hand_in(group, petition, number) for number in range(11, 31)]  # beside the first: they are as many
    assert all(isinstance(outcome, tuple) for outcome in await asyncio.gather(*handed_in))
    assert lookups.sizes == [10, 20]
    assert group.waiting == 0
    await recount.check(watching, petition.petition_id)


async def test_beside_a_group_that_is_looked_up_only_one_as_large_is(racing: Database) -> None:
    petition, lookups = await a_petition(racing), Lookups()
    group = GroupCommit(Count(racing), lambda: NOW, lookups.decide_lines)
    handed_in = [hand_in(group, petition, number) for number in range(1, 11)]
    await lookups.wait_for(1)
    handed_in += [hand_in(group, petition, number) for number in range(11, 16)]
    await asyncio.sleep(0)
    assert (lookups.sizes, group.waiting) == ([10], 5)
    assert all(isinstance(outcome, tuple) for outcome in await asyncio.gather(*handed_in))
    assert lookups.sizes == [10, 5]


async def test_a_petition_that_cannot_commit_holds_up_no_other(racing: Database, watching: asyncpg.Connection) -> None:
    held, other = await a_petition(racing), await a_petition(racing)
    group = GroupCommit(Count(racing), lambda: NOW)
    async with head_locked(watching, held):
        waiting = [hand_in(group, held, number) for number in (1, 2)]
        outcomes = await asyncio.wait_for(asyncio.gather(*(hand_in(group, other, n) for n in range(1, 6))), 10)
        assert all(isinstance(outcome, tuple) for outcome in outcomes)
        assert not any(task.done() for task in waiting)
    assert all(isinstance(outcome, tuple) for outcome in await asyncio.gather(*waiting))


async def test_a_lookup_that_fails_is_told_and_the_next_one_goes_its_way(racing: Database) -> None:
    petition, lookups = await a_petition(racing), Lookups(failing=True)
    group = GroupCommit(Count(racing), lambda: NOW, lookups.decide_lines)
    outcomes = await asyncio.gather(*(hand_in(group, petition, number) for number in (1, 2, 3)))
    assert [type(outcome) for outcome in outcomes] == [ConnectionResetError] * 3
    lookups.failing = False
    assert isinstance(await hand_in(group, petition, 1), tuple)


async def taken_in(database: Database, petition: Petition, groups: Sequence[Sequence[Submission]]) -> list[Answer]:
    """The outcomes of groups that are looked up one by one and taken in together."""
    async with database.intake() as connection:
        intake = Intake(Count(database), connection, petition)
        for group in groups:
            await intake.look_up(group)
        return await intake.take_in_looked_up([one for group in groups for one in group], now=NOW)


async def test_groups_that_claim_one_place_or_one_key_are_answered_as_one_would_be(
    racing: Database, watching: asyncpg.Connection
) -> None:
    acts = Acts(racing, await a_petition(racing))
    place, other = Place(1, 1, 1), Place(1, 1, 2)
    first, same = signature(1, place), submission(signature(1, place), station="station-2")
    groups = [
        [submission(first, key="a")],
        [submission(signature(2, place)), same],
        [submission(first, key="a"), submission(signature(3, other), key="a"), submission(signature(4, other))],
    ]
    outcomes = await taken_in(racing, acts.petition, groups)
    assert isinstance(outcomes.pop(4), IdempotencyConflictError)
    replayed = answered(outcomes.pop(3))
    created, conflict, known, free = results(outcomes)
    assert created
    assert created[1]
    assert replayed == ([created], True)
    assert conflict is None
    assert known == (created[0], False)
    assert free
    assert (free[0].place, free[1]) == (other, True)
    assert await watching.fetchval("SELECT voter_id FROM line WHERE line = 2") == "V4"
    await recount.check(watching, acts.petition.petition_id)


async def test_what_changed_after_the_lookup_is_looked_up_anew(racing: Database, watching: asyncpg.Connection) -> None:
    acts = Acts(racing, await a_petition(racing))
    lines = [signature(number, Place(number, 1, 1)) for number in (1, 2, 3)]
    async with racing.intake() as connection:
        intake = Intake(acts.count, connection, acts.petition)
        before, after, taken = map(submission, lines)
        await intake.look_up([before])
        await acts.declare(2, None, None)
        await intake.look_up([after])
        await intake.look_up([taken])
        await acts.submit(lines[2], station="station-2")
        outcomes = await intake.take_in_looked_up([before, after, taken], now=NOW)
    decided = [r and (*r[0].outcome, r[1]) for r in results(outcomes)]
    assert decided == [("valid", None, True), ("review", "section_dates", True), ("valid", None, False)]
    assert await watching.fetchval("SELECT station FROM line WHERE section = 3") == "station-2"
    await recount.check(watching, acts.petition.petition_id)
