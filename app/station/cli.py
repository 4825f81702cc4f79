"""`python -m app station post FILE …`: the command and what it shows on stderr."""

import argparse
import asyncio
import json
import os
import re
import signal
from collections.abc import Callable
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from time import monotonic
from typing import get_args

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from app.station.client import SPOOL, Control, Options, Target, post_file
from app.station.outcome import BadFileError, GaveUpError, StationError, StoppedError, Summary

URL = re.compile(r"https?://(\[[\da-f:]+\]|[^][\s/@?#:]+)(:(?P<port>[1-9]\d{0,4}))?(/[^\s?#]*)?", re.IGNORECASE)
LARGEST_PORT = 65_535
LARGEST_COUNT = 1_000  # lines in a batch, which the service accepts, or requests in flight
LONGEST_TIME = 1_000_000_000  # seconds
SECONDS_BETWEEN_LINES = 5.0
RESUMABLE = {GaveUpError: 4, StoppedError: 130}  # exit codes of the errors after which the same command resumes
EXIT_CODES = """\
The last line on standard output is a summary in JSON. Run the same command again to resume.

exit codes:
  0    every line was accepted, now or earlier
  1    the service refuses the posting, or the spool cannot be used
  2    bad arguments, or a malformed file; nothing was sent
  3    everything is posted, but some lines were not accepted: see FILE.conflicts.ndjson
  4    gave up waiting for the service
  130  interrupted (143: terminated)
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `station post` to a command line; the parsed arguments have `run`, which takes them."""
    station = subparsers.add_parser(
        "station", help="a scanning station's client", description="A scanning station's client."
    )
    post = station.add_subparsers(required=True, metavar="COMMAND").add_parser(
        "post",
        help="post a file of signatures, each exactly once",
        description="Post a file of signatures, each exactly once.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    post.set_defaults(run=run)
    post.add_argument("file", metavar="FILE", help="one JSON signature per line, plain or gzip; '-' is standard input")
    post.add_argument("--url", required=True, type=_url, help="base address of the service")
    post.add_argument("--petition", required=True, metavar="ID", help="the petition's id")
    key = post.add_mutually_exclusive_group()
    text = "the station's key; better in STATION_KEY, which other users cannot list"
    key.add_argument("--key", type=_key, default=os.environ.get("STATION_KEY", ""), help=text)
    key.add_argument("--key-file", dest="key", type=_key_file, metavar="PATH", help="a file that contains only the key")
    post.add_argument("--spool", type=Path, default=SPOOL, metavar="DIR", help="resume data (default: ./spool)")
    for option in fields(Options):
        kind, unit, meaning = get_args(option.type)
        number = _positive(kind, LARGEST_COUNT if kind is int else LONGEST_TIME)
        name, text = f"--{option.name.replace('_', '-')}", f"{meaning} (default: {option.default:g})"
        post.add_argument(name, type=number, default=option.default, metavar=unit, help=text)


def _positive(kind: Callable[[str], float], most: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        parsed = kind(text)
        if not 0 < parsed <= most:
            raise argparse.ArgumentTypeError(f"must be above 0 and at most {most:,.0f}")
        return parsed

    return number


def _key(text: str) -> str:
    key = text.strip()
    if not (key and key.isascii() and key.isprintable()):
        raise argparse.ArgumentTypeError("no key: set STATION_KEY, or give --key-file or --key")
    return key


def _key_file(path: str) -> str:
    try:
        return _key(Path(path).read_text(encoding="ascii", errors="replace"))
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot read {path}: {error.strerror}") from None


def _url(text: str) -> str:
    if not (match := URL.fullmatch(text)) or int(match["port"] or 1) > LARGEST_PORT:
        raise argparse.ArgumentTypeError("must be http://HOST[:PORT] or https://HOST[:PORT], without a key in it")
    return text.rstrip("/")


def run(args: argparse.Namespace) -> int:
    """Post the file; returns the exit code. Progress and errors go to stderr, the summary to stdout."""
    screen, target = Screen(args.file), Target(args.url, args.petition, args.key)
    if args.url.lower().startswith("http:") and not target.is_local:
        screen.print("warning: names, addresses and the key travel unencrypted over http://")
    with screen.bar:
        code, message = asyncio.run(_run(args, target, screen))
    if message:
        screen.print(message)
    print(json.dumps(asdict(screen.summary)), flush=True)  # noqa: T201  the command's result
    return code


async def _run(args: argparse.Namespace, target: Target, screen: "Screen") -> tuple[int, str]:
    """Post the file; returns the exit code and a last message."""
    options = Options(**{field.name: getattr(args, field.name) for field in fields(Options)})
    control = Control(progress=screen.progress, retry=screen.print)
    received = _stop_on_signals(control.stop)
    try:
        summary = await post_file(args.file, target, options=options, spool=args.spool, control=control)
    except BadFileError as error:
        return 2, f"{'standard input' if args.file == '-' else args.file}: {error}"
    except StationError as error:
        code = RESUMABLE.get(type(error), 1)
        hint = "; run the same command again to resume" if code > 1 else ""
        return 128 + received[0] if received else code, f"{error}{hint}"
    except OSError as error:  # the folder of the spool, or that of the conflicts
        return 1, f"{error.strerror}: {error.filename}"
    if refused := summary.lines - summary.accepted:
        return 3, f"{refused} lines were not accepted; see the file of conflicts"
    return 0, ""


def _stop_on_signals(stop: asyncio.Event) -> list[int]:
    """Let the first SIGINT or SIGTERM set `stop` and join the list; a second one ends the process at once."""
    loop, received = asyncio.get_running_loop(), list[int]()
    signals = (signal.SIGINT, signal.SIGTERM)

    def receive(number: int) -> None:
        received.append(number)
        stop.set()
        for each in signals:
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)  # safe at any moment: the spool survives a sudden end

    for each in signals:
        loop.add_signal_handler(each, receive, each)
    return received


class Screen:
    """Progress on stderr: a bar in a terminal, otherwise a line every few seconds. Keeps the latest summary."""

    def __init__(self, title: str) -> None:
        """Draws nothing until `bar` is entered."""
        self.summary = Summary()
        console = Console(stderr=True, soft_wrap=True, markup=False, highlight=False, emoji=False)
        text = partial(TextColumn, markup=False)
        columns = (text("{task.description}"), BarColumn(), text("{task.fields[state]}"), TimeRemainingColumn())
        self.bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self.print = console.print  # a line above the bar
        self._task = self.bar.add_task(title, total=None, state="checking the file")
        self._next_line = 0.0

    def progress(self, summary: Summary) -> None:
        """Show the summary; outside a terminal at most every few seconds, and at the end."""
        self.summary = summary
        state = f"{summary.answered:,} of {summary.lines:,} lines, {summary.lines_per_second:,.0f}/s"
        for name in ("conflicts", "errors", "retries"):
            if number := getattr(summary, name):
                state += f", {number:,} {name}"
        self.bar.update(self._task, completed=summary.answered, total=summary.lines, state=state)
        done = summary.answered == summary.lines
        if self.bar.disable and (done or monotonic() >= self._next_line):
            self._next_line = monotonic() + SECONDS_BETWEEN_LINES
            self.print(state)
