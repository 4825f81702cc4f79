"""What processes use of the machine, read from Linux's /proc: processor time and memory, ours and everybody else's."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")
_GONE = 0.5  # seconds in which a process of PostgreSQL has ended
DATABASE = "postgres"  # what PostgreSQL's processes are called


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the machine."""

    pid: int
    parent: int
    name: str
    own: float  # seconds of processor time
    ended: float  # the same of its children that have ended


def processes() -> dict[int, Process]:
    """All processes, by their id."""
    found = {}
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            try:
                text = (folder / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            name, _, rest = text.partition("(")[2].rpartition(")")
            words = rest.split()
            own, ended = int(words[11]) + int(words[12]), int(words[13]) + int(words[14])
            pid = int(folder.name)
            found[pid] = Process(pid, int(words[1]), name, own / _TICKS, ended / _TICKS)
    return found


def tree(root: int, found: Mapping[int, Process]) -> list[Process]:
    """A process with all below it."""
    children: dict[int, list[Process]] = {}
    for process in found.values():
        children.setdefault(process.parent, []).append(process)
    result, waiting = [], [found[root]] if root in found else []
    while waiting:
        result.append(waiting.pop())
        waiting += children.get(result[-1].pid, [])
    return result


def processor_time(root: int, found: Mapping[int, Process], *, database: bool) -> float:
    """Seconds of processor time of the processes below `root` and of itself: PostgreSQL's alone, or all the others."""
    chosen = [process for process in tree(root, found) if (process.name == DATABASE) == database]
    return sum(process.own + process.ended for process in chosen)


def _busy() -> float:
    """Seconds for which processors were not idle, since the machine started."""
    user, nice, system, _idle, _wait, *rest = map(int, (_PROC / "stat").read_text().splitlines()[0].split()[1:])
    return (user + nice + system + sum(rest[:3])) / _TICKS


def memory(root: int, *, database: bool = False) -> float:
    """Megabytes that the processes below `root` and itself hold: PostgreSQL's alone, or the most all others ever held.

    PostgreSQL's processes share most of theirs, so of each only its share is counted.
    """
    chosen = [process for process in tree(root, processes()) if (process.name == DATABASE) == database]
    return sum(_field(p.pid, "smaps_rollup", "Pss:") if database else _field(p.pid, "status", "VmHWM:") for p in chosen)


def shared_memory(root: int) -> float:
    """Megabytes that the processes below `root` and itself hold now, without PostgreSQL's; shared pages in parts."""
    chosen = [process for process in tree(root, processes()) if process.name != DATABASE]
    return sum(_field(process.pid, "smaps_rollup", "Pss:") for process in chosen)


def _field(pid: int, file: str, name: str) -> float:
    try:
        text = (_PROC / str(pid) / file).read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0.0
    return int(text.partition(name)[2].split()[0]) / 1024 if name in text else 0.0


@dataclass(slots=True)
class Spent:
    """What a measurement took. Times in seconds, complete when the measurement is over."""

    seconds: float = 0.0
    service: float = 0.0  # processor time of the service without its database
    database: float = 0.0
    client: float = 0.0  # of the one who measures
    naive: float = 0.0
    others: float = 0.0  # processors that everybody else kept busy on average
    load: float = 0.0  # the machine's load average over the last minute, at the end


@dataclass(slots=True)
class Meter:
    """Measures what the service, and whoever is compared with it, use."""

    service: int  # the process whose child the database is
    naive: int = 0
    besides: list[int] = field(default_factory=list)  # ours as well, but no contestants

    @contextmanager
    def measure(self, *, ending: bool = False) -> Iterator[Spent]:
        """Measure the block.

        Args:
            ending: processes end with the block. They are given a moment, since one that just ends may be found neither
                beside its parent nor in the parent's sum.
        """
        spent, before, started = Spent(), self._read(), perf_counter()
        yield spent
        spent.seconds = perf_counter() - started
        if ending:
            sleep(_GONE)
        service, database, client, naive, besides, busy = (
            after - then for after, then in zip(self._read(), before, strict=True)
        )
        spent.service, spent.database, spent.client, spent.naive = service, database, client, naive
        ours = service + database + client + naive + besides
        spent.others = max(0.0, busy - ours) / (perf_counter() - started)
        spent.load = os.getloadavg()[0]

    def _read(self) -> tuple[float, ...]:
        found, mine = processes(), os.times()
        return (
            processor_time(self.service, found, database=False),
            processor_time(self.service, found, database=True),
            mine.user + mine.system,
            processor_time(self.naive, found, database=False),
            sum(processor_time(pid, found, database=False) for pid in self.besides),
            _busy(),
        )
