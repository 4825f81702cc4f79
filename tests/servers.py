"""Folders and databases for the tests.

Servers have their files in memory where there is room: each test's database is some 300 files, soon deleted again.
"""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg

from app.database.login_queries import OWNER_ROLE, SERVICE_ROLE
from app.database.migrate import give_logins, upgrade
from app.database.server import EmbeddedServer, memory_limit

_NUMBERS = count(1)

_IN_MEMORY = Path("/dev/shm")  # noqa: S108  # temporary files in it have random names
_ROOM = 2 << 30  # bytes: a server of the tests needs a tenth of that
_MEMORY = 6 << 30  # bytes: below that, the machine needs its memory for other things


@contextmanager
def server_folder(prefix: str) -> Iterator[Path]:
    """A folder that another user can pass through: PostgreSQL does not run as root."""
    with TemporaryDirectory(prefix=prefix, dir=_parent()) as folder:
        os.chmod(folder, 0o711)  # noqa: PTH101, S103
        yield Path(folder)


def _parent() -> Path | None:
    usable = os.access(_IN_MEMORY, os.W_OK | os.X_OK) and memory_limit() >= _MEMORY
    return _IN_MEMORY if usable and shutil.disk_usage(_IN_MEMORY).free >= _ROOM else None


@asynccontextmanager
async def a_clone(administration: asyncpg.Connection, template: str) -> AsyncIterator[str]:
    """The name of a copy of a database, dropped at the end."""
    name = f"test_{next(_NUMBERS)}"
    # Copying files takes half the processor time of copying through the log, which is PostgreSQL's default.
    await administration.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield name
    await administration.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def prepared(server: EmbeddedServer) -> str:
    """Bring a server's database to head; its address with the service's login."""
    await upgrade(server.url())
    await give_logins(server.logins())
    return server.logins().service


def as_owner(url: str) -> str:
    """The address of the service's database with the login of the owner of its tables."""
    return url.replace(f"//{SERVICE_ROLE}:", f"//{OWNER_ROLE}:", 1)
