"""`make torture`: races and deaths for as long as one likes, and a report of what they really hit.

Every round posts over HTTP from a dozen stations, kills the service or its database in the middle of it, and holds what
the stations were told against the rows. Between the rounds, pairs of verbs race for one voter. The first thing that is
wrong ends the run with its seed.
"""

import argparse
import asyncio
import json
import os
import random
import secrets
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent.parent))  # the tests' helpers are no package

from tests.torture.kills import Torture
from tests.torture.service import Service

FAULTS = ("kill -9 of the service", "kill -9 of PostgreSQL")


async def run(folder: str, seconds: float, seed: int) -> dict[str, object]:
    """Torture a service in a folder of its own; the report."""
    ends, draw = time.monotonic() + seconds, random.Random(seed)  # noqa: S311  # to be drawn again from the seed
    service = Service(Path(folder))
    await service.prepare()
    torture, rounds, hit, races = Torture(service, draw), Counter[str](), Counter[str](), 0
    try:
        while time.monotonic() < ends:
            fault = draw.choice(FAULTS)
            hit[fault] += await torture.round(fault)
            rounds[fault] += 1
            races += await torture.storm(min(5.0, max(0.0, ends - time.monotonic())))
            if draw.random() < 0.3:  # noqa: PLR2004  # now and then
                await torture.repeat()
            print(f"{sum(rounds.values())} rounds, {races} races, {len(torture.account.sent)} requests", flush=True)
    finally:
        await service.kill()
    sent = torture.account.sent
    return {
        "seed": seed,
        "rounds": dict(rounds),
        "requests in flight when the fault came": dict(hit),
        "requests that a fault hit or turned away": dict(torture.account.faults),
        "requests": len(sent),
        "acknowledged, each line there once, byte for byte": torture.account.acknowledged,
        "not acknowledged, each absent or whole": sum(not one.acknowledged for one in sent),
        "races for one voter, each counted right": races,
    }


def main() -> int:
    """Run, and print the seed first and the report last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with TemporaryDirectory(prefix="torture-") as folder:
        os.chmod(folder, 0o711)  # noqa: PTH101, S103  # where root runs this, the server's user must get through
        report = asyncio.run(run(folder, arguments.seconds, arguments.seed))
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
