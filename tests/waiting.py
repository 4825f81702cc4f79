"""Waiting for what happens by itself."""

import asyncio
from collections.abc import Awaitable, Callable

_TURNS = 1200  # of 50 ms: only a failing test waits them out


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until the condition holds."""
    for _ in range(_TURNS):
        if await condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came true")
