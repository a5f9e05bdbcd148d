"""Changes of the settings are taken back by every engine, and who decides a value is stored."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.domain.builders import a_delivery
from tests.support.domain.lead_writes import create, update, upsert_custom
from tests.support.storage.account_store import DEFINITION, AccountStore

from onelead.domain.acts.policies import OVERWRITE_ALL, Deciding, Policy
from onelead.domain.errors import InputInvalid, ResourceNotFound
from onelead.domain.settings.change import Resource, SettingsResult
from onelead.domain.settings.undo import undo_settings
from onelead.domain.writes import Action, Kept, Outcome

STATUS, SOURCE, ACCOUNT = Resource.LEAD_STATUS, Resource.CUSTOMER_SOURCE, Resource.ACCOUNT


async def undo(account: AccountStore, seq: int) -> SettingsResult:
    """Take back a row, as a front end does."""
    row = (await account.store.ledger_row(account.account_id, seq)).row
    write = undo_settings(row.resource, row.resource_id, seq, a_delivery())
    return await account.store.change_settings(account.account_id, write)


async def change_account(account: AccountStore, **body: Any) -> SettingsResult:
    return await account.change(ACCOUNT, Action.UPDATE, body, account.account_id)


async def test_who_decides_a_value_is_stored(
    account: AccountStore, elsewhere: AccountStore
) -> None:
    (key,) = await account.store.api_keys(account.account_id)
    ranks, policies = {f"key-{key.id}": 5, "web": 2}, {"title": "fill"}
    result = await change_account(
        account, policies=policies, ranks=ranks, pins_edits=True, payload_days=30
    )
    assert result.refusal is None
    settings = await elsewhere.settings()
    assert settings.deciding == Deciding({"title": Policy.FILL}, ranks, pins_edits=True)
    assert settings.payload_days == 30
    undone = await undo(account, result.seq)
    assert undone.outcome is Outcome.UPDATED
    settings = await elsewhere.settings()
    assert (settings.deciding, settings.payload_days) == (OVERWRITE_ALL, 0)
    assert account.database.rows("SELECT deciding, payload_days FROM account")[0] == (None, None)


async def test_only_the_accounts_own_keys_have_a_rank(account: AccountStore) -> None:
    result = await change_account(account, ranks={"key-77": 1})
    assert isinstance(result.refusal, InputInvalid)


async def test_policies_hold_for_every_write_from_then_on(account: AccountStore) -> None:
    await change_account(account, policies={"title": "fill"})
    lead = await account.created(title="Buyer")
    result = await account.result(update(lead.id, title="Boss"))
    assert (result.outcome, result.details and result.details.kept) == (
        Outcome.UNCHANGED,
        {"title": Kept("fill", "Boss")},
    )


async def test_a_deleted_definition_comes_back_with_its_values(account: AccountStore) -> None:
    field = await account.field(data_type="Dropdown")
    silver, gold = field.options
    lead = await account.created(custom_fields={field.id: silver.id})
    other = await account.field(name="Size")
    lost = await account.created(custom_fields={field.id: gold.id})
    deleted = await account.change(DEFINITION, Action.DELETE, of=field.id)
    await account.result(update(lost.id, custom_fields={other.id: "L"}))
    assert (await account.settings()).deleted.keys() == {field.id}
    await account.indexed()
    restored = await undo(account, deleted.seq)
    assert (restored.outcome, restored.resource_id) == (Outcome.RESTORED, field.id)
    await account.indexed()
    settings = await account.settings()
    again = settings.fields_by_id[field.id]
    assert (again.options, again.index_generation > field.index_generation) == (
        (silver, gold),
        True,
    )
    assert settings.deleted == {}
    found = await account.result(upsert_custom(field.id, "Silver", title="Boss"))
    assert (found.outcome, found.lead and found.lead.id) == (Outcome.UPDATED, lead.id)
    one, two = await account.leads()
    assert (one.custom_fields, two.custom_fields) == ({field.id: silver.id}, {other.id: "L"})
    # And again, until nothing is left of the first index.
    twice = await undo(account, restored.seq)
    assert twice.outcome is Outcome.DELETED
    thrice = await undo(account, twice.seq)
    assert thrice.outcome is Outcome.RESTORED
    await account.indexed()
    assert account.keys(f"custom:{field.id}.{field.index_generation}") == []
    newest = (await account.settings()).fields_by_id[field.id]
    assert newest.index_generation > again.index_generation
    assert len(account.keys(newest.key_field)) == 1


async def test_a_row_of_an_undo_names_what_it_undoes_and_what_it_kept(
    account: AccountStore,
) -> None:
    changed = await change_account(account, name="Shop GmbH", time_zone="Europe/Berlin")
    await change_account(account, name="Shop SE")
    undone = await undo(account, changed.seq)
    row = (await account.store.ledger_row(account.account_id, undone.seq)).row
    assert (row.action, row.outcome, row.about_seq) == ("undo", "updated", changed.seq)
    assert row.changes == {"time_zone": ["Europe/Berlin", "America/Los_Angeles"]}
    assert row.details is not None
    assert row.details.kept == {"name": Kept("changed", "Shop Ltd")}
    again = await undo(account, changed.seq)
    assert again.outcome is Outcome.UNCHANGED
    redone = await undo(account, undone.seq)
    assert redone.settings.time_zone == "Europe/Berlin"
    # The undo is not in effect now, so the change can be undone again.
    assert (await undo(account, changed.seq)).settings.time_zone == "America/Los_Angeles"


@pytest.mark.parametrize("resource", [STATUS, SOURCE])
async def test_deleted_entries_come_back_under_their_ids(
    account: AccountStore, resource: Resource
) -> None:
    made = await account.change(resource, Action.CREATE, {"name": "Hot", "order": 2})
    deleted = await account.change(resource, Action.DELETE, of=made.resource_id)
    assert (await undo(account, deleted.seq)).outcome is Outcome.RESTORED
    settings = await account.settings()
    entries = settings.statuses if resource is STATUS else settings.sources
    assert (entries[1].id, entries[1].name) == (made.resource_id, "Hot")
    name = "status_id" if resource is STATUS else "customer_source_id"
    await account.result(create(name="Nora", **{name: made.resource_id}))
    refused = await undo(account, made.seq)
    assert isinstance(refused.refusal, InputInvalid)
    assert "is used by 1 lead" in refused.refusal.message


async def test_rows_that_are_not_about_settings_are_not_found(account: AccountStore) -> None:
    receipt = await account.write(create(name="Nora"))
    for seq in (receipt.first_seq, 77):
        write = undo_settings("account", account.account_id, seq, a_delivery())
        result = await account.store.change_settings(account.account_id, write)
        assert isinstance(result.refusal, ResourceNotFound)
