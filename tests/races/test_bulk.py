"""A bulk decision against a claim, a finding, and another one: no held line is decided, and no half is left."""

from collections.abc import Callable
from datetime import timedelta

import asyncpg
import pytest

from app.access.principals import Principal
from app.database.pools import Database
from app.database.tables import new_id
from app.errors import RecallError
from app.examination import bulk, leases, queue_queries
from app.examination.bulk import Chosen
from app.examination.queue_queries import Wanted
from app.law.line import Place
from app.law.reasons import Outcome
from app.law.review import PersonFinding
from tests import recount
from tests.http.county import COUNTY
from tests.races import pauses
from tests.races.acts import CLERK, NOW, SUPERVISOR, Acts
from tests.races.schedules import Act, Pair, race
from tests.races.test_leases import OTHER, STRANGER

PLACES = [Place(1, 1, n) for n in (1, 2, 3)]
SAID = PersonFinding(Outcome("invalid", "different_address"), None, "the block was renumbered")
RUNS = timedelta(minutes=15)
ILLEGIBLE = PersonFinding(Outcome("invalid", "illegible"), None, "smeared")

_REASONS = """
SELECT line.line, reason, lease.holder FROM line
LEFT JOIN lease ON (lease.petition_id, lease.section, lease.page, lease.line)
    = (line.petition_id, line.section, line.page, line.line) AND expires_at > statement_timestamp()
WHERE line.petition_id = $1 ORDER BY line.line
"""
_RUNS = "SELECT kind, done, left_out, finished_at FROM bulk_run WHERE petition_id = $1"


async def submit_strangers(acts: Acts) -> None:
    await acts.submit(*(STRANGER.at(place) for place in PLACES))


class Bulk:
    """One bulk decision of a person on all lines, previewed before the race."""

    def __init__(self, who: Principal = CLERK) -> None:
        """Of this person."""
        self.who = who

    async def preview(self, acts: Acts) -> None:
        self.made = await bulk.preview(acts.count, acts.petition, Chosen(PLACES), SAID, who=self.who, now=NOW)

    async def execute(self, acts: Acts) -> None:
        await self._try(acts, bulk.execute(acts.count, acts.petition, self.made.bulk_id, who=self.who, now=NOW))

    async def undo(self, acts: Acts) -> None:
        wrong = bulk.undo(acts.count, acts.petition, self.made.bulk_id, "wrong", who=SUPERVISOR, now=NOW)
        await self._try(acts, wrong)

    async def _try(self, acts: Acts, run: object) -> None:
        try:
            await run  # type: ignore[misc]  # a coroutine
        except RecallError as error:
            acts.refused.append(error)


async def claim_one(acts: Acts) -> None:
    async with acts.database.intake() as connection, connection.transaction():
        await leases.claim(connection, acts.petition, Wanted("to_confirm", 1), new_id(NOW), who=OTHER, runs=RUNS)


async def find_one(acts: Acts) -> None:
    await acts.find(PLACES[1], ILLEGIBLE, OTHER)


async def reverse_one(acts: Acts) -> None:
    await acts.find(PLACES[1], ILLEGIBLE, Principal(COUNTY, "supervisor-2", "supervisor"))


Rows = list[asyncpg.Record]


async def every_schedule(
    racing: Database, watching: asyncpg.Connection, pair: Pair, check: Callable[[Acts, Rows, Rows], None]
) -> int:
    at = 0
    while True:
        acts, reached = await race(racing, watching, pair, at)
        if not reached:
            return at
        await recount.check(watching, acts.petition.petition_id)
        check(
            acts,
            await watching.fetch(_REASONS, acts.petition.petition_id),
            await watching.fetch(_RUNS, acts.petition.petition_id),
        )
        at += 1


def whole_or_nothing(acts: Acts, lines: Rows, runs: Rows) -> None:
    """Either all lines are decided in bulk and none is held, or none is, and no run was begun."""
    decided = {row["line"] for row in lines if row["reason"] == "different_address"}
    held = {row["line"] for row in lines if row["holder"] == OTHER.name}
    assert not decided & held
    if runs:
        assert [(run["done"], run["left_out"], run["finished_at"]) for run in runs] == [(3, 0, NOW)]
        assert len(decided) == 3
    else:
        assert not decided
        assert {error.code for error in acts.refused} <= {"line_held", "lines_moved"}
        assert acts.refused


@pytest.fixture(autouse=True)
def _stops(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses.install(monkeypatch)
    monkeypatch.setattr(bulk, "_CHUNK", 2)  # two transactions


@pytest.mark.parametrize("bulk_first", [True, False])
@pytest.mark.parametrize("other", [claim_one, find_one])
async def test_a_bulk_decision_takes_all_lines_or_none_and_none_that_another_person_holds_or_decided(
    racing: Database,
    watching: asyncpg.Connection,
    other: Act,
    bulk_first: bool,  # noqa: FBT001
) -> None:
    mine = Bulk()
    acts: list[Act] = [mine.execute, other]
    first, second = acts if bulk_first else reversed(acts)

    def check(acts: Acts, lines: Rows, runs: Rows) -> None:
        if other is find_one and not runs:
            assert lines[1]["reason"] == "illegible"
        if other is find_one and runs:
            assert {error.code for error in acts.refused} <= {"line_held", "supervisor_needed"}
        whole_or_nothing(acts, lines, runs)

    pair = Pair((submit_strangers, mine.preview), first, second)
    assert await every_schedule(racing, watching, pair, check) > 3


async def test_of_two_bulk_decisions_on_the_same_lines_one_is_carried_out(
    racing: Database, watching: asyncpg.Connection
) -> None:
    mine, theirs = Bulk(), Bulk(OTHER)
    pair = Pair((submit_strangers, mine.preview, theirs.preview), mine.execute, theirs.execute)

    def check(acts: Acts, lines: Rows, runs: Rows) -> None:
        assert [error.code for error in acts.refused] in (["line_held"], ["lines_moved"])
        assert len(runs) == 1
        assert not [row for row in lines if row["holder"]]
        whole_or_nothing(acts, lines, runs)

    assert await every_schedule(racing, watching, pair, check) > 3


async def test_the_same_request_twice_at_once_is_carried_out_once(
    racing: Database, watching: asyncpg.Connection
) -> None:
    mine = Bulk()
    pair = Pair((submit_strangers, mine.preview), mine.execute, mine.execute)

    def check(acts: Acts, lines: Rows, runs: Rows) -> None:
        assert acts.refused == []
        whole_or_nothing(acts, lines, runs)

    assert await every_schedule(racing, watching, pair, check) > 3


async def test_an_undo_leaves_what_another_person_holds_or_undoes_all(
    racing: Database, watching: asyncpg.Connection
) -> None:
    mine = Bulk()
    pair = Pair((submit_strangers, mine.preview, mine.execute), mine.undo, reverse_one)

    def check(acts: Acts, lines: Rows, runs: Rows) -> None:
        assert {error.code for error in acts.refused} <= {"line_held"}
        undone = [row for row in runs if row["kind"] == "undo"]
        assert len(undone) == 1
        assert (undone[0]["done"], undone[0]["finished_at"]) == (3, NOW)
        kept = [row["line"] for row in lines if row["reason"] != "undone"]
        assert kept == ([] if acts.refused else [2])
        assert undone[0]["left_out"] <= len(kept), "the line may be decided after the undo"
        assert not [row for row in lines if row["holder"]]

    assert await every_schedule(racing, watching, pair, check) > 3


async def test_without_leases_on_its_lines_a_bulk_decision_is_left_half_done(
    racing: Database, watching: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: its lines are not held while it runs."""

    async def held(*_: object, **__: object) -> bool:
        return True

    monkeypatch.setattr(queue_queries, "hold_all", held)
    mine = Bulk()
    pair = Pair((submit_strangers, mine.preview), mine.execute, claim_one)
    with pytest.raises(AssertionError):
        await every_schedule(racing, watching, pair, whole_or_nothing)
