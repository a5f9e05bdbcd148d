"""Long reads have a bounded share: few at a time, in order of arrival, and never none."""

from __future__ import annotations

import asyncio

import pytest

from onelead.domain.limits import (
    LONG_READS_AT_ONCE_MAX,
    LONG_READS_BESIDE_WRITES_MAX,
    WRITES_UNDER_WAY_S,
)
from onelead.storage.long_reads import LongReads


class World:
    """Reads that run until the test ends them, on a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.turns = LongReads(lambda: self.now)
        self.running: dict[int, asyncio.Event] = {}
        self.began: list[int] = []

    async def read(self, number: int) -> int:
        self.began.append(number)
        self.running[number] = asyncio.Event()
        await self.running[number].wait()
        del self.running[number]
        return number

    def asked(self, *numbers: int) -> list[asyncio.Task[int]]:
        return [asyncio.create_task(self.turns.run(self.read(number))) for number in numbers]

    async def settle(self) -> list[int]:
        for _ in range(10):
            await asyncio.sleep(0)
        return sorted(self.running)

    async def end(self, number: int) -> list[int]:
        self.running[number].set()
        return await self.settle()


@pytest.fixture
def world() -> World:
    return World()


async def test_some_run_at_a_time_in_order_of_arrival(world: World) -> None:
    tasks = world.asked(*range(6))
    assert await world.settle() == [*range(LONG_READS_AT_ONCE_MAX)]
    for number in range(6):
        await world.end(number)
    assert await asyncio.gather(*tasks) == world.began == [*range(6)]


async def test_fewer_run_while_leads_are_written_and_none_waits_forever(world: World) -> None:
    tasks = world.asked(*range(6))
    await world.settle()
    for number in range(6):
        # Deliveries that never stop.
        world.turns.leads_are_written()
        now_running = await world.end(number)
        assert len(now_running) <= max(
            LONG_READS_BESIDE_WRITES_MAX, LONG_READS_AT_ONCE_MAX - number - 1
        )
        assert bool(now_running) == (number < 5)
    assert await asyncio.gather(*tasks) == [*range(6)]


async def test_all_may_run_again_when_no_lead_has_been_written_for_a_while(world: World) -> None:
    world.turns.leads_are_written()
    tasks = world.asked(*range(6))
    assert await world.settle() == [0]
    world.now += WRITES_UNDER_WAY_S
    assert await world.end(0) == [*range(1, 1 + LONG_READS_AT_ONCE_MAX)]
    for number in range(1, 6):
        await world.end(number)
    await asyncio.gather(*tasks)


async def test_a_caller_that_goes_away_while_it_waits_gives_up_its_turn(world: World) -> None:
    world.turns.leads_are_written()
    first, second, third = world.asked(0, 1, 2)
    await world.settle()
    second.cancel()
    assert await world.settle() == [0]
    assert await world.end(0) == [2]
    await world.end(2)
    assert (await first, await third) == (0, 2)
    assert world.began == [0, 2]


@pytest.mark.parametrize("steps", range(6))
async def test_a_caller_that_goes_away_as_its_turn_comes_keeps_nobody_waiting(
    world: World, steps: int
) -> None:
    world.turns.leads_are_written()
    first, second, third = world.asked(0, 1, 2)
    await world.settle()
    world.running[0].set()
    for _ in range(steps):
        await asyncio.sleep(0)
    second.cancel()
    if await world.settle() == [1]:
        await world.end(1)
    assert await world.settle() == [2]
    await world.end(2)
    assert (await first, await third) == (0, 2)


async def test_a_read_whose_caller_goes_away_holds_its_place_until_it_ends(world: World) -> None:
    world.turns.leads_are_written()
    first, second = world.asked(0, 1)
    await world.settle()
    first.cancel()
    assert await world.settle() == [0]
    assert await world.end(0) == [1]
    await world.end(1)
    assert await second == 1


async def test_a_read_that_fails_ends_its_turn(world: World) -> None:
    async def fails() -> None:
        raise ValueError("a defect")

    for _ in range(LONG_READS_AT_ONCE_MAX + 1):
        with pytest.raises(ValueError, match="a defect"):
            await world.turns.run(fails())


async def test_those_that_wait_are_cancelled_when_the_store_closes(world: World) -> None:
    reads = world.asked(*range(LONG_READS_AT_ONCE_MAX + 2))
    running = await world.settle()
    world.turns.close()
    assert await world.settle() == running
    assert [read.cancelled() for read in reads] == [*[False] * len(running), True, True]
    for number in running:
        await world.end(number)
    assert [read.result() for read in reads[: len(running)]] == running
