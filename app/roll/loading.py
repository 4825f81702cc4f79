"""Loading a roll, from the command line or uploaded, putting a version into use, and making its search keys again."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Final, NamedTuple
from uuid import uuid4

import asyncpg

from app import errors
from app.access.queries import add_county
from app.database.engine import connect_arguments
from app.database.login_queries import SERVICE_ROLE
from app.matching.blocking import KEYS_VERSION, count_terms
from app.matching.frequencies import CORRECTED_KINDS, SHORTEST_CORRECTED, fewest_known
from app.roll import queries as db
from app.roll.formats import FORMATS, RollFormat
from app.roll.rows import MOST_FAULTS, RowReader, open_roll, read_chunks, read_header
from app.roll.workers import NULL, Converted, convert_all

logger = logging.getLogger("app.rolls")

Progress = Callable[[str, int], None]  # phase (copying, indexing, done) and rows so far

_SESSION = {
    "role": SERVICE_ROLE,
    "application_name": "recall-roll-load",
    "timezone": "UTC",
    "lock_timeout": "10min",  # another county's load may be at its indexes
    "statement_timeout": "0",  # none: a load may take hours, and its transaction waits for the file
    "idle_in_transaction_session_timeout": "0",
}
_TOKEN_PORTION = 4 << 20  # bytes of the dictionary kept in memory before they go to the database
_REPORT_EVERY = 1.0  # seconds
_COUNTIES_AT_ONCE: Final = 8  # each with one upload, which holds two connections while it is loaded
_LOADS_AT_ONCE: Final = 2  # of these; the others are received meanwhile, and wait
_MOST_BYTES: Final = 8 << 30  # of an uploaded file
_RECEIVE_WITHIN: Final = 3600.0  # seconds: a slow sender holds its county's place no longer


class LoadedRoll(NamedTuple):
    """The result of a load."""

    county_id: str
    roll_version: int
    registrations: int
    seconds: float
    active: bool


async def load_roll(
    url: str,
    *,
    county_id: str,
    source: Path | BinaryIO,
    roll_format: str = "canonical",
    complete_through: date,
    activate: bool = False,
    progress: Progress = lambda _phase, _rows: None,
    began: Callable[[int], AbstractAsyncContextManager[None]] = lambda _version: nullcontext(),
) -> LoadedRoll:
    """Load a file as the next version of the county's roll.

    A load has two connections of its own: one for the data, in a single transaction, and one for its progress, which
    others see. A file that is refused leaves a failed version with the reason, and nothing else. Two registrations of a
    voter that are in force at the same time are both kept: a signer at either address is registered there (2 CCR
    20931), and the voter is counted once all the same.

    Args:
        url: the database's address, `postgresql+asyncpg://…`.
        county_id: the county's code. It is added if it is new.
        source: the file, plain, gzip or zip.
        roll_format: one of `FORMATS`.
        complete_through: the last day whose registrations are in the file.
        activate: put the version into use when it is loaded.
        progress: called with the phase and the number of rows so far.
        began: called with the version's number as soon as it is known; the load then runs in the context it returns.

    Raises:
        RollError: the file is not a roll that can be used; nothing of it is loaded.
        RollLoadingError: another load of this county's roll is running.
        CountyCodeError: this cannot be the code of a county.
        OSError: the file cannot be opened.
        RollOutdatedError: with `activate`, the roll in use is complete through a later day. The new one stays loaded.
        WorkerDiedError: a worker process was killed; nothing is loaded.
    """
    started = time.monotonic()
    if roll_format not in FORMATS:
        raise errors.RollError(f"no such format; there are {', '.join(FORMATS)}")
    if isinstance(source, Path):
        source.open("rb").close()  # a file that does not exist leaves no failed version
    async with _connected(url) as data, _connected(url) as report, data.transaction():
        await add_county(report, county_id)
        if not await data.fetchval(db.TRY_LOADING, county_id):
            raise errors.RollLoadingError
        async with report.transaction():
            await report.execute(db.LOCK_COUNTY, county_id)
            await report.execute(db.FAIL_ABANDONED, county_id)
            version = await report.fetchval(db.START_ROLL, county_id, roll_format, complete_through, KEYS_VERSION)
        try:
            async with began(version):
                load = _Load(data, report, (county_id, version), progress)
                rows = await load.run(source, FORMATS[roll_format])
        except BaseException as error:
            why = str(error) if isinstance(error, errors.RollError) else "interrupted"
            await report.execute(db.FAIL_ROLL, county_id, version, why)
            raise
    progress("done", rows)
    if activate:
        async with _connected(url) as connection:
            await activate_roll(connection, (county_id, version))
    return LoadedRoll(county_id, version, rows, time.monotonic() - started, activate)


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(**connect_arguments(url, **_SESSION))
    try:
        yield connection
    finally:
        await connection.close()


@dataclass(slots=True)
class _Load:
    """One load under way."""

    data: asyncpg.Connection
    report: asyncpg.Connection
    roll: db.RollName
    progress: Progress
    rows: int = 0
    reported: float = 0.0
    county: str | None = None  # the file's code of it
    faults: tuple[errors.FileFault, ...] = ()

    async def run(self, source: Path | BinaryIO, roll_format: RollFormat) -> int:
        """Copy the registrations, index them, and attach them; how many there are."""
        with open_roll(source) as (file, sha256):
            header = await asyncio.to_thread(read_header, file)
            chunks = read_chunks(file, quoted=RowReader(roll_format, header).quoted)
            async with aclosing(convert_all(chunks, roll_format, header)) as converted:
                await self._copy(converted)
            if not self.rows:
                raise errors.RollError("the file has no rows")
            await self._report("indexing", at_once=True)
            apart = await self._set_apart()
            await self.data.execute(db.KEEP_TOKENS, *self.roll)
            known = CORRECTED_KINDS, SHORTEST_CORRECTED, fewest_known(self.rows - apart)
            await self.data.execute(db.KEEP_VARIANTS, *self.roll, *known)
            await self.data.execute(db.ATTACH, *self.roll)
            await self.data.execute(db.FINISH_ROLL, *self.roll, self.rows, apart, sha256())
        return self.rows

    async def _copy(self, converted: AsyncIterator[Converted]) -> None:
        """Copy registrations, and between them the portions of the dictionary: a connection does one at a time."""
        await self.data.execute(db.STAGE_TOKENS)
        table = await self.data.fetchval(db.STAGE, *self.roll)
        tokens = bytearray()
        while True:
            # FREEZE: the table is new in this transaction, so its rows need no second visit by vacuum.
            rows = self._until_portion(converted, tokens)
            await self.data.copy_to_table(table, source=rows, columns=db.COPY_COLUMNS, null=NULL, freeze=True)
            if not tokens:
                return
            await self.data.copy_to_table("staged_token", source=BytesIO(tokens), null=NULL)
            tokens.clear()

    async def _until_portion(self, converted: AsyncIterator[Converted], tokens: bytearray) -> AsyncIterator[bytes]:
        """Yield registrations until `tokens` has a portion of the dictionary, or the file ends.

        After a bad row nothing is yielded, and the file is read on for more of them.
        """
        async for chunk in converted:
            self.faults += chunk.faults
            if chunk.rows and self.county not in (None, chunk.county):  # each worker knows only the rows that it read
                self.faults += (errors.FileFault("another county than the rows before", row=self.rows + 1),)
            self.county = self.county or chunk.county
            if not self.faults:
                yield chunk.registrations
            elif chunk.broken or len(self.faults) >= MOST_FAULTS:
                break
            self.rows += chunk.rows
            await self._report("copying")
            tokens += chunk.tokens
            if len(tokens) > _TOKEN_PORTION:
                return
        if self.faults:
            raise errors.RollError(*self.faults[:MOST_FAULTS])

    async def _set_apart(self) -> int:
        """Take the registrations of confidential voters, and their words, out of what is searched. Returns how many."""
        await self.data.execute(db.SET_APART, *self.roll)
        counts, apart = Counter[tuple[str, str]](), await db.confidential_registrations(self.data, self.roll)
        count_terms(apart, counts)
        taken = [(kind, token, -count) for (kind, token), count in counts.items()]
        await self.data.copy_records_to_table("staged_token", records=taken)
        return len(apart)

    async def _report(self, phase: str, *, at_once: bool = False) -> None:
        self.progress(phase, self.rows)
        now = time.monotonic()
        if at_once or now - self.reported >= _REPORT_EVERY:
            self.reported = now
            await self.report.execute(db.PROGRESS, *self.roll, phase, self.rows)


async def activate_roll(connection: asyncpg.Connection, name: db.RollName, *, allow_older: bool = False) -> db.Roll:
    """Put a version into use, and retire the one in use; readers see the one or the other, never neither.

    With a roll that is complete through an earlier day, voters registered since then would be missing, so it needs
    `allow_older`. A retired version may be put into use again. Activating the one in use changes nothing. The
    connection must not be in a transaction.

    Raises:
        UnknownRollError: no such version, or it is not loaded, failed or dropped.
        RollKeysError: its search keys are not those of this program.
        RollOutdatedError: it is complete through an earlier day than the one in use.
    """
    county_id, roll_version = name
    async with connection.transaction():
        await connection.execute(db.LOCK_COUNTY, county_id)
        roll = await db.get_roll(connection, *name)
        if roll is None or not roll.usable:
            raise errors.UnknownRollError
        if roll.keys_version != KEYS_VERSION:
            raise errors.RollKeysError
        active = await db.get_roll(connection, county_id)
        if active and active.roll_version == roll_version:
            return active
        if active and roll.complete_through < active.complete_through and not allow_older:
            raise errors.RollOutdatedError
        await connection.execute(db.RETIRE, county_id)
        return db.Roll(*await connection.fetchrow(db.ACTIVATE, *name))


async def rekey_roll(
    url: str, *, county_id: str, roll_version: int | None = None, progress: Progress = lambda _phase, _rows: None
) -> LoadedRoll | None:
    """Load a version of the county's roll again, as its next version, with this program's search keys.

    The registrations are the same, row by row and with the same numbers. If the old version is in use, the new one
    replaces it. None where the keys are this program's already.

    Args:
        url: the database's address, `postgresql+asyncpg://…`.
        county_id: the county.
        roll_version: the version; None: the one in use.
        progress: called with the phase and the number of rows so far.

    Raises:
        UnknownRollError: the county has no such version, or its registrations are gone.
        RollLoadingError: another load of this county's roll is running.
    """
    async with _connected(url) as connection:
        roll = await db.get_roll(connection, county_id, roll_version)
        if roll is None or not roll.usable:
            raise errors.UnknownRollError
        if roll.keys_version == KEYS_VERSION:
            return None
        with TemporaryDirectory(prefix="rekey-") as folder:
            source = Path(folder) / "roll.csv"
            progress("reading", 0)
            file = {"output": source, "format": "csv", "header": True}
            await connection.copy_from_query(db.CANONICAL, county_id, roll.roll_version, **file)
            load = partial(load_roll, url, county_id=county_id, source=source, progress=progress)
            return await load(complete_through=roll.complete_through, activate=roll.state == "active")


class RollUploads:
    """The uploads and loads under way: one of a county, so that no county waits for the sender of another."""

    def __init__(self, database_url: str, folder: Path) -> None:
        """Load into the database. Files are stored in `folder` meanwhile; those of an earlier process are deleted."""
        self._database_url = database_url
        self._folder = folder
        self._loads: dict[str, asyncio.Task[None]] = {}  # by county
        self._turn = asyncio.Semaphore(_LOADS_AT_ONCE)
        for left in folder.glob("*.roll"):
            left.unlink()

    async def take(
        self, county_id: str, roll_format: str, complete_through: date, content: AsyncIterator[bytes]
    ) -> int:
        """Receive a file, begin to load it, and return the version that it becomes. The load goes on afterwards.

        Args:
            county_id: the county's code.
            roll_format: one of `FORMATS`.
            complete_through: the last day whose registrations are in the file.
            content: the file, in portions.

        Raises:
            BusyError: this process has uploads and loads of as many counties as it takes at a time.
            RollError: the file is too long, or takes too long to arrive.
            RollLoadingError: another upload or load of this county's roll is running.
        """
        if county_id in self._loads:
            raise errors.RollLoadingError
        if len(self._loads) >= _COUNTIES_AT_ONCE:
            raise errors.BusyError
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        version: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        load = partial(load_roll, self._database_url, county_id=county_id, roll_format=roll_format)

        def begin(number: int) -> AbstractAsyncContextManager[None]:
            version.set_result(number)
            return self._turn

        async def receive_and_load() -> None:
            path = self._folder / f"{uuid4().hex}.roll"
            try:
                await _receive(path, content)
                await load(source=path, complete_through=complete_through, began=begin)
            except Exception as error:  # noqa: BLE001  # the client gets it as the answer, or the list of rolls shows it
                if not version.done():
                    version.set_exception(error)
                elif not isinstance(error, errors.RollError):
                    logger.warning("a roll was not loaded", extra={"error": type(error).__qualname__})
            finally:
                del self._loads[county_id]
                path.unlink(missing_ok=True)
                version.cancel()  # for a request that still waits for it

        self._loads[county_id] = asyncio.create_task(receive_and_load())
        return await asyncio.shield(version)

    async def close(self) -> None:
        """Cancel the loads: each leaves a failed version that says so."""
        loads = list(self._loads.values())
        for task in loads:
            task.cancel()
        await asyncio.gather(*loads, return_exceptions=True)


async def _receive(path: Path, content: AsyncIterator[bytes]) -> None:
    size = 0
    try:
        with path.open("wb") as file:
            async with asyncio.timeout(_RECEIVE_WITHIN):
                async for portion in content:
                    size += len(portion)
                    if size > _MOST_BYTES:
                        raise errors.RollError(f"the file is longer than {_MOST_BYTES >> 30} GB")
                    await asyncio.to_thread(file.write, portion)
    except TimeoutError:
        raise errors.RollError("the file did not arrive within an hour") from None
