"""Two claims of one line, a claim against a finding, and a lease's end against its holder's finding."""

from collections.abc import Callable
from datetime import timedelta

import asyncpg
import pytest

from app.access.principals import Principal
from app.database.pools import Database
from app.database.tables import new_id
from app.examination import leases, queue_queries
from app.examination.queue_queries import Wanted
from app.law.line import Place, Signature
from app.law.reasons import Outcome
from app.law.review import PersonFinding
from tests import recount
from tests.http.county import COUNTY
from tests.races import pauses
from tests.races.acts import CLERK, NOW, Acts
from tests.races.pairs import LOW
from tests.races.schedules import Act, Pair, race

OTHER = Principal(COUNTY, "clerk-2", "clerk")
STRANGER = Signature("ADELINE QUACKENBUSH", "9876 MAPLE AVE", "LOS ANGELES", "90026").at(LOW)
RUNS = timedelta(minutes=15)
Held = dict[str, list[Place]]


def claiming(who: Principal, held: Held) -> Act:
    async def act(acts: Acts) -> None:
        async with acts.database.intake() as connection, connection.transaction():
            wanted = Wanted("to_confirm", 1)
            found = await leases.claim(connection, acts.petition, wanted, new_id(NOW), who=who, runs=RUNS)
        held[who.name] = [lease.place for lease in found.leases]

    return act


async def submit_a_stranger(acts: Acts) -> None:
    await acts.submit(STRANGER)


async def confirm(acts: Acts) -> None:
    """Decide the line, with a reason that needs no search of the roll."""
    await acts.find(LOW, PersonFinding(Outcome("invalid", "illegible"), note="smeared"), CLERK)


async def end(acts: Acts) -> None:
    """Every lease runs out."""
    async with acts.database.intake() as connection:
        await connection.execute("UPDATE lease SET expires_at = statement_timestamp()")


async def every_schedule(
    racing: Database, watching: asyncpg.Connection, pair: Pair, check: Callable[[Acts, bool], None]
) -> int:
    """Run every schedule of a pair, and check what came of it; the number of statements to stop at."""
    at = 0
    while True:
        acts, reached = await race(racing, watching, pair, at)
        if not reached:
            return at
        await recount.check(watching, acts.petition.petition_id)
        check(
            acts, await watching.fetchval("SELECT settled FROM line WHERE petition_id = $1", acts.petition.petition_id)
        )
        at += 1


async def test_of_two_claims_one_gets_the_line(
    racing: Database, watching: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses.install(monkeypatch)
    held: Held = {}
    pair = Pair((submit_a_stranger,), claiming(CLERK, held), claiming(OTHER, held))

    def check(_: Acts, decided: bool) -> None:  # noqa: FBT001  # a column
        assert not decided
        assert sorted(map(len, held.values())) == [0, 1]

    assert await every_schedule(racing, watching, pair, check) > 3


@pytest.mark.parametrize("finds_first", [True, False])
@pytest.mark.parametrize("leased", [True, False])
async def test_a_line_is_either_decided_or_given_to_another_person(
    racing: Database,
    watching: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    finds_first: bool,  # noqa: FBT001
    leased: bool,  # noqa: FBT001
) -> None:
    """Also where the person's own lease ends in the meantime."""
    pauses.install(monkeypatch)
    held: Held = {}

    async def take_over(acts: Acts) -> None:
        await end(acts)
        await claiming(OTHER, held)(acts)

    acts: list[Act] = [confirm, take_over]
    first, second = acts if finds_first else reversed(acts)
    before: tuple[Act, ...] = (submit_a_stranger, *([claiming(CLERK, {})] if leased else []))

    def check(acts: Acts, decided: bool) -> None:  # noqa: FBT001  # a column
        assert decided == (held["clerk-2"] == [])
        assert {error.code for error in acts.refused} <= {"line_held", "lease_over"}
        assert bool(acts.refused) != decided

    assert await every_schedule(racing, watching, Pair(before, first, second), check) > 3


async def test_without_a_look_at_the_leases_after_the_lines_are_locked_a_held_line_is_decided(
    racing: Database, watching: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the leases are looked at before the finding alone."""

    async def no_one(*_: object, **__: object) -> list[str]:
        return []

    monkeypatch.setattr(queue_queries, "end_holds", no_one)
    pauses.install(monkeypatch)
    held: Held = {}

    def check(_: Acts, decided: bool) -> None:  # noqa: FBT001  # a column
        assert decided == (held["clerk-2"] == [])

    with pytest.raises(AssertionError):
        await every_schedule(racing, watching, Pair((submit_a_stranger,), confirm, claiming(OTHER, held)), check)
