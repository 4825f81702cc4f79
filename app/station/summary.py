"""What became of the lines: of one batch (`Outcome`), and of the whole posting (`Summary`)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import NamedTuple

STATUSES = frozenset({"received", "valid", "invalid", "review"})


class Refusal(NamedTuple):
    """A line that did not enter the count, for a person to look at: where, and why. Nothing that was written there."""

    place: str
    code: str
    message: str

    @property
    def kind(self) -> str:
        """`conflicts` where other writing already stands at the place, else `errors`."""
        return "conflicts" if "conflict" in self.code else "errors"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The server's answer to one batch.

    Attributes:
        batch: The number of the batch, from 0.
        statuses: Number of accepted lines by status.
        refusals: The lines that were not accepted.
        replayed: The answer was given before, and was repeated.
        retries: Sendings after the first one.
    """

    batch: int
    statuses: Mapping[str, int]
    refusals: tuple[Refusal, ...]
    replayed: bool
    retries: int

    @property
    def lines(self) -> int:
        """Number of lines that were answered."""
        return sum(self.statuses.values()) + len(self.refusals)


@dataclass(slots=True)
class Summary:
    """The posting so far; it grows. When all is done, `accepted + conflicts + errors == lines`.

    Attributes:
        lines: Signatures in the file; for an iterable, those that were answered.
        accepted: Lines that now stand in the service, whether they arrived now or stood there before.
        valid, invalid, review, received: The accepted lines by the status they were answered with.
        conflicts: Lines at whose place other writing stands.
        errors: Lines that the service cannot read.
        batches: Batches that were answered, also by earlier runs of the same posting.
        replayed: Batches whose answer the server had given before.
        retries: Sendings after the first one.
        seconds: Duration of this run.
        lines_per_second: Lines that were answered in this run, by its seconds.
    """

    lines: int = 0
    accepted: int = 0
    valid: int = 0
    invalid: int = 0
    review: int = 0
    received: int = 0
    conflicts: int = 0
    errors: int = 0
    batches: int = 0
    replayed: int = 0
    retries: int = 0
    seconds: float = 0.0
    lines_per_second: float = 0.0
    _began: float = field(default_factory=monotonic, repr=False)
    _earlier: int = field(default=0, repr=False)

    @property
    def answered(self) -> int:
        """Number of lines that have an answer, of whatever kind."""
        return self.accepted + self.conflicts + self.errors

    def resume(self, outcome: Outcome) -> None:
        """Count an outcome of an earlier run."""
        self._count(outcome)
        self._earlier += outcome.lines

    def add(self, outcome: Outcome) -> None:
        """Count an outcome of this run."""
        self._count(outcome)
        self.lines = max(self.lines, self.answered)
        self.seconds = round(monotonic() - self._began, 3)
        self.lines_per_second = round((self.answered - self._earlier) / max(self.seconds, 0.001), 1)

    def as_json(self) -> dict[str, int | float]:
        """The public fields, in their order."""
        return {name: value for name, value in asdict(self).items() if not name.startswith("_")}

    def _count(self, outcome: Outcome) -> None:
        self.batches += 1
        self.replayed += outcome.replayed
        self.retries += outcome.retries
        self.accepted += sum(outcome.statuses.values())
        self.valid += outcome.statuses.get("valid", 0)
        self.invalid += outcome.statuses.get("invalid", 0)
        self.review += outcome.statuses.get("review", 0)
        self.received += outcome.statuses.get("received", 0)
        kinds = Counter(refusal.kind for refusal in outcome.refusals)
        self.conflicts += kinds["conflicts"]
        self.errors += kinds["errors"]
