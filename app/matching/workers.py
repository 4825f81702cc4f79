"""Deciding lines in worker processes: it takes most of a line's time, and polls of the tally must not wait for it.

Each worker has connections of its own. Lines are decided even if every worker fails: then they are decided here.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import asyncpg

from app.database.pools import no_reset
from app.errors import WorkerDiedError, WorkerFailedError
from app.matching.decision import Decision
from app.matching.lookup import SCHEDULER, TERM_CACHE, LineToDecide, aliases_of, decide_lines
from app.matching.queries import SearchedRoll
from app.processes import Handler, WorkerPool

_PATIENCE = 60.0  # seconds: longer than a worker waits for the database. One that hangs is replaced much sooner
_WORTH_PARTING: Final = 16  # lines: fewer are decided sooner by one worker than by two, each with its own statements
_PART: Final = 250  # lines at most that are decided at a time: 500 would take 20 MB more of each worker
_TERMS_KEPT: Final = 30_000  # frequencies and corrections; the others are in the roll's dictionary
_CONNECTIONS: Final = 2  # requests that a worker handles at a time: while one waits for the database, the other


# The county, the versions of its roll and of its aliases, and the lines. A worker reads the aliases itself.
LookupRequest = tuple[str, int, int, Sequence[LineToDecide]]


class Matchers(WorkerPool[LookupRequest, list[Decision]]):
    """The workers that decide lines."""

    def __init__(self, arguments: Mapping[str, Any], count: int) -> None:
        """Use `count` processes and the database that `asyncpg.connect` reaches with these arguments."""
        super().__init__(open_matcher, dict(arguments), count)
        self.without = 0  # lines that no worker decided, though there are some

    async def decide_lines(self, roll: SearchedRoll, lines: Sequence[LineToDecide]) -> list[Decision]:
        """Return the decision on each line, in their order: by the workers, or here if they fail or are silent."""
        parts = in_parts(lines, self.idle() if len(lines) >= _WORTH_PARTING else 1)
        asked = [self._ask((roll.county_id, roll.roll_version, roll.aliases.version, part)) for part in parts]
        found = list[Decision]()
        for part, answer in zip(parts, await asyncio.gather(*asked), strict=True):
            self.without += len(part) if self.workers and answer is None else 0
            found += answer or await decide_lines(roll, part)
        return found

    async def _ask(self, request: LookupRequest) -> list[Decision] | None:
        """The decisions of a worker, of another one if the first dies or is replaced; None where they fail."""
        with suppress(WorkerFailedError, TimeoutError):  # another worker would meet the same
            while self.states()["running"]:
                with suppress(WorkerDiedError):
                    return await asyncio.wait_for(self.submit(request), _PATIENCE)
        return None


def in_parts(lines: Sequence[LineToDecide], least: int = 1) -> list[Sequence[LineToDecide]]:
    """Cut lines into as few parts as memory allows, but at least `least`, all of nearly the same length."""
    count = max(-(-len(lines) // _PART), least) if lines else 0
    return [lines[len(lines) * at // count : len(lines) * (at + 1) // count] for at in range(count)]


async def open_matcher(arguments: dict[str, Any]) -> Handler[LookupRequest, list[Decision]]:
    """Open the connections of a worker and return the function that answers its requests."""
    SCHEDULER.lines_per_slice = 1_000  # here nothing else waits for the event loop
    TERM_CACHE.with_dictionary, TERM_CACHE.max_terms = True, _TERMS_KEPT
    pool = await asyncpg.create_pool(**arguments, min_size=0, max_size=_CONNECTIONS, command_timeout=40, reset=no_reset)

    async def decide(asked: LookupRequest) -> list[Decision]:
        county_id, roll_version, aliases_version, lines = asked
        async with pool.acquire(timeout=20) as connection:
            aliases = await aliases_of(connection, county_id, aliases_version)
            if aliases.version != aliases_version:
                raise LookupError
            return await decide_lines(SearchedRoll(connection, county_id, roll_version, aliases), lines)

    return decide
