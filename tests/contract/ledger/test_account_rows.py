"""Everything stored about an account is read, in order, and nothing of another account."""

from __future__ import annotations

import pytest
from tests.support.domain.lead_writes import create, update
from tests.support.storage.account_store import AccountStore

from onelead.contract.ledger import AccountRows
from onelead.storage.leads.rows import lead_row
from onelead.storage.ledger import account_rows


async def rows_of(account: AccountStore) -> AccountRows:
    return await account.store.account_rows(account.account_id)


async def test_everything_is_read(account: AccountStore) -> None:
    lead = await account.created(name="Nora Field", tags=["Fair"])
    await account.result(update(lead.id, title="Buyer"))
    rows = await rows_of(account)
    (stored,) = await account.leads()
    assert rows.leads == [lead_row(account.account_id, stored)]
    assert [(entry.seq, entry.action) for entry in rows.ledger] == [(1, "create"), (2, "update")]
    keys = [("name", "nora field", lead.id, None), ("tag", "fair", lead.id, "Fair")]
    assert rows.keys == keys
    assert rows.lane == (2, lead.id, 1)


async def test_another_account_is_left_out(account: AccountStore) -> None:
    other = await account.store.create_account("Other", "other@shop.example")
    await account.created()
    rows = await account.store.account_rows(other.account_id)
    assert (rows.ledger, rows.leads, rows.keys) == ([], [], [])


async def test_chunks_leave_nothing_out(
    account: AccountStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Keys of one field and value cross the end of a chunk.
    await account.write(*(create(name="Nora Field", tags=[f"T{n % 3}"]) for n in range(9)))
    whole = await rows_of(account)
    assert (len(whole.ledger), len(whole.leads), len(whole.keys)) == (9, 9, 18)
    for rows in (1, 2, 3, 9):
        monkeypatch.setattr(account_rows, "_CHUNK_ROWS", rows)
        assert await rows_of(account) == whole
