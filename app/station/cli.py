"""`python -m app station post FILE …`: the client on the command line."""

import argparse
import asyncio
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.station.courier import Patience, Target
from app.station.errors import BadFileError, GaveUpError, InterruptedPostingError, StationError
from app.station.post import DEFAULT_BATCH, DEFAULT_IN_FLIGHT, DEFAULT_SPOOL, Listener, Pace, post_file
from app.station.progress import Screen

if TYPE_CHECKING:
    from argparse import _SubParsersAction

LARGEST_BATCH = 1_000  # lines; the service takes no more
EXIT_REFUSED_LINES = 3

EXIT_CODES = """\
The last line on standard output is a summary in JSON. The same command, given again, goes on where it ended.

exit codes:
  0    every line was accepted, or was there already
  1    the service refuses the posting, or the spool does
  2    bad arguments, or a malformed file; nothing was sent
  3    all is posted, but some lines were not accepted: see FILE.conflicts.ndjson
  4    gave up waiting for the service
  130  interrupted (143: terminated)
"""


def add_parser(subparsers: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Mount `station post` on a command line; the parsed arguments carry `run`, which takes them."""
    station = subparsers.add_parser("station", help="a scanning station's client")
    commands = station.add_subparsers(required=True, metavar="COMMAND")
    post = commands.add_parser(
        "post",
        help="post a file of signatures, each exactly once",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(post)
    post.set_defaults(run=run)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    waits = Patience()
    parser.add_argument("file", metavar="FILE", help="one JSON signature a line, plain or gzip; '-' is standard input")
    parser.add_argument("--url", required=True, type=_url, help="base address of the service")
    parser.add_argument("--petition", required=True, metavar="ID")
    key = parser.add_mutually_exclusive_group()
    key.add_argument("--key", help="the station's key; better in STATION_KEY, which other users cannot list")
    key.add_argument("--key-file", type=Path, metavar="PATH", help="a file that holds the key alone")
    parser.add_argument(
        "--batch", type=_batch, default=DEFAULT_BATCH, metavar="LINES", help=f"1 to 1000 (default {DEFAULT_BATCH})"
    )
    parser.add_argument(
        "--in-flight", type=_count, default=DEFAULT_IN_FLIGHT, metavar="N", help=f"default {DEFAULT_IN_FLIGHT}"
    )
    parser.add_argument(
        "--spool", type=Path, default=DEFAULT_SPOOL, metavar="DIR", help="what a resumption needs (default ./spool)"
    )
    for option, default, meaning in (
        ("--timeout", waits.timeout, "for one sending and its answer"),
        ("--give-up-after", waits.give_up_after, "for one batch, with all its repetitions"),
        ("--first-wait", waits.first_wait, "at most, before the first repetition; doubles with each"),
        ("--longest-wait", waits.longest_wait, "at most, before any repetition"),
        ("--grace", waits.grace, "for what is under way when interrupted"),
    ):
        text = f"{meaning} (default {default:g})"
        parser.add_argument(option, type=_seconds, default=default, metavar="SECONDS", help=text)


def run(args: argparse.Namespace) -> int:
    """Post the file; returns the exit code. Progress and trouble go to stderr, the summary to stdout."""
    screen = Screen.on_stderr(args.file)
    try:
        key = _key(args.key, args.key_file)
    except BadFileError as error:
        screen.say(str(error))
        return error.exit_code
    if urlsplit(args.url).scheme == "http" and urlsplit(args.url).hostname not in {"localhost", "127.0.0.1", "::1"}:
        screen.say("warning: names, addresses and the key travel unencrypted over http://")
    with screen:
        code, words = asyncio.run(_run(args, Target(args.url, args.petition, key), screen))
    if words:
        screen.say(words)
    print(json.dumps(screen.summary.as_json()), flush=True)  # noqa: T201  the command's result
    return code


async def _run(args: argparse.Namespace, target: Target, screen: Screen) -> tuple[int, str]:
    """Post the file; returns the exit code and what is to be said at the end."""
    waits = Patience(args.timeout, args.give_up_after, args.first_wait, args.longest_wait, args.grace)
    pace = Pace(args.batch, args.in_flight, waits)
    listener = Listener(progress=screen.progress, trouble=screen.say)
    stop = asyncio.Event()
    with _stopped_by_signals(stop) as received:
        try:
            summary = await post_file(args.file, target, pace=pace, spool=args.spool, listener=listener, stop=stop)
        except StationError as error:
            return (128 + received[0] if received else error.exit_code), _last_words(error, args.file)
        except OSError as error:  # the folder of the spool, or that of the conflicts
            return 1, f"{error.strerror}: {error.filename}"
    if summary.accepted < summary.lines:
        words = f"{summary.lines - summary.accepted} lines were not accepted; see the file of conflicts"
        return EXIT_REFUSED_LINES, words
    return 0, ""


def _last_words(error: StationError, file: str) -> str:
    match error:
        case InterruptedPostingError():
            return "interrupted; give the same command again to go on"
        case GaveUpError():
            return f"{error}; give the same command again to go on"
        case BadFileError():
            return f"{'standard input' if file == '-' else file}: {error}"
        case _:
            return str(error)


@contextmanager
def _stopped_by_signals(stop: asyncio.Event) -> Iterator[list[int]]:
    """The first SIGINT or SIGTERM sets `stop` and is put in the list; a second one ends the process at once."""
    loop, received = asyncio.get_running_loop(), list[int]()
    signals = (signal.SIGINT, signal.SIGTERM)

    def release() -> None:
        for number in signals:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    def receive(number: int) -> None:
        received.append(number)
        stop.set()
        release()  # safe at any moment: the spool is made for sudden deaths

    for number in signals:
        loop.add_signal_handler(number, receive, number)
    try:
        yield received
    finally:
        release()


def _key(key: str | None, file: Path | None) -> str:
    try:
        found = key or (file.read_text(encoding="utf-8") if file else os.environ.get("STATION_KEY", ""))
    except (OSError, UnicodeDecodeError):
        message = "cannot read the file of the key"
        raise BadFileError(message) from None
    found = found.strip()
    if not (found and found.isascii() and found.isprintable()):
        message = "no key: give STATION_KEY, --key-file or --key"
        raise BadFileError(message)
    return found


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        fine = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
        fine = fine and not parts.query and not parts.fragment and parts.port != 0
    except ValueError:
        fine = False
    if not fine:
        message = "must be http://HOST[:PORT] or https://HOST[:PORT], without a key in it"
        raise argparse.ArgumentTypeError(message)
    return text.rstrip("/")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        message = "must be at least 1"
        raise argparse.ArgumentTypeError(message)
    return number


def _batch(text: str) -> int:
    number = _count(text)
    if number > LARGEST_BATCH:
        message = f"must be at most {LARGEST_BATCH}"
        raise argparse.ArgumentTypeError(message)
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        message = "must be a number of seconds above 0"
        raise argparse.ArgumentTypeError(message)
    return number
