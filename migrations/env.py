"""How Alembic reaches the database: on the connection it is handed, or with `alembic -x url=postgresql+asyncpg://…`."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

# Two processes that migrate one database at the same time take turns; the second finds nothing left to do.
TURN = text("SELECT pg_advisory_xact_lock(hashtextextended('recall: migrate', 0))")
# A migration that waits for a table makes everyone behind it wait as well: it gives up quickly and is run again.
TIMEOUTS = (text("SET LOCAL lock_timeout = '5s'"), text("SET LOCAL statement_timeout = '15min'"))


def run_migrations(connection: Connection) -> None:
    """Bring the schema to the revision asked for, inside the caller's transaction."""
    connection.execute(TURN)
    for statement in TIMEOUTS:
        connection.execute(statement)
    context.configure(connection=connection, transaction_per_migration=False)
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_run(url: str) -> None:
    """The same over a connection of our own, for the `alembic` command."""
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(run_migrations)
    await engine.dispose()


given = context.config.attributes.get("connection")
if given is not None:
    run_migrations(given)
else:
    asyncio.run(connect_and_run(context.get_x_argument(as_dictionary=True)["url"]))
