"""Batches compute in slices, one in each round of the event loop."""

import asyncio

from app.matching.lookup import FairScheduler


async def test_several_batches_share_the_rounds_and_all_of_them_finish() -> None:
    scheduler, rounds, done = FairScheduler(), 0, []
    slices: list[int] = []

    def count() -> None:
        nonlocal rounds
        rounds += 1
        loop.call_soon(count)

    async def batch(name: str) -> None:
        for _ in range(10):
            await scheduler.next_slice()
            slices.append(rounds)
        done.append(name)

    loop = asyncio.get_running_loop()
    loop.call_soon(count)
    await asyncio.gather(*(batch(name) for name in "abc"))
    assert sorted(done) == ["a", "b", "c"]
    assert len(slices) == 30
    assert max(slices.count(number) for number in set(slices)) == 1


async def test_a_batch_that_is_canceled_while_it_waits_does_not_block_the_others() -> None:
    scheduler = FairScheduler()
    await scheduler.next_slice()
    waiting = [asyncio.create_task(scheduler.next_slice()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.wait_for(asyncio.gather(*waiting[1:]), 5)


def test_a_slice_left_open_in_one_loop_does_not_block_the_next_loop() -> None:
    scheduler = FairScheduler()

    async def leave() -> None:
        await scheduler.next_slice()

    asyncio.run(leave())
    asyncio.run(asyncio.wait_for(leave(), 5))
