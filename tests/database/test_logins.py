"""The service logs in as a role that is no superuser, owns nothing and cannot become a role that does."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from app.database.backup import Archive
from app.database.login_queries import BACKUP_ROLE, OWNER_ROLE, SERVICE_ROLE
from app.database.migrate import current_revision, head_revision, upgrade
from app.database.pools import Database
from app.database.server import EmbeddedServer
from tests.commands import command
from tests.http.conftest import a_process
from tests.servers import prepared, server_folder

ID = "0197c2f4-93a4-7cc1-8f0e-1b2c3d4e5f60"
PASSWORD = "Kestrel-9-umbrella"
# Of all clients but the one that asks, whose login must be the owner's.
SESSIONS = """
SELECT usename FROM pg_stat_activity WHERE backend_type IN ('client backend', 'walsender') AND pid <> pg_backend_pid()
"""
FORBIDDEN = [
    f"SET ROLE {OWNER_ROLE}",
    f"SET ROLE {BACKUP_ROLE}",
    f"SET SESSION AUTHORIZATION {OWNER_ROLE}",
    "SET session_replication_role = 'replica'",
    "DROP TABLE ledger",
    "ALTER TABLE ledger DISABLE TRIGGER ALL",
    f"ALTER TABLE ledger OWNER TO {SERVICE_ROLE}",
    "UPDATE ledger SET payload = payload",
    "DELETE FROM finding",
    "TRUNCATE ledger",
    "UPDATE api_key SET role = 'admin'",
    "UPDATE alembic_version SET version_num = '9999'",
    "CREATE TABLE mine (number int)",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE EXTENSION file_fdw",
    "CREATE ROLE mine",
    f"ALTER ROLE {SERVICE_ROLE} SUPERUSER",
    f"GRANT {OWNER_ROLE} TO {SERVICE_ROLE}",
    "ALTER SYSTEM SET fsync = off",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT pg_ls_dir('.')",
    "SELECT lo_import('/etc/hostname')",
    "COPY county FROM '/etc/hostname'",
    "COPY county TO '/tmp/county'",
    "COPY county TO PROGRAM 'true'",
    "SELECT pg_create_physical_replication_slot('mine')",
    "SELECT rolpassword FROM pg_authid",
]


async def test_a_statement_smuggled_into_the_service_gains_nothing(service: Database) -> None:
    allowed = []
    async with service.reading() as connection:
        await connection.execute("RESET ROLE")
        for statement in FORBIDDEN:
            try:
                await connection.execute(statement)
                allowed.append(statement)
            except asyncpg.InsufficientPrivilegeError:
                pass
    assert allowed == []


async def test_no_session_of_a_running_service_has_another_login(
    database: str, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    async with a_process(database, tmp_path, MATCHERS="2"):
        found = [row["usename"] for row in await connection.fetch(f"{SESSIONS} AND datname = current_database()")]
    assert len(found) >= 4
    assert set(found) == {SERVICE_ROLE}


@pytest.fixture(scope="module")
def over_tcp(binaries: Path | None) -> Iterator[EmbeddedServer]:
    """A server that asks for a password, as a given one does."""
    settings = {"fsync": "off"}
    with (
        server_folder("logins-") as folder,
        EmbeddedServer.start(folder / ("x" * 100), binaries=binaries, settings=settings) as server,
    ):
        yield server


async def run(*arguments: str, **environment: str) -> tuple[int, str]:
    """A command's status, and what it printed on standard error."""
    status, _, errors = await command(*arguments, environment={**os.environ, **environment})
    return status, errors


async def given(server: EmbeddedServer, name: str) -> dict[str, str]:
    """The settings for a database of the server of its own: its owner's login, and one of the service's that is new."""
    connection = await asyncpg.connect(server.dsn("postgres"))
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    owner = server.url(name)
    service = f"postgresql+asyncpg://{name}:{PASSWORD}@{owner.partition('@')[2]}"
    return {"DATABASE_URL": service, "MIGRATE_DATABASE_URL": owner}


async def test_migrate_creates_the_services_login_of_a_given_database(over_tcp: EmbeddedServer) -> None:
    urls = await given(over_tcp, "fresh")
    assert await run("migrate", **urls) == (0, "")
    del urls["MIGRATE_DATABASE_URL"]
    assert (await run("keys", "list", "--county", "c", **urls))[0] == 0
    wrong = urls["DATABASE_URL"].replace(PASSWORD, PASSWORD[::-1])
    assert await run("tally", ID, DATABASE_URL=wrong) == (
        1,
        "error: DATABASE_URL: the server refuses this user or password\n",
    )
    connection = await asyncpg.connect(urls["DATABASE_URL"].replace("+asyncpg", ""))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("DROP TABLE ledger")
    await connection.execute("SELECT FROM ledger")
    await connection.close()


async def test_an_owners_login_is_refused_where_the_service_needs_less(over_tcp: EmbeddedServer) -> None:
    urls = await given(over_tcp, "owned")
    owner = urls["MIGRATE_DATABASE_URL"]
    refused = "error: DATABASE_URL: this login owns the tables or may become their owner: name a login of the service"
    for arguments in (["serve", "--port", "0"], ["migrate"], ["serve", "--port", "0", "--migrate"], ["verify", ID]):
        status, printed = await run(*arguments, **{**urls, "DATABASE_URL": owner})
        assert (status, printed.count("\n")) == (1, 1)
        assert printed.startswith(refused)
    connection = await asyncpg.connect(over_tcp.dsn("owned"))
    for statement in ("SUPERUSER", "NOSUPERUSER CREATEROLE", f"NOCREATEROLE IN ROLE {OWNER_ROLE}"):
        await connection.execute("DROP ROLE IF EXISTS mighty")
        await connection.execute(f"CREATE ROLE mighty LOGIN PASSWORD '{PASSWORD}' {statement}")
        mighty = f"postgresql+asyncpg://mighty:{PASSWORD}@{owner.partition('@')[2]}"
        assert (await run("serve", "--port", "0", DATABASE_URL=mighty))[1].startswith(refused)
    await connection.close()


async def test_without_its_owners_login_a_given_database_is_not_migrated(database: str) -> None:
    why = "error: name the login of the owner of the tables in MIGRATE_DATABASE_URL\n"
    for arguments in (["migrate"], ["serve", "--migrate", "--port", "0"]):
        assert await run(*arguments, DATABASE_URL=database) == (1, why)


async def test_a_login_without_the_services_rights_is_named(database: str, connection: asyncpg.Connection) -> None:
    await connection.execute("CREATE ROLE stranger LOGIN")
    try:
        url = database.replace(f"//{SERVICE_ROLE}:", "//stranger:")
        why = f"error: DATABASE_URL: this login must be a member of the role {SERVICE_ROLE}\n"
        assert await run("tally", ID, DATABASE_URL=url) == (1, why)
    finally:
        await connection.execute("DROP ROLE stranger")


@pytest.fixture
def folder() -> Iterator[Path]:
    with server_folder("logins-") as made:
        yield made


async def test_a_folder_of_the_program_before_has_the_logins_after_the_next_start(
    folder: Path, binaries: Path | None
) -> None:
    """That program's service took on its role after it had logged in as the owner."""
    chosen = {"PG_BIN": str(binaries)} if binaries else {}
    with EmbeddedServer.start(folder, binaries=binaries) as server:
        await upgrade(server.url(), "0009")
        owner = await asyncpg.connect(server.dsn())
        assert not await owner.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", SERVICE_ROLE)
        await owner.execute("INSERT INTO county (county_id, name) VALUES ('kept', 'Kept')")
        await owner.close()
    environment = {"DATA_DIR": str(folder), "DATABASE_URL": "", "BACKUP_DIR": str(folder / "backups"), **chosen}
    async with a_process("", folder, **environment):
        with EmbeddedServer.start(folder, join=True, binaries=binaries) as server:
            connection = await asyncpg.connect(server.logins().service.replace("+asyncpg", ""))
            assert await connection.fetchval("SELECT name FROM county") == "Kept"
            assert await current_revision(connection) == head_revision()
            await connection.close()
            connection = await asyncpg.connect(server.dsn())
            for _ in range(600):  # until the backups have begun, and the session that migrated is gone
                found = {row["usename"] for row in await connection.fetch(SESSIONS)}
                if found == {SERVICE_ROLE, BACKUP_ROLE}:
                    break
                await asyncio.sleep(0.1)
            assert found == {SERVICE_ROLE, BACKUP_ROLE}
            await connection.close()


async def test_backups_have_a_login_that_copies_and_changes_nothing(folder: Path, binaries: Path | None) -> None:
    with EmbeddedServer.start(folder, binaries=binaries) as server:
        await prepared(server)
        url = server.logins().backup
        assert url
        archive = Archive(url, folder / "backups", binaries, folder)
        await archive.keep_slot()
        await archive.make_base()
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        for statement in (f"SET ROLE {OWNER_ROLE}", "DROP TABLE ledger", "SELECT FROM api_key", "TRUNCATE line"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        await connection.close()
