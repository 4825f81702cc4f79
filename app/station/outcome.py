"""Results per line, per batch and per posting, and the errors that end it early. None contains a name or an address."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import NamedTuple

STATUSES = frozenset({"received", "valid", "invalid", "review"})


class StationError(Exception):
    """The posting ended early."""

    exit_code = 1


class BadFileError(StationError):
    """The file does not have one JSON signature per line, or cannot be read; nothing was sent."""

    exit_code = 2


class SpoolError(StationError):
    """The spool belongs to other content, to another version of the client, or to a process that is still running."""


class RefusedError(StationError):
    """The service refuses a whole batch, and would refuse it again."""


class GaveUpError(StationError):
    """The service did not answer a batch within the time allowed."""

    exit_code = 4


class InterruptedPostingError(StationError):
    """The caller stopped the posting before every batch was answered."""

    exit_code = 130


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
    _started: float = field(default_factory=monotonic, repr=False)
    _earlier: int = field(default=0, repr=False)

    @property
    def answered(self) -> int:
        """Number of lines that have an answer, accepted or not."""
        return self.accepted + self.conflicts + self.errors

    def add(self, outcome: Outcome, *, earlier: bool = False) -> None:
        """Count a batch that was answered in this run, or in an earlier run of the same posting."""
        counts = Counter("conflicts" if "conflict" in refusal.code else "errors" for refusal in outcome.refusals)
        counts.update(outcome.statuses)
        counts.update(accepted=sum(outcome.statuses.values()))
        counts.update(batches=1, replayed=outcome.replayed, retries=outcome.retries)
        for name, count in counts.items():
            setattr(self, name, getattr(self, name) + count)
        if earlier:
            self._earlier = self.answered
        self.lines = max(self.lines, self.answered)
        self.seconds = round(monotonic() - self._started, 3)
        self.lines_per_second = round((self.answered - self._earlier) / max(self.seconds, 0.001), 1)

    def as_json(self) -> dict[str, int | float]:
        """The public fields, in their order."""
        return {name: value for name, value in asdict(self).items() if not name.startswith("_")}
