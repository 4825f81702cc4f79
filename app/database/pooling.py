"""How a connection is returned to a pool of the driver."""

import asyncpg


async def no_reset(_connection: asyncpg.Connection) -> None:
    """Return a connection without a round trip: the driver has rolled back an open transaction already.

    The driver's own reset would in addition undo what outlives a transaction: settings, listeners, session locks, held
    cursors. The hot path leaves none (a test checks), and a lone station would wait for the reset at each transaction.
    """
