"""Cutting a roll's bytes into chunks of whole rows, without reading the rows."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from io import StringIO
from operator import gt, itemgetter
from typing import BinaryIO, Literal, cast, get_args

from app.errors import RollError
from app.law.registration import Registration, RegistrationStatus
from app.roll.formats import CANONICAL_COLUMNS, Computed, RollFormat

CHUNK_SIZE = 1 << 18  # bytes: some 2,000 rows, a twentieth of a second of work
ROW_LIMIT = 1 << 20  # bytes after which a row that does not end is not waited for


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole rows of a file: the bytes, and the number of the first row, from 1."""

    data: bytes
    first_no: int
    rows: int


def read_header(file: BinaryIO) -> bytes:
    """Return the first line of the file.

    Raises:
        RollError: there is none.
    """
    header = file.readline(HEADER_LIMIT)
    if not header.strip():
        raise RollError("the file is empty")
    if not header.endswith(b"\n") and len(header) == HEADER_LIMIT:
        raise RollError("the header does not end")
    return header


def read_chunks(file: BinaryIO, *, quoted: bool, size: int = CHUNK_SIZE) -> Iterator[Chunk]:
    """Yield the rows under the header in chunks of about `size` bytes; blank lines at the end are no rows.

    A line break ends a row unless it stands between quotation marks, that is after an odd number of them. Where the
    marks are out of order a chunk may come out too long or too short, and reading its rows finds the fault.
    """
    first_no, rest = 1, b""
    while read := file.read(size):
        rest += read
        end = _end_of_rows(rest.rstrip(b"\r\n"), quoted=quoted)
        if not end and len(rest) > size + ROW_LIMIT:
            end = len(rest)
        if end:
            chunk = _chunk(rest[:end], first_no, quoted=quoted)
            first_no += chunk.rows
            rest = rest[end:]
            yield chunk
    if rest := rest.rstrip(b"\r\n"):
        yield _chunk(rest, first_no, quoted=quoted)


def _end_of_rows(data: bytes, *, quoted: bool) -> int:
    """Where the last whole row ends, 0 where none does."""
    end = data.rfind(b"\n")
    marks = data.count(b'"', 0, end) if quoted and end > 0 else 0
    while end >= 0 and marks % 2:
        earlier = data.rfind(b"\n", 0, end)
        marks -= data.count(b'"', max(earlier, 0), end)
        end = earlier
    return end + 1


def _chunk(data: bytes, first_no: int, *, quoted: bool) -> Chunk:
    outside = data.split(b'"')[::2] if quoted and b'"' in data else [data]
    rows = sum(part.count(b"\n") for part in outside)
    return Chunk(data, first_no, rows if data.endswith(b"\n") else rows + 1)


# Characters that no name or address has: NUL and other controls, lone carriage returns, separators and marks that
# change the direction of the text around them. Line breaks and tabs within a quoted field become blanks.
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\r(?!\n)"
)
BREAKS = str.maketrans("\t\r\n", "   ")

BOUNDS = dict.fromkeys(CANONICAL_COLUMNS, 100) | {  # characters
    "voter_id": 40, "suffix": 30, "house_number": 30, "house_fraction": 20, "pre_direction": 20, "street_type": 30,
    "post_direction": 20, "unit_type": 30, "unit_number": 40, "zip": 10,
}  # fmt: skip
_BOUNDS = tuple(BOUNDS[column] for column in CANONICAL_COLUMNS)

STATUSES: dict[str, RegistrationStatus] = {status: status for status in get_args(RegistrationStatus)}
CONFIDENTIAL = {"": False, "false": False, "n": False, "0": False, "true": True, "y": True, "1": True}
HEADER_LIMIT = 1 << 16  # bytes


class _Dates(dict[str, date | None]):
    """ISO dates by their text; a date that is none raises ValueError. A county has some 40,000 distinct ones."""

    def __missing__(self, text: str) -> date | None:
        if len(text) != len("2022-07-06") or not text.isascii():  # fromisoformat also reads forms like 20220706
            raise ValueError(text)
        self[text] = value = date.fromisoformat(text)
        return value


DATES = _Dates({"": None})


def _decoded(data: bytes, roll_format: RollFormat, first_no: int) -> str:
    try:
        return data.decode(roll_format.encoding)
    except UnicodeDecodeError as error:
        row = first_no + data.count(b"\n", 0, error.start)
        raise RollError(f"a byte that is not {roll_format.encoding}", row=row or None) from None


class RowReader:
    """Reads the rows of one file, whose `header` line it is given.

    Raises:
        RollError: the header lacks a column that the format needs, has one twice, or is not text.
    """

    def __init__(self, roll_format: RollFormat, header: bytes) -> None:
        """Find each canonical column in the header."""
        self.format = roll_format
        text = _decoded(header, roll_format, 0).removeprefix("\ufeff").removeprefix("ï»¿").rstrip("\r\n")
        self.quoted = roll_format.always_quoted or text.startswith('"')
        try:
            names = [name.strip() for name in next(self._rows(text), [])]
        except csv.Error:
            raise RollError("the header's quotation marks are out of place") from None
        self._width = len(names)
        self._take = [self._taker(names, roll_format.columns[column]) for column in CANONICAL_COLUMNS]
        self._straight = self._straight_taker(names)
        self._county = self._index(names, roll_format.county_column) if roll_format.county_column else None
        self.county: str | None = None  # the file's code of the county, once a row was read

    def _rows(self, text: str) -> Iterator[list[str]]:
        # newline="\n": a field may hold other line breaks, and they are for FORBIDDEN to judge
        quoting: Literal[0, 3] = 0 if self.quoted else 3  # csv.QUOTE_MINIMAL, csv.QUOTE_NONE: typed int in the stubs
        return csv.reader(StringIO(text, newline="\n"), delimiter=self.format.delimiter, quoting=quoting, strict=True)

    def _index(self, names: Sequence[str], column: str) -> int | None:
        if names.count(column) > 1:
            raise RollError("the header has it more than once", column=column)
        if column not in names:
            if column in self.format.optional:
                return None
            raise RollError("the header has no such column", column=column)
        return names.index(column)

    def _taker(self, names: Sequence[str], source: str | Computed) -> Callable[[Sequence[str]], str]:
        """A function from a row of the file to one canonical value."""
        if source == "":
            return lambda _row: ""
        if isinstance(source, str):
            index = self._index(names, source)
            return (lambda _row: "") if index is None else cast("Callable[[Sequence[str]], str]", itemgetter(index))
        indexes = [self._index(names, column) for column in source.columns]
        function = source.function
        return lambda row: function(*["" if i is None else row[i] for i in indexes])

    def _straight_taker(self, names: Sequence[str]) -> Callable[[Sequence[str]], tuple[str, ...]] | None:
        """One call for a whole row, where every canonical value stands in a column of its own."""
        sources = [self.format.columns[column] for column in CANONICAL_COLUMNS]
        if all(isinstance(source, str) and source in names for source in sources):
            return itemgetter(*(names.index(cast("str", source)) for source in sources))
        return None

    def registrations(self, chunk: Chunk) -> Iterator[Registration]:
        """Yield the chunk's registrations in order, numbered from `chunk.first_no`.

        Raises:
            RollError: with the number of the first bad row, its column, and why.
        """
        no = chunk.first_no - 1
        try:
            for no, row in enumerate(self._checked_rows(chunk), chunk.first_no):
                yield self._registration(no, row)
        except csv.Error as error:
            raise RollError(f"quotation marks or line breaks out of place ({error})", row=no + 1) from None
        if no - chunk.first_no + 1 != chunk.rows:
            raise RollError("quotation marks or line breaks out of place", row=no)

    def _checked_rows(self, chunk: Chunk) -> Iterator[list[str]]:
        text = _decoded(chunk.data, self.format, chunk.first_no)
        if FORBIDDEN.search(text):
            return self._rows_up_to_forbidden(text, chunk.first_no)
        rows = self._rows(text)
        if self._untidy(text):
            return ([value.translate(BREAKS).strip(" ") for value in row] for row in rows)
        return rows

    def _untidy(self, text: str) -> bool:
        """Whether a field may hold blanks around it or line breaks within. Most chunks have none: read faster."""
        sign = self.format.delimiter
        marks = ('"', f" {sign}", f"{sign} ", " \n", "\n ", " \r", "" if sign == "\t" else "\t")
        return text[0] == " " or text[-1] == " " or any(mark and mark in text for mark in marks)

    def _rows_up_to_forbidden(self, text: str, first_no: int) -> Iterator[list[str]]:
        for no, row in enumerate(self._rows(text), first_no):
            for index, value in enumerate(row):
                if FORBIDDEN.search(value):
                    raise RollError("a control character", row=no, column=self._column_at(index))
            yield row

    def _column_at(self, index: int) -> str | None:
        """The canonical column whose value stands alone in the file's column `index`; None where there is none."""
        probe = ["\x00" if i == index else "" for i in range(self._width)]
        return next((c for c, take in zip(CANONICAL_COLUMNS, self._take, strict=True) if "\x00" in take(probe)), None)

    def _registration(self, no: int, row: list[str]) -> Registration:
        if len(row) != self._width:
            raise RollError(f"{len(row)} columns where the header has {self._width}", row=no)
        if self._county is not None and row[self._county] != self.county:
            self._enter_county(no, row[self._county])
        values = self._straight(row) if self._straight else tuple([take(row) for take in self._take])
        try:
            if any(map(gt, map(len, values), _BOUNDS)) or not values[0]:
                raise ValueError  # noqa: TRY301 - one way out for every bad row: it is rare, and explained there
            return _registration_of(no, values)
        except (ValueError, KeyError):
            raise _explained(no, values) from None

    def _enter_county(self, no: int, county: str) -> None:
        if self.county is not None:
            raise RollError("another county than the rows before", row=no, column=self.format.county_column)
        self.county = county


def _registration_of(no: int, values: tuple[str, ...]) -> Registration:
    """One registration of its 22 values; ValueError or KeyError where one cannot be used."""
    (voter_id, last, first, middle, suffix, birth, house, fraction, pre, street, kind, post, unit, unit_no, city,
     zip_code, status, reason, signed, received, to, confidential) = values  # fmt: skip
    signed_on, received_on = DATES[signed], DATES[received]
    if signed_on and received_on and received_on < signed_on:
        raise ValueError
    return Registration(
        no, voter_id, last, first, middle, suffix, DATES[birth], house, fraction, pre, street, kind, post, unit,
        unit_no, city, zip_code, STATUSES[status], reason, signed_on, received_on, DATES[to],
        CONFIDENTIAL[confidential.lower()],
    )  # fmt: skip


def _explained(no: int, values: Sequence[str]) -> RollError:
    """Why these values are refused: the first column at fault."""
    for column, value in zip(CANONICAL_COLUMNS, values, strict=True):
        if why := _fault(column, value):
            return RollError(why, row=no, column=column)
    return RollError("received before it was signed", row=no, column="affidavit_received")


def _fault(column: str, value: str) -> str | None:
    if len(value) > BOUNDS[column]:
        return f"longer than {BOUNDS[column]} characters"
    if column == "voter_id" and not value:
        return "empty"
    if column == "status" and value not in STATUSES:
        return f"not one of {', '.join(STATUSES)}"
    if column == "confidential" and value.lower() not in CONFIDENTIAL:
        return "not one of true, false, y, n, 1, 0 or empty"
    if column in ("birth_date", "affidavit_signed", "affidavit_received", "effective_to"):
        try:
            DATES[value]
        except ValueError:
            return "not a date of the form YYYY-MM-DD"
    return None
