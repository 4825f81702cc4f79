"""Carries batches to the service and insists on an answer: the same batch under the same key until there is one."""

import asyncio
import json
import random
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from app.station.errors import GaveUpError, InterruptedPostingError, RefusedError
from app.station.lines import Line
from app.station.summary import STATUSES, Outcome, Refusal

PASSING = frozenset({408, 425, 429})  # and everything from 500 on: another time the answer may be another
TOO_LARGE = 413
LONGEST_MESSAGE = 200  # characters of a server's message that are kept


@dataclass(frozen=True, slots=True)
class Target:
    """Where the lines go: the service's base address, the petition's id and the station's bearer key."""

    url: str
    petition: str
    key: str = field(repr=False)

    @property
    def batch_url(self) -> str:
        """The address that takes batches."""
        return f"{self.url.rstrip('/')}/v1/petitions/{quote(self.petition, safe='')}/signatures/batch"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what, in seconds.

    Attributes:
        timeout: For one sending and its answer.
        give_up_after: For one batch, through all its sendings.
        first_wait: Upper bound of the random wait before the first repetition; it doubles with each.
        longest_wait: Where the doubling ends.
        grace: For the batches under way when the posting is asked to stop.
    """

    timeout: float = 60.0
    give_up_after: float = 3600.0
    first_wait: float = 0.5
    longest_wait: float = 30.0
    grace: float = 10.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Some consecutive lines: the number of the batch, the index of its first line (both from 0), the lines."""

    number: int
    first: int
    lines: tuple[Line, ...]

    def halves(self) -> tuple["Batch", "Batch"]:
        """The same lines in two batches, each with a key of its own."""
        middle = len(self.lines) // 2
        return replace(self, lines=self.lines[:middle]), Batch(self.number, self.first + middle, self.lines[middle:])


class _UnansweredError(Exception):
    """This sending had no usable answer. The message says why; `wait` is what the server asked for, in seconds."""

    def __init__(self, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait


class _TooLargeError(Exception):
    """The server, or a proxy before it, takes no body of this size. Nothing of it was read."""


@dataclass(slots=True)
class Courier:
    """What the batches under way share.

    Attributes:
        client: One pool of kept-alive connections.
        target: Where to.
        key_of: The idempotency key of a number of lines from a first one on.
        patience: How long.
        trouble: Told of every sending that failed, in words without personal data.
        halted: Set when no batch may be sent any more.
        quiet_until: Loop time before which the server wants to hear nothing from any batch.
        deadlines: Those of the sendings under way.
    """

    client: httpx.AsyncClient
    target: Target
    key_of: Callable[[int, int], str]
    patience: Patience
    trouble: Callable[[str], None]
    halted: asyncio.Event = field(default_factory=asyncio.Event)
    quiet_until: float = 0.0
    deadlines: set[asyncio.Timeout] = field(default_factory=set)

    def halt(self) -> None:
        """Send nothing more; what is under way has its grace to be answered."""
        if self.halted.is_set():
            return
        self.halted.set()
        end = asyncio.get_running_loop().time() + self.patience.grace
        for deadline in self.deadlines:
            if not deadline.expired():
                deadline.reschedule(min(end, deadline.when() or end))

    async def deliver(self, batch: Batch) -> Outcome:
        """The server's answer to a batch; one that is too large for it goes in halves.

        Raises:
            RefusedError: The server will not take it however often it is sent.
            GaveUpError: No answer within the patience.
            InterruptedPostingError: Asked to stop before there was one.
        """
        try:
            return await self._insist(batch)
        except _TooLargeError:
            first, second = batch.halves()
            return _together(await self.deliver(first), await self.deliver(second))

    async def _insist(self, batch: Batch) -> Outcome:
        clock = asyncio.get_running_loop().time
        deadline = clock() + self.patience.give_up_after
        retries = 0
        while True:
            await self._pause(self.quiet_until - clock())
            try:
                return replace(await self._send(batch), retries=retries)
            except _UnansweredError as unanswered:
                wait = unanswered.wait + self._jitter(retries)
                self.quiet_until = max(self.quiet_until, clock() + unanswered.wait)
                if self.halted.is_set():
                    raise InterruptedPostingError from None
                if clock() + wait > deadline:
                    message = f"gave up on batch {batch.number + 1} after {retries + 1} sendings: {unanswered}"
                    raise GaveUpError(message) from None
                self.trouble(f"batch {batch.number + 1}: {unanswered}; again in {wait:.1f} s")
            await self._pause(wait)
            retries += 1

    def _jitter(self, retries: int) -> float:
        """Full jitter: stations that failed together do not come back together."""
        bound = min(self.patience.longest_wait, self.patience.first_wait * 2 ** min(retries, 32))
        return random.uniform(0, bound)  # noqa: S311  spreads load, guards nothing

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.halted.wait(), seconds)
        if self.halted.is_set():
            raise InterruptedPostingError

    @asynccontextmanager
    async def _deadline(self) -> AsyncIterator[None]:
        async with asyncio.timeout(self.patience.timeout) as deadline:
            self.deadlines.add(deadline)
            try:
                yield
            finally:
                self.deadlines.discard(deadline)

    async def _send(self, batch: Batch) -> Outcome:
        headers = {
            "Authorization": f"Bearer {self.target.key}",
            "Content-Type": "application/json",
            "Idempotency-Key": self.key_of(batch.first, len(batch.lines)),
        }
        body = b'{"signatures":[' + b",".join(line.body for line in batch.lines) + b"]}"
        try:
            async with self._deadline():
                response = await self.client.post(self.target.batch_url, content=body, headers=headers)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            message = "the address of the service must begin with http:// or https://"
            raise RefusedError(message) from None
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            raise _unanswered(error) from None
        return _judged(response, batch)


def new_client(target: Target, patience: Patience, in_flight: int) -> httpx.AsyncClient:
    """A client that keeps as many connections alive as there are batches in flight."""
    here = urlsplit(target.url).hostname in {"localhost", "127.0.0.1", "::1"}
    return httpx.AsyncClient(
        timeout=httpx.Timeout(None, connect=min(10.0, patience.timeout)),  # each sending has a deadline as a whole
        limits=httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight),
        trust_env=not here,  # a proxy for the world outside is none for this machine
    )


def _unanswered(error: Exception) -> _UnansweredError | RefusedError:
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return RefusedError(f"the certificate of the service is not trusted: {cause.verify_message}")
        cause = cause.__cause__ or cause.__context__
    return _UnansweredError("no connection" if isinstance(error, httpx.ConnectError) else type(error).__name__)


def _judged(response: httpx.Response, batch: Batch) -> Outcome:
    status = response.status_code
    if status == httpx.codes.OK:
        return _outcome(response, batch)
    if status in PASSING or status >= httpx.codes.INTERNAL_SERVER_ERROR or "Retry-After" in response.headers:
        why = f"HTTP {status}"
        raise _UnansweredError(why, _seconds(response.headers.get("Retry-After", "")))
    if status == TOO_LARGE and len(batch.lines) > 1:
        raise _TooLargeError
    message = f"the service refuses batch {batch.number + 1}: HTTP {status}{_problem(response)}"
    raise RefusedError(message)


def _outcome(response: httpx.Response, batch: Batch) -> Outcome:
    """Read a 200. Anything but one result for each line, in order, is no answer of the service: perhaps a proxy's."""
    try:
        results = response.json()["results"]
        if len(results) != len(batch.lines):
            raise ValueError  # noqa: TRY301  one handler for all that is wrong with an answer
        statuses: Counter[str] = Counter()
        refusals = []
        for line, result in zip(batch.lines, results, strict=True):
            if result.get("place") not in {None, line.place}:
                raise ValueError  # noqa: TRY301  as above
            if "error" in result:
                refusals.append(_refusal(line, result["error"]))
            else:
                statuses[_status(result)] += 1
    except (ValueError, KeyError, TypeError, AttributeError):
        why = "an answer that does not fit what was sent"
        raise _UnansweredError(why) from None
    replayed = response.headers.get("Idempotent-Replayed", "").lower() == "true"
    return Outcome(batch.number, dict(statuses), tuple(refusals), replayed=replayed, retries=0)


def _status(result: Mapping[str, Any]) -> str:
    if result["status"] not in STATUSES:
        raise ValueError
    return str(result["status"])


def _refusal(line: Line, error: Mapping[str, Any]) -> Refusal:
    """A line's error with the fields it names, of which the person who looks after it needs to know."""
    parts = [str(error.get("message") or ""), *(_field(one) for one in (error.get("errors") or [])[:3])]
    return Refusal(line.place, _text(error["code"]), _text(" ".join(filter(None, parts))))


def _field(error: Mapping[str, Any]) -> str:
    name = ".".join(str(error["path"]).split(".")[2:])  # without the line's index in its batch: `signatures.17.zip`
    return f"{name}: {error['message']}"


def _together(one: Outcome, other: Outcome) -> Outcome:
    return Outcome(
        batch=one.batch,
        statuses=dict(Counter(one.statuses) + Counter(other.statuses)),
        refusals=one.refusals + other.refusals,
        replayed=one.replayed and other.replayed,
        retries=one.retries + other.retries,
    )


def _problem(response: httpx.Response) -> str:
    """What a problem document says, in one line; '' where there is none."""
    try:
        problem = response.json()
        errors = [f"{error['path']} {error['code']}" for error in problem.get("errors", [])][:3]
        return ": " + "; ".join(_text(part) for part in [problem.get("detail") or problem["title"], *errors])
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        return ""


def _text(value: object) -> str:
    """A server's words, made safe for a terminal and a file."""
    return "".join(c if c.isprintable() else " " for c in str(value))[:LONGEST_MESSAGE]


def _seconds(retry_after: str) -> float:
    """The wait that a Retry-After asks for, given in seconds or as a date; 0 where it cannot be read."""
    try:
        return max(0.0, float(int(retry_after)))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0
