"""What every command shares: its database, its clock, its way of failing."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any, TypeAlias

from app.database.engine import open_database
from app.database.migrate import is_current, upgrade
from app.database.pools import Database
from app.database.server import EmbeddedServer
from app.errors import CheckpointKeyError, OperationalError, SchemaError
from app.ledger.notes import Signer
from app.settings import Settings

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001  # it has no public name


class CommandError(OperationalError):
    """A command that cannot do what it was asked."""


@contextmanager
def database_url(settings: Settings, *, create: bool = False) -> Iterator[str]:
    """The address of the database: the given one, or the embedded server's, which is joined if the service runs.

    Raises:
        NoDatabaseError: there is no embedded database, and `create` does not allow to make one.
        ServerError: the embedded server cannot be used.
    """
    if settings.database_url:
        yield settings.database_url
        return
    with EmbeddedServer.start(settings.data_dir, join=True, create=create, binaries=settings.pg_bin) as server:
        yield server.url()


@asynccontextmanager
async def database(url: str, settings: Settings) -> AsyncIterator[Database]:
    """The pools of a command, small ones; `check_schema` has the errors."""
    await check_schema(url, migrate=not settings.database_url)
    opened = await open_database(url, intake=2, reading=2)
    try:
        yield opened
    finally:
        await opened.close()


async def check_schema(url: str, *, migrate: bool) -> None:
    """Bring the database to this program's schema if `migrate` allows it: always for the embedded one.

    Raises:
        DatabaseConnectionError: the database cannot be reached.
        SchemaError: its schema is older and may not be changed, or newer.
    """
    if await is_current(url):
        return
    if not migrate:
        raise SchemaError("the database's schema is not this program's: run `python -m app migrate`")
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
