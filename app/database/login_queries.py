"""The login roles of a database: the owner of the tables migrates them, the service and the backups may do less.

What the service may do is granted to the role `recall_service` by the migrations. The service logs in as this role, or
as a role that is a member of it and has no more rights.
"""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import pbkdf2_hmac, sha256
from hmac import digest
from secrets import token_bytes
from typing import Final, NamedTuple

import asyncpg

OWNER_ROLE: Final = "recall_owner"  # of the embedded database; a given one may name its owner otherwise
SERVICE_ROLE: Final = "recall_service"
BACKUP_ROLE: Final = "recall_backup"

AS_SERVICE: Final = (f"GRANT {SERVICE_ROLE} TO {{role}}",)
AS_BACKUP: Final = (
    "ALTER ROLE {role} REPLICATION",  # which may copy the whole cluster, and write nothing
    "GRANT SELECT ON alembic_version, database_history TO {role}",
    "GRANT INSERT ON database_history TO {role}",
)
_ITERATIONS: Final = 4096  # PostgreSQL's own number

# Two processes that start at once take turns; by the key of the migrations, which create the role `recall_service`.
_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('recall: migrate', 0))"
_ROLE = "SELECT rolcanlogin FROM pg_roles WHERE rolname = $1"
# Both are NULL where the schema was not made yet. A superuser is a member of every role.
_POWERS = """
SELECT rolsuper OR rolcreaterole OR (
           SELECT pg_has_role(login.oid, relowner, 'MEMBER')
           FROM pg_class WHERE oid = to_regclass('public.alembic_version')
       ) AS owns,
       (SELECT pg_has_role(login.oid, service.oid, 'MEMBER') FROM pg_roles service WHERE rolname = $1) AS serves
FROM pg_roles login WHERE rolname = session_user
"""


class Logins(NamedTuple):
    """A database's addresses, `postgresql+asyncpg://…`, by login role. They may hold passwords: not for the log."""

    service: str
    owner: str | None = None  # None: not known here, so nothing is migrated
    backup: str | None = None  # None: not known here, so nothing is backed up all the time


class Powers(NamedTuple):
    """What the role that a connection logged in as may do; None where the database has no schema yet."""

    owns: bool | None  # change the schema, or become a role that does
    serves: bool | None  # what the service does


async def powers(connection: asyncpg.Connection) -> Powers:
    """Return what the role that logged in may do, whatever role the session has taken on."""
    return Powers(*await connection.fetchrow(_POWERS, SERVICE_ROLE))


async def let_log_in(
    connection: asyncpg.Connection, role: str, password: str | None, rights: Sequence[str] = ()
) -> None:
    """Let a role log in, and create it with these rights if there is none. One that can log in stays as it is.

    Args:
        connection: as the owner of the schema, who may create roles.
        role: its name.
        password: of the role; None where the server asks for none.
        rights: the statements that give a new role its rights, with `{role}` for its name.

    Raises:
        asyncpg.InsufficientPrivilegeError: the owner may not create or change this role.
    """
    if await connection.fetchval(_ROLE, role):
        return
    async with connection.transaction():
        await connection.execute(_TURN)
        found, name = await connection.fetchval(_ROLE, role), '"{}"'.format(role.replace('"', '""'))
        if found is None:
            for statement in ("CREATE ROLE {role}", *rights):
                await connection.execute(statement.format(role=name))
        if not found:
            secret = f"PASSWORD '{_verifier(password)}'" if password else ""
            await connection.execute(f"ALTER ROLE {name} LOGIN {secret}")


def _verifier(password: str) -> str:
    """What a server stores of a password (RFC 5802). The password itself would be in the log of one that logs DDL."""
    salt = token_bytes(16)
    salted = pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    stored = sha256(digest(salted, b"Client Key", "sha256")).digest()
    encoded = [b64encode(part).decode() for part in (salt, stored, digest(salted, b"Server Key", "sha256"))]
    return "SCRAM-SHA-256${}:{}${}:{}".format(_ITERATIONS, *encoded)
