"""What stands on one line of a petition, and where."""

from dataclasses import dataclass
from typing import NamedTuple


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
