"""The embedded server, with real processes: starting, reaching and sharing it, and what is left after a kill."""

import asyncio
import fcntl
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import asyncpg
import pytest

from app.database.engine import connect_arguments
from app.database.server import EmbeddedServer, database_memory, memory_limit
from app.errors import NoDatabaseError, ServerError
from tests.servers import server_folder

_PROJECT = Path(__file__).parents[2]
_UNSYNCED = {"fsync": "off"}  # what these tests kill is processes, and the machine keeps what those have written
_STRANGER = 65533  # a user that runs nothing

_PROLOGUE = """
import asyncio, sys
from pathlib import Path
import asyncpg
from app.database.server import EmbeddedServer

async def query(server, sql):
    connection = await asyncpg.connect(server.dsn())
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()

folder = Path(sys.argv[1])
options = {"binaries": Path(sys.argv[2]) if sys.argv[2] else None, "settings": {"fsync": "off"}}
"""

Start = Callable[..., EmbeddedServer]


@pytest.fixture
def folder() -> Iterator[Path]:
    with server_folder("server-") as made:
        yield made


@pytest.fixture
def start(binaries: Path | None) -> Iterator[Start]:
    started: list[EmbeddedServer] = []

    def start_one(data_dir: Path, **options: object) -> EmbeddedServer:
        server = EmbeddedServer.start(data_dir, **({"binaries": binaries, "settings": _UNSYNCED} | options))  # type: ignore[arg-type]  # options of start
        started.append(server)
        return server

    yield start_one
    for server in reversed(started):
        server.stop(patience=0)


def a_program(text: str, folder: Path, binaries: Path | None) -> subprocess.Popen[str]:
    """A process of its own that uses the launcher, and prints."""
    return subprocess.Popen(  # noqa: S603  # the program is in this file
        [sys.executable, "-c", _PROLOGUE + text, str(folder), str(binaries or "")],
        cwd=_PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def a_line_of(program: subprocess.Popen[str]) -> str:
    assert program.stdout
    return program.stdout.readline().strip()


async def query(server: EmbeddedServer, sql: str) -> object:
    connection = await asyncpg.connect(server.dsn())
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def wait_until_no_process_is_left(folder: Path) -> None:
    """Every process of the server holds this lock, so it is granted when the last is gone."""
    cluster = os.open(folder / "postgres" / "cluster", os.O_RDONLY)
    fcntl.flock(cluster, fcntl.LOCK_EX)
    os.close(cluster)


def wait_until_it_is_known_dead(server: EmbeddedServer) -> None:
    while server.running:
        time.sleep(0.01)


def postmaster(folder: Path) -> int:
    return int((folder / "postgres" / "cluster" / "postmaster.pid").read_text().split()[0])


async def test_a_new_folder_becomes_a_database_that_keeps_what_it_acknowledged(folder: Path, start: Start) -> None:
    server = start(folder, settings={})
    wanted = {
        "fsync": "on",
        "synchronous_commit": "on",
        "wal_level": "replica",
        "server_encoding": "UTF8",
        "data_checksums": "on",
        "password_encryption": "scram-sha-256",
        "listen_addresses": "",
        "TimeZone": "UTC",
    }
    assert {name: await query(server, f"SHOW {name}") for name in wanted} == wanted
    assert await query(server, "SELECT current_user || ' ' || current_database()") == "recall_owner recall"
    assert await query(server, "SELECT lower('ÉÑ')") == "éñ"


async def test_what_was_written_is_there_after_a_stop_and_a_start(folder: Path, start: Start) -> None:
    first = start(folder)
    await query(first, "CREATE TABLE kept AS SELECT 7 AS seven")
    first.stop()
    first.stop()
    assert not first.running
    assert await query(start(folder), "SELECT seven FROM kept") == 7


async def test_its_sqlalchemy_url_leads_to_the_same_database(folder: Path, start: Start) -> None:
    connection = await asyncpg.connect(**connect_arguments(start(folder).url()))
    assert await connection.fetchval("SELECT current_database()") == "recall"
    await connection.close()


async def test_a_second_starter_is_refused_in_one_line_or_joins(folder: Path, start: Start) -> None:
    first = start(folder)
    with pytest.raises(ServerError, match=r"^the data folder .* is in use by another process$"):
        start(folder)
    second = start(folder, join=True)
    assert await query(second, "SELECT 1") == 1
    second.stop()
    assert first.running
    assert await query(first, "SELECT 1") == 1


async def test_a_process_that_joined_is_waited_for(folder: Path, start: Start, binaries: Path | None) -> None:
    server = start(folder)
    text = """
with EmbeddedServer.start(folder, join=True, **options) as server:
    print("joined", flush=True)
    print(asyncio.run(query(server, "SELECT 'slept' FROM pg_sleep(0.3)")), asyncio.run(query(server, "SELECT 1")))
"""
    with a_program(text, folder, binaries) as guest:
        assert a_line_of(guest) == "joined"
        server.stop(patience=60)
        assert a_line_of(guest) == "slept 1"
    assert guest.returncode == 0


async def test_processes_that_joined_do_not_keep_it_running_for_ever(folder: Path, start: Start) -> None:
    server, guest = start(folder), start(folder, join=True)
    server.stop(patience=0)
    assert not guest.running


def test_commands_that_start_at_once_share_one_new_server(folder: Path, binaries: Path | None) -> None:
    text = """
with EmbeddedServer.start(folder, join=True, **options) as server:
    print(asyncio.run(query(server, "SELECT 1")))
"""
    programs = [a_program(text, folder, binaries) for _ in range(4)]
    for program in programs:
        with program:
            assert a_line_of(program) == "1"
        assert program.returncode == 0


async def test_no_server_outlives_a_killed_service(folder: Path, start: Start, binaries: Path | None) -> None:
    text = """
server = EmbeddedServer.start(folder, **options)
print(asyncio.run(query(server, "CREATE TABLE kept AS SELECT 7 AS seven")), flush=True)
sys.stdin.read()
"""
    with a_program(text, folder, binaries) as service:
        assert a_line_of(service) == "None"
        service.kill()
    wait_until_no_process_is_left(folder)
    assert await query(start(folder), "SELECT seven FROM kept") == 7


async def test_a_killed_service_can_be_started_again_at_once(
    folder: Path,
    start: Start,
    binaries: Path | None,
) -> None:
    text = """
server = EmbeddedServer.start(folder, **options)
print("ready", flush=True)
asyncio.run(query(server, "CREATE TABLE lost AS SELECT pg_sleep(600)"))
"""
    with a_program(text, folder, binaries) as service:
        assert a_line_of(service) == "ready"
        service.kill()
    assert await query(start(folder), "SELECT to_regclass('lost')") is None


async def test_a_killed_server_is_revived_with_all_it_acknowledged(folder: Path, start: Start) -> None:
    server = start(folder)
    await query(server, "CREATE TABLE kept AS SELECT 7 AS seven")
    os.kill(postmaster(folder), signal.SIGKILL)
    wait_until_it_is_known_dead(server)
    server.revive()
    assert await query(server, "SELECT seven FROM kept") == 7


async def test_a_number_of_a_dead_process_that_another_has_now_is_no_obstacle(folder: Path, start: Start) -> None:
    start(folder).stop()
    noted = f"{os.getpid()}\n{folder}/postgres/cluster\n1\n5432\n{folder}/postgres/socket\n\n1 1\nready\n"
    for stale in ("cluster/postmaster.pid", "socket/.s.PGSQL.5432.lock"):
        (folder / "postgres" / stale).write_text(noted)
    assert await query(start(folder, join=True), "SELECT 1") == 1


def test_where_there_is_no_database_none_is_made_unless_that_is_asked_for(folder: Path, start: Start) -> None:
    with pytest.raises(NoDatabaseError, match=rf"^there is no database in {folder}: .*DATA_DIR.*migrate`$"):
        start(folder, create=False)
    assert list(folder.iterdir()) == []
    (folder / "postgres").mkdir(mode=0o700)
    with pytest.raises(NoDatabaseError):
        start(folder, create=False)
    assert list((folder / "postgres").iterdir()) == []
    start(folder).stop()
    assert start(folder, create=False).running


async def test_a_cluster_made_halfway_is_made_anew(folder: Path, start: Start) -> None:
    (folder / "postgres" / "cluster.new" / "base").mkdir(parents=True, mode=0o700)
    (folder / "postgres").chmod(0o700)
    assert await query(start(folder), "SELECT 1") == 1


def test_the_folder_of_another_major_version_is_refused_in_one_line(folder: Path, start: Start) -> None:
    start(folder).stop()
    (folder / "postgres" / "cluster" / "PG_VERSION").write_text("9\n")
    with pytest.raises(ServerError, match=r"^the data folder .* was made by PostgreSQL 9, this is \d+: .*PG_BIN.*$"):
        start(folder)


def test_binaries_that_are_not_there_are_named(folder: Path, start: Start) -> None:
    with pytest.raises(ServerError, match=r"^no PostgreSQL binaries in /nowhere$"):
        start(folder, binaries=Path("/nowhere"))


def test_a_machine_with_no_user_to_run_it_says_so_in_one_line(folder: Path, start: Start) -> None:
    with pytest.raises(ServerError, match=r"^(PostgreSQL does not run as root, |this user cannot run ).*$"):
        start(folder, identities=[])


async def test_a_user_who_cannot_run_it_leaves_the_folder_to_the_next(folder: Path, start: Start) -> None:
    with pytest.raises(ServerError, match=r": postgres failed: .*$"):
        start(folder, identities=["namespace:-1:-1"])
    assert await query(start(folder), "SELECT 1") == 1


@pytest.fixture
def closed_folder(folder: Path) -> Path:
    folder.chmod(0o700)  # the user that root drops to does not get through
    return folder


async def test_a_data_folder_that_only_its_user_can_reach_is_served_too(closed_folder: Path, start: Start) -> None:
    assert await query(start(closed_folder / "deep" / "down"), "SELECT 1") == 1


def test_its_folders_are_closed_to_everybody_else(folder: Path, start: Start) -> None:
    start(folder)
    closed = [folder / "postgres", folder / "postgres" / "socket", folder / "postgres" / "cluster"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in closed] == [0o700] * 3


def test_a_stranger_cannot_reach_it(folder: Path, start: Start) -> None:
    start(folder)
    text = f"""
import os, socket, sys
if os.geteuid() == 0:
    os.setgroups([]), os.setgid({_STRANGER}), os.setuid({_STRANGER})
    try:
        socket.socket(socket.AF_UNIX).connect(sys.argv[1])
    except PermissionError:
        sys.exit("refused")
else:
    sys.exit("refused")  # an ordinary user cannot become another: the modes of the folders stand for it
"""
    socket = folder / "postgres" / "socket" / ".s.PGSQL.5432"
    stranger = subprocess.run(  # noqa: S603  # the program is in this file
        [sys.executable, "-I", "-c", text, socket],
        check=False,
        capture_output=True,
        text=True,
    )
    assert stranger.stderr.strip() == "refused"


async def test_a_path_too_long_for_a_socket_is_served_on_the_loopback_with_a_password(
    folder: Path,
    start: Start,
) -> None:
    deep = folder / ("x" * 100)
    server, guest = start(deep), start(deep, join=True)
    assert await query(server, "SHOW unix_socket_directories") == ""
    assert await query(guest, "SELECT host(inet_server_addr())") == "127.0.0.1"
    connection = await asyncpg.connect(**connect_arguments(server.url()))
    await connection.close()
    address = urlsplit(server.dsn())
    assert address.password
    assert stat.S_IMODE((deep / "postgres" / "password").stat().st_mode) == 0o600
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.dsn().replace(address.password, "guessed"))


async def test_a_path_with_every_odd_character_is_served(folder: Path, start: Start) -> None:
    assert await query(start(folder / "a b'é%20"), "SELECT 1") == 1
    assert await query(start(folder / 'a,b:c"d'), "SELECT 1") == 1


async def test_nothing_of_a_statement_or_its_values_is_logged(folder: Path, start: Start) -> None:
    server = start(folder)
    connection = await asyncpg.connect(server.dsn())
    await connection.execute("CREATE TABLE people (name text PRIMARY KEY, age int CHECK (age > 0))")
    await connection.execute("INSERT INTO people VALUES ('Quillfeather', 1)")
    for failing in (
        "INSERT INTO people VALUES ('Quillfeather', 2)",
        "INSERT INTO people VALUES ('Quillfeather II', -1)",
        "SELECT 'Quillfeather'::int",
        "DO $$ BEGIN RAISE WARNING 'Quillfeather'; END $$; SELECT 1 / 0",
    ):
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute(failing)
    with pytest.raises(asyncpg.PostgresError):
        await connection.execute("INSERT INTO people VALUES ($1, 1)", "Quillfeather")
    backend = await connection.fetchval("SELECT pg_backend_pid()")
    statement = asyncio.create_task(connection.execute("SELECT pg_sleep(600), 'Quillfeather'"))
    await asyncio.sleep(0.1)
    os.kill(backend, signal.SIGKILL)  # the server notes which statement its dead process was running
    with pytest.raises((asyncpg.PostgresError, ConnectionError)):
        await statement
    server.stop()
    log = (folder / "postgres" / "log").read_text()
    assert "was terminated by signal 9" in log
    assert "Quillfeather" not in log
    assert "people" not in log


def test_it_is_started_from_the_main_thread_only_since_it_ends_with_its_thread(folder: Path, start: Start) -> None:
    errors: list[ServerError] = []

    def elsewhere() -> None:
        try:
            start(folder)
        except ServerError as error:
            errors.append(error)

    thread = Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert [str(error) for error in errors] == ["the embedded server must be started from the main thread"]


@pytest.mark.parametrize(
    ("gigabytes", "buffers", "cache"),
    [(0.25, "128MB", "128MB"), (2, "512MB", "1024MB"), (8, "2048MB", "4096MB"), (64, "4096MB", "32768MB")],
)
def test_the_database_gets_a_quarter_of_the_memory(gigabytes: float, buffers: str, cache: str) -> None:
    settings = database_memory(int(gigabytes * 2**30))
    assert settings == {"shared_buffers": buffers, "effective_cache_size": cache}


def test_what_a_container_may_use_counts(tmp_path: Path) -> None:
    limit, all_of_it = tmp_path / "memory.max", memory_limit(tmp_path / "missing")
    limit.write_text("max\n")
    assert memory_limit(limit) == all_of_it
    limit.write_text("536870912\n")
    assert memory_limit(limit) == 2**29
