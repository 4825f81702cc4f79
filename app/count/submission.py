"""What a station hands in at once, and what it is told."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.law.line import Line, Place, Submitted
from app.law.tally import Tally


@dataclass(frozen=True, slots=True)
class Submission:
    """One request's lines. One signature is a submission of one."""

    principal: str
    lines: Sequence[Submitted]
    key: str | None = None  # the Idempotency-Key
    fingerprint: bytes = b""  # SHA-256 of the request's meaning; compared when its key comes again


@dataclass(frozen=True, slots=True)
class Accepted:
    """A line stands at its place, by this submission or by one that said the same before."""

    place: str
    status: str
    reason: str | None
    settled: bool
    version: int
    created: bool  # this submission put it there


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another writing stands at this place. A correction is a clerk's revision, never a second line."""

    place: str


LineResult = Accepted | Conflict


@dataclass(frozen=True, slots=True)
class SubmissionResult:
    """The results of a submission, in the order of its lines."""

    results: Sequence[LineResult]
    replayed: bool = False  # it is the stored answer to an earlier request of the same key and content
    # As the transaction left it that took the lines in; None where there was none. No part of what is answered.
    tally: Tally | None = field(default=None, compare=False)


def accepted(line: Line, *, created: bool) -> Accepted:
    """What a station is told of a line: no voter and no evidence."""
    standing = line.standing
    return Accepted(str(line.place), standing.status, standing.reason, standing.settled, line.version, created)


def results_of(
    submission: Submission, standing: Mapping[Place, tuple[Line, frozenset[bytes]]], new: Mapping[Place, Submitted]
) -> list[LineResult]:
    """One result a line: `standing` holds each place's line and the writings accepted there, `new` who came first."""
    results: list[LineResult] = []
    for submitted in submission.lines:
        line, writings = standing[submitted.place]
        if submitted.writing_sha256 in writings:
            results.append(accepted(line, created=new.get(submitted.place) is submitted))
        else:
            results.append(Conflict(str(submitted.place)))
    return results


def dump_results(results: Sequence[LineResult]) -> str:
    """Results as they are stored with their idempotency key."""
    return json.dumps([_row(result) for result in results], separators=(",", ":"))


def _row(result: LineResult) -> tuple[object, ...]:
    if isinstance(result, Conflict):
        return (result.place,)
    return (result.place, result.status, result.reason, result.settled, result.version, result.created)


def load_results(text: str) -> list[LineResult]:
    """Stored results, as they were."""
    return [Conflict(*row) if len(row) == 1 else Accepted(*row) for row in json.loads(text)]
