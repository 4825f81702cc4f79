"""What every command shares: its database, its clock, its way of failing."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any, TypeAlias

from app.database.engine import Database, open_database
from app.database.migrate import is_current, upgrade
from app.database.server import EmbeddedServer
from app.errors import CheckpointKeyError
from app.ledger.checkpoints import Signer
from app.settings import Settings

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001  # it has no public name


class CommandError(Exception):
    """A command that cannot do what it was asked; the text is one line for a person."""


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """The database: the given one, else the embedded server, joined where the service runs beside this command.

    The embedded one is brought to this program's schema; a given one only by `migrate`.
    """
    if settings.database_url:
        yield settings.database_url
        return
    with EmbeddedServer.start(settings.data_dir, join=True, binaries=settings.pg_bin) as server:
        yield server.url()


@asynccontextmanager
async def database(url: str, settings: Settings) -> AsyncIterator[Database]:
    """The pools of a command, small ones.

    Raises:
        CommandError: the schema is not this program's.
    """
    await check_schema(url, settings)
    opened = await open_database(url, intake=2, reading=2)
    try:
        yield opened
    finally:
        await opened.close()


async def check_schema(url: str, settings: Settings) -> None:
    """Bring the embedded database to this program's schema; ask for it where the database was given.

    Raises:
        CommandError: a given database has another schema.
    """
    if await is_current(url):
        return
    if settings.database_url:
        raise CommandError("the database's schema is not this program's: run `python -m app migrate`")
    await upgrade(url)


def signer(settings: Settings) -> Signer:
    """The key that signs checkpoints.

    Raises:
        CommandError: there is no such key.
    """
    try:
        return Signer.from_file(settings.checkpoint_key, create=settings.checkpoint_key_file is None)
    except CheckpointKeyError:
        name = "CHECKPOINT_KEY_FILE" if settings.checkpoint_key_file else "DATA_DIR: checkpoint.key"
        raise CommandError(f"{name} must be a file with an Ed25519 key in PEM") from None


Work = Callable[[argparse.Namespace, Database], Coroutine[Any, Any, int | None]]  # its exit status; None is 0


def over_database(work: Work) -> Callable[[argparse.Namespace], int]:
    """A command's `run` from what it does with the database."""

    def run(arguments: argparse.Namespace) -> int:
        settings = Settings.from_environment()

        async def main(url: str) -> int:
            async with database(url, settings) as opened:
                return await work(arguments, opened) or 0

        with database_url(settings) as url:
            return asyncio.run(main(url))

    return run


def now() -> datetime:
    """The clock."""
    return datetime.now(UTC)
