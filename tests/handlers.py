"""Handlers of worker processes for tests/test_processes.py, in a module that loads fast."""

import asyncio
import os
from collections.abc import Awaitable, Callable

from app.errors import FileFault, RollError

Handle = Callable[[str | bytes], Awaitable[str | bytes | int]]


async def open_echo(greeting: str) -> Handle:
    """Answer with the request, or do what it names."""

    async def handle(request: str | bytes) -> str | bytes | int:
        if request == "greeting":
            return greeting
        if request == "id":
            return os.getpid()
        if request == "hang":
            await asyncio.Event().wait()
        if request == "die":
            os._exit(1)
        if request == "refuse":
            raise RollError(FileFault("empty", row=7, column="voter_id"), FileFault("too long", row=8))
        if request == "fail":
            raise ValueError("Quillfeather")
        return request

    return handle
