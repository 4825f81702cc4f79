"""A roll that an older program loaded is made anew with this program's keys."""

from collections.abc import Sequence
from datetime import date
from io import BytesIO

import asyncpg
import pytest

from app.errors import UnknownRollError
from app.matching.blocking import KEYS_VERSION
from app.roll.formats import CANONICAL_COLUMNS
from app.roll.loading import load_roll, rekey_roll
from app.roll.queries import REGISTRATION_COLUMNS, get_roll, list_rolls

COUNTY = "old"
ROWS = (
    'V1,"O""BRIEN, JR",JOSÉ,,III,1970-02-28,12,1/2,N,"LA CIENEGA",BLVD,,APT,5,L.A.,90026,active,,2010-05-01,,,true',
    "V2,SMITH,ANN MARIE,,,,100,,,71ST,ST,,,,,90026,canceled,moved,2010-05-01,,2020-01-31,",
    "V2,SMITH,ANN MARIE,,,,7,,,MAIN,ST,,,,,90026,active,,2020-02-01,2020-02-02,,n",
)


async def load(database: str, *, activate: bool = True) -> None:
    source = BytesIO("\n".join([",".join(CANONICAL_COLUMNS), *ROWS]).encode())
    await load_roll(database, county_id=COUNTY, source=source, complete_through=date(2022, 7, 6), activate=activate)


async def rows_of(connection: asyncpg.Connection, version: int) -> Sequence[tuple[object, ...]]:
    columns = ", ".join((*REGISTRATION_COLUMNS, "key_house_street", "house_mark"))
    query = f"SELECT {columns} FROM registration WHERE roll_version = $1 ORDER BY registration_no"  # noqa: S608 - our columns
    return [tuple(row) for row in await connection.fetch(query, version)]


async def grow_old(connection: asyncpg.Connection) -> None:
    await connection.execute("UPDATE roll SET keys_version = keys_version - 1")
    await connection.execute("UPDATE registration SET key_house_street = 7, house_mark = NULL")


async def test_it_becomes_the_next_version_row_by_row_and_takes_the_old_ones_place(
    database: str, connection: asyncpg.Connection
) -> None:
    await load(database)
    before = await rows_of(connection, 1)
    await grow_old(connection)
    phases: list[str] = []
    loaded = await rekey_roll(database, county_id=COUNTY, progress=lambda phase, _: phases.append(phase))
    assert loaded
    assert (loaded.roll_version, loaded.registrations, loaded.active) == (2, 3, True)
    assert await rows_of(connection, 2) == before
    assert [roll.state for roll in await list_rolls(connection, COUNTY)] == ["retired", "active"]
    active = await get_roll(connection, COUNTY)
    assert active
    assert (active.keys_version, active.complete_through) == (KEYS_VERSION, date(2022, 7, 6))
    assert phases[0] == "reading"
    assert phases[-1] == "done"


async def test_a_roll_with_this_programs_keys_is_left_alone(database: str, connection: asyncpg.Connection) -> None:
    await load(database)
    assert await rekey_roll(database, county_id=COUNTY) is None
    assert len(await list_rolls(connection, COUNTY)) == 1


async def test_a_version_that_is_not_in_use_stays_out_of_use(database: str, connection: asyncpg.Connection) -> None:
    await load(database, activate=False)
    await grow_old(connection)
    loaded = await rekey_roll(database, county_id=COUNTY, roll_version=1)
    assert loaded
    assert not loaded.active


async def test_there_must_be_such_a_roll(database: str) -> None:
    with pytest.raises(UnknownRollError):
        await rekey_roll(database, county_id=COUNTY)
