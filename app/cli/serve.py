"""`python -m app serve` and `migrate`."""

import asyncio
import contextlib
import gc
import logging
import socket
import sys
from dataclasses import replace
from functools import partial
from types import FrameType
from typing import Any, Final

import uvicorn
import uvloop
from fastapi import FastAPI

from app.cli import common as cli
from app.compiled import IN_USE
from app.database.backup import Archive, keep_backups
from app.database.engine import open_database
from app.database.login_queries import Logins
from app.database.server import EmbeddedServer
from app.errors import ServerError
from app.http.connections import ConnectionLimit, DeadlineProtocol, raise_file_limit
from app.main import create_app, end_streams
from app.settings import Settings
from app.telemetry import REQUEST_LOG, configure_logs

logger = logging.getLogger("app.serve")
_WATCH_EVERY = 0.5  # seconds between looks at the embedded server
_START_AGAIN = 2  # seconds after the embedded server did not start
_DRAIN = 7  # seconds that requests under way are given; the rest of ten is for hanging up
_OPTIONS: Final[dict[str, Any]] = {"ws": "none", "server_header": False, "log_config": None, "access_log": False}


def add_parser(subparsers: cli.Subparsers) -> None:
    """Add the commands."""
    serve = cli.add_command(subparsers, "serve", "serve until SIGTERM, then finish the requests under way")
    serve.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
    serve.add_argument("--port", type=cli.a_port, default=8000, help="default: 8000; 0 takes any free port")
    text = "bring the database to this program's schema first, with the login of MIGRATE_DATABASE_URL"
    serve.add_argument("--migrate", action="store_true", help=text)
    serve.set_defaults(run=_serve)
    migrate = cli.add_command(subparsers, "migrate", "bring the database to this program's schema")
    migrate.set_defaults(run=_migrate)


def _migrate(_: cli.Arguments) -> None:
    settings = Settings.from_environment()
    with cli.database_logins(settings, create=True) as logins:
        asyncio.run(cli.prepare(logins, settings, migrate=True))


def _serve(arguments: cli.Arguments) -> None:
    # The objects of a batch are freed by reference counts. Collecting cycles after every 700 objects took a quarter of
    # the matching time, since it visits the dictionaries of a roll each time.
    gc.set_threshold(50_000, 20, 100)
    settings = Settings.from_environment()
    configure_logs(settings.log_format)
    if settings.database_url:
        uvloop.run(_run(arguments, settings, Logins(settings.database_url, settings.migrate_database_url), None))
        return
    with EmbeddedServer.start(settings.data_dir, binaries=settings.pg_bin) as server:
        uvloop.run(_run(arguments, settings, server.logins(), server))


class _Server(uvicorn.Server):
    """Prints its address once it listens, and ends the streams before it waits for the requests under way."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app, self._hint = app, " (documentation at /docs)" if app.openapi_url else ""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop: a stream would otherwise continue until it is cut."""
        end_streams(self._app)
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and print the address."""
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            print(f"listening on http://{host}:{port}{self._hint}", flush=True)


async def _run(arguments: cli.Arguments, settings: Settings, logins: Logins, server: EmbeddedServer | None) -> None:
    await cli.prepare(logins, settings, migrate=arguments.migrate or not settings.database_url)
    database = await open_database(logins.service, intake=1, reading=1)
    try:
        await cli.first_signer(settings, database)  # what is wrong with the key is reported before anything starts
    finally:
        await database.close()
    most = raise_file_limit()
    logger.info("lines are looked up by %s code", "compiled" if IN_USE else "interpreted")
    # Streams leave a third of the connections to those who post.
    app = create_app(replace(settings, streams=min(settings.streams, most * 2 // 3)), logins.service)
    serving = _Server(_config(app, arguments, settings, most), app)
    archive = None
    if logins.backup and settings.backup_dir:
        archive = Archive(logins.backup, settings.backup_dir, settings.pg_bin, settings.data_dir)
    keeping = asyncio.gather(_keep_running(server), keep_backups(archive))
    REQUEST_LOG.open(settings.log_format)
    try:
        await serving.serve()
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
    if not serving.started:
        raise cli.CommandError("the service did not start")


def _config(app: FastAPI, arguments: cli.Arguments, settings: Settings, most: int) -> uvicorn.Config:
    """How uvicorn serves, with so many connections at most."""
    protocol = partial(DeadlineProtocol, ConnectionLimit(most), frozenset(settings.allowed_hosts))
    proxies: dict[str, Any] = {
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": [*settings.trusted_proxies],
    }
    options = {**_OPTIONS, **proxies, "http": protocol, "timeout_graceful_shutdown": _DRAIN}
    return uvicorn.Config(app, arguments.host, arguments.port, **options)


async def _keep_running(server: EmbeddedServer | None) -> None:
    """Restart the embedded server, if any, whenever it ends unexpectedly: what was committed is still there.

    Where it does not start, as on a full disk, that is tried again.
    """
    while server:
        await asyncio.sleep(_WATCH_EVERY)
        if not server.running:
            print("the embedded database ended; starting it again", file=sys.stderr, flush=True)
            try:
                server.revive()
            except (ServerError, OSError) as error:
                print(f"error: {error}", file=sys.stderr, flush=True)
                await asyncio.sleep(_START_AGAIN)
