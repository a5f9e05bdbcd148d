"""The index work: the accounts take turns, and a failure only delays."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.support.commands.process import DEADLINE_S

from onelead.domain.errors import StoreUnavailable
from onelead.process.index_work import IndexWork


@dataclass
class StepStore:
    """A store with a number of steps left for each account; its first calls may fail."""

    steps: dict[int, int]
    failures: list[Exception] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def account_ids(self) -> Sequence[int]:
        self._fail()
        return sorted(self.steps)

    async def build_index(self, account_id: int) -> bool:
        self.calls.append(account_id)
        self.started.set()
        await asyncio.sleep(0)
        self._fail()
        if self.steps[account_id] == 0:
            return False
        self.steps[account_id] -= 1
        if not any(self.steps.values()):
            self.done.set()
        return True

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)


async def work_until_done(store: StepStore) -> None:
    """Run the work until no step is left."""
    work = IndexWork(store, rest_s=0.001)
    async with asyncio.timeout(DEADLINE_S):
        await store.done.wait()
        await work.stop()


async def test_all_steps_are_done_and_the_accounts_take_turns() -> None:
    store = StepStore({1: 3, 2: 2})
    await work_until_done(store)
    assert store.steps == {1: 0, 2: 0}
    assert store.calls[:5] == [1, 2, 1, 2, 1]


async def test_steps_that_fail_are_tried_again() -> None:
    unavailable, defect = StoreUnavailable(), ValueError("a defect")
    store = StepStore({1: 1, 2: 1}, failures=[unavailable, defect, unavailable, defect])
    await work_until_done(store)
    assert store.steps == {1: 0, 2: 0}


async def test_new_work_is_found_after_a_rest() -> None:
    store = StepStore({1: 1})
    work = IndexWork(store, rest_s=0.001)
    async with asyncio.timeout(DEADLINE_S):
        await store.done.wait()
        store.done.clear()
        store.steps[2] = 1
        await store.done.wait()
        await work.stop()
    assert store.steps == {1: 0, 2: 0}


async def test_stopping_ends_the_rest_immediately_and_does_no_other_step() -> None:
    store = StepStore({1: 1_000_000})
    work = IndexWork(store, rest_s=3600)
    async with asyncio.timeout(DEADLINE_S):
        await store.started.wait()
        await work.stop()
    assert store.steps[1] > 0
    idle = IndexWork(StepStore({}), rest_s=3600)
    async with asyncio.timeout(DEADLINE_S):
        await asyncio.sleep(0)
        await idle.stop()


async def test_waking_ends_the_rest_immediately() -> None:
    store = StepStore({1: 1})
    work = IndexWork(store, rest_s=3600)
    async with asyncio.timeout(DEADLINE_S):
        await store.done.wait()
        store.done.clear()
        store.steps[2] = 1
        work.wake()
        await store.done.wait()
        await work.stop()
    assert store.steps == {1: 0, 2: 0}


class OnceFailingStore(StepStore):
    """A store whose first step fails."""

    async def build_index(self, account_id: int) -> bool:
        if not self.calls:
            self.calls.append(account_id)
            raise StoreUnavailable
        return await super().build_index(account_id)


async def test_steps_that_had_work_or_failed_are_reported() -> None:
    store = OnceFailingStore({1: 2})
    reported: list[bool] = []
    work = IndexWork(store, rest_s=0.001, on_step=reported.append)
    async with asyncio.timeout(DEADLINE_S):
        await store.done.wait()
        await work.stop()
    assert reported == [False, True, True]
