"""Rolls uploaded over HTTP: each is stored in a file, and loaded while the service answers other requests."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final
from uuid import uuid4

from app.errors import BusyError, RollError
from app.roll.loading import load_roll

logger = logging.getLogger("app.rolls")

_AT_ONCE: Final = 2  # uploads and loads of a process
_MOST: Final = 8 << 30  # bytes of a file
_PORTION: Final = 1 << 20  # bytes that are written at once


@dataclass(frozen=True, slots=True)
class Upload:
    """What the client says about a file."""

    county_id: str
    roll_format: str
    complete_through: date


class RollUploads:
    """The uploads and loads under way."""

    def __init__(self, database_url: str, folder: Path) -> None:
        """Load into the database. Files are stored in `folder` meanwhile; those of an earlier process are deleted."""
        self._database_url = database_url
        self._folder = folder
        self._loads: set[asyncio.Task[None]] = set()
        self._under_way = 0
        for left in folder.glob("*.roll"):
            left.unlink()

    async def take(self, upload: Upload, content: AsyncIterator[bytes]) -> int:
        """Receive a file, begin to load it, and return the version that it becomes. The load goes on afterwards.

        Raises:
            BusyError: this process has as many uploads and loads as it takes at a time.
            RollError: the file is too long.
            RollLoadingError: another load of this county's roll is running.
        """
        if self._under_way >= _AT_ONCE:
            raise BusyError
        self._under_way += 1
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{uuid4().hex}.roll"
        try:
            await _receive(path, content)
        except BaseException:
            self._over(path)
            raise
        version: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._load(upload, path, version))
        self._loads.add(task)
        task.add_done_callback(self._loads.discard)
        return await asyncio.shield(version)

    async def _load(self, upload: Upload, path: Path, version: asyncio.Future[int]) -> None:
        try:
            await load_roll(
                self._database_url,
                county_id=upload.county_id,
                source=path,
                roll_format=upload.roll_format,
                complete_through=upload.complete_through,
                began=version.set_result,
            )
        except Exception as error:  # noqa: BLE001  # the client gets it as the answer, or the list of rolls shows it
            if not version.done():
                version.set_exception(error)
            elif not isinstance(error, RollError):
                logger.warning("a roll was not loaded", extra={"error": type(error).__qualname__})
        finally:
            self._over(path)

    def _over(self, path: Path) -> None:
        self._under_way -= 1
        path.unlink(missing_ok=True)

    async def close(self) -> None:
        """Cancel the loads: each leaves a failed version that says so."""
        for task in self._loads:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self._loads, return_exceptions=True)


async def _receive(path: Path, content: AsyncIterator[bytes]) -> None:
    size, portion = 0, bytearray()
    with path.open("wb") as file:
        async for chunk in content:
            portion += chunk
            size += len(chunk)
            if size > _MOST:
                raise RollError(f"the file is longer than {_MOST >> 30} GB")
            if len(portion) >= _PORTION:
                await asyncio.to_thread(file.write, bytes(portion))
                portion.clear()
        file.write(portion)
