"""Batches compute in slices, one in each round of the event loop."""

import asyncio

from app.matching.lookup import Turns


async def test_several_batches_share_the_rounds_and_everybody_comes_to_an_end() -> None:
    turns, rounds, done = Turns(), 0, []
    slices: list[int] = []

    def count() -> None:
        nonlocal rounds
        rounds += 1
        loop.call_soon(count)

    async def batch(name: str) -> None:
        for _ in range(10):
            await turns.take()
            slices.append(rounds)
        done.append(name)

    loop = asyncio.get_running_loop()
    loop.call_soon(count)
    await asyncio.gather(*(batch(name) for name in "abc"))
    assert sorted(done) == ["a", "b", "c"]
    assert len(slices) == 30
    assert max(slices.count(number) for number in set(slices)) == 1


async def test_a_batch_that_is_cancelled_while_it_waits_keeps_nobody_waiting() -> None:
    turns = Turns()
    await turns.take()
    waiting = [asyncio.create_task(turns.take()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.wait_for(asyncio.gather(*waiting[1:]), 5)


def test_what_a_loop_left_open_does_not_block_the_next() -> None:
    turns = Turns()

    async def leave() -> None:
        await turns.take()

    asyncio.run(leave())
    asyncio.run(asyncio.wait_for(leave(), 5))
