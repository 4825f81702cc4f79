"""Every pair of verbs on one voter, in every interleaving of the first one's statements."""

from datetime import date
from io import BytesIO

import asyncpg
import pytest

from app.count import queries as count_rows
from app.count import queries as intake_rows
from app.database.pools import Database
from app.law.line import Place, Signature
from app.roll.loading import load_roll
from tests.http.county import COUNTY, roll_csv, voter
from tests.races import pauses
from tests.races.pairs import HIGH, LOW, PAIRS, submit
from tests.races.schedules import Act, Pair, explore


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


NO_ALIASES = "kind,alias,name\n"
ALIASES = NO_ALIASES + "street,Lindenstrasse,Juniper Ave\n"


def submit_by_alias(place: Place) -> Act:
    """The first voter's line with the old name of the street."""
    text = voter(1)
    old = text["residence_address"].replace("JUNIPER AVE", "Lindenstrasse")
    writing = Signature(text["printed_name"], old, text["city"], text["zip"])
    return lambda acts: acts.submit(writing.at(place))


@pytest.mark.parametrize("submits_first", [True, False])
async def test_whatever_interleaving_newer_aliases_read_every_line(
    racing: Database,
    watching: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    submits_first: bool,  # noqa: FBT001
) -> None:
    pauses.install(monkeypatch)
    verbs: list[Act] = [submit_by_alias(LOW), lambda acts: acts.load_aliases(ALIASES)]
    first, second = verbs if submits_first else reversed(verbs)
    before: tuple[Act, ...] = (lambda acts: acts.load_aliases(NO_ALIASES), submit_by_alias(HIGH))
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
    for table in ("signature", "finding"):  # a line's findings are numbered, which catches it as well
        await watching.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey CASCADE")
    pauses.install(monkeypatch)
    with pytest.raises(AssertionError):
        await explore(racing, watching, PAIRS["submit, submit at one place"])


async def test_without_holding_the_dates_a_line_rests_on_dates_gone_by(
    racing: Database, watching: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_rows, "_HOLD_BASIS", intake_rows._HOLD_BASIS.replace("FOR SHARE", ""))  # noqa: SLF001
    pauses.install(monkeypatch)
    with pytest.raises(AssertionError, match="1-1-1"):
        await explore(racing, watching, PAIRS["submit, section dates"])


async def test_without_holding_the_dates_a_line_escapes_the_defect_of_its_section(
    racing: Database, watching: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_rows, "_HOLD_BASIS", intake_rows._HOLD_BASIS.replace("FOR SHARE", ""))  # noqa: SLF001
    pauses.install(monkeypatch)
    with pytest.raises(AssertionError, match="1-1-1"):
        await explore(racing, watching, PAIRS["submit, section defect"])


async def test_without_holding_the_aliases_a_line_rests_on_aliases_gone_by(
    racing: Database, watching: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_rows, "_HOLD_BASIS", intake_rows._HOLD_BASIS.replace("FOR KEY SHARE", ""))  # noqa: SLF001
    pauses.install(monkeypatch)
    before: tuple[Act, ...] = (lambda acts: acts.load_aliases(NO_ALIASES),)
    pair = Pair(before, submit_by_alias(LOW), lambda acts: acts.load_aliases(ALIASES), {LOW: ("valid", None)})
    with pytest.raises(AssertionError, match="1-1-1"):
        await explore(racing, watching, pair)


@pytest.mark.usefixtures("two_rolls")
async def test_without_holding_the_roll_a_line_rests_on_a_roll_gone_by(
    racing: Database, watching: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_rows, "_HOLD_BASIS", intake_rows._HOLD_BASIS.replace("FOR SHARE", ""))  # noqa: SLF001
    pauses.install(monkeypatch)
    pair = Pair((lambda a: a.use_roll(2),), submit(LOW), lambda a: a.use_roll(1), {LOW: ("valid", None)})
    with pytest.raises(AssertionError, match="1-1-1"):
        await explore(racing, watching, pair)
