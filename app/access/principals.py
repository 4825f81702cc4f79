"""Users and their roles, and the format of bearer keys and county codes."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

Role = Literal["station", "system", "clerk", "supervisor", "auditor", "monitor", "admin", "confidential"]

ROLES: tuple[Role, ...] = get_args(Role)

COUNTY_CODE: Final = "[A-Za-z0-9][A-Za-z0-9_-]{0,31}"

Ranges = tuple[tuple[int, int], ...]
"""Ranges of sections, each by its first and last number; empty: every section."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The owner of a key: a person, station or program of a county, by name, in the role of the key."""

    county_id: str
    name: str
    role: Role
    sections: Ranges = ()  # to which it may post

    def may_post_to(self, section: int) -> bool:
        """Whether lines of this section are its own to post."""
        return not self.sections or any(first <= section <= last for first, last in self.sections)


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
    expired_at: datetime | None = None  # when the service first saw it expired: it stays so if the clock goes back

    def state(self, now: datetime) -> Literal["live", "expired", "revoked"]:
        """Whether the key is accepted, and if not, why."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expired_at or (self.expires_at and self.expires_at <= now) else "live"


def is_county_code(text: str) -> bool:
    """Whether a county may have this code; a constraint of the database has the same pattern."""
    return re.fullmatch(COUNTY_CODE, text) is not None
