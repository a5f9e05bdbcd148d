"""The feed: one look for all who watch an account, and limits on how many may."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from tests.support.domain.builders import a_settings

from onelead.contract.ledger import AccountLedgerRow, LedgerSearch, LedgerSlice
from onelead.domain.errors import ServiceStopping, StoreUnavailable, TooManyStreams
from onelead.domain.limits import LIVE_ROWS, LIVE_STREAMS_MAX, LIVE_USER_STREAMS_MAX
from onelead.process.feed import NEWEST, Feed

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
        self.looks: list[int] = []
        self.failures: list[Exception] = []

    async def search_ledger(self, account_id: int, search: LedgerSearch) -> LedgerSlice:
        assert search == NEWEST
        self.looks.append(account_id)
        if self.failures:
            raise self.failures.pop()
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


def seqs(rows: list[AccountLedgerRow]) -> list[int]:
    return [row.seq for row in rows]


async def test_rows_above_a_number_are_in_order(feed: Feed) -> None:
    with feed.watching(1) as channel:
        assert seqs(await channel.after(1, timeout_s=LONG_S)) == [2, 3]
        assert seqs(await channel.after(0, timeout_s=LONG_S)) == [1, 2, 3]


async def test_a_watcher_without_new_rows_waits_for_the_next(feed: Feed, ledger: Ledger) -> None:
    with feed.watching(1) as channel:
        assert await channel.after(3, timeout_s=0.01) == []
        waiting = asyncio.create_task(channel.after(3, timeout_s=LONG_S))
        await asyncio.sleep(0)
        ledger.last_seq = 5
        assert seqs(await waiting) == [4, 5]


async def test_of_many_new_rows_only_the_newest_are_returned(feed: Feed, ledger: Ledger) -> None:
    ledger.last_seq = 100
    with feed.watching(1) as channel:
        found = seqs(await channel.after(3, timeout_s=LONG_S))
    assert found == list(range(101 - LIVE_ROWS, 101))


async def test_all_who_watch_an_account_share_one_look(feed: Feed, ledger: Ledger) -> None:
    slow = Feed(ledger.search_ledger, poll_s=LONG_S)
    with slow.watching(1) as one, slow.watching(1) as other, slow.watching(2) as another:
        for channel in (one, other, another):
            assert await channel.after(0, timeout_s=LONG_S)
        assert sorted(ledger.looks) == [1, 2]


async def test_there_are_no_looks_without_watchers(feed: Feed, ledger: Ledger) -> None:
    with feed.watching(1) as channel:
        await channel.after(0, timeout_s=LONG_S)
    await asyncio.sleep(0)
    looks = len(ledger.looks)
    with feed.watching(2) as channel:
        for _ in range(3):
            ledger.last_seq += 1
            await channel.after(ledger.last_seq - 1, timeout_s=LONG_S)
    assert 1 not in ledger.looks[looks:]


@pytest.mark.parametrize("failure", [StoreUnavailable(), ValueError("a defect")])
async def test_a_look_that_fails_is_repeated(
    feed: Feed, ledger: Ledger, failure: Exception
) -> None:
    ledger.failures = [failure]
    with feed.watching(1) as channel:
        assert seqs(await channel.after(2, timeout_s=LONG_S)) == [3]


async def test_stopping_ends_every_wait_and_accepts_no_stream(feed: Feed) -> None:
    with feed.watching(1) as channel:
        await channel.after(0, timeout_s=LONG_S)
        waiting = asyncio.create_task(channel.after(3, timeout_s=60))
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
