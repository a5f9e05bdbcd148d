"""The index work: older leads get the keys of a definition that became filterable, in steps."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.domain.lead_writes import create, delete, update, upsert_custom
from tests.support.storage.account_store import DEFINITION, AccountStore

from onelead.domain.custom_fields import CustomField, IndexState
from onelead.domain.errors import InputInvalid
from onelead.domain.limits import INDEX_CHUNK_LEADS, PURGE_CHUNK_KEYS
from onelead.domain.writes import Action

#: Three steps: two full ones and the rest.
LEADS = 2 * INDEX_CHUNK_LEADS + 50


async def many_leads(account: AccountStore, field: CustomField, count: int = LEADS) -> list[int]:
    """Create leads with the values C-0, C-1, and so on; return their ids."""
    writes = [create(name="Nora Field", custom_fields={field.id: f"C-{n}"}) for n in range(count)]
    results = await account.results(*writes)
    return [result.lead.id for result in results if result.lead]


async def state(account: AccountStore, field: CustomField) -> IndexState:
    return (await account.settings()).fields_by_id[field.id].index_state


@pytest.fixture
async def field(account: AccountStore) -> CustomField:
    """A definition that is not included in filters."""
    return await account.field(is_filterable=False)


async def test_having_nothing_to_do_is_reported(account: AccountStore) -> None:
    await account.field()
    assert not await account.store.build_index(account.account_id)


async def test_few_leads_are_indexed_with_the_switch_itself(
    account: AccountStore, field: CustomField
) -> None:
    ids = await many_leads(account, field, 3)
    after = await account.changed_field(field, is_filterable=True)
    assert after.index_state is IndexState.READY
    assert account.keys(after.key_field) == [(f"C-{n}", ids[n]) for n in range(3)]
    assert not await account.store.build_index(account.account_id)


async def test_many_leads_are_indexed_step_by_step(
    account: AccountStore, field: CustomField
) -> None:
    await many_leads(account, field)
    after = await account.changed_field(field, is_filterable=True)
    for count in (INDEX_CHUNK_LEADS, 2 * INDEX_CHUNK_LEADS):
        assert len(account.keys(after.key_field)) == count
        assert await state(account, field) is IndexState.BUILDING
        refused = await account.result(upsert_custom(field.id, "C-1", title="Buyer"))
        assert isinstance(refused.refusal, InputInvalid)
        assert await account.store.build_index(account.account_id)
    assert len(account.keys(after.key_field)) == LEADS
    assert await state(account, field) is IndexState.READY
    assert not await account.store.build_index(account.account_id)
    found = await account.result(upsert_custom(field.id, f"C-{LEADS - 1}", title="Buyer"))
    assert found.match is not None
    assert found.match.matches == 1
    assert await account.unexplained() == []


async def test_the_index_being_complete_is_known_everywhere_at_once(
    account: AccountStore, elsewhere: AccountStore, field: CustomField
) -> None:
    await many_leads(account, field)
    await account.changed_field(field, is_filterable=True)
    assert await state(elsewhere, field) is IndexState.BUILDING
    before = await elsewhere.settings()
    await account.indexed()
    assert await state(elsewhere, field) is IndexState.READY
    write = upsert_custom(field.id, "C-7", title="Buyer")
    (result,) = (await elsewhere.write(write, settings=before)).results
    assert result.match is not None
    assert result.match.matches == 1


async def test_another_process_goes_on_with_the_work(
    account: AccountStore, elsewhere: AccountStore, field: CustomField
) -> None:
    await many_leads(account, field)
    await account.changed_field(field, is_filterable=True)
    assert await account.store.build_index(account.account_id)
    assert await elsewhere.store.build_index(account.account_id)
    assert await state(account, field) is IndexState.READY
    assert await account.unexplained() == []


async def test_two_processes_may_work_at_the_same_time(
    account: AccountStore, elsewhere: AccountStore, field: CustomField
) -> None:
    await many_leads(account, field)
    await account.changed_field(field, is_filterable=True)
    await asyncio.gather(account.indexed(), elsewhere.indexed())
    assert await state(account, field) is IndexState.READY
    assert await account.unexplained() == []


async def test_writes_between_the_steps_are_indexed_once(
    account: AccountStore, elsewhere: AccountStore, field: CustomField
) -> None:
    """Leads that the work has reached, and leads that it has not, change and go in between."""
    ids = await many_leads(account, field)
    await account.changed_field(field, is_filterable=True)
    await elsewhere.results(
        update(ids[0], custom_fields={field.id: "new"}),
        update(ids[-1], custom_fields={field.id: "new"}),
        update(ids[-2], custom_fields={field.id: None}),
        update(ids[-3], title="Buyer"),
        delete(ids[1]),
        delete(ids[-4]),
        create(name="Sam Roe", custom_fields={field.id: "C-1"}),
    )
    await account.store.build_index(account.account_id)
    await elsewhere.results(
        update(ids[-1], custom_fields={field.id: "C-1049"}),
        update(ids[-2], custom_fields={field.id: "C-1048"}),
        update(ids[0], custom_fields={field.id: "C-0"}),
    )
    assert await account.unexplained() == []
    assert await state(account, field) is IndexState.READY


async def test_other_changes_of_the_definition_do_not_stop_the_work(
    account: AccountStore, field: CustomField
) -> None:
    await many_leads(account, field)
    await account.changed_field(field, is_filterable=True)
    renamed = await account.changed_field(field, name="Account number")
    assert renamed.is_indexed
    await account.field(name="Size")
    assert await account.unexplained() == []
    assert await state(account, field) is IndexState.READY


async def test_two_definitions_are_indexed_one_after_the_other(
    account: AccountStore, field: CustomField
) -> None:
    other = await account.field(name="Size", data_type="Checkbox", is_filterable=False)
    await many_leads(account, field)
    await account.changed_field(field, is_filterable=True)
    await account.changed_field(other, is_filterable=True)
    assert await account.unexplained() == []
    assert await state(account, field) is IndexState.READY
    assert await state(account, other) is IndexState.READY


async def test_a_new_checkbox_is_false_for_every_lead_there_is(account: AccountStore) -> None:
    lead = await account.created()
    checkbox = await account.field(data_type="Checkbox")
    assert account.keys(checkbox.key_field) == [("false", lead.id)]


async def test_a_definition_switched_off_while_it_is_indexed_leaves_no_keys(
    account: AccountStore, field: CustomField
) -> None:
    await many_leads(account, field)
    building = await account.changed_field(field, is_filterable=True)
    await account.changed_field(field, is_filterable=False)
    assert await account.unexplained() == []
    assert account.keys(building.key_field) == []


async def test_keys_of_an_earlier_time_are_never_found(
    account: AccountStore, field: CustomField
) -> None:
    """Switched off and on again before the old keys are removed."""
    ids = await many_leads(account, field, 3)
    first = await account.changed_field(field, is_filterable=True)
    await account.changed_field(field, is_filterable=False)
    await account.result(update(ids[0], custom_fields={field.id: "new"}))
    second = await account.changed_field(field, is_filterable=True)
    assert first.key_field != second.key_field
    result = await account.result(upsert_custom(field.id, "C-0", name="Sam Roe"))
    assert result.match is not None
    assert result.match.matches == 0
    assert await account.unexplained() == []
    assert account.keys(first.key_field) == []


@pytest.mark.parametrize("is_deleted", [True, False])
async def test_keys_that_no_definition_reads_are_removed_step_by_step(
    account: AccountStore, *, is_deleted: bool
) -> None:
    field = await account.field(data_type="MultiSelect")
    option_ids = [option.id for option in field.options]
    keys = PURGE_CHUNK_KEYS + 61
    person = create(name="Nora Field", custom_fields={field.id: option_ids})
    # Each has a key for each option, and one for both together.
    await account.write(*[person] * (keys // 3))
    if is_deleted:
        await account.change(DEFINITION, Action.DELETE, of=field.id)
    else:
        await account.changed_field(field, available_on=["person"])
    for count in (61, 0):
        assert await account.store.build_index(account.account_id)
        assert len(account.keys(field.key_field)) == count
    assert not await account.store.build_index(account.account_id)


async def test_the_work_of_an_account_leaves_the_others_alone(
    account: AccountStore, field: CustomField
) -> None:
    other = await account.store.create_account("Other Ltd", "omar@other.example")
    stranger = await AccountStore.of(account.store, other.account_id, account.database)
    theirs = await stranger.field()
    await stranger.created(custom_fields={theirs.id: "C-1"})
    await many_leads(account, field, 3)
    await account.changed_field(field, is_filterable=True)
    await account.changed_field(field, is_filterable=False)
    await account.indexed()
    assert [value for value, _ in stranger.keys(theirs.key_field)] == ["C-1"]
    assert await stranger.unexplained() == []
