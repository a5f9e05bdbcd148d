"""Watching accounts: one look for all who wait, and only while somebody does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from onelead.domain.errors import StoreUnavailable
from onelead.process.watch import Watch

POLL_S = 0.001
LONG_S = 60


@dataclass
class Lane:
    """The newest number of every account, and the looks at it."""

    newest: int = 3
    looks: list[int] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    async def ledger_seq(self, account_id: int) -> int:
        self.looks.append(account_id)
        if self.failures:
            raise self.failures.pop()
        return self.newest


async def beyond(watch: Watch[int], account_id: int, seq: int, *, timeout_s: float) -> bool:
    with watch.watching(account_id) as watched:
        return bool(await watched.until(lambda newest: newest > seq, timeout_s=timeout_s))


@pytest.fixture
def lane() -> Lane:
    return Lane()


@pytest.fixture
def watch(lane: Lane) -> Iterator[Watch[int]]:
    running = Watch(lane.ledger_seq, poll_s=POLL_S)
    yield running
    running.stop()


async def test_a_row_that_is_there_is_seen(watch: Watch[int]) -> None:
    assert await beyond(watch, 1, 2, timeout_s=LONG_S)


async def test_a_call_waits_for_the_next_row(watch: Watch[int], lane: Lane) -> None:
    waiting = asyncio.create_task(beyond(watch, 1, 3, timeout_s=LONG_S))
    await asyncio.sleep(0)
    lane.newest = 4
    assert await waiting


async def test_a_call_waits_no_longer_than_it_wants(watch: Watch[int]) -> None:
    assert not await beyond(watch, 1, 3, timeout_s=0.01)
    assert not await beyond(watch, 1, 2, timeout_s=0)


async def test_all_who_wait_for_an_account_share_one_look(lane: Lane) -> None:
    slow = Watch(lane.ledger_seq, poll_s=LONG_S)
    seen = await asyncio.gather(
        *(beyond(slow, account_id, 2, timeout_s=LONG_S) for account_id in (1, 1, 2))
    )
    assert (seen, sorted(lane.looks)) == ([True] * 3, [1, 2])


async def test_there_are_no_looks_when_nobody_waits(watch: Watch[int], lane: Lane) -> None:
    await beyond(watch, 1, 2, timeout_s=LONG_S)
    looks = len(lane.looks)
    for seq in range(3):
        await beyond(watch, 2, seq, timeout_s=LONG_S)
    assert 1 not in lane.looks[looks:]


@pytest.mark.parametrize("failure", [StoreUnavailable(), ValueError("a defect")])
async def test_a_look_that_fails_is_repeated(
    watch: Watch[int], lane: Lane, failure: Exception
) -> None:
    lane.failures = [failure]
    assert await beyond(watch, 1, 2, timeout_s=LONG_S)


async def test_a_stop_lets_all_calls_go_on(watch: Watch[int]) -> None:
    waiting = asyncio.create_task(beyond(watch, 1, 3, timeout_s=LONG_S))
    await asyncio.sleep(0)
    watch.stop()
    assert not await waiting
    assert not await beyond(watch, 1, 2, timeout_s=LONG_S)
