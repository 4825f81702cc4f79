"""Every pair of verbs on one voter, in every interleaving of the first one's statements."""

from datetime import date
from io import BytesIO

import asyncpg
import pytest

from app.actions.roll import load_roll
from app.db import count as count_rows
from app.db import intake as intake_rows
from app.db.engine import Database
from app.domain.signature import Place
from tests.api.county import COUNTY, roll_csv
from tests.races import pauses
from tests.races.acts import signature
from tests.races.schedules import Act, Pair, explore

LOW, HIGH = Place(1, 1, 1), Place(2, 1, 1)
NO_DATES = {LOW: ("review", "section_dates")}


def submit(place: Place, number: int = 1) -> Act:
    return lambda acts: acts.submit(signature(number, place))


def nothing_before(first: Act, second: Act) -> Pair:
    return Pair((), first, second)


PAIRS = {
    "submit low, submit high": nothing_before(submit(LOW), submit(HIGH)),
    "submit high, submit low": nothing_before(submit(HIGH), submit(LOW)),
    "submit, submit at one place": nothing_before(submit(LOW), submit(LOW, 2)),
    "submit, the same submit": nothing_before(submit(LOW), submit(LOW)),
    "submit high, reject low": Pair((submit(LOW),), submit(HIGH), lambda a: a.reject(LOW)),
    "reject low, submit high": Pair((submit(LOW),), lambda a: a.reject(LOW), submit(HIGH)),
    "reject low, reject high": Pair((submit(LOW), submit(HIGH)), lambda a: a.reject(LOW), lambda a: a.reject(HIGH)),
    "reject, reinstate": Pair(
        (submit(LOW), submit(HIGH), lambda a: a.reject(HIGH)),
        lambda a: a.reject(LOW),
        lambda a: a.reinstate(HIGH),
    ),
    "reinstate, reject": Pair(
        (submit(LOW), submit(HIGH), lambda a: a.reject(LOW)),
        lambda a: a.reinstate(LOW),
        lambda a: a.reject(HIGH),
    ),
    "two findings on one line": Pair((submit(LOW),), lambda a: a.reject(LOW), lambda a: a.reinstate(LOW)),
    "withdraw, submit": Pair((submit(HIGH),), lambda a: a.withdraw(), submit(LOW)),
    "submit, withdraw": Pair((submit(HIGH),), submit(LOW), lambda a: a.withdraw()),
    "withdraw, withdraw": Pair((submit(HIGH),), lambda a: a.withdraw(), lambda a: a.withdraw()),
    "revoke, submit": Pair((submit(HIGH), lambda a: a.withdraw()), lambda a: a.revoke(), submit(LOW)),
    "correct, submit": Pair((submit(LOW, 2),), lambda a: a.correct(signature(1, LOW)), submit(HIGH)),
    "submit, correct": Pair((submit(LOW),), submit(HIGH), lambda a: a.correct(signature(2, LOW))),
    "correct, correct": Pair(
        (submit(LOW),), lambda a: a.correct(signature(2, LOW)), lambda a: a.correct(signature(3, LOW))
    ),
    "submit, section dates": Pair((), submit(LOW), lambda a: a.declare(1, None, None), NO_DATES),
    "section dates, submit": Pair((submit(HIGH),), lambda a: a.declare(1, None, None), submit(LOW), NO_DATES),
    "section dates, section dates": Pair(
        (submit(LOW),), lambda a: a.declare(1, None, None), lambda a: a.declare(1, date(2022, 3, 1), date(2022, 3, 2))
    ),
    "crossing voters": Pair(
        (submit(LOW), submit(HIGH, 2)),
        lambda a: a.correct(signature(2, LOW)),
        lambda a: a.correct(signature(1, HIGH)),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
async def test_whatever_interleaving_every_voter_counts_once(
    racing: Database, watching: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    pauses.install(monkeypatch)
    assert await explore(racing, watching, PAIRS[name]) > 5


@pytest.fixture
async def two_rolls(county_database: str) -> None:
    """A second roll version, not in use, that lacks the first voter."""
    source = BytesIO(roll_csv(without=frozenset({1})))
    await load_roll(county_database, county_id=COUNTY, source=source, complete_through=date(2022, 7, 6))


@pytest.mark.parametrize("submits_first", [True, False])
@pytest.mark.usefixtures("two_rolls")
async def test_whatever_interleaving_a_newer_roll_knows_every_line(
    racing: Database,
    watching: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    submits_first: bool,  # noqa: FBT001
) -> None:
    pauses.install(monkeypatch)
    verbs: list[Act] = [submit(LOW), lambda acts: acts.use_roll(1)]
    first, second = verbs if submits_first else reversed(verbs)
    before: tuple[Act, ...] = (lambda acts: acts.use_roll(2), submit(HIGH))
    after = {LOW: ("valid", None), HIGH: ("invalid", "duplicate")}
    assert await explore(racing, watching, Pair(before, first, second, after)) > 5


# What follows are the controls: without the one lock or key that holds, the same schedules must go wrong.


async def test_without_the_slots_lock_a_voter_is_left_without_a_counted_line(
    racing: Database, watching: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line looks at the others as it comes: a duplicate if another counts, promoted later if that one falls."""
    for name in ("_LOCK_SLOTS", "_LOCK_LINES"):
        statement = getattr(count_rows, name).replace("FOR UPDATE OF line", "").replace("FOR UPDATE", "")
        monkeypatch.setattr(count_rows, name, statement)
    pauses.install(monkeypatch)
    with pytest.raises(AssertionError, match="V1"):
        await explore(racing, watching, PAIRS["reject low, submit high"])


async def test_without_the_slots_lock_and_the_index_under_it_a_voter_counts_twice(
    racing: Database, watching: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await watching.execute("DROP INDEX line_counts_once")
    for name in ("_MAKE_SLOTS", "_LOCK_SLOTS", "_LOCK_LINES"):
        statement = getattr(count_rows, name).replace("FOR UPDATE OF line", "").replace("FOR UPDATE", "")
        monkeypatch.setattr(count_rows, name, statement.replace("ORDER BY voter_id\nON", "LIMIT 0\nON"))
    pauses.install(monkeypatch)
    with pytest.raises(AssertionError, match="V1"):
        await explore(racing, watching, PAIRS["submit low, submit high"])


async def test_without_the_places_key_two_writings_stand_at_one_place(
    racing: Database, watching: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await watching.execute("ALTER TABLE signature DROP CONSTRAINT signature_pkey CASCADE")
    pauses.install(monkeypatch)
    with pytest.raises((AssertionError, asyncpg.UniqueViolationError)):
        await explore(racing, watching, PAIRS["submit, submit at one place"])


async def test_without_holding_the_dates_a_line_rests_on_dates_gone_by(
    racing: Database, watching: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_rows, "_HOLD_BASIS", intake_rows._HOLD_BASIS.replace("FOR SHARE", ""))  # noqa: SLF001
    pauses.install(monkeypatch)
    with pytest.raises(AssertionError, match="1-1-1"):
        await explore(racing, watching, PAIRS["submit, section dates"])


@pytest.mark.usefixtures("two_rolls")
async def test_without_holding_the_roll_a_line_rests_on_a_roll_gone_by(
    racing: Database, watching: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_rows, "_HOLD_BASIS", intake_rows._HOLD_BASIS.replace("FOR SHARE", ""))  # noqa: SLF001
    pauses.install(monkeypatch)
    pair = Pair((lambda a: a.use_roll(2),), submit(LOW), lambda a: a.use_roll(1), {LOW: ("valid", None)})
    with pytest.raises(AssertionError, match="1-1-1"):
        await explore(racing, watching, pair)
