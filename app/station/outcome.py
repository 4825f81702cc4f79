"""Results per line, per batch and per posting, and the errors that end it early. None contains a name or an address."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class StationError(Exception):
    """The posting ended early."""


class BadFileError(StationError):
    """The file does not have one JSON signature per line, or cannot be read; nothing was sent."""


class SpoolError(StationError):
    """The spool belongs to other content, to another version of the client, or to a process that is still running."""


class RefusedError(StationError):
    """The service refuses a whole batch, and would refuse it again."""


class GaveUpError(StationError):
    """The service did not answer a batch within the time allowed."""


class StoppedError(StationError):
    """The caller stopped the posting before every batch was answered."""


class Refusal(NamedTuple):
    """A line that the service did not accept: where it is and why, but nothing that is written on it."""

    place: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The service's answer to one batch."""

    batch: int  # number of the batch, from 0
    statuses: Mapping[str, int]  # number of accepted lines by status
    refusals: tuple[Refusal, ...]
    replayed: bool  # the service had answered this batch before and repeated its answer
    retries: int  # attempts after the first one
    history: str = ""  # of the service's database when it answered: another one may lack these lines; '' is unknown


@dataclass(slots=True)
class Summary:
    """Running totals of a posting. At the end, `accepted + conflicts + errors == lines`."""

    lines: int = 0  # signatures in the file; when posting from memory, those answered so far
    accepted: int = 0  # recorded in the service now, including those that were recorded before
    valid: int = 0  # this and the next three: the accepted lines by status
    invalid: int = 0
    review: int = 0
    received: int = 0
    conflicts: int = 0  # lines at whose place a different entry is already recorded
    errors: int = 0  # lines that the service cannot read
    batches: int = 0  # answered, including those of earlier runs of the same posting
    replayed: int = 0  # batches that the service had already answered before
    retries: int = 0  # attempts after the first one, over all batches
    seconds: float = 0.0  # duration of this run
    lines_per_second: float = 0.0  # lines answered in this run, divided by its duration

    @property
    def answered(self) -> int:
        """Number of lines that have an answer, accepted or not."""
        return self.accepted + self.conflicts + self.errors

    def add(self, outcome: Outcome) -> None:
        """Count a batch that was answered, in this run or in an earlier run of the same posting."""
        counts = Counter("conflicts" if "conflict" in refusal.code else "errors" for refusal in outcome.refusals)
        counts.update(outcome.statuses, accepted=sum(outcome.statuses.values()))
        counts.update(batches=1, replayed=outcome.replayed, retries=outcome.retries)
        for name, count in counts.items():
            setattr(self, name, getattr(self, name) + count)
        self.lines = max(self.lines, self.answered)
