"""Giving connections back to a pool of the driver."""

import asyncpg


async def as_it_is(_connection: asyncpg.Connection) -> None:
    """Give a connection back without a round trip: the driver has rolled an open transaction back already.

    Its own reset undoes in addition what outlives a transaction: settings, listeners, session locks, held cursors. The
    hot path leaves none (a test looks), and each transaction of a lone station would wait for the answer.
    """
