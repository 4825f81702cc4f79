"""The HTTP client: sends batches, and each of them again under the same idempotency key until it is answered."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from app.station.outcome import (
    STATUSES,
    GaveUpError,
    InterruptedPostingError,
    Outcome,
    Refusal,
    RefusedError,
    StationError,
    Summary,
)
from app.station.source import Batch, Line

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
TEMPORARY = frozenset({408, 425, 429})  # and all from 500: a later attempt may succeed
INDEX = re.compile(r"\bsignatures\.\d+\.")  # of a line in its batch, which says nothing to the reader of the file
LONGEST_MESSAGE = 200  # characters kept of a message from the server


@dataclass(frozen=True, slots=True)
class Target:
    """Where to post."""

    url: str  # the service's base address
    petition: str  # its id
    key: str = field(repr=False)  # the station's bearer key

    @property
    def batch_url(self) -> str:
        """The address that accepts batches."""
        return f"{self.url.rstrip('/')}/v1/petitions/{quote(self.petition, safe='')}/signatures/batch"

    @property
    def is_local(self) -> bool:
        """Whether the service runs on this machine."""
        return urlsplit(self.url).hostname in LOCAL_HOSTS


@dataclass(frozen=True, slots=True)
class Options:
    """How fast to post and how long to wait."""

    batch: int = 500  # lines, up to 1,000
    in_flight: int = 4  # batches sent at the same time
    timeout: float = 60.0  # seconds for one attempt, including its answer
    give_up_after: float = 3600.0  # seconds for one batch, including all its retries
    first_wait: float = 0.5  # seconds, the longest random wait before the first retry; doubles with each retry
    longest_wait: float = 30.0  # seconds, where the doubling ends
    grace: float = 10.0  # seconds that batches in flight have to finish after the posting is stopped


@dataclass(frozen=True, slots=True)
class Control:
    """How the caller follows and stops a posting. The functions must return at once."""

    progress: Callable[[Summary], None] = lambda _: None  # at the start and after every batch, the same growing summary
    refused: Callable[[Refusal], None] = lambda _: None  # each line that was not accepted
    retry: Callable[[str], None] = lambda _: None  # why an attempt failed that will be repeated; no personal data
    stop: asyncio.Event = field(default_factory=asyncio.Event)  # set it to start no more; a failure sets it too

    def report(self, outcome: Outcome, summary: Summary) -> None:
        """Add an outcome to the summary, and report both."""
        summary.add(outcome)
        for refusal in outcome.refusals:
            self.refused(refusal)
        self.progress(summary)


class _UnansweredError(Exception):
    """An attempt without a usable answer. The message says why; `wait` is what the server asked for, in seconds."""

    def __init__(self, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait


class _TooLargeError(Exception):
    """The server, or a proxy in front of it, does not accept a body of this size. It processed nothing."""


@dataclass(slots=True)
class Client:
    """Sends batches to one petition; for one posting."""

    target: Target
    options: Options
    control: Control
    idempotency_key: Callable[[int, int], str]  # called with the index of a first line and the number of lines
    _http: httpx.AsyncClient = field(init=False)
    _failures: list[StationError] = field(default_factory=list)
    _silent_until: float = 0.0  # loop time before which the server asked for no requests, from any batch

    def __post_init__(self) -> None:
        """Prepare as many connections as there may be batches in flight."""
        connections = self.options.in_flight
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(None, connect=min(10.0, self.options.timeout)),  # `_attempt` limits the whole
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            trust_env=not self.target.is_local,  # the environment's proxy is for other machines
        )

    async def send_all(self, batches: Iterator[Batch], record: Callable[[Outcome], None]) -> None:
        """Send the batches in order, some at the same time, and record each answer.

        After a failure or a stop, no batch starts and the batches in flight have `options.grace` seconds to finish.
        Then the first failure is raised.
        """
        try:
            async with self._http, asyncio.timeout(None) as deadline, asyncio.TaskGroup() as group:
                limit = group.create_task(self._limit(deadline))
                workers = [self._send_remaining(batches, record) for _ in range(self.options.in_flight)]
                await asyncio.wait([group.create_task(worker) for worker in workers])
                limit.cancel()
        except TimeoutError:
            self._failures.append(InterruptedPostingError("interrupted"))
        if self._failures:
            raise self._failures[0]

    async def _limit(self, deadline: asyncio.Timeout) -> None:
        await self.control.stop.wait()
        deadline.reschedule(asyncio.get_running_loop().time() + self.options.grace)

    async def _send_remaining(self, batches: Iterator[Batch], record: Callable[[Outcome], None]) -> None:
        """One of the workers that share the iterator; each takes the next batch when its last one is answered."""
        try:
            for batch in batches:
                record(await self._send(batch))
                if self._failures:
                    break
        except StationError as failure:
            self._failures.append(failure)
            self.control.stop.set()

    async def _send(self, batch: Batch) -> Outcome:
        """The server's answer to a batch; a batch that is too large for the server is sent in halves."""
        try:
            return await self._send_until_answered(batch)
        except _TooLargeError:
            middle = len(batch.lines) // 2  # each half has its own idempotency key
            one = await self._send(Batch(batch.number, batch.first, batch.lines[:middle]))
            other = await self._send(Batch(batch.number, batch.first + middle, batch.lines[middle:]))
            statuses = dict(Counter(one.statuses) + Counter(other.statuses))
            replayed, retries = one.replayed and other.replayed, one.retries + other.retries
            return Outcome(batch.number, statuses, one.refusals + other.refusals, replayed=replayed, retries=retries)

    async def _send_until_answered(self, batch: Batch) -> Outcome:
        clock = asyncio.get_running_loop().time
        deadline, retries = clock() + self.options.give_up_after, 0
        while True:
            await self._pause(self._silent_until - clock())
            try:
                return replace(await self._attempt(batch), retries=retries)
            except _UnansweredError as reason:
                self._silent_until = max(self._silent_until, clock() + reason.wait)
                longest = min(self.options.longest_wait, self.options.first_wait * 2 ** min(retries, 32))
                # Full jitter: stations that failed together do not retry together.
                wait = reason.wait + random.uniform(0, longest)  # noqa: S311  not a secret
                if self.control.stop.is_set():
                    raise InterruptedPostingError("interrupted") from None
                if clock() + wait > deadline:
                    message = f"gave up on batch {batch.number + 1} after {retries + 1} attempts: {reason}"
                    raise GaveUpError(message) from None
                self.control.retry(f"batch {batch.number + 1}: {reason}; retrying in {wait:.1f} s")
            await self._pause(wait)
            retries += 1

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.control.stop.wait(), seconds)
        if self.control.stop.is_set():
            raise InterruptedPostingError("interrupted")

    async def _attempt(self, batch: Batch) -> Outcome:
        headers = {
            "Authorization": f"Bearer {self.target.key}",
            "Content-Type": "application/json",
            "Idempotency-Key": self.idempotency_key(batch.first, len(batch.lines)),
        }
        body = b'{"signatures":[' + b",".join(line.body for line in batch.lines) + b"]}"
        try:
            async with asyncio.timeout(self.options.timeout):
                response = await self._http.post(self.target.batch_url, content=body, headers=headers)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            raise RefusedError("the address of the service must begin with http:// or https://") from None
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise RefusedError(f"the certificate of the service is not trusted: {error}") from None
            reason = "no connection" if isinstance(error, httpx.ConnectError) else type(error).__name__
            raise _UnansweredError(reason) from None
        return _answer(response, batch)


def _answer(response: httpx.Response, batch: Batch) -> Outcome:
    status = response.status_code
    if status == httpx.codes.OK:
        return _outcome(response, batch)
    if status in TEMPORARY or status >= httpx.codes.INTERNAL_SERVER_ERROR or "Retry-After" in response.headers:
        raise _UnansweredError(f"HTTP {status}", _seconds(response.headers.get("Retry-After", "")))
    if status == httpx.codes.REQUEST_ENTITY_TOO_LARGE and len(batch.lines) > 1:
        raise _TooLargeError
    message = f"the service refuses batch {batch.number + 1}: HTTP {status}"
    with suppress(ValueError, KeyError, TypeError, AttributeError):  # without a problem document, this says enough
        problem = response.json()
        message += f": {_explained(problem.get('detail') or problem['title'], problem)}"
    raise RefusedError(message)


def _outcome(response: httpx.Response, batch: Batch) -> Outcome:
    """Read a 200. Without one result per line, in order, it does not come from the service: perhaps from a proxy."""
    try:
        results = response.json()["results"]
        pairs = list(zip(batch.lines, results, strict=True))
        places_match = all(result.get("place") in {None, line.place} for line, result in pairs)
        refusals = tuple(_refusal(line, result["error"]) for line, result in pairs if "error" in result)
        statuses = Counter(str(result["status"]) for result in results if "error" not in result)
    except (ValueError, KeyError, TypeError, AttributeError):
        places_match, refusals, statuses = False, (), Counter[str]()
    if not places_match or not STATUSES.issuperset(statuses):
        raise _UnansweredError("an answer that does not fit what was sent")
    replayed = response.headers.get("Idempotent-Replayed", "").lower() == "true"
    return Outcome(batch.number, dict(statuses), refusals, replayed=replayed, retries=0)


def _refusal(line: Line, error: Mapping[str, Any]) -> Refusal:
    message = INDEX.sub("", _explained(error.get("message"), error))
    return Refusal(line.place, _printable(error["code"]), message)


def _explained(message: object, error: Mapping[str, Any]) -> str:
    """A message with the first fields that the error names."""
    fields = [f"{one['path']}: {one['message']}" for one in (error.get("errors") or [])[:3]]
    return _printable(" ".join([str(message or ""), *fields]).strip())


def _printable(text: object) -> str:
    """Text from a server, made safe for a terminal and a file."""
    return "".join(c if c.isprintable() else " " for c in str(text))[:LONGEST_MESSAGE]


def _seconds(retry_after: str) -> float:
    """The wait that a Retry-After header asks for, in seconds or as a date; 0 if it cannot be read."""
    with suppress(ValueError):
        return max(0.0, float(int(retry_after)))
    with suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    return 0.0
