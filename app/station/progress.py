"""What a person sees on stderr while a file is posted: a bar in a terminal, else a line now and then."""

from time import monotonic
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from app.station.summary import Summary

SECONDS_BETWEEN_LINES = 5.0


class Screen:
    """Shows the latest summary, and remembers it."""

    def __init__(self, console: Console, title: str) -> None:
        """Draw on `console`, under `title`."""
        self.summary = Summary()
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[state]}", markup=False),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(title, total=None, state="checking the file")
        self._due = 0.0

    @classmethod
    def on_stderr(cls, title: str) -> Self:
        """The usual screen."""
        return cls(Console(stderr=True, soft_wrap=True), title)

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Leave the terminal as it was."""
        self._bar.stop()

    def progress(self, summary: Summary) -> None:
        """Show the summary; outside a terminal at most every few seconds, and at the end."""
        self.summary = summary
        state = _state(summary)
        self._bar.update(self._task, completed=summary.answered, total=summary.lines, state=state)
        done = summary.answered == summary.lines
        if not self._console.is_terminal and (done or monotonic() >= self._due):
            self._due = monotonic() + SECONDS_BETWEEN_LINES
            self.say(state)

    def say(self, text: str) -> None:
        """One line above the bar."""
        self._console.print(text, markup=False, highlight=False, emoji=False)


def _state(summary: Summary) -> str:
    parts = [f"{summary.answered:,} of {summary.lines:,} lines", f"{summary.lines_per_second:,.0f}/s"]
    parts += [f"{count:,} {word}" for word, count in _remarkable(summary) if count]
    return ", ".join(parts)


def _remarkable(summary: Summary) -> tuple[tuple[str, int], ...]:
    return ("conflicts", summary.conflicts), ("errors", summary.errors), ("retries", summary.retries)
