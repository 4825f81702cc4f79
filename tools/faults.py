"""`make faults`: provokes real faults on a running service under load, and writes what happened to docs/faults.md.

Each fault has a service, a database, two stations and four other clients of its own. What was acknowledged is held
against what is on record after it.
"""

import argparse
import asyncio
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))  # the tests' helpers are no package

from tests.torture.faults import FAULTS, Fault, everything_lost, provoke
from tests.torture.scene import Held, Scene

_FILE = Path(__file__).parent.parent / "docs" / "faults.md"
_HEAD = """# What faults do

Made by `make faults` on {day} ({processors} processors, Python {python}). Each fault is provoked on a service of its
own, with its embedded database, while two stations post a file each and four other clients post single lines. After it,
every acknowledged line is looked up on record, every voter's lines are counted again, and the ledger is verified.

- **lost**: acknowledged lines that are not on record as they were sent.
- **doubled**: voters that count twice, and lines on record that were never sent.
- **what stations saw**: what their requests met instead of an answer, how often, and the longest time in which no line
  was acknowledged. Stations send again by themselves; where the operator has to act, it is said.

| fault | what happened | acknowledged | lost | doubled | what stations saw | what readiness said |
| --- | --- | --- | --- | --- | --- | --- |
"""


_REHEARSAL = """
## Rehearsal: the loss of everything

The transcript of the last fault: who did what, and what was seen.

"""


def _title(fault: Fault) -> str:
    return (fault.__doc__ or "").partition("\n")[0]


class Result(NamedTuple):
    """A fault, and what came of it."""

    fault: Fault
    scene: Scene | None  # None: it cannot be provoked here
    held: Held | None
    why: str = ""

    @property
    def title(self) -> str:
        """The fault's name."""
        return _title(self.fault)

    def row(self) -> str:
        """Its row of the table."""
        happened = " ".join((self.fault.__doc__ or "").partition("\n")[2].split())
        if self.scene is None or self.held is None:
            return f"| {self.title} | {self.why} | | | | | |"
        met = ", ".join(f"{name}: {count}" for name, count in self.scene.trouble.most_common(4)) or "no error"
        saw = f"{met}; longest silence {self.scene.silence:.1f} s"
        counts = f"{self.held.acknowledged:,} | {self.held.lost} | {self.held.doubled}"
        return f"| {self.title} | {happened} | {counts} | {saw} | {' → '.join(_readiness(self.scene)) or 'ready'} |"


def _readiness(scene: Scene) -> list[str]:
    """What readiness said from the fault on, one after the other."""
    fault = next(at for at, line in enumerate(scene.transcript) if " s  fault " in line)
    return [line.partition(" readiness ")[2].strip() for line in scene.transcript[fault:] if " s  readiness " in line]


async def _provoke(fault: Fault) -> Result:
    with tempfile.TemporaryDirectory(prefix="fault-") as folder:
        os.chmod(folder, 0o711)  # noqa: PTH101, S103  # where root runs this, the server's user must get through
        try:
            return Result(fault, *await provoke(fault, Path(folder)))
        except PermissionError as error:
            return Result(fault, None, None, f"not provoked: {error}")
        except Exception as error:  # noqa: BLE001  # the others are provoked all the same
            traceback.print_exception(error)
            return Result(fault, None, None, f"failed: {type(error).__name__}")


def _written(results: Sequence[Result], before: str) -> str:
    """The document: of the faults that were not provoked now, what it had `before`."""
    facts = {"day": f"{datetime.now(UTC):%Y-%m-%d}", "python": platform.python_version()}
    rows = {line.split("|")[1].strip(): line for line in before.splitlines() if line.startswith("| ")}
    rows |= {result.title: result.row() for result in results}
    table = [rows[title] for fault in FAULTS if (title := _title(fault)) in rows]
    rehearsal = before.partition(_REHEARSAL)[2]
    for result in results:
        if result.fault is everything_lost and result.scene:
            rehearsal = "".join(f"    {line}\n" for line in result.scene.transcript)
    return _HEAD.format(processors=os.cpu_count(), **facts) + "\n".join(table) + "\n" + _REHEARSAL + rehearsal


def main() -> int:
    """Provoke the faults, print each transcript, and write its row of the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [fault.__name__ for fault in FAULTS]
    parser.add_argument("fault", nargs="*", help=f"those to provoke, else all: {', '.join(names)}")
    arguments = parser.parse_args()
    results = []
    for fault in FAULTS:
        if arguments.fault and fault.__name__ not in arguments.fault:
            continue
        results.append(asyncio.run(_provoke(fault)))
        print(results[-1].row(), *(results[-1].scene.transcript if results[-1].scene else ()), sep="\n    ", flush=True)
        before = _FILE.read_text("utf-8") if _FILE.exists() else ""
        _FILE.write_text(_written(results, before), encoding="utf-8")
    wrong = [
        one for one in results if one.why.startswith("failed") or (one.held and (one.held.lost or one.held.doubled))
    ]
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
