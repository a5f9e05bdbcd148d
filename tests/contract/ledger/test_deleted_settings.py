"""The last names of deleted settings, by id, as the ledger has them."""

from __future__ import annotations

import pytest
from tests.support.domain.lead_writes import delete
from tests.support.storage.account_store import DEFINITION, AccountStore

from onelead.contract.ledger import DeletedSetting
from onelead.domain.limits import DELETED_SETTINGS_MAX
from onelead.domain.settings.change import Resource
from onelead.domain.writes import Action
from onelead.storage.ledger import deleted_settings


async def known(account: AccountStore, *ids: int) -> dict[int, DeletedSetting]:
    return dict(await account.store.deleted_settings(account.account_id, ids))


async def test_a_status_and_a_source_have_the_last_name_that_they_had(
    account: AccountStore,
) -> None:
    settings = await account.settings()
    status, source = settings.statuses[-1], settings.sources[0]
    await account.change(Resource.LEAD_STATUS, Action.UPDATE, {"name": "Qualified"}, status.id)
    await account.change(Resource.LEAD_STATUS, Action.DELETE, of=status.id)
    await account.change(Resource.CUSTOMER_SOURCE, Action.DELETE, of=source.id)
    assert await known(account, status.id, source.id) == {
        status.id: DeletedSetting("Qualified"),
        source.id: DeletedSetting(source.name),
    }


async def test_a_deleted_definition_has_its_type_and_every_option_it_ever_had(
    account: AccountStore,
) -> None:
    field = await account.field(name="Tier", data_type="Dropdown")
    silver, gold = field.options
    options = [{"id": gold.id, "name": "Golden"}, {"name": "Platinum"}]
    field = await account.changed_field(field, name="Score", options=options)
    platinum = field.options[1]
    await account.change(DEFINITION, Action.DELETE, of=field.id)
    options_by_id = {silver.id: "Silver", gold.id: "Golden", platinum.id: "Platinum"}
    expected = DeletedSetting("Score", "Dropdown", options=options_by_id)
    assert await known(account, field.id) == {field.id: expected}


async def test_a_deleted_amount_has_its_currency(account: AccountStore) -> None:
    field = await account.field(name="Deposit", data_type="Currency", currency="EUR")
    await account.change(DEFINITION, Action.DELETE, of=field.id)
    assert (await known(account, field.id))[field.id] == DeletedSetting(
        "Deposit", "Currency", "EUR"
    )


async def test_a_removed_option_of_a_definition_that_is_there_has_its_name(
    account: AccountStore,
) -> None:
    field = await account.field(name="Tier", data_type="MultiSelect")
    silver, gold = field.options
    options = [{"id": gold.id, "name": "Gold"}, {"name": "Platinum"}]
    await account.changed_field(field, options=options)
    found = (await known(account, field.id))[field.id]
    assert (found.name, found.data_type) == (None, None)
    assert found.options[silver.id] == "Silver"


async def test_what_is_there_or_never_was_is_left_out(account: AccountStore) -> None:
    status = (await account.settings()).statuses[1]
    await account.change(Resource.LEAD_STATUS, Action.UPDATE, {"name": "Qualified"}, status.id)
    lead = await account.created()
    await account.change(Resource.LEAD_STATUS, Action.DELETE, of=77)
    assert await known(account, status.id, lead.id, 77, 78) == {}
    assert await known(account) == {}


async def test_a_deleted_lead_is_no_setting(account: AccountStore) -> None:
    lead = await account.created()
    await account.results(delete(lead.id))
    assert await known(account, lead.id) == {}


async def test_the_settings_of_another_account_are_not_shown(account: AccountStore) -> None:
    field = await account.field()
    await account.change(DEFINITION, Action.DELETE, of=field.id)
    other = await account.store.create_account("Other Ltd", "omar@other.example")
    assert await account.store.deleted_settings(other.account_id, [field.id]) == {}


async def test_only_the_newest_rows_of_each_are_looked_at(
    account: AccountStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = [await account.field(name=name) for name in ("Score", "Tier")]
    for field in fields:
        await account.change(DEFINITION, Action.DELETE, of=field.id)
    first, second = (field.id for field in fields)
    await account.change(DEFINITION, Action.DELETE, of=first)
    monkeypatch.setattr(deleted_settings, "DELETED_SETTING_ROWS_MAX", 1)
    assert (await known(account, first, second)).keys() == {second}
    monkeypatch.setattr(deleted_settings, "DELETED_SETTING_ROWS_MAX", 2)
    assert (await known(account, first, second)).keys() == {first, second}


async def test_only_so_many_ids_are_looked_up(account: AccountStore) -> None:
    first = await account.field(name="Score")
    await account.change(DEFINITION, Action.DELETE, of=first.id)
    unknown = range(1, DELETED_SETTINGS_MAX)
    assert (await known(account, *unknown, first.id)).keys() == {first.id}
    assert await known(account, *unknown, DELETED_SETTINGS_MAX, first.id) == {}
