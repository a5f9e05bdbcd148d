"""The last use of each API key."""

from __future__ import annotations

import asyncio

from tests.support.storage.account_store import AccountStore

from onelead.contract.access import ApiKeyUse
from onelead.contract.store import Store
from onelead.domain.account import ApiKey


async def keys(account: AccountStore) -> list[ApiKey]:
    return list(await account.store.api_keys(account.account_id))


async def test_the_last_use_is_shown_with_the_key(account: AccountStore) -> None:
    second, _secret = await account.store.create_api_key(1, "dana@shop.example", "second")
    await account.store.record_api_key_uses(1, [ApiKeyUse(second.id, 100, "192.0.2.1")])
    found = [(one.date_last_used, one.last_address) for one in await keys(account)]
    assert found == [(None, ""), (100, "192.0.2.1")]
    revoked = await account.store.revoke_api_key(1, second.id)
    assert revoked.date_last_used == 100


async def test_the_newest_use_wins_no_matter_which_is_written_last(account: AccountStore) -> None:
    ((key),) = await keys(account)
    for date, address in ((100, "192.0.2.1"), (300, "192.0.2.3"), (200, "192.0.2.2")):
        await account.store.record_api_key_uses(1, [ApiKeyUse(key.id, date, address)])
    (key,) = await keys(account)
    assert (key.date_last_used, key.last_address) == (300, "192.0.2.3")


async def test_several_processes_may_write_at_once(
    account: AccountStore, other_store: Store
) -> None:
    (key,) = await keys(account)
    await asyncio.gather(
        *(
            store.record_api_key_uses(1, [ApiKeyUse(key.id, number, f"192.0.2.{number}")])
            for number, store in enumerate([account.store, other_store] * 5, 1)
        )
    )
    (key,) = await keys(account)
    assert (key.date_last_used, key.last_address) == (10, "192.0.2.10")
