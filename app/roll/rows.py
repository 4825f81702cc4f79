"""Reading a roll: the file is unpacked, hashed and cut into chunks of whole rows, and the rows become registrations."""

import csv
import hashlib
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import date
from functools import cache
from gzip import GzipFile
from io import BufferedReader, RawIOBase, StringIO
from operator import gt, itemgetter
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, NamedTuple, cast, get_args

from app.errors import FileFault, RollError
from app.law.district import district_text
from app.law.registration import Registration, RegistrationStatus
from app.roll.formats import CANONICAL_COLUMNS, RollFormat, Source

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
CHUNK_SIZE: Final = 1 << 18  # bytes: some 2,000 rows, a twentieth of a second of work
ROW_LIMIT: Final = 1 << 20  # bytes after which the end of a row is not looked for any further
HEADER_LIMIT: Final = 1 << 16  # bytes
DIRECTORY_LIMIT: Final = 1 << 18  # bytes: of some 5,000 files
MOST_FAULTS: Final = 10  # bad rows that are reported
_MOST_TIMES: Final = 100  # that a file may be longer when it is unpacked: rolls are ten times as long
_UNPACKED_ALWAYS: Final = 64 << 20  # bytes that any file may have


class _File(BufferedReader):
    """A file as it is stored. It counts what is read, and while `limited` refuses to read much at once."""

    taken = 0  # bytes
    limited = False

    def read(self, size: int | None = -1, /) -> bytes:
        if self.limited:
            size = DIRECTORY_LIMIT if size is None or size < 0 else min(size, DIRECTORY_LIMIT)
        data = super().read(size)
        if self.limited and len(data) == DIRECTORY_LIMIT:
            raise RollError("the zip archive's directory is too long: one file is expected")
        self.taken += len(data)
        return data


class _HashingReader(RawIOBase):
    """Takes the SHA-256 of what is read. A damaged archive is a `RollError`, and one that unpacks to far too much."""

    def __init__(self, stream: BinaryIO, file: _File) -> None:
        self._stream = stream
        self._file = file
        self._unpacked = 0
        self.hash = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]  # the stub's Buffer is 3.12
        try:
            data = self._stream.read(len(buffer))
        except (EOFError, OSError, zlib.error, zipfile.BadZipFile):
            raise RollError("the file is damaged: it cannot be unpacked to its end") from None
        self.hash.update(data)
        self._unpacked += len(data)
        if self._unpacked > max(_UNPACKED_ALWAYS, _MOST_TIMES * self._file.taken):
            raise RollError(f"the file unpacks to more than {_MOST_TIMES} times its size")
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def open_roll(source: Path | BinaryIO) -> Iterator[tuple[BinaryIO, Callable[[], str]]]:
    """Open a roll: the stream of its content, unpacked where it is gzip or zip, and the SHA-256 of what was read of it.

    Raises:
        RollError: a zip archive that holds more or less than one file, or comes through a pipe.
        OSError: the file cannot be opened.
    """
    with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
        buffered = _File(cast("Any", file))  # to look ahead in
        try:
            start = buffered.peek(4)
            unpacked: Any = GzipFile(fileobj=buffered) if start.startswith(_GZIP) else buffered
            hashing = _HashingReader(_only_file(buffered) if start.startswith(_ZIP) else unpacked, buffered)
            yield cast("BinaryIO", BufferedReader(hashing, CHUNK_SIZE)), hashing.hash.hexdigest
        finally:
            buffered.detach()  # the caller's stream stays open


def _only_file(file: _File) -> BinaryIO:
    if not file.seekable():
        raise RollError("a zip archive cannot be read from a pipe: unpack it first")
    try:
        file.limited = True  # the directory is read at once, and takes twenty times its size in memory
        archive = zipfile.ZipFile(file)
        file.limited = False
        names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
        if len(names) != 1:
            raise RollError(f"the zip archive holds {len(names)} files: one is expected")
        return cast("BinaryIO", archive.open(names[0]))
    except (RuntimeError, NotImplementedError, zipfile.BadZipFile):  # RuntimeError: it asks for a password
        raise RollError("the zip archive is damaged, encrypted or of an unknown kind") from None


class Chunk(NamedTuple):
    """Whole rows of a file: the bytes, and the number of the first row, from 1."""

    data: bytes
    first_no: int
    rows: int


def read_header(file: BinaryIO) -> bytes:
    """Return the first line of the file; RollError if there is none."""
    header = file.readline(HEADER_LIMIT)
    if not header.strip():
        raise RollError("the file is empty")
    if not header.endswith(b"\n") and len(header) == HEADER_LIMIT:
        raise RollError("the header does not end")
    return header


def read_chunks(file: BinaryIO, *, quoted: bool, size: int = CHUNK_SIZE) -> Iterator[Chunk]:
    """Yield the rows under the header in chunks of about `size` bytes; blank lines at the end are no rows.

    A line break ends a row unless it is between quotation marks, that is after an odd number of them. Where the marks
    are out of place a chunk may be too long or too short, and reading its rows finds the fault.
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
    """The position after the last whole row, 0 where there is none."""
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
# change the direction of the text around them; and bytes that are no text, which are decoded as lone surrogates. Line
# breaks and tabs within a quoted field become blanks.
FORBIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\udc80-\udcff]|\r(?!\n)"
)
_NO_TEXT: Final = re.compile("[\udc80-\udcff]")
BREAKS: Final = str.maketrans("\t\r\n", "   ")

BOUNDS = dict.fromkeys(CANONICAL_COLUMNS, 100) | {  # characters
    "voter_id": 40, "suffix": 30, "house_number": 30, "house_fraction": 20, "pre_direction": 20, "street_type": 30,
    "post_direction": 20, "unit_type": 30, "unit_number": 40, "zip": 10,
}  # fmt: skip
_BOUNDS = tuple(BOUNDS[column] for column in CANONICAL_COLUMNS)
_MOST_DISTRICTS: Final = 1000  # characters of their codes

_STATUSES: dict[str, RegistrationStatus] = {status: status for status in get_args(RegistrationStatus)}
_CONFIDENTIAL = {"": False, "false": False, "n": False, "0": False, "true": True, "y": True, "1": True}


@cache  # a county has some 40,000 distinct ones
def _date(text: str) -> date | None:
    """The date in ISO's form, None for an empty text; ValueError for what is no date."""
    if text and (len(text) != len("2022-07-06") or not text.isascii()):  # fromisoformat also reads forms like 20220706
        raise ValueError(text)
    return date.fromisoformat(text) if text else None


class Rows(NamedTuple):
    """The registrations of a chunk. If any of its rows is bad there are none, but the faults of the first such rows."""

    registrations: list[Registration]
    faults: tuple[FileFault, ...] = ()
    broken: bool = False  # quotation marks are out of place: it is not known where the rows after that begin


class RowReader:
    """Reads the rows of one file. Its RollError has every fault of a header without the columns of the format."""

    def __init__(self, roll_format: RollFormat, header: bytes) -> None:
        """Find the columns of the format in the file's first line."""
        self.format = roll_format
        text = header.decode(roll_format.encoding, "surrogateescape").rstrip("\r\n")
        text = text.removeprefix("\ufeff").removeprefix("ï»¿")
        if _NO_TEXT.search(text):
            raise RollError(f"the header has a byte that is not {roll_format.encoding}")
        self.quoted = roll_format.always_quoted or text.startswith('"')
        try:
            names = [name.strip() for name in next(self._split(text), [])]
        except csv.Error:
            raise RollError("the header's quotation marks are out of place") from None
        if faults := _header_faults(names, roll_format):
            raise RollError(*faults)
        self._width = len(names)
        positions = {name: at for at, name in enumerate(names) if name}
        self._values = _values_taker([roll_format.columns[column] for column in CANONICAL_COLUMNS], positions)
        self._county = positions.get(roll_format.county)
        self._districts = positions.get(roll_format.districts)
        self.county: str | None = None  # the file's code of the county, once a row was read

    def _split(self, text: str) -> Iterator[list[str]]:
        # newline="\n": a field may hold other line breaks, and FORBIDDEN decides about them
        quoting: Literal[0, 3] = 0 if self.quoted else 3  # csv.QUOTE_MINIMAL, csv.QUOTE_NONE: typed int in the stubs
        return csv.reader(StringIO(text, newline="\n"), delimiter=self.format.delimiter, quoting=quoting, strict=True)

    def read(self, chunk: Chunk) -> Rows:
        """Read the rows of a chunk, numbered from `chunk.first_no`."""
        text = chunk.data.decode(self.format.encoding, "surrogateescape")
        forbidden, untidy = FORBIDDEN.search(text), self._is_untidy(text)
        registrations, faults, no = list[Registration](), list[FileFault](), chunk.first_no - 1
        try:
            for no, row in enumerate(self._split(text), chunk.first_no):
                try:
                    if forbidden:
                        self._check(no, row)
                    tidy = [value.translate(BREAKS).strip(" ") for value in row] if untidy else row
                    registrations.append(self._registration(no, tidy))
                except RollError as bad:
                    faults += bad.faults
                    if len(faults) == MOST_FAULTS:
                        return Rows([], tuple(faults))
        except csv.Error as error:
            faults.append(FileFault(f"quotation marks or line breaks out of place ({error})", row=no + 1))
        else:
            if no - chunk.first_no + 1 == chunk.rows:
                return Rows([] if faults else registrations, tuple(faults))
            faults.append(FileFault("quotation marks or line breaks out of place", row=no))
        return Rows([], tuple(faults), broken=True)

    def _is_untidy(self, text: str) -> bool:
        """Whether fields may have blanks around them or line breaks within. Most have none, and are read faster."""
        sign = self.format.delimiter
        marks = ('"', f" {sign}", f"{sign} ", " \n", "\n ", " \r", "" if sign == "\t" else "\t")
        return text[0] == " " or text[-1] == " " or any(mark and mark in text for mark in marks)

    def _check(self, no: int, row: list[str]) -> None:
        """Refuse a row with a forbidden character."""
        for index, value in enumerate(row):
            if FORBIDDEN.search(value):
                no_text = _NO_TEXT.search(value)
                why = f"a byte that is not {self.format.encoding}" if no_text else "a control character"
                # The canonical column whose value is this column of the file alone, if there is one.
                probe = self._values(["\x00" if i == index else "" for i in range(self._width)])
                columns = (column for column, value in zip(CANONICAL_COLUMNS, probe, strict=True) if "\x00" in value)
                own = self.format.districts if index == self._districts else None
                raise RollError(FileFault(why, no, next(columns, own)))

    def _registration(self, no: int, row: list[str]) -> Registration:
        if len(row) != self._width:
            raise RollError(FileFault(f"{len(row)} columns where the header has {self._width}", no))
        if self._county is not None and row[self._county] != self.county:
            if self.county is not None:
                raise RollError(FileFault("another county than the rows before", no, self.format.county))
            self.county = row[self._county]
        values = self._values(row)
        voter_id, last, first, middle, suffix, born, *address, status, reason, signed, received, to, marked = values
        try:
            signed_on, received_on = _date(signed), _date(received)
            backwards = signed_on and received_on and received_on < signed_on
            if backwards or not voter_id or any(map(gt, map(len, values), _BOUNDS)):
                raise ValueError  # noqa: TRY301 - one way out for every bad row: it is rare, and explained there
            names, dates = (voter_id, last, first, middle, suffix), (signed_on, received_on, _date(to))
            rest = (_CONFIDENTIAL[marked.lower()], None if self._districts is None else self._codes(no, row))
            return Registration._make((no, *names, _date(born), *address, _STATUSES[status], reason, *dates, *rest))
        except (ValueError, KeyError):
            raise RollError(_explained(no, values)) from None

    def _codes(self, no: int, row: list[str]) -> str | None:
        """The codes of the row's districts; None where it has none."""
        codes = row[self._districts or 0]
        if len(codes) > _MOST_DISTRICTS:
            raise RollError(FileFault(f"longer than {_MOST_DISTRICTS} characters", no, self.format.districts))
        return district_text(codes)


def _header_faults(names: Sequence[str], roll_format: RollFormat) -> list[FileFault]:
    """Everything that is wrong with a header.

    Columns that the format does not know are allowed, and listed only beside a fault, where they may explain it. They
    are listed by number: a file without a header has a voter's name and address in its first line.
    """
    needed = roll_format.file_columns
    faults = [FileFault("the header has it more than once", column=c) for c in needed if names.count(c) > 1]
    missing = [c for c in needed if c not in names and c not in roll_format.optional]
    faults += [FileFault("the header has no such column", column=c) for c in missing]
    unknown = [str(number) for number, name in enumerate(names, 1) if name not in needed]
    if faults and unknown:
        more = f" and {len(unknown) - 20} more" if len(unknown) > 20 else ""  # noqa: PLR2004 - as many as are of use
        numbers = f"{', '.join(unknown[:20])}{more}"
        faults.append(FileFault(f"the format has no columns named like the file's number {numbers}"))
    return faults


def _taker(source: Source, positions: Mapping[str, int]) -> Callable[[Sequence[str]], str]:
    """A function from a row of the file to one canonical value."""
    if isinstance(source, str):
        at = positions.get(source)  # None: the format has no such column, or this file lacks an optional one
        return (lambda _row: "") if at is None else cast("Callable[[Sequence[str]], str]", itemgetter(at))
    function, indexes = source.function, [positions.get(column) for column in source.columns]
    return lambda row: function(*["" if at is None else row[at] for at in indexes])


def _values_taker(
    sources: Sequence[Source], positions: Mapping[str, int]
) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """A function from a row of the file to its canonical values."""
    columns = [positions[source] for source in sources if isinstance(source, str) and source in positions]
    if len(columns) == len(sources):  # each value is in a column of its own: this is faster
        return itemgetter(*columns)
    takers = [_taker(source, positions) for source in sources]
    return lambda row: tuple([take(row) for take in takers])


_NOT_A_DATE: Final = _date, "not a date of the form YYYY-MM-DD"
_READERS: Final[dict[str, tuple[Callable[[str], object], str]]] = {
    **dict.fromkeys(("birth_date", "affidavit_signed", "affidavit_received", "effective_to"), _NOT_A_DATE),
    "status": (_STATUSES.__getitem__, f"not one of {', '.join(_STATUSES)}"),
    "confidential": (lambda text: _CONFIDENTIAL[text.lower()], "not one of true, false, y, n, 1, 0 or empty"),
}
"""How a column's text is read, and what is wrong with it where that fails; other columns hold any text."""


def _explained(no: int, values: Sequence[str]) -> FileFault:
    """Why these values are refused: the first column at fault."""
    for column, value in zip(CANONICAL_COLUMNS, values, strict=True):
        if len(value) > BOUNDS[column]:
            return FileFault(f"longer than {BOUNDS[column]} characters", no, column)
        if column == "voter_id" and not value:
            return FileFault("empty", no, column)
        read, why = _READERS.get(column, (str, ""))
        try:
            read(value)
        except (KeyError, ValueError):
            return FileFault(why, no, column)
    return FileFault("received before it was signed", no, "affidavit_received")
