"""The number of connections in use: known immediately, and exact when nothing is under way."""

from __future__ import annotations

import asyncio

from tests.support.storage.account_store import AccountStore

from onelead.contract.store import Store


async def test_nothing_is_in_use_when_nothing_is_under_way(
    store: Store, account: AccountStore
) -> None:
    await account.created()
    await account.settings()
    use = store.pool_use()
    assert use.in_use == 0
    assert use.size > 0


async def test_what_is_under_way_uses_connections_up_to_the_size(
    store: Store, account: AccountStore
) -> None:
    reads = [asyncio.create_task(account.settings()) for _ in range(50)]
    most = 0
    while not all(read.done() for read in reads):
        use = store.pool_use()
        assert 0 <= use.in_use <= use.size
        most = max(most, use.in_use)
        await asyncio.sleep(0)
    assert most > 0
    assert store.pool_use().in_use == 0
