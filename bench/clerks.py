"""A process of clients of `bench/claims.py`. It loads nothing of the service, so that it starts soon."""

import asyncio
import json
import random
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from bench.wire import Wire, request

QUEUES: Final = ("to_compare",) * 6 + ("to_confirm",) * 3 + ("to_decide",)
SAID: Final = {"status": "invalid", "reason": "different_address"}


@dataclass(frozen=True)
class Plan:
    """What a process of clients needs to know."""

    ports: Sequence[int]
    petition_id: str
    keys: Sequence[str]
    pause: float  # seconds between the claims of one clerk, on the average
    log: str  # a file; the process adds to it

    def path(self, rest: str) -> str:
        """A path below the petition."""
        return f"/v1/petitions/{self.petition_id}{rest}"


class Clerk:
    """One clerk at a client."""

    def __init__(self, plan: Plan, key: str, log: TextIO, draw: random.Random) -> None:
        """Begin with nothing."""
        self.plan, self.key, self.log, self.draw = plan, key, log, draw

    async def work(self) -> None:
        """Claim and decide until the process ends."""
        while True:
            wire = await Wire.open(self.draw.choice(self.plan.ports))
            with suppress(EOFError, OSError):  # the service closes a connection that was idle for some seconds
                while True:
                    await self.claim(wire)

    async def claim(self, wire: Wire) -> None:
        """Claim lines, and go on with them."""
        await asyncio.sleep(self.draw.expovariate(1 / self.plan.pause))
        queue = self.draw.choice(QUEUES)
        wanted = json.dumps({"limit": self.draw.randint(1, 5)}).encode()
        sent = time.perf_counter()
        status = await wire.exchange(request(self.plan.path(f"/queues/{queue}/claims"), self.key, wanted))
        self.note("claim", status=status, ms=(time.perf_counter() - sent) * 1000, queue=queue)
        if status == 201:  # noqa: PLR2004  # made
            await self.go_on(wire, json.loads(wire.body))

    async def go_on(self, wire: Wire, claim: Mapping[str, Any]) -> None:
        """Do with the claimed lines what clerks do."""
        places = [line["place"] for line in claim["lines"]]
        if not places:
            return
        self.note("held", places=places, since=claim["claimed_at"], until=claim["expires_at"])
        await asyncio.sleep(self.draw.expovariate(1 / self.plan.pause) / 2)
        if (chance := self.draw.random()) < 0.3 and claim["queue"] == "to_confirm":  # noqa: PLR2004  # a share
            await self.decide(wire, places)
        elif chance < 0.8:  # noqa: PLR2004  # a share
            self.note("ended", places=places)
            gone = f"DELETE {self.plan.path('/claims/' + claim['claim_id'])} HTTP/1.1\r\nHost: bench\r\n"
            await wire.exchange(f"{gone}Authorization: Bearer {self.key}\r\n\r\n".encode())

    async def decide(self, wire: Wire, places: Sequence[str]) -> None:
        """Decide the lines; which of them were decided is in the answer."""
        self.note("ended", places=places)
        body = json.dumps({"findings": [{"place": place, **SAID} for place in places]}).encode()
        if await wire.exchange(request(self.plan.path("/findings"), self.key, body)) == 200:  # noqa: PLR2004  # done
            results = json.loads(wire.body)["results"]
            self.note("decided", places=[one["place"] for one in results if "error" not in one])
            self.note("refused", codes=[one["error"]["code"] for one in results if "error" in one])

    def note(self, kind: str, **facts: object) -> None:
        """Write down what happened, before anything else does."""
        self.log.write(json.dumps({"kind": kind, "at": time.time(), **facts}) + "\n")
        self.log.flush()


async def be_clients(plan: Plan) -> None:
    """A process of clients."""
    with Path(plan.log).open("a") as log:  # noqa: ASYNC230  # a file of this machine
        draw = random.Random()  # noqa: S311  # a benchmark
        await asyncio.gather(*(Clerk(plan, key, log, draw).work() for key in plan.keys))


if __name__ == "__main__":
    asyncio.run(be_clients(Plan(**json.loads(sys.argv[1]))))
