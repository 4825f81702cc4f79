"""What is true of each line of the made-up petition: for the simulated clerks and the last comparison, for nobody else.

The service never sees it. A truth file is newline-delimited JSON in the order of the places, one object a line:

- `place`: `section-page-line`;
- `status`, `reason`: what the finding of the line must be in the end, a reason code or null;
- `published`: the result's line in the published table, such as `not_registered` for `under_age`;
- `voter_id`: the signer's registration, '' where there is none;
- `class`, `ok`, `character_error`, `tags`: the same for a score of the matching alone. `ok` are the voters that the
  writing fits equally well; `class` is one of valid, dup, moved, cancelled, notreg, ooc, illegible, or other for a line
  that is not decided by finding the voter.
"""

import json
import mmap
from array import array
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self, TypedDict

LINES_PER_PAGE = 10
PAGES_PER_SECTION = 4

Truth = TypedDict(
    "Truth",
    {
        "place": str,
        "status": str,
        "reason": str | None,
        "published": str,
        "voter_id": str,
        "class": str,
        "ok": list[str],
        "character_error": float,
        "tags": str,
    },
)


def place(index: int) -> tuple[int, int, int]:
    """Section, page and line of the nth line of the petition, from 0."""
    page, line = divmod(index, LINES_PER_PAGE)
    section, page = divmod(page, PAGES_PER_SECTION)
    return section + 1, page + 1, line + 1


def index_of(section: int, page: int, line: int) -> int:
    """The inverse of `place`."""
    return ((section - 1) * PAGES_PER_SECTION + page - 1) * LINES_PER_PAGE + line - 1


class TruthFile:
    """A truth file, read by place; a context manager. Only offsets are kept in memory, 8 bytes a line."""

    def __init__(self, path: Path) -> None:
        """Opens the file and finds its lines."""
        with path.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._starts = array("Q", [0])
        while (end := self._bytes.find(b"\n", self._starts[-1])) >= 0:
            self._starts.append(end + 1)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the file."""
        self._bytes.close()

    def __len__(self) -> int:
        """How many lines the petition has."""
        return len(self._starts) - 1

    def __iter__(self) -> Iterator[Truth]:
        """Every line's truth, in paper order."""
        for start, end in pairwise(self._starts):
            yield json.loads(self._bytes[start:end])

    def __getitem__(self, place: str) -> Truth:
        """The truth of one line.

        Raises:
            KeyError: the petition has no such place.
        """
        index = index_of(*(int(part) for part in place.split("-")))
        if not 0 <= index < len(self):
            raise KeyError(place)
        truth: Truth = json.loads(self._bytes[self._starts[index] : self._starts[index + 1]])
        return truth
