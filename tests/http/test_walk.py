"""How many of our files one request crosses: a newcomer who follows it must be able to keep it in mind."""

import logging
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import FrameType

import httpx
import pytest

from app import main
from tests.http.county import line
from tests.http.world import World

APP = Path(__file__).parents[2] / "app"
MOST_FILES_OF_A_SIGNATURE = 14
LONG = 3600.0  # seconds: what is in memory stays there, however slow the machine is


@pytest.fixture(autouse=True)
def no_logs() -> Iterator[None]:
    """Whether a log is configured depends on the tests before: it is no part of a request's way."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(autouse=True)
def no_work_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a loaded machine, a round of the tasks beside the requests may be under way during all of them."""

    async def nothing(*_: object) -> None:
        pass

    monkeypatch.setattr(main, "keep_examined", nothing)
    monkeypatch.setattr(main, "keep_checkpoints", nothing)
    monkeypatch.setattr(main, "keep_seen_short", nothing)


async def files_crossed(act: Callable[[], Awaitable[httpx.Response]]) -> set[str]:
    """The files of ours of which a function runs while `act` does, but for what the matcher calls."""
    crossed: set[str] = set()

    def called_by_the_matcher(frame: FrameType | None) -> bool:
        while frame and not frame.f_code.co_filename.startswith(str(APP / "matching")):
            frame = frame.f_back
        return frame is not None

    def seen(frame: FrameType, event: str, _: object) -> None:
        name = frame.f_code.co_filename
        if event == "call" and name.startswith(str(APP)) and not called_by_the_matcher(frame):
            crossed.add(str(Path(name).relative_to(APP)))

    sys.setprofile(seen)
    try:
        answer = await act()
    finally:
        sys.setprofile(None)
    assert answer.status_code in (200, 201)
    return crossed


async def crossed_each_time(act: Callable[[int], Awaitable[httpx.Response]]) -> set[str]:
    """The files that several requests of a kind all cross: the first may do what the others find done."""
    crossed = [await files_crossed(lambda number=number: act(number)) for number in range(1, 5)]  # type: ignore[misc]
    return set.intersection(*crossed)


@pytest.mark.parametrize(("age_of_a_tally", "most"), [(LONG, 6), (0.0, 8)])
async def test_a_poll_of_the_tally_crosses_few_files(
    world: World, monkeypatch: pytest.MonkeyPatch, age_of_a_tally: float, most: int
) -> None:
    """One that finds the tally in memory, and one that reads it anew. Both read their key anew."""
    monkeypatch.setattr("app.access.keys._MAX_AGE", 0.0)
    monkeypatch.setattr(world.count.tallies._reads, "max_age", age_of_a_tally)  # noqa: SLF001  # set before, by `world`
    crossed = await crossed_each_time(lambda _: world.call("GET", "/tally", who="monitor"))
    assert len(crossed) <= most, " ".join(sorted(crossed))


async def test_a_signature_crosses_few_files_outside_the_matcher(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that reads its key anew, as all do on a loaded machine."""
    monkeypatch.setattr("app.access.keys._MAX_AGE", 0.0)
    crossed = await crossed_each_time(lambda number: world.post(line(number)))
    assert len(crossed) <= MOST_FILES_OF_A_SIGNATURE, " ".join(sorted(crossed))
