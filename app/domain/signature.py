"""What stands on one line of a petition, and where."""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple

LARGEST_NUMBER: Final = 999_999_999
"""Of a section, page or line: more than any paper has, and less than the columns hold."""


class Place(NamedTuple):
    """The identity of one signature on paper; its order is the paper's order."""

    section: int
    page: int
    line: int

    def __str__(self) -> str:
        """`section-page-line`, as in `12-3-4`."""
        return f"{self.section}-{self.page}-{self.line}"


@dataclass(frozen=True, slots=True)
class NameParts:
    """A name that the station read in parts; each may be ''."""

    first: str = ""
    middle: str = ""
    last: str = ""
    suffix: str = ""

    def as_json(self) -> str:
        """The parts in their order, as they are stored."""
        return json.dumps((self.first, self.middle, self.last, self.suffix), ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Writing:
    """The text of a line as the station read it. Every part may be '': an empty field is a fact about the paper."""

    printed_name: str
    residence_address: str
    city: str
    zip: str
    name: NameParts | None = None  # given instead of printed_name by stations that read the name in parts
    signed: bool = True
    image_sha256: str | None = None

    def fingerprint(self) -> bytes:
        """SHA-256 over the whole writing: what decides whether two submissions of a place say the same."""
        name = self.name.as_json() if self.name else None
        parts = (self.printed_name, name, self.residence_address, self.city, self.zip, self.signed, self.image_sha256)
        return sha256(json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()).digest()


@dataclass(frozen=True, slots=True)
class Submitted:
    """One line as it was handed in."""

    place: Place
    writing: Writing
    writing_sha256: bytes
