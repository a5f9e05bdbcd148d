"""The history of one lead: its own ledger rows, and the refusals that named it among others."""

from __future__ import annotations

import json

import pytest
from tests.support.domain.lead_writes import create, delete, update, upsert
from tests.support.storage.account_store import AccountStore

from onelead.contract.ledger import AccountLedgerRow, LeadLedger
from onelead.domain.errors import ResourceNotFound


async def folded(account: AccountStore) -> None:
    """Fold the ledger to its end."""
    while await account.store.fold_ledger(account.account_id):
        pass


async def lead_ledger(
    account: AccountStore, lead_id: int, *, before: int | None = None, limit: int = 100
) -> LeadLedger:
    store = account.store
    return await store.lead_ledger(account.account_id, lead_id, before=before, limit=limit)


async def changes_since(account: AccountStore, lead_id: int, version: int) -> list[tuple[int, str]]:
    rows = await account.store.lead_changes(
        account.account_id, lead_id, since_version=version, limit=100
    )
    return [(row.seq, row.outcome) for row in rows]


async def two_of_a_name(account: AccountStore) -> tuple[int, int]:
    """Create two leads with one name (1, 2), let an upsert match both (3), change one (4)."""
    first = await account.created(name="Nora Field")
    second = await account.created(name="Nora Field")
    await account.result(upsert("name", "Nora Field", title="Buyer"))
    await account.result(update(first.id, title="Owner"))
    return first.id, second.id


async def test_a_refusal_that_named_a_lead_is_in_its_history(account: AccountStore) -> None:
    first, second = await two_of_a_name(account)
    await folded(account)
    assert [row.seq for row in await account.history(first)] == [4, 3, 1]
    (refused, created) = await account.history(second)
    assert (refused.seq, refused.outcome, created.seq) == (3, "refused", 2)
    assert refused.match is not None
    assert refused.match["ids"] == [first, second]
    assert json.loads(refused.payload)["patch"] == {"title": "Buyer"}


async def test_the_pages_of_a_history_have_both_kinds_of_rows(account: AccountStore) -> None:
    first, _second = await two_of_a_name(account)
    for number in range(4):
        await account.results(upsert("name", "Nora Field"), update(first, details=f"Met {number}"))
    await folded(account)
    everything = [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 1]
    for offset in range(0, 12, 3):
        page = await account.store.lead_history(account.account_id, first, offset=offset, limit=3)
        assert [row.seq for row in page.rows] == everything[offset : offset + 3]
        assert page.total == len(everything)


async def test_the_rows_of_a_lead_are_walked_by_their_numbers(account: AccountStore) -> None:
    first, _second = await two_of_a_name(account)
    await folded(account)
    newest = await lead_ledger(account, first, limit=2)
    assert ([row.seq for row in newest.rows], newest.next_before) == ([4, 3], 3)
    older = await lead_ledger(account, first, before=newest.next_before, limit=2)
    assert ([row.seq for row in older.rows], older.next_before) == ([1], None)
    everything = await lead_ledger(account, first, limit=3)
    assert everything.next_before is None
    assert everything.settings == await account.settings()
    assert (await lead_ledger(account, first, before=1)).rows == []


async def test_a_listed_row_says_all_but_what_was_sent(account: AccountStore) -> None:
    lead = await account.created()
    await account.result(update(lead.id, title="Buyer"))
    (row, _created) = (await lead_ledger(account, lead.id)).rows
    assert isinstance(row, AccountLedgerRow)
    assert (row.resource, row.resource_id, row.version) == ("lead", lead.id, 2)
    assert (row.changes, row.payload) == ({"title": [None, "Buyer"]}, None)


async def test_more_matches_than_may_be_named_are_in_nobodys_history(account: AccountStore) -> None:
    results = await account.results(*[create(name="Nora Field")] * 31)
    await account.result(upsert("name", "Nora Field"))
    await folded(account)
    assert results[0].lead is not None
    assert len((await lead_ledger(account, results[0].lead.id)).rows) == 1


async def test_before_the_ledger_is_folded_a_lead_has_its_own_rows(account: AccountStore) -> None:
    first, _second = await two_of_a_name(account)
    assert [row.seq for row in (await lead_ledger(account, first)).rows] == [4, 1]


async def test_what_never_was_a_lead_has_no_rows(account: AccountStore) -> None:
    field = await account.field()
    await account.result(update(1_000_000_077, title="Buyer"))
    for lead_id in (1_000_000_077, 1_000_000_078, field.id):
        with pytest.raises(ResourceNotFound):
            await lead_ledger(account, lead_id)
        assert await changes_since(account, lead_id, 0) == []


async def test_the_changes_since_a_version(account: AccountStore) -> None:
    lead = await account.created()
    await account.results(
        update(lead.id, title="Buyer"),
        update(lead.id, title="Buyer"),
        update(lead.id, status="Unheard of"),
        update(lead.id, title="Owner"),
    )
    versions = {0: [5, 2, 1], 1: [5, 2], 2: [5], 3: []}
    for version, seqs in versions.items():
        found = await changes_since(account, lead.id, version)
        assert [seq for seq, _outcome in found] == seqs


async def test_a_deletion_is_later_than_every_version(account: AccountStore) -> None:
    lead = await account.created()
    await account.results(update(lead.id, title="Buyer"), delete(lead.id), delete(lead.id))
    for version, found in ((0, [3, 2, 1]), (1, [3, 2]), (2, [3]), (9, [3])):
        assert [seq for seq, _outcome in await changes_since(account, lead.id, version)] == found
    (newest,) = await account.store.lead_changes(
        account.account_id, lead.id, since_version=0, limit=1
    )
    assert (newest.outcome, newest.user_id) == ("deleted", 901)


async def test_the_history_of_another_account_is_its_own(account: AccountStore) -> None:
    first, _second = await two_of_a_name(account)
    await folded(account)
    other = await account.store.create_account("Other Ltd", "omar@other.example")
    stranger = await AccountStore.of(account.store, other.account_id, account.database)
    with pytest.raises(ResourceNotFound):
        await lead_ledger(stranger, first)
    assert await changes_since(stranger, first, 0) == []
