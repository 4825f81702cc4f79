"""Worker processes: they answer, fail, die, are started again, and end with the process that started them."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app import processes
from app.errors import RollError, WorkerDiedError, WorkerFailedError
from app.processes import WorkerPool
from tests.handlers import open_echo
from tests.waiting import until

Pool = WorkerPool[str | bytes, str | bytes | int]


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    opened = WorkerPool(open_echo, "hello", 2)
    await opened.start()
    yield opened
    await opened.close()


async def test_each_request_gets_its_own_answer_however_long_it_is(pool: Pool) -> None:
    requests = [b"%d" % number * 300_000 for number in range(10)]
    assert await asyncio.gather(*(pool.submit(request) for request in requests)) == requests
    assert await pool.submit("greeting") == "hello"


async def test_a_request_goes_to_the_worker_with_the_fewest(pool: Pool) -> None:
    hanging = asyncio.create_task(pool.workers[0].ask("hang"))
    await asyncio.sleep(0)
    assert pool.idle() == 1
    answers = [await pool.submit("id") for _ in range(3)]
    assert pool.workers[1].process
    assert answers == [pool.workers[1].process.pid] * 3
    hanging.cancel()


async def test_a_refusal_is_raised_with_its_facts_and_another_error_by_its_name_alone(pool: Pool) -> None:
    with pytest.raises(RollError) as refused:
        await pool.submit("refuse")
    assert [(fault.row, fault.column, fault.why) for fault in refused.value.faults] == [
        (7, "voter_id", "empty"),
        (8, None, "too long"),
    ]
    with pytest.raises(WorkerFailedError, match=r"^ValueError$"):
        await pool.submit("fail")
    assert await pool.submit("still there") == "still there"


async def test_what_a_worker_dies_over_fails_and_it_is_started_again_but_not_at_once(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = asyncio.create_task(pool.workers[0].ask("hang"))
    for _ in pool.workers:
        with pytest.raises(WorkerDiedError):
            await pool.workers[0].ask("die")
    with pytest.raises(WorkerDiedError):
        await waiting
    await pool.start()
    assert pool.states() == {"running": 1, "silent": 0, "ended": 1}
    assert await pool.submit("other") == "other"
    monkeypatch.setattr(processes, "_RESTART_AFTER", 0.0)
    await pool.start()
    assert pool.states() == {"running": 2, "silent": 0, "ended": 0}
    assert await pool.workers[0].ask("greeting") == "hello"


async def test_a_worker_that_is_silent_is_asked_nothing_and_then_killed(pool: Pool) -> None:
    hung = pool.workers[0]
    await asyncio.gather(*(worker.ask("started") for worker in pool.workers))
    assert hung.process
    hung.process.send_signal(signal.SIGSTOP)
    waiting = asyncio.create_task(hung.ask("never answered"))
    await asyncio.sleep(0)
    assert not any(hung.beat() for _ in range(3))
    assert pool.states() == {"running": 1, "silent": 1, "ended": 0}
    assert hung.running
    assert await asyncio.gather(*(pool.submit("x") for _ in range(5))) == ["x"] * 5
    assert [hung.beat() for _ in range(4)] == [False, False, False, True]
    with pytest.raises(WorkerDiedError):
        await waiting
    assert await hung.process.wait() == -signal.SIGKILL
    assert pool.states() == {"running": 1, "silent": 0, "ended": 1}


async def test_a_worker_that_answers_again_is_asked_again(pool: Pool) -> None:
    hung = pool.workers[0]
    await hung.ask("started")
    assert hung.process
    hung.process.send_signal(signal.SIGSTOP)
    for _ in range(5):
        hung.beat()
    assert not hung.answering
    hung.process.send_signal(signal.SIGCONT)

    async def answers() -> bool:
        return hung.answering

    await until(answers)
    assert await hung.ask("x") == "x"


async def test_without_memory_for_an_answer_the_worker_is_replaced(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = pool.workers[0]
    await worker.ask("started")

    def loads(_: bytes) -> object:
        raise MemoryError

    with monkeypatch.context() as lacking:
        lacking.setattr("app.processes.pickle.loads", loads)
        with pytest.raises(WorkerDiedError):
            await worker.ask("x")
    assert worker.process
    assert await worker.process.wait() == -signal.SIGKILL
    monkeypatch.setattr(processes, "_RESTART_AFTER", 0.0)
    await pool.start()
    assert await worker.ask("x") == "x"


async def test_no_error_ends_the_watch_on_the_workers(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_BEAT_EVERY", 0.01)
    rounds = 0

    async def start() -> None:
        nonlocal rounds
        rounds += 1
        raise RuntimeError  # such as a thread that cannot be started

    monkeypatch.setattr(pool, "start", start)
    watching = asyncio.create_task(pool.watch())

    async def watched() -> bool:
        return rounds > 1

    await until(watched)
    watching.cancel()


async def test_without_workers_there_is_no_answer() -> None:
    with pytest.raises(WorkerDiedError):
        await WorkerPool(open_echo, "", 0).submit("x")


@pytest.mark.parametrize("order", [signal.SIGINT, signal.SIGTERM])
async def test_a_worker_outlives_the_signals_that_end_the_service(pool: Pool, order: signal.Signals) -> None:
    for worker in pool.workers:
        await worker.ask("started")
        assert worker.process
        worker.process.send_signal(order)
        assert await worker.ask("x") == "x"


STARTER = """
import asyncio
from app.processes import WorkerPool
from tests.handlers import open_echo

async def main():
    pool = WorkerPool(open_echo, "", 1)
    await pool.start()
    print(await pool.submit("id"), flush=True)
    await pool.submit("hang")

asyncio.run(main())
"""


def is_running(process_id: int) -> bool:
    """Whether the process runs; one that is dead and not yet waited for (Z) does not."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_worker_ends_with_the_process_that_started_it() -> None:
    starter = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", STARTER), cwd=Path(__file__).parents[1], stdout=asyncio.subprocess.PIPE
    )
    assert starter.stdout
    worker = int(await starter.stdout.readline())

    async def ended() -> bool:
        return not is_running(worker)

    assert is_running(worker)
    starter.kill()
    await starter.wait()
    await until(ended)
