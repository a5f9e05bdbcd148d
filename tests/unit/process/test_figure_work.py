"""The background work on the figures: its turns, its failures and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from tests.support.commands.process import DEADLINE_S
from tests.support.process.clock import Clock

from onelead.domain.errors import StoreUnavailable
from onelead.process.figure_work import FigureWork


class Ledgers:
    """A store with a number of steps left for each account."""

    def __init__(self, **steps: int) -> None:
        self.steps = {int(name.removeprefix("a")): count for name, count in steps.items()}
        self.folded: list[int] = []
        self.failures: list[Exception] = []
        self.idle = asyncio.Event()

    async def accounts_behind(self) -> Sequence[int]:
        found = [id_ for id_, steps in self.steps.items() if steps]
        if not found:
            self.idle.set()
        return found

    async def fold_ledger(self, account_id: int) -> bool:
        if self.failures:
            raise self.failures.pop()
        self.folded.append(account_id)
        self.steps[account_id] -= 1
        return self.steps[account_id] > 0


async def worked(store: Ledgers) -> FigureWork:
    """Run the work until no step is left."""
    work = FigureWork(store, Clock().monotonic, rest_s=0.001)
    await asyncio.wait_for(store.idle.wait(), DEADLINE_S)
    return work


async def test_accounts_take_turns_until_nothing_is_left() -> None:
    store = Ledgers(a1=3, a2=1, a3=2)
    work = await worked(store)
    assert store.folded == [1, 2, 3, 1, 3, 1]
    await work.stop()


async def test_a_failure_ends_the_round_of_its_account_only() -> None:
    store = Ledgers(a1=1, a2=1)
    store.failures = [StoreUnavailable()]
    await (await worked(store)).stop()
    assert store.folded == [2, 1]


async def test_a_defect_does_not_end_the_work() -> None:
    store = Ledgers(a1=2)
    store.failures = [ValueError("a ledger row that is not readable")]
    await (await worked(store)).stop()
    assert store.folded == [1, 1]


async def test_stopping_lets_the_step_under_way_end_and_begins_no_other() -> None:
    began, may_end = asyncio.Event(), asyncio.Event()

    class Slow(Ledgers):
        async def fold_ledger(self, account_id: int) -> bool:
            began.set()
            await may_end.wait()
            return await super().fold_ledger(account_id)

    store = Slow(a1=1_000_000)
    work = FigureWork(store, Clock().monotonic)
    await began.wait()
    stopping = asyncio.create_task(work.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    may_end.set()
    await asyncio.wait_for(stopping, DEADLINE_S)
    assert store.folded == [1]


@pytest.mark.parametrize(("is_busy", "rests"), [(False, 4), (True, 49)])
async def test_the_work_rests_longer_while_writes_wait(*, is_busy: bool, rests: int) -> None:
    steps, step_s = 10, 0.001
    clock = Clock()

    class Measured(Ledgers):
        async def fold_ledger(self, account_id: int) -> bool:
            clock.running_s += step_s
            return await super().fold_ledger(account_id)

    store = Measured(a1=steps)
    began = asyncio.get_running_loop().time()
    work = FigureWork(store, clock.monotonic, is_busy=lambda: is_busy, rest_s=step_s)
    await asyncio.wait_for(store.idle.wait(), DEADLINE_S)
    assert asyncio.get_running_loop().time() - began >= steps * rests * step_s
    await work.stop()


async def test_a_rest_between_steps_ends_when_the_work_is_stopped() -> None:
    """A step of an hour would otherwise be followed by hours of rest."""
    clock = Clock()
    began = asyncio.Event()

    class Long(Ledgers):
        async def fold_ledger(self, account_id: int) -> bool:
            clock.advance(3_600)
            began.set()
            return await super().fold_ledger(account_id)

    store = Long(a1=5)
    work = FigureWork(store, clock.monotonic)
    await began.wait()
    await asyncio.wait_for(work.stop(), DEADLINE_S)
    assert store.folded == [1]
