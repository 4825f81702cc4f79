"""Fail points: a task stops before its n-th statement until it is let go. The driver is wrapped, not the service."""

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import Random
from typing import Any

import asyncpg
import pytest


@dataclass
class Stop:
    """Where a task stops: before its statement number `at`, counted from 0, BEGIN and COMMIT included."""

    at: int
    passed: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def statement(self) -> None:
        """Called before each statement."""
        number, self.passed = self.passed, self.passed + 1
        if number == self.at:
            self.reached.set()
            await self.go.wait()


@dataclass
class Jitter:
    """Where a task waits: a moment before each statement, drawn."""

    draw: Random

    async def statement(self) -> None:
        """Called before each statement."""
        await asyncio.sleep(self.draw.choice([0, 0, 0.001, 0.003]))


STOP: ContextVar[Stop | Jitter | None] = ContextVar("STOP", default=None)


def install(patch: pytest.MonkeyPatch) -> None:
    """Let every statement of the driver pass the running task's stop."""
    for name in ("fetch", "fetchrow", "fetchval", "execute"):
        patch.setattr(asyncpg.Connection, name, _stopping(getattr(asyncpg.Connection, name)))


def _stopping(method: Any) -> Any:  # noqa: ANN401  # a method of the driver
    async def run(connection: asyncpg.Connection, *arguments: Any, **more: Any) -> Any:  # noqa: ANN401  # the driver's
        stop = STOP.get()
        if stop:
            await stop.statement()
        return await method(connection, *arguments, **more)

    return run
