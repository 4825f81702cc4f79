"""A roll that an older program loaded is made anew with this program's keys."""

from collections.abc import Sequence
from datetime import date
from io import BytesIO

import asyncpg
import pytest

from app.database.engine import connect_arguments
from app.database.migrate import upgrade
from app.database.server import EmbeddedServer
from app.errors import UnknownRollError
from app.matching.blocking import KEYS_VERSION
from app.matching.queries import versions_in_use
from app.roll.formats import CANONICAL_COLUMNS
from app.roll.loading import load_roll, rekey_roll
from app.roll.queries import REGISTRATION_COLUMNS, get_roll, list_rolls

COUNTY = "old"
ROWS = (
    'V1,"O""BRIEN, JR",JOSÉ,,III,1970-02-28,12,1/2,N,"LA CIENEGA",BLVD,,APT,5,L.A.,90026,active,,2010-05-01,,,true,B',
    "V2,SMITH,ANN MARIE,,,,100,,,71ST,ST,,,,,90026,canceled,moved,2010-05-01,,2020-01-31,,A;B",
    "V2,SMITH,ANN MARIE,,,,7,,,MAIN,ST,,,,,90026,active,,2020-02-01,2020-02-02,,n,",
)


async def load(database: str, *, activate: bool = True) -> None:
    source = BytesIO("\n".join([",".join((*CANONICAL_COLUMNS, "districts")), *ROWS]).encode())
    await load_roll(database, county_id=COUNTY, source=source, complete_through=date(2022, 7, 6), activate=activate)


async def rows_of(connection: asyncpg.Connection, version: int) -> Sequence[tuple[object, ...]]:
    columns = ", ".join((*REGISTRATION_COLUMNS, "key_house_street", "house_mark"))
    every = "(SELECT * FROM registration UNION ALL SELECT * FROM confidential_registration) AS every"
    query = f"SELECT {columns} FROM {every} WHERE roll_version = $1 ORDER BY registration_no"  # noqa: S608 - our columns
    return [tuple(row) for row in await connection.fetch(query, version)]


async def grow_old(connection: asyncpg.Connection) -> None:
    await connection.execute("UPDATE roll SET keys_version = keys_version - 1")
    for table in ("registration", "confidential_registration"):
        await connection.execute(f"UPDATE {table} SET key_house_street = 7, house_mark = NULL")  # noqa: S608 - ours


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


LOADED_BEFORE = """
INSERT INTO county (county_id, name) VALUES ('old', 'old');
INSERT INTO roll (county_id, roll_version, state, format, complete_through, keys_version)
VALUES ('old', 1, 'loading', 'canonical', '2022-07-06', 3);
SELECT roll_stage('old', 1);
INSERT INTO registration_old_1 (registration_no, voter_id, last_name, first_name, middle_name, suffix, house_number,
    house_fraction, pre_direction, street_name, street_type, post_direction, unit_type, unit_number, city, zip, status,
    status_reason, confidential)
SELECT number, voter, 'SMITH', 'ANN', '', '', number, '', '', 'MAIN', 'ST', '', '', '', '', '90026', 'active', '',
    hidden
FROM (VALUES (1, 'V1', true), (2, 'V2', false), (3, 'V1', false)) AS v (number, voter, hidden);
SELECT roll_attach('old', 1);
UPDATE roll SET state = 'active', registrations = 3, loaded_at = now()
"""


async def test_a_roll_of_before_confidential_voters_were_set_apart_is_made_anew(
    server: EmbeddedServer, administration: asyncpg.Connection
) -> None:
    await administration.execute("CREATE DATABASE before")
    url = server.url(database="before")
    await upgrade(url, "0009")
    connection = await asyncpg.connect(**connect_arguments(url))
    await connection.execute(LOADED_BEFORE)
    await upgrade(url)
    numbers = "SELECT array_agg(registration_no ORDER BY registration_no) FROM {} WHERE roll_version = $1"
    parts = [numbers.format(table) for table in ("registration", "confidential_registration")]
    assert [await connection.fetchval(part, 1) for part in parts] == [[2], [1, 3]], "with all of the voter's"
    assert (await versions_in_use(connection, COUNTY))[0] is None, "its dictionary still has their words"
    loaded = await rekey_roll(url, county_id=COUNTY)
    assert loaded
    assert [await connection.fetchval(part, 2) for part in parts] == [[2], [1, 3]]
    assert (await versions_in_use(connection, COUNTY))[0] == 2
    assert await connection.fetchval("SELECT registrations FROM roll WHERE roll_version = 2") == 1
    await connection.close()
    await administration.execute("DROP DATABASE before WITH (FORCE)")


async def test_there_must_be_such_a_roll(database: str) -> None:
    with pytest.raises(UnknownRollError):
        await rekey_roll(database, county_id=COUNTY)
