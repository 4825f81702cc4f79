"""The bulk load of a roll, its versions, and who may touch what."""

import asyncio
import csv
import gzip
import io
import os
import struct
import sys
import threading
import tracemalloc
import zipfile
from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from app.database.engine import connect_arguments
from app.database.login_queries import SERVICE_ROLE
from app.errors import (
    CountyCodeError,
    RollError,
    RollKeysError,
    RollLoadingError,
    RollOutdatedError,
    UnknownRollError,
    WorkerDiedError,
)
from app.law.registration import Registration
from app.matching.blocking import KEY_COLUMNS, MARK_COLUMN, count_terms, registration_keys
from app.matching.frequencies import CORRECTED_KINDS, SHORTEST_CORRECTED, variants
from app.matching.queries import SearchedRoll
from app.processes import WorkerPool
from app.roll import queries as db
from app.roll import workers
from app.roll.formats import CANONICAL, CANONICAL_COLUMNS
from app.roll.loading import LoadedRoll, activate_roll, load_roll
from app.roll.rows import Chunk, RowReader, open_roll, read_chunks

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

COUNTY = "los-angeles"
SURNAMES = ("GARCIA", "NGUYEN", "O'BRIEN", "DE LA CRUZ", "BACK\\SLASH", "\\N", "MUÑOZ", "金", "SMITH-JONES")
GIVEN = ("MARIA", "JOSE", "ANN MARIE", "LUZ", "T")
STREETS = ("SUNSET", "71ST", "AVENUE 45", "LA CIENEGA")


def a_row(no: int, **values: str) -> dict[str, str]:
    return dict.fromkeys(CANONICAL_COLUMNS, "") | {
        "voter_id": f"V{no}", "last_name": SURNAMES[no % 9], "first_name": GIVEN[no % 5], "birth_date": "1970-02-28",
        "house_number": str(100 + no), "street_name": STREETS[no % 4], "street_type": "ST", "city": "LOS ANGELES",
        "zip": str(90001 + no % 50), "status": "active", "affidavit_signed": "2010-05-01", "confidential": "",
    } | values  # fmt: skip


def a_roll(rows: int, *, bad: dict[int, dict[str, str]] | None = None) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, CANONICAL_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(a_row(no, **(bad or {}).get(no, {})) for no in range(1, rows + 1))
    return text.getvalue().encode()


def registrations_of(data: bytes) -> list[Registration]:
    header, _, rows = data.partition(b"\n")
    return RowReader(CANONICAL, header).read(Chunk(rows, 1, rows.count(b"\n"))).registrations


async def load(
    database: str, data: bytes, *, complete_through: date = date(2022, 7, 6), activate: bool = False
) -> LoadedRoll:
    return await load_roll(
        database, county_id=COUNTY, source=io.BytesIO(data), complete_through=complete_through, activate=activate
    )


async def tables(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'registration%' ORDER BY 1"
    )
    return [row["relname"] for row in rows]


@pytest.mark.parametrize("rows", [1, 7000])
async def test_a_loaded_roll_reads_back_as_it_was_written(
    database: str, connection: asyncpg.Connection, rows: int
) -> None:
    data = a_roll(rows)
    loaded = await load(database, data)
    expected = registrations_of(data)
    stored = await db.registrations_of_voters(
        SearchedRoll(connection, COUNTY, 1), [f"V{no}" for no in range(1, rows + 1)]
    )
    assert (loaded.roll_version, loaded.registrations, loaded.active) == (1, rows, False)
    assert stored == expected


async def test_a_loaded_roll_holds_the_keys_and_words_of_the_matcher(
    database: str, connection: asyncpg.Connection
) -> None:
    data = a_roll(7000)
    await load(database, data)
    expected = registrations_of(data)
    columns = ", ".join((*KEY_COLUMNS, MARK_COLUMN))
    keys = await connection.fetch(f"SELECT {columns} FROM registration ORDER BY registration_no")  # noqa: S608 - our columns
    assert [tuple(row) for row in keys] == [registration_keys(registration) for registration in expected]
    words = await connection.fetch("SELECT kind, token, registrations FROM roll_token")
    counted = Counter[tuple[str, str]]()
    count_terms(expected, counted)
    assert {(kind, token): count for kind, token, count in words} == counted
    kept = await connection.fetch("SELECT kind, variant, token, registrations FROM roll_variant")
    assert {tuple(row) for row in kept} == {
        (kind, variant, token, count)
        for (kind, token), count in counted.items()
        if kind in CORRECTED_KINDS and len(token) >= SHORTEST_CORRECTED
        for variant in variants(token)
    }


async def test_the_schema_has_the_key_columns_of_the_matcher(connection: asyncpg.Connection) -> None:
    rows = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'registration'::regclass AND attname LIKE 'key%'"
    )
    assert {row["attname"] for row in rows} == set(KEY_COLUMNS)


async def test_a_loaded_roll_is_indexed_like_every_other(database: str, connection: asyncpg.Connection) -> None:
    await load(database, a_roll(10))
    count = "SELECT count(*) FROM pg_index WHERE indrelid = $1::text::regclass"
    parent = await connection.fetchval(count, "registration")
    assert await connection.fetchval(count, f'"registration_{COUNTY}_1"') == parent
    plan = await connection.fetch(
        "EXPLAIN SELECT FROM registration WHERE county_id = $1 AND roll_version = 1 AND voter_id = 'V1'", COUNTY
    )
    assert sum("registration_los-angeles_1" in row[0] for row in plan) == 1


@pytest.mark.parametrize("pack", ["plain", "gzip", "zip"])
async def test_a_roll_may_be_packed(database: str, tmp_path: Path, pack: str) -> None:
    path = tmp_path / "roll"
    if pack == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("roll.csv", a_roll(20))
    else:
        path.write_bytes(gzip.compress(a_roll(20)) if pack == "gzip" else a_roll(20))
    loaded = await load_roll(database, county_id=COUNTY, source=path, complete_through=date(2022, 7, 6))
    assert loaded.registrations == 20


def archive_of(files: int) -> bytes:
    """A zip archive of so many empty files, of which only the directory is written."""
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"a"
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    count, size = min(files, 0xFFFF), len(entry) * files
    return local + entry * files + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, size, len(local), 0)


@pytest.mark.parametrize("files", [10_000, 400_000])
def test_an_archive_of_very_many_files_is_refused_before_its_directory_is_read(files: int) -> None:
    packed = io.BytesIO(archive_of(files))
    tracemalloc.start()
    with pytest.raises(RollError, match="directory is too long"), open_roll(packed):
        pass
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2_000_000


@pytest.mark.parametrize("files", [2, 3_000])
def test_an_archive_of_several_files_is_refused_with_their_number(files: int) -> None:
    with pytest.raises(RollError, match=f"holds {files} files"), open_roll(io.BytesIO(archive_of(files))):
        pass


def test_a_file_that_unpacks_to_far_too_much_is_refused_on_the_way() -> None:
    bomb = io.BytesIO(gzip.compress(bytes(200 << 20)))
    with open_roll(bomb) as (file, _), pytest.raises(RollError, match="100 times its size"):
        list(read_chunks(file, quoted=True))


async def test_a_roll_may_come_through_a_pipe(database: str) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(gzip.compress(a_roll(20)))
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        loaded = await load_roll(database, county_id=COUNTY, source=pipe, complete_through=date(2022, 7, 6))
    assert loaded.registrations == 20


def two_files() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a.csv", a_roll(1))
        archive.writestr("b.csv", a_roll(1))
    return data.getvalue()


def places(error: RollError) -> list[tuple[int | None, str | None]]:
    return [(fault.row, fault.column) for fault in error.faults]


@pytest.mark.parametrize(
    ("data", "faults"),
    [
        (b"", [(None, None)]),
        (a_roll(0), [(None, None)]),
        (a_roll(3).replace(b"suffix,", b"Suffix,"), [(None, "suffix"), (None, None)]),
        (a_roll(3, bad={2: {"status": "dead"}}), [(2, "status")]),
        (a_roll(9000, bad={8999: {"birth_date": "1970-13-01"}}), [(8999, "birth_date")]),
        (
            a_roll(9000, bad={3: {"zip": "9" * 11}, 4: {"status": "dead"}, 8000: {"zip": "9" * 11}}),
            [(3, "zip"), (4, "status"), (8000, "zip")],
        ),
        (
            a_roll(9000, bad={no: {"zip": "9" * 11} for no in range(5, 9000, 400)}),
            [(no, "zip") for no in range(5, 9000, 400)][:10],
        ),
        (
            a_roll(9000, bad={3: {"zip": "9" * 11}, 8000: {"zip": "9" * 11}}).replace(b"V6000,", b'"V"6000,'),
            [(3, "zip"), (6000, None)],
        ),
        (gzip.compress(a_roll(9000))[:-2000], [(None, None)]),
        (two_files(), [(None, None)]),
        (two_files()[:-30], [(None, None)]),
    ],
)
async def test_a_bad_file_is_refused_whole_and_the_roll_in_use_is_untouched(
    database: str, connection: asyncpg.Connection, data: bytes, faults: list[tuple[int | None, str | None]]
) -> None:
    await load(database, a_roll(5), activate=True)
    with pytest.raises(RollError) as caught:
        await load(database, data, activate=True)
    assert places(caught.value) == faults
    active, failed = await db.list_rolls(connection, COUNTY)
    assert (active.state, active.registrations) == ("active", 5)
    assert (failed.state, failed.failure, failed.registrations) == ("failed", str(caught.value), None)
    assert await tables(connection) == [f"registration_{COUNTY}_1"]
    assert await connection.fetchval("SELECT count(*) FROM roll_token WHERE roll_version = 2") == 0


async def test_an_unknown_format_is_refused_before_anything_is_written(
    database: str, connection: asyncpg.Connection
) -> None:
    with pytest.raises(RollError, match="canonical, california, north-carolina"):
        await load_roll(
            database, county_id=COUNTY, source=io.BytesIO(b""), roll_format="xls", complete_through=date(2022, 7, 6)
        )
    assert await db.list_rolls(connection, COUNTY) == []


async def test_a_county_whose_code_cannot_be_one_is_refused(database: str) -> None:
    with pytest.raises(CountyCodeError):
        await load_roll(database, county_id="Los Angeles!", source=io.BytesIO(b""), complete_through=date(2022, 7, 6))


async def test_a_file_that_is_not_there_leaves_no_failed_version(
    database: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        await load_roll(database, county_id=COUNTY, source=tmp_path / "no", complete_through=date(2022, 7, 6))
    assert await db.list_rolls(connection, COUNTY) == []


class PausedFile(io.BytesIO):
    """A roll whose end is held back until it is released."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.waiting = threading.Event()
        self.released = threading.Event()

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        count = super().readinto(buffer)
        if not count:
            self.waiting.set()
            self.released.wait()
        return count


async def test_others_see_how_far_a_load_is_and_cannot_start_another(
    database: str, connection: asyncpg.Connection
) -> None:
    file = PausedFile(a_roll(9000))
    seen: list[tuple[str, int]] = []
    first = asyncio.create_task(
        load_roll(
            database, county_id=COUNTY, source=file, complete_through=date(2022, 7, 6),
            progress=lambda phase, rows: seen.append((phase, rows)),
        )
    )  # fmt: skip
    await asyncio.to_thread(file.waiting.wait)
    (loading,) = await db.list_rolls(connection, COUNTY)
    assert (loading.state, loading.progress_phase, loading.registrations) == ("loading", "copying", None)
    with pytest.raises(RollLoadingError):
        await load(database, a_roll(1))
    other = await load_roll(database, county_id="kern", source=io.BytesIO(a_roll(1)), complete_through=date(2022, 7, 6))
    assert other.roll_version == 1
    file.released.set()
    assert (await first).registrations == 9000
    (loaded,) = await db.list_rolls(connection, COUNTY)
    assert (loaded.state, loaded.progress_phase, loaded.progress_rows) == ("loaded", "done", 9000)
    assert [rows for _, rows in seen] == sorted(rows for _, rows in seen)
    assert seen[-2:] == [("indexing", 9000), ("done", 9000)]


async def test_a_cancelled_load_leaves_nothing(database: str, connection: asyncpg.Connection) -> None:
    file = PausedFile(a_roll(9000))
    task = asyncio.create_task(load_roll(database, county_id=COUNTY, source=file, complete_through=date(2022, 7, 6)))
    await asyncio.to_thread(file.waiting.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    file.released.set()
    (failed,) = await db.list_rolls(connection, COUNTY)
    assert failed.state == "failed"
    assert await tables(connection) == []


async def test_a_load_whose_worker_is_killed_fails_and_leaves_nothing(
    database: str, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    pools: list[Any] = []

    class Noted(WorkerPool[Any, Any]):
        def __init__(self, *arguments: Any) -> None:  # noqa: ANN401  # as the pool
            super().__init__(*arguments)
            pools.append(self)

    monkeypatch.setattr(workers, "WorkerPool", Noted)
    file = PausedFile(a_roll(9000))
    task = asyncio.create_task(load_roll(database, county_id=COUNTY, source=file, complete_through=date(2022, 7, 6)))
    await asyncio.to_thread(file.waiting.wait)
    pools[0].workers[0].process.kill()
    await pools[0].workers[0].process.wait()
    file.released.set()
    with pytest.raises(WorkerDiedError):
        await task
    (failed,) = await db.list_rolls(connection, COUNTY)
    assert (failed.state, failed.failure) == ("failed", "interrupted")
    assert await tables(connection) == []


LOADER = """
import asyncio, sys
from datetime import date
from app.roll.loading import load_roll
asyncio.run(load_roll(sys.argv[1], county_id="los-angeles", source=sys.stdin.buffer, complete_through=date(2022, 7, 6),
                      progress=lambda phase, rows: print(phase, rows, flush=True)))
"""


async def given_up(connection: asyncpg.Connection) -> None:
    """Wait until the server has noticed that the process of a load is gone."""
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'recall-roll-load'"
    while await connection.fetchval(sessions):
        await connection.execute("SELECT pg_sleep(0.05)")


async def test_a_killed_load_leaves_nothing_and_the_next_one_finds_the_way_free(
    database: str, connection: asyncpg.Connection
) -> None:
    await load(database, a_roll(5), activate=True)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LOADER, database, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(a_roll(12000))  # and no end of file: it waits for more
    assert (await process.stdout.readline()).startswith(b"copying")
    process.kill()
    await process.wait()
    await given_up(connection)
    assert (await load(database, a_roll(6))).roll_version == 3
    assert [roll.state for roll in await db.list_rolls(connection, COUNTY)] == ["active", "failed", "loaded"]
    assert await tables(connection) == [f"registration_{COUNTY}_1", f"registration_{COUNTY}_3"]


async def test_an_activated_version_takes_the_place_of_the_one_in_use(
    database: str, connection: asyncpg.Connection
) -> None:
    await load(database, a_roll(5), activate=True)
    await load(database, a_roll(6), complete_through=date(2022, 7, 7))
    first = await db.get_roll(connection, COUNTY)
    second = await activate_roll(connection, (COUNTY, 2))
    assert first
    assert (first.roll_version, second.roll_version, second.state) == (1, 2, "active")
    assert [roll.state for roll in await db.list_rolls(connection, COUNTY)] == ["retired", "active"]
    assert (
        len(await db.registrations_of_voters(SearchedRoll(connection, COUNTY, 1), ["V5", "V6"])) == 1
    )  # findings still name it


async def test_activating_the_version_in_use_changes_nothing(database: str, connection: asyncpg.Connection) -> None:
    await load(database, a_roll(5), activate=True)
    before = await db.get_roll(connection, COUNTY)
    assert await activate_roll(connection, (COUNTY, 1)) == before


async def test_a_roll_of_an_earlier_day_needs_to_be_asked_for(database: str, connection: asyncpg.Connection) -> None:
    await load(database, a_roll(5), activate=True)
    with pytest.raises(RollOutdatedError):
        await load(database, a_roll(6), complete_through=date(2022, 7, 5), activate=True)
    assert [roll.state for roll in await db.list_rolls(connection, COUNTY)] == ["active", "loaded"]
    older = await activate_roll(connection, (COUNTY, 2), allow_older=True)
    assert older.state == "active"


async def test_a_roll_with_the_keys_of_another_matcher_is_not_activated(
    database: str, connection: asyncpg.Connection
) -> None:
    await load(database, a_roll(5))
    await connection.execute("UPDATE roll SET keys_version = keys_version + 1")
    with pytest.raises(RollKeysError):
        await activate_roll(connection, (COUNTY, 1))


async def test_racing_activations_leave_one_roll_in_use(database: str, connection: asyncpg.Connection) -> None:
    for rows in range(1, 5):
        await load(database, a_roll(rows))
    pool = await asyncpg.create_pool(**connect_arguments(database, role=SERVICE_ROLE), min_size=4, max_size=4)

    async def activate(version: int) -> None:
        async with pool.acquire() as own:
            await activate_roll(own, (COUNTY, version))

    for _ in range(5):
        await asyncio.gather(*(activate(version) for version in range(1, 5)))
        states = [roll.state for roll in await db.list_rolls(connection, COUNTY)]
        assert states.count("active") == 1
    await pool.close()


async def test_only_a_version_out_of_use_can_be_dropped(database: str, connection: asyncpg.Connection) -> None:
    await load(database, a_roll(5), activate=True)
    await load(database, a_roll(6), activate=True)
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
        await connection.execute("SELECT roll_drop($1, 2)", COUNTY)
    await connection.execute("SELECT roll_drop($1, 1)", COUNTY)
    assert await tables(connection) == [f"registration_{COUNTY}_2"]
    assert await connection.fetchval("SELECT count(*) FROM roll_token WHERE roll_version = 1") == 0
    for version in (1, 3):
        with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
            await connection.execute("SELECT roll_drop($1, $2)", COUNTY, version)
        with pytest.raises(UnknownRollError):
            await activate_roll(connection, (COUNTY, version))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE registration SET status = 'canceled'",
        "DELETE FROM registration",
        'INSERT INTO "registration_los-angeles_1" SELECT * FROM registration',
        'DROP TABLE "registration_los-angeles_1"',
        "UPDATE roll_token SET registrations = 1",
        "DELETE FROM roll",
        "UPDATE roll SET complete_through = '2030-01-01'",
    ],
)
async def test_the_service_cannot_change_a_roll_that_was_loaded(database: str, statement: str) -> None:
    await load(database, a_roll(5))
    service = await asyncpg.connect(**connect_arguments(database, role=SERVICE_ROLE))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute(statement)
    await service.close()
