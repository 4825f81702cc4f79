"""What each station posted to this process, by how its lines were decided: for the metrics."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from app.access.principals import Principal
from app.count.intake import Result

_Station = tuple[str, str]  # county and name


def outcomes(results: Iterable[Result]) -> Iterator[str]:
    """The outcome of each new line: its reason, or else its status; `conflict` where another text has its place."""
    for result in results:
        line, created = result or (None, True)
        if created:
            yield (line.outcome.reason or line.outcome.status) if line else "conflict"


@dataclass(eq=False)
class PostedLines:
    """When each station last posted, and how many lines of each outcome.

    Stations are those with a key, and outcomes those of the law, so neither grows with what is sent.
    """

    last_at: dict[_Station, float] = field(default_factory=dict)
    lines: dict[_Station, Counter[str]] = field(default_factory=dict)

    def note(self, who: Principal, now: datetime, found: Iterable[str]) -> None:
        """Note that a station posted lines with these outcomes."""
        station = who.county_id, who.name
        self.last_at[station] = now.timestamp()
        self.lines.setdefault(station, Counter()).update(found)

    def of_county(self, county_id: str) -> Mapping[str, tuple[float, Counter[str]]]:
        """The stations of a county: when each last posted, and its lines by outcome."""
        mine = [name for county, name in self.lines if county == county_id]
        return {name: (self.last_at[county_id, name], self.lines[county_id, name]) for name in mine}
