"""A short share of `make torture`: what was acknowledged survives any death, and nothing is ever half there."""

import random
from collections.abc import AsyncIterator

import pytest

from tests.servers import server_folder
from tests.torture.kills import Torture
from tests.torture.service import Service

SEED = 20260105


@pytest.fixture
async def torture() -> AsyncIterator[Torture]:
    with server_folder("torture-") as folder:
        service = Service(folder)
        await service.prepare()
        yield Torture(service, random.Random(SEED))  # noqa: S311  # the same draw every time
        await service.kill()


async def test_what_was_acknowledged_survives_the_death_of_the_service_and_of_its_database(torture: Torture) -> None:
    for fault in ("kill -9 of the service", "kill -9 of PostgreSQL"):
        assert await torture.round(fault) > 0, "requests were in flight"
    await torture.repeat()
    assert any("kill -9 of the service" in fault for fault in torture.account.faults)
    assert torture.account.acknowledged > 20


async def test_without_synchronous_commits_acknowledged_lines_are_lost(torture: Torture) -> None:
    await torture.service.lose_commits()
    with pytest.raises(AssertionError, match="was acknowledged"):
        await rounds(torture, "kill -9 of PostgreSQL", 5)


async def rounds(torture: Torture, fault: str, count: int) -> None:
    for _ in range(count):
        await torture.round(fault)
