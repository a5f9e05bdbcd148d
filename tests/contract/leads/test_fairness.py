"""A busy account does not starve a quiet one: turns are counted, not seconds."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.domain.lead_writes import create
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import Database, SqliteDatabase

from onelead.contract.leads import Batch, BatchReceipt
from onelead.contract.store import Store
from onelead.domain.account import AccountSettings
from onelead.domain.search import LeadSearch
from onelead.process.writer import BatchingWriter

BATCH_WRITES_MAX = 16
#: How many writes of the busy accounts wait at any time while lone writes arrive.
FLOOD = 2_000
LONE_WRITES = 11


class CountingStore:
    """A store that counts the batches of each account."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._progress = asyncio.Event()
        #: Account ids in the order of the commits.
        self.committed: list[int] = []

    async def settings(self, account_id: int) -> AccountSettings:
        return await self._store.settings(account_id)

    async def write_leads(self, batch: Batch) -> BatchReceipt:
        receipt = await self._store.write_leads(batch)
        self.committed.append(batch.settings.account_id)
        self._progress.set()
        return receipt

    async def reach(self, batches: int) -> None:
        """Wait until this many are committed."""
        while len(self.committed) < batches:
            self._progress.clear()
            await self._progress.wait()


@pytest.mark.parametrize("busy_accounts", [1, 6])
async def test_a_lone_write_waits_for_a_few_batches_of_the_busy_accounts(
    account: AccountStore, database: Database, store: Store, busy_accounts: int
) -> None:
    counting = CountingStore(store)
    writer = BatchingWriter(counting, batch_writes_max=BATCH_WRITES_MAX)
    quiet, others = account.account_id, []
    for number in range(busy_accounts):
        made = await store.create_account("Busy Ltd", f"omar{number}@busy.example")
        others.append(made.account_id)
    await writer.write(quiet, create(name="Nora Field"))
    is_over = asyncio.Event()

    async def flood(busy: int) -> None:
        while not is_over.is_set():
            await writer.write_many(busy, [create(name="Sam Roe")] * (FLOOD // len(others) // 2))

    # Two each: while one of them starts again, the other one's writes wait.
    floods = [asyncio.create_task(flood(busy)) for busy in others * 2]
    waits = []
    for number in range(LONE_WRITES):
        await counting.reach((number + 1) * 5)
        before = len(counting.committed)
        await writer.write(quiet, create(name="Nora Field"))
        waits.append(len(counting.committed) - before)
    assert writer.waiting_writes > 0, "there was no flood"
    is_over.set()
    # Everyone who is waiting has a turn first, and so may everyone who came with them.
    assert sorted(waits)[LONE_WRITES // 2] <= 2 * (busy_accounts + 1) + 1
    # On PostgreSQL no account waits for another; the count only shows how long it took, which for
    # a single write says something about the machine.
    if isinstance(database, SqliteDatabase):
        assert max(waits) <= FLOOD // BATCH_WRITES_MAX // 4
    await asyncio.gather(*floods)
    assert counting.committed.count(quiet) == 1 + LONE_WRITES


async def test_searches_are_answered_while_writes_never_stop(
    account: AccountStore, store: Store
) -> None:
    writer = BatchingWriter(store, batch_writes_max=BATCH_WRITES_MAX)
    is_over = asyncio.Event()

    async def deliver() -> None:
        while not is_over.is_set():
            await writer.write(account.account_id, create(name="Nora Field"))

    deliveries = [asyncio.create_task(deliver()) for _ in range(4)]
    search = LeadSearch(name="nora")
    pages = await asyncio.gather(
        *(store.search_leads(account.account_id, search, now=0) for _ in range(12))
    )
    is_over.set()
    await asyncio.gather(*deliveries)
    # In order of arrival, so each sees what the ones before it saw.
    totals = [page.total for page in pages]
    assert totals == sorted(totals)
