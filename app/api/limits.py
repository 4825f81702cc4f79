"""How much a process takes at once, and from each key: what goes beyond is told when to come again."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import problem_of, render
from app.domain.errors import BusyError

_AT_ONCE: Final = 1_000  # requests under way, streams among them
_ALWAYS: Final = ("/health/live", "/health/ready", "/metrics")  # who asks how we are must hear it when it is worst


class Limit:
    """Middleware: so many requests at once, and no queue without end behind them."""

    def __init__(self, app: ASGIApp, at_once: int = _AT_ONCE) -> None:
        """Wrap the application."""
        self.app = app
        self.at_once = at_once
        self.under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http" or scope["path"] in _ALWAYS:
            await self.app(scope, receive, send)
        elif self.under_way >= self.at_once:
            await render(problem_of(BusyError()), scope["state"]["request_id"])(scope, receive, send)
        else:
            self.under_way += 1
            try:
                await self.app(scope, receive, send)
            finally:
                self.under_way -= 1


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a key may still do."""

    allowed: bool
    limit: int
    remaining: int
    reset: int  # seconds until the whole limit is there again; where nothing is allowed, until something is

    def headers(self) -> dict[str, str]:
        """As clients know them, in the small letters of ASGI."""
        return {
            "ratelimit-limit": str(self.limit),
            "ratelimit-remaining": str(self.remaining),
            "ratelimit-reset": str(self.reset),
        }


class RateLimit:
    """A bucket of requests for each key, filled steadily: a burst of two seconds' worth is fine."""

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow each key so many requests a second."""
        self._per_second = per_second
        self._size = 2 * per_second
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # key -> how full it was, and when

    def take(self, key: str) -> Allowance:
        """Take one request out of the key's bucket, if there is one."""
        now = self._clock()
        content, then = self._buckets.get(key, (float(self._size), now))
        content = min(float(self._size), content + (now - then) * self._per_second)
        allowed = content >= 1
        content -= 1 if allowed else 0
        self._buckets[key] = content, now
        missing = self._size - content if allowed else 1 - content
        return Allowance(allowed, self._size, int(content), ceil(missing / self._per_second))
