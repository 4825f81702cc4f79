"""What the terminal shows while the petition comes in, and at the end."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from app.demo.clerks import Work
from app.demo.stations import Station

LABELS = {
    "raw": "Lines on the petition",
    "valid": "Valid signatures",
    "invalid": "Invalid",
    "not_registered": "  not registered",
    "duplicate": "  duplicate",
    "different_address": "  different address",
    "signature_mismatch": "  signature does not match",
    "canceled": "  registration canceled",
    "out_of_county": "  out of county",
    "other": "  other",
}
_PLAIN_EVERY = 5.0  # seconds between lines where there is no terminal


class Screen:
    """The stations' progress and the live tally; lines now and then where the output is not a terminal."""

    def __init__(self, console: Console, stations: Sequence[Station]) -> None:
        """Show these stations."""
        self.console = console
        self.tally: Mapping[str, Any] = {}
        self.work: Work | None = None
        self._stations = stations
        self._started = time.monotonic()
        self._printed = self._started
        self._live = Live(console=console, refresh_per_second=4, get_renderable=self._render, transient=True)

    def __enter__(self) -> Self:
        """Begin."""
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        if self.console.is_terminal:
            self._live.stop()

    def changed(self) -> None:
        """Something is further."""
        now = time.monotonic()
        if not self.console.is_terminal and now - self._printed >= _PLAIN_EVERY:
            self._printed = now
            self.console.print(self._line())

    def _line(self) -> str:
        if self.work:
            return f"people: {self.work.findings:,} findings; {self._tally_line()}"
        posted = sum(s.posted for s in self._stations)
        return f"stations: {posted:,} of {sum(s.lines for s in self._stations):,} lines; {self._tally_line()}"

    def _tally_line(self) -> str:
        t = self.tally
        if not t:
            return "no tally yet"
        return f"tally {t['version']:,}: {t['valid']:,} valid, {t['invalid']:,} invalid, {t['review']:,} in review"

    def _render(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for station in self._stations:
            bar = ProgressBar(total=max(station.lines, 1), completed=station.posted, width=36)
            again = f"{station.again:,} sent again" if station.again else ""
            table.add_row(station.name, bar, f"{station.posted:,} of {station.lines:,} lines", again)
        rate = sum(s.posted for s in self._stations) / max(time.monotonic() - self._started, 0.001)
        said = f"people have put {self.work.findings:,} findings on record" if self.work else f"{rate:,.0f} lines/s"
        return Group(table, "", said, self._tally_line())


def result_table(expected: Mapping[str, int], got: Mapping[str, int], published: Mapping[str, int]) -> Table:
    """The published result, the same at this scale, and what the service came to, line for line."""
    table = Table(title="The result, line for line")
    for name in ("", "published 2022", "at this scale", "this service"):
        table.add_column(name, justify="right" if name else "left")
    table.add_column("")
    for key, label in LABELS.items():
        same = expected[key] == got[key]
        mark = "[green]=[/]" if same else f"[red]{got[key] - expected[key]:+,}[/]"
        table.add_row(label, f"{published[key]:,}", f"{expected[key]:,}", f"{got[key]:,}", mark)
    return table
