"""The work of erasures and retention: erasures come first, and the accounts take turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.support.commands.process import DEADLINE_S

from onelead.domain.errors import StoreUnavailable
from onelead.process.retention_work import RetentionWork


@dataclass
class StepStore:
    """A store with a number of steps left for each account; its first steps may fail."""

    erasures: dict[int, int]
    retentions: dict[int, int]
    failures: list[Exception] = field(default_factory=list)
    calls: list[tuple[str, int]] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    #: A round has found nothing to retain.
    rested: asyncio.Event = field(default_factory=asyncio.Event)
    #: Called at each step with their number so far.
    on_call: Callable[[int], None] = lambda _calls: None

    async def account_ids(self) -> Sequence[int]:
        return sorted(self.erasures)

    async def erase_step(self, account_id: int) -> bool:
        return self._step("erase", self.erasures, account_id)

    async def retention_step(self, account_id: int) -> bool:
        has_more = self._step("retain", self.retentions, account_id)
        if not has_more:
            self.rested.set()
        return has_more

    def _step(self, name: str, left: dict[int, int], account_id: int) -> bool:
        self.calls.append((name, account_id))
        self.on_call(len(self.calls))
        if self.failures:
            raise self.failures.pop(0)
        if left[account_id] == 0:
            return False
        left[account_id] -= 1
        if not any((*self.erasures.values(), *self.retentions.values())):
            self.done.set()
        return True


async def work_until_done(store: StepStore) -> None:
    work = RetentionWork(store, lambda: 0.0, rest_s=0.001)
    async with asyncio.timeout(DEADLINE_S):
        await store.done.wait()
        await work.stop()


async def test_erasures_come_first_and_the_accounts_take_turns() -> None:
    store = StepStore({1: 2, 2: 1}, {1: 1, 2: 0})
    await work_until_done(store)
    assert store.calls[:6] == [
        *(("erase", 1), ("erase", 2), ("erase", 1), ("erase", 2), ("erase", 1)),
        ("retain", 1),
    ]


async def test_a_begun_erasure_does_not_wait_for_all_of_retention() -> None:
    store = StepStore({1: 0, 2: 0}, {1: 9, 2: 9})
    work = RetentionWork(store, lambda: 0.0, rest_s=DEADLINE_S * 10)

    def begin_erasure(calls: int) -> None:
        if calls == 5:
            store.erasures[2] = 1
            work.wake()

    store.on_call = begin_erasure
    async with asyncio.timeout(DEADLINE_S):
        await store.done.wait()
        await work.stop()
    assert store.calls[4:9] == [
        *(("retain", 1), ("retain", 2)),
        *(("erase", 1), ("erase", 2), ("erase", 2)),
    ]


async def test_every_account_has_its_steps_even_if_the_work_is_woken_all_the_time() -> None:
    store = StepStore({1: 3, 2: 1}, {1: 3, 2: 3})
    work = RetentionWork(store, lambda: 0.0, rest_s=DEADLINE_S * 10)
    store.on_call = lambda _calls: work.wake()
    async with asyncio.timeout(DEADLINE_S):
        await store.done.wait()
        await work.stop()


async def test_a_failure_only_delays() -> None:
    store = StepStore({1: 1}, {1: 1}, failures=[StoreUnavailable(), ValueError("a defect")])
    await work_until_done(store)
    assert (store.erasures, store.retentions) == ({1: 0}, {1: 0})


async def test_a_begun_erasure_ends_the_rest() -> None:
    store = StepStore({1: 0}, {1: 0})
    work = RetentionWork(store, lambda: 0.0, rest_s=DEADLINE_S * 10)
    async with asyncio.timeout(DEADLINE_S):
        await store.rested.wait()
        store.erasures[1] = 1
        work.wake()
        await store.done.wait()
        await work.stop()
