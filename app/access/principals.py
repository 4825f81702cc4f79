"""Who may speak to the service, and how bearer keys look."""

import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal, NamedTuple, get_args

Role = Literal["station", "system", "clerk", "supervisor", "auditor", "monitor", "admin"]

ROLES: tuple[Role, ...] = get_args(Role)

_KEY: Final = re.compile(r"rpk\.([A-Za-z0-9][A-Za-z0-9_-]{0,31})\.([0-9a-f]{8})\.([A-Za-z0-9_-]{43})")


class KeyParts(NamedTuple):
    """A bearer key taken apart: the county and prefix find it, the secret proves it."""

    county_id: str
    prefix: str
    secret: str


@dataclass(frozen=True, slots=True)
class Principal:
    """Who speaks: a name within a county, in one role."""

    county_id: str
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as it is listed; the secret itself is never kept."""

    prefix: str
    principal: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    issued_by: str | None  # None for a key from before this was kept
    revoked_by: str | None


def is_name(text: str) -> bool:
    """Whether a principal may be called so. Names of those who agree on a finding are kept with commas between them."""
    return 1 <= len(text) <= 100 and text.isprintable() and "," not in text  # noqa: PLR2004  # characters


def compose(parts: KeyParts) -> str:
    """The key as it is shown, once."""
    return f"rpk.{parts.county_id}.{parts.prefix}.{parts.secret}"


def parse(text: str) -> KeyParts | None:
    """A key taken apart; None for what is not one."""
    found = _KEY.fullmatch(text)
    return KeyParts(*found.groups()) if found else None


def secret_hash(secret: str) -> bytes:
    """What is kept of a secret: it has 256 random bits, so a plain hash cannot be searched."""
    return sha256(secret.encode()).digest()
