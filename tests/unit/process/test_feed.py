"""The feed: the newest deliveries, and limits on how many pages may wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from tests.support.domain.builders import a_settings

from onelead.contract.ledger import AccountLedgerRow, LedgerSearch, LedgerSlice
from onelead.domain.errors import ServiceStopping, TooManyStreams
from onelead.domain.limits import LIVE_ROWS, LIVE_STREAMS_MAX, LIVE_USER_STREAMS_MAX
from onelead.process.feed import NEWEST, Feed, rows_above

POLL_S = 0.001
LONG_S = 60


def a_row(seq: int) -> AccountLedgerRow:
    return AccountLedgerRow(
        seq=seq,
        date=1_700_000_000,
        request_id=f"request-{seq}",
        action="create",
        outcome="created",
        version=1,
        user_id=901,
        api_key_id=None,
        match=None,
        changes=None,
        message=None,
        payload=None,
        resource="lead",
        resource_id=1,
    )


class Ledger:
    """The ledger of a store, and nothing else of it."""

    def __init__(self) -> None:
        self.last_seq = 3

    async def search_ledger(self, _account_id: int, search: LedgerSearch) -> LedgerSlice:
        assert search == NEWEST
        seqs = range(self.last_seq, max(0, self.last_seq - LIVE_ROWS), -1)
        return LedgerSlice([a_row(seq) for seq in seqs], [], None, None, a_settings())


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def feed(ledger: Ledger) -> Iterator[Feed]:
    running = Feed(ledger.search_ledger, poll_s=POLL_S)
    yield running
    running.stop()


async def after(feed: Feed, seq: int, *, timeout_s: float = LONG_S) -> list[int]:
    with feed.watching(1) as watched:
        rows = await watched.until(rows_above(seq), timeout_s=timeout_s)
        return [row.seq for row in rows or ()]


async def test_rows_above_a_number_are_in_order(feed: Feed) -> None:
    assert await after(feed, 1) == [2, 3]
    assert await after(feed, 0) == [1, 2, 3]


async def test_a_watcher_without_new_rows_waits_for_the_next(feed: Feed, ledger: Ledger) -> None:
    assert await after(feed, 3, timeout_s=0.01) == []
    waiting = asyncio.create_task(after(feed, 3))
    await asyncio.sleep(0)
    ledger.last_seq = 5
    assert await waiting == [4, 5]


async def test_of_many_new_rows_only_the_newest_are_returned(feed: Feed, ledger: Ledger) -> None:
    ledger.last_seq = 100
    assert await after(feed, 3) == list(range(101 - LIVE_ROWS, 101))


async def test_stopping_ends_every_wait_and_accepts_no_stream(feed: Feed) -> None:
    waiting = asyncio.create_task(after(feed, 3))
    await asyncio.sleep(0)
    feed.stop()
    assert await asyncio.wait_for(waiting, LONG_S) == []
    with pytest.raises(ServiceStopping):
        feed.enter(7)


async def test_the_streams_of_a_user_are_limited(feed: Feed) -> None:
    for _ in range(LIVE_USER_STREAMS_MAX):
        feed.enter(7)
    with pytest.raises(TooManyStreams):
        feed.enter(7)
    feed.enter(8)
    feed.leave(7)
    feed.enter(7)


async def test_the_streams_of_the_process_are_limited(feed: Feed) -> None:
    for number in range(LIVE_STREAMS_MAX):
        feed.enter(number)
    with pytest.raises(TooManyStreams):
        feed.enter(-1)
    feed.leave(0)
    feed.enter(-1)
