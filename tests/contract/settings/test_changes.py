"""Changes of the field settings: stored, numbered, and obeyed by every batch from the commit on."""

from __future__ import annotations

import json

import pytest
from tests.support.domain.lead_writes import create, update, upsert_custom
from tests.support.process.clock import Clock
from tests.support.storage.account_store import DEFINITION, AccountStore

from onelead.contract.store import Store
from onelead.domain.account import (
    DEFAULT_CUSTOMER_SOURCES,
    DEFAULT_LEAD_STATUSES,
    DeletedReference,
)
from onelead.domain.custom_fields import DataType, IndexState
from onelead.domain.errors import InputInvalid, ResourceNotFound
from onelead.domain.limits import RETRY_AFTER_S
from onelead.domain.settings.change import Resource
from onelead.domain.writes import Action, Outcome

STATUS = Resource.LEAD_STATUS
SOURCE = Resource.CUSTOMER_SOURCE


async def test_a_new_account_has_the_default_settings(account: AccountStore) -> None:
    settings = await account.settings()
    assert (settings.account_id, settings.name) == (account.account_id, "Shop Ltd")
    assert (settings.time_zone, settings.currency) == ("America/Los_Angeles", "USD")
    assert [status.name for status in settings.statuses] == list(DEFAULT_LEAD_STATUSES)
    assert [source.name for source in settings.sources] == list(DEFAULT_CUSTOMER_SOURCES)
    assert settings.default_status == settings.statuses[0]
    assert [user.email for user in settings.users] == [account.database.account.email]
    assert settings.fields == ()


async def test_the_settings_of_an_unknown_account_are_not_found(store: Store) -> None:
    with pytest.raises(ResourceNotFound):
        await store.settings(77)


@pytest.mark.parametrize("data_type", DataType)
async def test_a_definition_of_each_type_is_read_as_it_was_answered(
    account: AccountStore, elsewhere: AccountStore, data_type: DataType
) -> None:
    field = await account.field(
        data_type=data_type.value, canonical_name="it", available_on=["task", "lead"]
    )
    assert field.data_type is data_type
    assert field.index_state is IndexState.READY
    assert field.available_on == ("lead", "task")
    assert (await elsewhere.settings()).fields == (field,)


async def test_options_keep_their_order_and_their_ids(
    account: AccountStore, elsewhere: AccountStore
) -> None:
    field = await account.field(data_type="Dropdown")
    silver, gold = field.options
    names = [{"name": "Gold"}, {"name": "Bronze"}, {"name": "Silver"}]
    after = await account.changed_field(field, options=names)
    assert [option.name for option in after.options] == ["Gold", "Bronze", "Silver"]
    assert (after.options[0].id, after.options[2].id) == (gold.id, silver.id)
    assert (await elsewhere.settings()).fields == (after,)


async def test_a_deleted_definition_is_gone_with_its_options(account: AccountStore) -> None:
    field = await account.field(data_type="Dropdown")
    result = await account.change(DEFINITION, Action.DELETE, of=field.id)
    assert (result.outcome, result.settings.fields) == (Outcome.DELETED, ())
    assert account.database.rows("SELECT * FROM custom_field_option") == []


async def test_pick_lists_are_read_in_the_order_they_were_given(account: AccountStore) -> None:
    await account.change(STATUS, Action.CREATE, {"name": "Hot", "order": 1, "is_default": True})
    sources = (await account.settings()).sources
    await account.change(SOURCE, Action.UPDATE, {"order": 1}, sources[2].id)
    await account.change(SOURCE, Action.DELETE, of=sources[0].id)
    settings = await account.settings()
    assert [status.name for status in settings.statuses] == ["Hot", *DEFAULT_LEAD_STATUSES]
    assert settings.default_status.name == "Hot"
    assert [source.name for source in settings.sources] == ["Advertising", "Cold Call"]


async def test_each_change_makes_a_new_version_and_a_change_of_nothing_none(
    account: AccountStore,
) -> None:
    before = await account.settings()
    field = await account.field()
    after = await account.settings()
    assert after.version > before.version
    result = await account.change(DEFINITION, Action.UPDATE, {"name": field.name}, field.id)
    assert (result.outcome, result.settings) == (Outcome.UNCHANGED, after)
    assert await account.settings() == after


async def test_a_pick_list_entry_in_use_is_not_deleted(account: AccountStore) -> None:
    settings = await account.settings()
    status, source = settings.statuses[1], settings.sources[1]
    lead = await account.created(status_id=status.id, customer_source_id=source.id)
    for resource, entry_id in ((STATUS, status.id), (SOURCE, source.id)):
        result = await account.change(resource, Action.DELETE, of=entry_id)
        assert isinstance(result.refusal, InputInvalid)
        assert "is used by 1 lead" in result.refusal.message
    await account.result(update(lead.id, status_id=None, customer_source_id=None))
    for resource, entry_id in ((STATUS, status.id), (SOURCE, source.id)):
        result = await account.change(resource, Action.DELETE, of=entry_id)
        assert result.outcome is Outcome.DELETED


async def test_a_batch_checked_under_older_settings_is_checked_again(
    account: AccountStore, elsewhere: AccountStore
) -> None:
    """The other process does not know that the definition is gone."""
    field = await account.field()
    old = await elsewhere.settings()
    await account.change(DEFINITION, Action.DELETE, of=field.id)
    receipt = await elsewhere.write(
        create(name="Nora Field", custom_fields={field.id: "C-1"}),
        upsert_custom(field.id, "C-1", name="Sam Roe"),
        create(name="Pat Lake"),
        settings=old,
    )
    outcomes = [result.outcome for result in receipt.results]
    assert outcomes == [Outcome.CREATED, Outcome.REFUSED, Outcome.CREATED]
    assert receipt.results[0].ignored == (f"custom_fields.{field.id}",)
    assert receipt.settings.version > old.version
    assert receipt.settings == await account.settings()
    assert await account.unexplained() == []


async def test_a_batch_that_older_settings_refused_is_checked_again(
    account: AccountStore, elsewhere: AccountStore
) -> None:
    field = await account.field(is_filterable=False)
    old = await elsewhere.settings()
    await account.changed_field(field, is_filterable=True)
    (refused_then,) = (
        await elsewhere.write(upsert_custom(field.id, "C-1", name="Nora Field"), settings=old)
    ).results
    assert refused_then.outcome is Outcome.CREATED


async def test_leads_get_the_keys_of_a_definition_that_the_batch_did_not_know(
    account: AccountStore, elsewhere: AccountStore
) -> None:
    field = await account.field(is_filterable=False)
    lead = await account.created()
    old = await elsewhere.settings()
    after = await account.changed_field(field, is_filterable=True)
    await elsewhere.write(update(lead.id, custom_fields={field.id: "C-1"}), settings=old)
    assert account.keys(after.key_field) == [("C-1", lead.id)]
    result = await account.result(upsert_custom(field.id, "C-1", title="Buyer"))
    assert result.outcome is Outcome.UPDATED


@pytest.mark.parametrize("change", [{"is_filterable": False}, {"available_on": ["person"]}])
async def test_a_match_by_a_definition_that_was_switched_off_is_refused(
    account: AccountStore, elsewhere: AccountStore, change: dict[str, object]
) -> None:
    field = await account.field()
    await account.created(custom_fields={field.id: "C-1"})
    old = await elsewhere.settings()
    await account.changed_field(field, **change)
    write = upsert_custom(field.id, "C-1", title="Buyer")
    (result,) = (await elsewhere.write(write, settings=old)).results
    assert isinstance(result.refusal, InputInvalid)
    assert f"(definition {field.id}) is not" in result.refusal.message


async def test_a_match_by_a_definition_that_was_switched_off_and_on_finds_every_lead(
    account: AccountStore,
) -> None:
    """What was written in between counts, and what was removed in between does not."""
    field = await account.field()
    moved = await account.created(custom_fields={field.id: "C-1"})
    gone = await account.created(custom_fields={field.id: "C-2"})
    await account.changed_field(field, is_filterable=False)
    await account.result(update(moved.id, custom_fields={field.id: "C-3"}))
    await account.result(update(gone.id, custom_fields={field.id: None}))
    await account.changed_field(field, is_filterable=True)
    writes = [upsert_custom(field.id, f"C-{n}", name="Sam Roe") for n in (1, 2, 3)]
    matches = [result.match.matches for result in await account.results(*writes) if result.match]
    assert matches == [0, 0, 1]
    assert await account.unexplained() == []


async def test_a_refusal_while_an_index_is_built_says_when_to_try_again(
    account: AccountStore,
) -> None:
    field = await account.field()
    account.database.execute("UPDATE custom_field SET index_state = 'building'")
    account.database.execute("UPDATE lane SET settings_version = settings_version + 1")
    result = await account.result(upsert_custom(field.id, "C-1", name="Nora Field"))
    assert isinstance(result.refusal, InputInvalid)
    assert "is still being indexed" in result.refusal.message
    assert result.refusal.retry_after_s == RETRY_AFTER_S


async def test_the_account_s_own_details_are_a_change_like_any_other(
    account: AccountStore, elsewhere: AccountStore
) -> None:
    before = await elsewhere.settings()
    body = {"name": "Shop GmbH", "time_zone": "Europe/Berlin", "currency": "EUR"}
    result = await account.change(Resource.ACCOUNT, Action.UPDATE, body, account.account_id)
    after = await elsewhere.settings()
    assert result.outcome is Outcome.UPDATED
    assert (after.name, after.time_zone, after.currency) == tuple(body.values())
    assert after == result.settings
    assert after.version > before.version
    assert (after.fields, after.statuses, after.users) == (
        *(before.fields, before.statuses, before.users),
    )
    (row,) = account.ledger("resource, resource_id, action, outcome, changes")
    assert row[:4] == ("account", account.account_id, "update", "updated")
    assert json.loads(row[4])["time_zone"] == ["America/Los_Angeles", "Europe/Berlin"]
    assert await account.unexplained() == []


async def test_of_two_accounts_only_the_one_that_is_meant_changes(account: AccountStore) -> None:
    other = await account.store.create_account("Other Ltd", "omar@other.example")
    result = await account.change(
        Resource.ACCOUNT, Action.UPDATE, {"name": "Mine"}, other.account_id
    )
    assert isinstance(result.refusal, ResourceNotFound)
    await account.change(Resource.ACCOUNT, Action.UPDATE, {"name": "Mine"}, account.account_id)
    assert (await account.store.settings(other.account_id)).name == "Other Ltd"


async def test_what_was_deleted_is_remembered_with_its_name_and_its_time(
    account: AccountStore, elsewhere: AccountStore, clock: Clock
) -> None:
    before = await account.settings()
    tier = await account.field(name="Tier", data_type="Dropdown")
    silver = tier.options[0]
    clock.advance(60)
    await account.changed_field(tier, name="Rank", options=[{"name": "Gold"}])
    await account.change(STATUS, Action.DELETE, of=before.statuses[1].id)
    removed = DeletedReference(silver.id, "custom_field_option", "Silver", tier.id, clock.now)
    status = before.statuses[1]
    deleted = DeletedReference(status.id, "lead_status", status.name, None, clock.now)
    known = {removed.id: removed, deleted.id: deleted}
    assert (await account.settings()).deleted == known
    await account.change(DEFINITION, Action.DELETE, of=tier.id)
    rank = DeletedReference(tier.id, "custom_field_definition", "Rank", None, clock.now)
    # Its options are never sent without it.
    assert (await elsewhere.settings()).deleted == {rank.id: rank, deleted.id: deleted}
    assert await account.unexplained() == []


async def test_another_account_has_deleted_nothing(account: AccountStore) -> None:
    other = await account.store.create_account("Other Ltd", "omar@other.example")
    await account.change(SOURCE, Action.DELETE, of=(await account.settings()).sources[0].id)
    assert (await account.store.settings(other.account_id)).deleted == {}
