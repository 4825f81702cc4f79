"""The schema version: bringing a database to head, and reading where it is."""

from pathlib import Path
from typing import Final

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.database.engine import connect_arguments
from app.database.login_queries import AS_BACKUP, AS_SERVICE, SERVICE_ROLE, Logins, let_log_in, powers
from app.errors import OperationalError

_PROJECT: Final = Path(__file__).parents[2]
_CONNECT_WITHIN: Final = 15  # seconds
_TOO_POWERFUL: Final = (
    "DATABASE_URL: this login owns the tables or may become their owner: name a login of the service alone, and the"
    " owner's in MIGRATE_DATABASE_URL"
)


async def upgrade(url: str, revision: str = "head") -> None:
    """Bring the schema of the database at `url` (`postgresql+asyncpg://…`) to `revision`, in one transaction.

    The connecting user becomes, or is, the owner of the schema. Several processes may do so at once; within a process
    one upgrade after the other, since Alembic keeps its context in globals.
    """
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade, revision)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, revision: str) -> None:
    from alembic import command  # noqa: PLC0415  # 6 MB, which a service with a current schema need not hold
    from alembic.config import Config  # noqa: PLC0415  # the same

    configuration = Config(toml_file=_PROJECT / "pyproject.toml")
    configuration.attributes["connection"] = connection
    command.upgrade(configuration, revision)


async def is_current(url: str, name: str = "DATABASE_URL") -> bool:
    """Whether the schema of the database at `url`, its owner's login, is this program's.

    Raises:
        OperationalError: the database cannot be reached, or a newer version of this program has migrated it. The text
            has the setting's `name`.
    """
    connection = await _connect(url, name)
    try:
        return await _is_current(connection)
    finally:
        await connection.close()


async def check_service(url: str) -> None:
    """Check that the database at `url` can be used by the service with this login. Every command asks this first.

    Raises:
        OperationalError: the database cannot be reached, its schema is not this program's, or the login may do more
            than the service needs.
    """
    connection = await _connect(url)
    try:
        may = await powers(connection)
        if may.owns:
            raise OperationalError(_TOO_POWERFUL)
        if may.owns is False and not may.serves:
            raise OperationalError(f"DATABASE_URL: this login must be a member of the role {SERVICE_ROLE}")
        async with connection.transaction():
            if may.serves:
                await connection.execute(f"SET LOCAL ROLE {SERVICE_ROLE}")
            current = may.serves and await _is_current(connection)
    finally:
        await connection.close()
    if not current:
        raise OperationalError("the database's schema is not this program's: run `python -m app migrate`")


async def give_logins(logins: Logins) -> None:
    """Let the roles of the service and of the backups log in; where they can already, nothing changes.

    The schema must be at head, and `logins.owner` be known.

    Raises:
        OperationalError: the owner may not create roles.
    """
    connection = await _connect(logins.owner or "", "MIGRATE_DATABASE_URL")
    try:
        for url, rights in ((logins.service, AS_SERVICE), (logins.backup, AS_BACKUP)):
            if url:
                role = make_url(url)
                await let_log_in(connection, role.username or "", role.password, rights)
    except asyncpg.InsufficientPrivilegeError:
        why = "MIGRATE_DATABASE_URL: this login may not create the one of DATABASE_URL: have an administrator create it"
        raise OperationalError(why) from None
    finally:
        await connection.close()


async def _connect(url: str, name: str = "DATABASE_URL") -> asyncpg.Connection:
    try:
        return await asyncpg.connect(**connect_arguments(url), timeout=_CONNECT_WITHIN)
    except asyncpg.InvalidAuthorizationSpecificationError:
        why = "the server refuses this user or password"
    except asyncpg.InvalidCatalogNameError:
        why = "the server has no database of this name: create it first"
    except asyncpg.PostgresError as error:
        why = f"the server refuses the connection ({type(error).__name__})"
    except (OSError, TimeoutError):
        why = "no database server answers at this host and port"
    raise OperationalError(f"{name}: {why}")


async def _is_current(connection: asyncpg.Connection) -> bool:
    revision = await current_revision(connection)
    if revision is not None and revision not in _revisions():
        raise OperationalError("the database was migrated by a newer version of this program: use that version")
    return revision == head_revision()


def _revisions() -> list[str]:
    return [file.name.partition("_")[0] for file in (_PROJECT / "migrations" / "versions").glob("[0-9]*.py")]


def head_revision() -> str:
    """The newest revision this program knows: they are numbered, and the files of migrations begin with the number."""
    return max(_revisions())


async def current_revision(connection: asyncpg.Connection) -> str | None:
    """The revision the database is at; None before the first migration, when the table does not exist."""
    if not await connection.fetchval("SELECT to_regclass('public.alembic_version') IS NOT NULL"):
        return None
    revision: str | None = await connection.fetchval("SELECT version_num FROM public.alembic_version")
    return revision
