"""A county's file of aliases: other names of its streets and cities, loaded in versions.

It is UTF-8 CSV with the columns `kind` (street or city), `alias` (what people write, or the old name) and `name` (what
the roll has). A street may have a type and a direction. The first bad row refuses the whole file.
"""

import asyncio
import csv
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from io import StringIO
from typing import Final

from app.database.pools import Database
from app.errors import AliasesError, FileFault, UnknownCountyError
from app.matching.parsing import ALIAS_KINDS, Alias, AliasKind, compared_name
from app.matching.queries import AliasVersion, alias_version
from app.roll import queries as db
from app.roll.rows import BREAKS, FORBIDDEN

COLUMNS: Final = ("kind", "alias", "name")
MOST_BYTES: Final = 1_000_000  # of a file: some 30,000 rows
_LONGEST: Final = 100  # characters, as of a roll's street
_MOST_NAMES: Final = 8  # of one alias: every line that has it is searched for by each of them


def read_aliases(data: bytes) -> tuple[Alias, ...]:
    """Return the rows of a file; a header alone has none. AliasesError names the first bad row, its column, and why."""
    if len(data) > MOST_BYTES:
        raise AliasesError(f"the file is longer than {MOST_BYTES:,} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = data.count(b"\n", 0, error.start)
        raise AliasesError(FileFault("a byte that is not utf-8", row=at or None)) from None
    rows = _rows(text)
    if tuple(next(rows, ())) != COLUMNS:
        raise AliasesError(f"the header must be {','.join(COLUMNS)}")
    seen: dict[Alias, int] = {}
    names: Counter[tuple[AliasKind, str]] = Counter()
    for no, row in enumerate(rows, 1):
        alias = _alias(no, row)
        if alias in seen:
            raise AliasesError(FileFault(f"the same as row {seen[alias]}", row=no))
        seen[alias] = no
        key = alias.kind, compared_name(alias.kind, alias.alias)
        names[key] += 1
        if names[key] > _MOST_NAMES:
            raise AliasesError(FileFault(f"the alias has more than {_MOST_NAMES} names", row=no, column="alias"))
    return tuple(seen)


def _rows(text: str) -> Iterator[list[str]]:
    """The rows, the header first. Line breaks within a field become blanks, and blanks around it are removed."""
    row = -1
    try:
        # newline="\n": a field may hold other line breaks, and FORBIDDEN decides about them
        for row, values in enumerate(csv.reader(StringIO(text, newline="\n"), strict=True)):
            for column, value in zip(COLUMNS, values, strict=False):
                if FORBIDDEN.search(value):
                    raise AliasesError(FileFault("a control character", row=row or None, column=column))
            yield [value.translate(BREAKS).strip(" ") for value in values]
    except csv.Error:
        raise AliasesError(FileFault("quotation marks or line breaks out of place", row=row + 1 or None)) from None


def _alias(no: int, row: list[str]) -> Alias:
    if len(row) != len(COLUMNS):
        raise AliasesError(FileFault(f"{len(row)} columns where the header has {len(COLUMNS)}", row=no))
    kind, *names = row
    if kind not in ALIAS_KINDS:
        raise AliasesError(FileFault(f"not one of {', '.join(ALIAS_KINDS)}", row=no, column="kind"))
    for column, text in zip(COLUMNS[1:], names, strict=True):
        if not text:
            raise AliasesError(FileFault("empty", row=no, column=column))
        if len(text) > _LONGEST:
            raise AliasesError(FileFault(f"longer than {_LONGEST} characters", row=no, column=column))
        if not compared_name(kind, text):
            raise AliasesError(FileFault("it has no letters or digits that could be compared", row=no, column=column))
    return Alias(kind, *names)


async def load_aliases(
    database: Database, county_id: str, content: bytes, *, by: str, now: datetime
) -> tuple[AliasVersion, bool]:
    """Load a file as the next version of the county's aliases and put it into use, in one transaction.

    Returns the version in use, and whether it is new: the same content again changes nothing. It waits for the
    examinations under the old version; lines that the new version reads differently are examined again later.

    Args:
        database: where the aliases are stored.
        county_id: whose aliases they are.
        content: the file.
        by: the name of the user who loads it.
        now: the time of the request.

    Raises:
        AliasesError: the file is not a table that can be used; nothing of it is loaded.
        UnknownCountyError: there is no such county.
    """
    aliases = await asyncio.to_thread(read_aliases, content)  # a large file takes a second
    digest = sha256(content).hexdigest()
    async with database.intake() as connection, connection.transaction():
        before = await connection.fetchval(db.LOCK_ALIASES, county_id)
        if before is None:
            raise UnknownCountyError
        held = await alias_version(connection, county_id, before)
        if held and held.source_sha256 == digest:
            return held, False
        kinds = Counter(alias.kind for alias in aliases)
        version = AliasVersion(before + 1, kinds["street"], kinds["city"], digest, by, now)
        await connection.execute(db.ADD_ALIAS_VERSION, county_id, *version)
        columns = list(zip(*aliases, strict=True)) or [(), (), ()]
        await connection.execute(db.ADD_ALIASES, county_id, before + 1, *columns)
        await connection.execute(db.USE_ALIASES, county_id, before + 1)
    return version, True
