"""Users and their roles, and the format of bearer keys and county codes."""

import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal, NamedTuple, get_args

Role = Literal["station", "system", "clerk", "supervisor", "auditor", "monitor", "admin"]

ROLES: tuple[Role, ...] = get_args(Role)

_COUNTY: Final = "[A-Za-z0-9][A-Za-z0-9_-]{0,31}"
_KEY: Final = re.compile(rf"rpk\.({_COUNTY})\.([0-9a-f]{{8}})\.([A-Za-z0-9_-]{{43}})")


class KeyParts(NamedTuple):
    """The parts of a bearer key: it is found by the county and the prefix, and proved by the secret."""

    county_id: str
    prefix: str
    secret: str


@dataclass(frozen=True, slots=True)
class Principal:
    """The owner of a key: a name within a county, in one role."""

    county_id: str
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as it is listed; the secret itself is never stored."""

    prefix: str
    principal: str
    role: Role
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    issued_by: str | None = None  # None for a key that was issued before this was recorded
    revoked_by: str | None = None

    def state(self, now: datetime) -> Literal["live", "expired", "revoked"]:
        """Whether the key is accepted, and if not, why."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= now else "live"


def is_county_code(text: str) -> bool:
    """Whether a county may have this code; a constraint of the database has the same pattern."""
    return re.fullmatch(_COUNTY, text) is not None


def is_name(text: str) -> bool:
    """Whether a principal may have this name. The names of a finding's confirmers are stored with commas between."""
    return 1 <= len(text) <= 100 and text.isprintable() and "," not in text  # noqa: PLR2004  # characters


def compose(parts: KeyParts) -> str:
    """The key as it is shown, once."""
    return f"rpk.{parts.county_id}.{parts.prefix}.{parts.secret}"


def parse(text: str) -> KeyParts | None:
    """The parts of a key; None for a text that is no key."""
    found = _KEY.fullmatch(text)
    return KeyParts(*found.groups()) if found else None


def secret_hash(secret: str) -> bytes:
    """What is stored of a secret: it has 256 random bits, so that a plain hash cannot be guessed."""
    return sha256(secret.encode()).digest()
