"""The progress of an index: read off the ids, and the same for every process."""

from __future__ import annotations

from tests.support.domain.lead_writes import create, delete
from tests.support.storage.account_store import AccountStore

from onelead.contract.settings import IndexProgress
from onelead.domain.limits import INDEX_CHUNK_LEADS

LEADS = 2 * INDEX_CHUNK_LEADS + 50


async def progress(account: AccountStore) -> dict[int, IndexProgress]:
    return dict(await account.store.index_progress(account.account_id))


async def filled(account: AccountStore, count: int = LEADS) -> list[int]:
    results = await account.results(*(create(name="Nora Field") for _ in range(count)))
    return [result.lead.id for result in results if result.lead]


async def test_only_definitions_that_are_being_built_have_a_progress(
    account: AccountStore,
) -> None:
    await filled(account)
    await account.field(is_filterable=False)
    await account.field(name="Ready")
    assert await progress(account) == {}
    assert await account.store.index_progress(999_999) == {}


async def test_progress_grows_with_each_step_and_is_known_elsewhere(
    account: AccountStore, elsewhere: AccountStore
) -> None:
    await filled(account)
    field = await account.changed_field(
        await account.field(is_filterable=False), is_filterable=True
    )
    assert await progress(account) == {field.id: IndexProgress(INDEX_CHUNK_LEADS, LEADS)}
    assert await account.store.build_index(account.account_id)
    after = {field.id: IndexProgress(2 * INDEX_CHUNK_LEADS, LEADS)}
    assert await progress(account) == await progress(elsewhere) == after
    assert await elsewhere.store.build_index(account.account_id)
    assert await progress(account) == {}


async def test_a_definition_that_waits_for_another_one_has_done_nothing(
    account: AccountStore,
) -> None:
    await filled(account)
    first = await account.field(name="First", is_filterable=False)
    second = await account.field(name="Second", is_filterable=False)
    for field in (first, second):
        await account.changed_field(field, is_filterable=True)
    # The switch itself does the next step of any work that is left.
    done = await progress(account)
    assert done[first.id].done == 2 * INDEX_CHUNK_LEADS
    assert done[second.id] == IndexProgress(0, LEADS)


async def test_progress_stays_within_its_bounds_when_leads_come_and_go(
    account: AccountStore,
) -> None:
    ids = await filled(account)
    field = await account.changed_field(
        await account.field(is_filterable=False), is_filterable=True
    )
    await account.results(*(delete(lead_id) for lead_id in ids[: INDEX_CHUNK_LEADS + 20]))
    (one,) = (await progress(account)).values()
    assert one == IndexProgress(0, LEADS - INDEX_CHUNK_LEADS - 20)
    await account.results(*(delete(lead_id) for lead_id in ids[INDEX_CHUNK_LEADS + 20 :]))
    assert await progress(account) == {field.id: IndexProgress(0, 0)}
    await account.indexed()
    assert await progress(account) == {}
