"""The leads that have a lead status or a customer source."""

from __future__ import annotations

from tests.support.storage.account_store import AccountStore

from onelead.domain.settings.change import Resource


async def using(
    account: AccountStore, resource: Resource, resource_id: int, limit: int = 10
) -> set[int]:
    ids = await account.store.leads_using(account.account_id, resource, resource_id, limit=limit)
    assert len(set(ids)) == len(ids)
    return set(ids)


async def test_only_the_leads_that_have_it_are_named(account: AccountStore) -> None:
    settings = await account.settings()
    status, source = settings.statuses[1], settings.sources[0]
    with_status = await account.created(status_id=status.id)
    with_both = await account.created(status_id=status.id, customer_source_id=source.id)
    await account.created()
    statuses, sources = Resource.LEAD_STATUS, Resource.CUSTOMER_SOURCE
    assert await using(account, statuses, status.id) == {with_status.id, with_both.id}
    assert await using(account, sources, source.id) == {with_both.id}
    assert await using(account, sources, settings.sources[1].id) == set()
    # A number that names nothing, or something of another kind.
    assert await using(account, sources, status.id) == set()
    assert await using(account, statuses, 0) == set()


async def test_no_more_than_asked_for_are_named(account: AccountStore) -> None:
    settings = await account.settings()
    leads = {(await account.created()).id for _ in range(5)}
    found = await using(account, Resource.LEAD_STATUS, settings.default_status.id, limit=3)
    assert len(found) == 3
    assert found < leads


async def test_the_leads_of_another_account_are_not_named(account: AccountStore) -> None:
    await account.created()
    status = (await account.settings()).default_status
    other = await account.store.create_account("Other Ltd", "omar@other.example")
    found = account.store.leads_using(other.account_id, Resource.LEAD_STATUS, status.id, limit=9)
    assert await found == []
