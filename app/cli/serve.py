"""`python -m app serve` and `migrate`."""

import argparse
import asyncio
import contextlib
import gc
import socket
import sys
from collections.abc import AsyncIterator
from types import FrameType

import uvicorn
import uvloop
from fastapi import FastAPI

from app.cli.arguments import a_port, add_command
from app.cli.common import CommandError, Subparsers, check_schema, database_url, signer
from app.database.server import EmbeddedServer
from app.http.connections import DeadlineProtocol
from app.logs import configure
from app.main import create_app, end_streams
from app.settings import Settings

_WATCH_EVERY = 0.5  # seconds between looks at the embedded server
_DRAIN = 7  # seconds that requests under way are given; the rest of ten is for hanging up


def add_parser(subparsers: "Subparsers") -> None:
    """Add the commands."""
    serve = add_command(subparsers, "serve", "serve until SIGTERM, then finish the requests under way")
    serve.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
    serve.add_argument("--port", type=a_port, default=8000, help="default: 8000; 0 takes any free port")
    text = "bring the database that DATABASE_URL names to this program's schema first"
    serve.add_argument("--migrate", action="store_true", help=text)
    serve.set_defaults(run=_serve)
    migrate = add_command(subparsers, "migrate", "bring the database to this program's schema")
    migrate.set_defaults(run=_migrate)


def _migrate(_: argparse.Namespace) -> int:
    with database_url(Settings.from_environment(), create=True) as url:
        asyncio.run(check_schema(url, migrate=True))
    return 0


def _serve(arguments: argparse.Namespace) -> int:
    # The objects of a batch are freed by reference counts. Collecting cycles after every 700 objects took a quarter of
    # the matching time, since it visits the dictionaries of a roll each time.
    gc.set_threshold(50_000, 20, 100)
    settings = Settings.from_environment()
    configure(settings.log_format)
    if settings.database_url:
        uvloop.run(_run(arguments, settings, settings.database_url, None))
        return 0
    with EmbeddedServer.start(settings.data_dir, binaries=settings.pg_bin) as server:
        uvloop.run(_run(arguments, settings, server.url(), server))
    return 0


class _Server(uvicorn.Server):
    """Prints its address once it listens, and ends the streams before it waits for the requests under way."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop: a stream would otherwise continue until it is cut."""
        end_streams(self._app)
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and print the address."""
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            print(f"listening on http://{host}:{port} (documentation at /docs)", flush=True)


async def _run(arguments: argparse.Namespace, settings: Settings, url: str, server: EmbeddedServer | None) -> None:
    await check_schema(url, migrate=arguments.migrate or not settings.database_url)
    signer(settings)  # a key that cannot sign is reported in one line, before anything starts
    app = create_app(settings, url)
    config = uvicorn.Config(
        app,
        http=DeadlineProtocol,
        ws="none",
        host=arguments.host,
        port=arguments.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_DRAIN,
    )
    async with _kept_alive(server):
        serving = _Server(config, app)
        await serving.serve()
    if not serving.started:
        raise CommandError("the service did not start")


@contextlib.asynccontextmanager
async def _kept_alive(server: EmbeddedServer | None) -> AsyncIterator[None]:
    """Restart the embedded server whenever it ends unexpectedly: what was committed is still there."""

    async def watch(running: EmbeddedServer) -> None:
        while True:
            await asyncio.sleep(_WATCH_EVERY)
            if not running.running:
                print("the embedded database ended; starting it again", file=sys.stderr, flush=True)
                running.revive()

    task = asyncio.create_task(watch(server)) if server else None
    try:
        yield
    finally:
        if task:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
