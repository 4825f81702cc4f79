"""Bearer keys: how they look, and what of them is kept."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal, NamedTuple, get_args

Role = Literal["station", "system", "clerk", "supervisor", "auditor", "monitor", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)


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


def compose(parts: KeyParts) -> str:
    """The key as it is shown, once."""
    return f"rpk.{parts.county_id}.{parts.prefix}.{parts.secret}"


def parse(text: str) -> KeyParts | None:
    """A key taken apart; None for what is not one."""
    parts = text.split(".")
    if len(parts) != 4 or parts[0] != "rpk" or not text.isascii():  # noqa: PLR2004  # the parts of `compose`
        return None
    return KeyParts(*parts[1:])


def secret_hash(secret: str) -> bytes:
    """What is kept of a secret: it has 256 random bits, so a plain hash cannot be searched."""
    return sha256(secret.encode()).digest()
