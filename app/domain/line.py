"""A line of the petition, read: its name and address in every reading worth asking for."""

from datetime import date
from typing import Final, NamedTuple

from app.domain.addresses import Address, read_addresses
from app.domain.names import ReadName, read_name, read_name_parts
from app.domain.signature import Writing
from app.domain.text import fold

READER_VERSION: Final = 2
"""Of the way in which name and address are read; a change of any reading raises it, and evidence names it."""

_MISREAD_ZIP = str.maketrans("OQDILZSBGA", "0001125864")


class Interval(NamedTuple):
    """When a line was signed, as far as the section's dates tell (EC 104), and the day the petition was filed."""

    start: date
    end: date
    filed_on: date


class ReadLine(NamedTuple):
    """A line as it is compared."""

    name: ReadName
    addresses: tuple[Address, ...]
    po_box: bool
    city: str
    zip: str  # five digits, or ''
    zip_certain: bool  # all of them were written as digits
    signed: bool
    cities: tuple[str, ...] = ()  # the county's names of the city, where what is written is another name of it
    city_alias: str = ""  # the county's alias that says so
    aliases: int = 0  # the version of the county's aliases that was asked; 0: none


def read_line(writing: Writing) -> ReadLine:
    """Return the readings of a line; whatever text stands on it, nothing raises."""
    parts = writing.name
    name = (
        read_name_parts(parts.first, parts.middle, parts.last, parts.suffix)
        if parts
        else read_name(writing.printed_name)
    )
    addresses, po_box = read_addresses(writing.residence_address)
    zip_code = read_zip(writing.zip)
    certain = bool(zip_code) and zip_code in writing.zip
    return ReadLine(name, addresses, po_box, read_city(writing.city), zip_code, certain, writing.signed)


def read_city(text: str) -> str:
    """Return a city's name in the letters that are compared, without the state behind it."""
    words = fold(text).split()
    while len(words) > 1 and words[-1] in {"CA", "CALIF", "CALIFORNIA"}:
        words.pop()
    return " ".join(words)


def read_zip(text: str) -> str:
    """Return the five digits of a zip ("90026-1234", "9OO26"), or '' where there are not five."""
    head = fold(text.partition("-")[0]).replace(" ", "").translate(_MISREAD_ZIP)
    digits = head[:5] if len(head) in {5, 9} else ""
    return digits if digits.isascii() and digits.isdigit() else ""
