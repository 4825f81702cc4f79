"""Posts signatures over HTTP, each exactly once: a file, which can be resumed from its journal, or from memory."""

import asyncio
import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, urlsplit

import httpx

from app.station.files import Batch, Journal, Line, Plan, Signature, batches, line_from, open_journal, open_source
from app.station.outcome import GaveUpError, Outcome, Refusal, RefusedError, StationError, StoppedError, Summary

_Answer = TypeVar("_Answer")
SPOOL = Path("spool")
STATUSES = frozenset({"received", "valid", "invalid", "review", "blank", "struck"})
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
    def is_local(self) -> bool:
        """Whether the service runs on this machine."""
        return urlsplit(self.url).hostname in {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Options:
    """How fast to post and how long to wait: type, unit and meaning of each, as the command line shows them."""

    batch: Annotated[int, "LINES", "lines per request, 1 to 1000"] = 500
    in_flight: Annotated[int, "N", "requests at the same time"] = 4
    timeout: Annotated[float, "SECONDS", "for one attempt, including its answer"] = 60.0
    give_up_after: Annotated[float, "SECONDS", "for one batch, including all its retries"] = 3600.0
    first_wait: Annotated[float, "SECONDS", "longest wait before the first retry; doubles with each retry"] = 0.5
    longest_wait: Annotated[float, "SECONDS", "longest wait before any retry"] = 30.0
    grace: Annotated[float, "SECONDS", "for requests in flight when interrupted"] = 10.0


DEFAULTS = Options()


@dataclass(frozen=True, slots=True)
class Control:
    """How the caller follows and stops a posting. The functions must return at once."""

    progress: Callable[[Summary], None] = lambda _: None  # at the start and after every batch, the same growing summary
    refused: Callable[[Refusal], None] = lambda _: None  # each line that was not accepted
    retry: Callable[[str], None] = lambda _: None  # why an attempt failed that will be repeated; no personal data
    stop: asyncio.Event = field(default_factory=asyncio.Event)  # set it to start no more; a failure sets it too


@dataclass(eq=False)
class _UnansweredError(Exception):
    """An attempt without a usable answer."""

    why: str
    wait: float = 0.0  # seconds, what the server asked for


class _TooLargeError(Exception):
    """The server, or a proxy in front of it, does not accept a body of this size. It processed nothing."""


@dataclass(slots=True)
class Client:
    """Sends batches to one petition, each again under the same key until it is answered; for one posting."""

    target: Target
    options: Options
    control: Control
    idempotency_key: Callable[[int, int], str]  # called with the index of a first line and the number of lines
    record: Callable[[Outcome], None] = lambda _: None  # called with each answer before it counts
    summary: Summary = field(default_factory=Summary)
    _http: httpx.AsyncClient = field(init=False)
    _started: float = field(default_factory=monotonic)
    _failures: list[StationError] = field(default_factory=list)
    _earlier: int = 0  # lines that were answered in earlier runs
    _silent_until: float = 0.0  # loop time before which the server asked for no requests, from any batch

    async def send_all(self, batches: Iterator[Batch], earlier: Collection[Outcome] = ()) -> Summary:
        """Send the batches in order, some at the same time, but none of those that were answered earlier.

        If the service's database was restored since, it may lack what was answered before: that is sent again under its
        old idempotency keys, which do nothing where it is still there.

        After a failure or a stop, no batch starts and the batches in flight have `options.grace` seconds to finish.
        Then the first failure is raised.
        """
        connections = self.options.in_flight
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {self.target.key}", "Content-Type": "application/json"},
            timeout=httpx.Timeout(None, connect=min(10.0, self.options.timeout)),  # `_attempt` limits the whole
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            trust_env=not self.target.is_local,  # the environment's proxy is for other machines
        )
        try:
            async with self._http:
                answered = await self._still_answered(earlier)
                remaining = (batch for batch in batches if batch.number not in answered)
                async with asyncio.timeout(None) as deadline, asyncio.TaskGroup() as group:
                    limit = group.create_task(self._limit(deadline))
                    await asyncio.wait([group.create_task(self._send_remaining(remaining)) for _ in range(connections)])
                    limit.cancel()
        except TimeoutError:
            self._failures.append(StoppedError("interrupted"))
        if self._failures:
            raise self._failures[0]
        return self.summary

    async def _still_answered(self, earlier: Collection[Outcome]) -> set[int]:
        """The batches whose answers come from the database as it is now; they count in the summary."""
        history = (await self._until_answered("the service's state", self._history))[0] if earlier else ""
        valid = [outcome for outcome in earlier if history in {"", outcome.history}]
        for outcome in valid:
            self.summary.add(outcome)
        if again := len(earlier) - len(valid):
            self.control.retry(f"the database was restored since: {again} batches are sent again")
        self._earlier = self.summary.answered
        self.control.progress(self.summary)
        return {outcome.batch for outcome in valid}

    async def _limit(self, deadline: asyncio.Timeout) -> None:
        await self.control.stop.wait()
        deadline.reschedule(asyncio.get_running_loop().time() + self.options.grace)

    async def _send_remaining(self, batches: Iterator[Batch]) -> None:
        """One of the workers that share the iterator; each takes the next batch when its last one is answered."""
        summary = self.summary
        try:
            for batch in batches:
                outcome = await self._send(batch)
                self.record(outcome)
                summary.add(outcome)
                summary.seconds = round(monotonic() - self._started, 3)
                summary.lines_per_second = round((summary.answered - self._earlier) / max(summary.seconds, 0.001), 1)
                for refusal in outcome.refusals:
                    self.control.refused(refusal)
                self.control.progress(summary)
                if self._failures:
                    break
        except StationError as failure:
            self._failures.append(failure)
            self.control.stop.set()

    async def _send(self, batch: Batch) -> Outcome:
        """The server's answer to a batch; a batch that is too large for the server is sent in halves."""
        try:
            outcome, retries = await self._until_answered(f"batch {batch.number + 1}", partial(self._attempt, batch))
            return replace(outcome, retries=retries)
        except _TooLargeError:
            middle = len(batch.lines) // 2  # each half has its own idempotency key
            one = await self._send(Batch(batch.number, batch.first, batch.lines[:middle]))
            other = await self._send(Batch(batch.number, batch.first + middle, batch.lines[middle:]))
            statuses = dict(Counter(one.statuses) + Counter(other.statuses))
            refusals, retries = one.refusals + other.refusals, one.retries + other.retries
            history = one.history if one.history == other.history else ""
            replayed = one.replayed and other.replayed
            return Outcome(batch.number, statuses, refusals, replayed=replayed, retries=retries, history=history)

    async def _until_answered(self, what: str, attempt: Callable[[], Awaitable[_Answer]]) -> tuple[_Answer, int]:
        """The answer to a request that is repeated until there is one, and the number of repetitions."""
        clock = asyncio.get_running_loop().time
        deadline, retries = clock() + self.options.give_up_after, 0
        while True:
            await self._pause(self._silent_until - clock())
            try:
                return await attempt(), retries
            except _UnansweredError as failed:
                self._silent_until = max(self._silent_until, clock() + failed.wait)
                longest = min(self.options.longest_wait, self.options.first_wait * 2 ** min(retries, 32))
                # Full jitter: stations that failed together do not retry together.
                wait = failed.wait + random.uniform(0, longest)  # noqa: S311  not a secret
                if self.control.stop.is_set():
                    raise StoppedError("interrupted") from None
                if clock() + wait > deadline:
                    message = f"gave up on {what} after {retries + 1} attempts: {failed.why}"
                    raise GaveUpError(message) from None
                self.control.retry(f"{what}: {failed.why}; retrying in {wait:.1f} s")
            await self._pause(wait)
            retries += 1

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.control.stop.wait(), seconds)
        if self.control.stop.is_set():
            raise StoppedError("interrupted")

    async def _attempt(self, batch: Batch) -> Outcome:
        headers = {"Idempotency-Key": self.idempotency_key(batch.first, len(batch.lines))}
        path = f"/v1/petitions/{quote(self.target.petition, safe='')}/signatures/batch"
        body = b'{"signatures":[' + b",".join(line.body for line in batch.lines) + b"]}"
        return _answer(await self._request("POST", path, content=body, headers=headers), batch)

    async def _history(self) -> str:
        response = await self._request("GET", "/health/ready")
        with suppress(ValueError, KeyError, TypeError):
            if (history := response.json()["history"]) is None:  # the database does not answer now
                raise _UnansweredError(f"HTTP {response.status_code}")
            return str(history)
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise _UnansweredError(f"HTTP {response.status_code}")
        return ""  # an older service, or a proxy that passes only posts

    async def _request(self, method: str, path: str, **content: Any) -> httpx.Response:  # noqa: ANN401  httpx's own
        try:
            async with asyncio.timeout(self.options.timeout):
                return await self._http.request(method, f"{self.target.url.rstrip('/')}{path}", **content)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            raise RefusedError("the address of the service must begin with http:// or https://") from None
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise RefusedError(f"the certificate of the service is not trusted: {error}") from None
            reason = "no connection" if isinstance(error, httpx.ConnectError) else type(error).__name__
            raise _UnansweredError(reason) from None


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
    fits = False
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        pairs = list(zip(batch.lines, response.json()["results"], strict=True))
        refusals = tuple(_refusal(line, result["error"]) for line, result in pairs if "error" in result)
        statuses = Counter(str(result["status"]) for _, result in pairs if "error" not in result)
        places_fit = all(result.get("place") in {None, line.place} for line, result in pairs)
        fits = places_fit and STATUSES.issuperset(statuses)
    if not fits:
        raise _UnansweredError("an answer that does not fit what was sent")
    replayed = response.headers.get("Idempotent-Replayed", "").lower() == "true"
    history = _printable(response.headers.get("Database-History", ""))
    return Outcome(batch.number, dict(statuses), refusals, replayed=replayed, retries=0, history=history)


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


async def post_file(
    file: str, target: Target, *, options: Options = DEFAULTS, spool: Path = SPOOL, control: Control | None = None
) -> Summary:
    """Post a file of one JSON signature per line (plain or gzip); after any interruption the same call resumes.

    Returns the totals of this and earlier runs. The lines that were not accepted in any of them are written to
    `FILE.conflicts.ndjson` (`place`, `code`, `message`), for '-' in the spool. Without such lines there is no file.

    Args:
        file: Path, or '-' for standard input.
        target: Where to post.
        options: Batch size, concurrency and waits.
        spool: Folder of the journals; created if missing.
        control: How the caller follows and stops the posting.

    Raises:
        StationError: The posting ended early; one of its subclasses in `outcome`.
    """
    with open_source(file, spool) as source:
        plan = Plan(*await asyncio.to_thread(source.survey), options.batch)
        # The same command finds its journal again: the name is derived from what identifies the posting.
        identity = "\0".join((str(source.path or plan.sha256), target.petition, target.url))
        path = spool / f"{hashlib.sha256(identity.encode()).hexdigest()[:20]}.journal"
        with open_journal(path, plan) as journal:
            plan, earlier = journal.plan, journal.outcomes().values()
            summary = Summary(lines=plan.lines)
            client = Client(target, options, control or Control(), plan.key, journal.append, summary)
            try:
                return await client.send_all(batches(source.lines(), plan.batch), earlier)
            finally:
                _write_refusals(Path(f"{source.path or path.with_suffix('')}.conflicts.ndjson"), journal)


async def post_signatures(
    signatures: Iterable[Signature], target: Target, *, options: Options = DEFAULTS, control: Control | None = None
) -> Summary:
    """Post signatures from memory, taken from the iterable as they are sent. It cannot be resumed.

    Args:
        signatures: Mappings with the fields of a signature.
        target: Where to post.
        options: Batch size, concurrency and waits.
        control: How the caller follows and stops the posting.

    Raises:
        StationError: The posting ended early; what was sent stays sent.
    """
    lines = (line_from(signature, number) for number, signature in enumerate(signatures, start=1))
    client = Client(target, options, control or Control(), Plan("", 0, options.batch).key)
    return await client.send_all(batches(lines, options.batch))


def _write_refusals(path: Path, journal: Journal) -> None:
    """Write the refused lines for a clerk: the whole file or none, so that no one works from a partial list."""
    draft = path.with_name(path.name + ".draft")
    with draft.open("w", encoding="utf-8") as file:
        for outcome in journal.outcomes().values():
            for refusal in outcome.refusals:
                file.write(json.dumps(refusal._asdict(), ensure_ascii=False) + "\n")
        empty = file.tell() == 0
    if empty:
        draft.unlink()
        path.unlink(missing_ok=True)
    else:
        draft.replace(path)
