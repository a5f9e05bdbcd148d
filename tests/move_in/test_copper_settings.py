"""Which of our settings each of Copper's is, and what is made of those that are missing."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.copper.moving import forecast, moved_in
from tests.support.copper.stand_in import START, StandIn
from tests.support.storage.account_store import AccountStore

from onelead.domain.limits import OPTIONS_MAX
from onelead.domain.settings.change import Resource
from onelead.domain.writes import Action


def defined(there: StandIn, number: int, name: str, data_type: str, **more: Any) -> None:
    one = {"id": number, "name": name, "data_type": data_type, "available_on": ["lead"]}
    there.definitions.append(one | more)


def options(*names: str) -> list[dict[str, Any]]:
    return [{"id": 9_000 + at, "name": name} for at, name in enumerate(names)]


@pytest.fixture
def there() -> StandIn:
    return StandIn()


async def names(account: AccountStore) -> list[str]:
    fields = (await account.settings()).lead_fields
    return [f"{one.name}: {one.data_type.value}" for one in fields]


async def test_what_is_here_is_used(account: AccountStore, there: StandIn) -> None:
    tier = await account.field(name="tier", data_type="Dropdown")
    defined(there, 1, "Tier", "Dropdown", options=options("Gold", "Lead"))
    there.add(1, custom_fields=[{"custom_field_definition_id": 1, "value": 9_001}])
    await moved_in(account, there)
    assert await names(account) == ["tier: Dropdown", "Copper id: String"]
    field = (await account.settings()).fields_by_id[tier.id]
    assert [one.name for one in field.options] == ["Silver", "Gold", "Lead"]
    (lead,) = await account.leads()
    assert lead.custom_fields[tier.id] == field.options[2].id


async def test_a_field_of_another_type_gets_a_neighbour(
    account: AccountStore, there: StandIn
) -> None:
    await account.field(name="Tier")
    defined(there, 1, "Tier", "Dropdown", options=options("Gold"))
    defined(there, 2, "Tier", "Dropdown", options=options("Gold"))
    said = await forecast(account, there)
    assert said.changes[-2:] == [
        'make the custom field "Tier (Copper)" (Dropdown); another field is called "Tier"',
        'make the custom field "Tier (copper_2)" (Dropdown); another field is called "Tier"',
    ]
    await moved_in(account, there)
    assert (await forecast(account, there)).changes == []


async def test_a_field_stays_the_same_when_either_side_renames_it(
    account: AccountStore, there: StandIn
) -> None:
    defined(there, 1, "Tier", "String")
    await moved_in(account, there)
    there.definitions[0]["name"] = "Level"
    assert (await forecast(account, there)).changes == []
    field = next(one for one in (await account.settings()).fields if one.name == "Tier")
    await account.changed_field(field, name="Rank")
    there.add(1, custom_fields=[{"custom_field_definition_id": 1, "value": "A"}])
    await moved_in(account, there)
    (lead,) = await account.leads()
    assert lead.custom_fields[field.id] == "A"


async def test_options_that_clash_are_one_and_said(account: AccountStore, there: StandIn) -> None:
    clash = options("Gold", " Gold ", "", "x" * 300, *map(str, range(OPTIONS_MAX)))
    defined(there, 1, "Tier", "MultiSelect", options=clash)
    there.add(1, custom_fields=[{"custom_field_definition_id": 1, "value": [9_000, 9_001, 9_002]}])
    said = await forecast(account, there)
    assert said.not_mapped[-1].startswith('the custom field "Tier" has options that are blank')
    assert list(said.remarks.counts) == [
        'an option of the custom field "Tier" that is not known here'
    ]
    await moved_in(account, there)
    (lead,) = await account.leads()
    field = next(one for one in (await account.settings()).fields if one.name == "Tier")
    assert lead.custom_fields[field.id] == (field.options[0].id,)


async def test_a_field_that_our_rules_refuse_is_said_and_the_rest_goes_on(
    account: AccountStore, there: StandIn
) -> None:
    defined(there, 1, "Empty", "Dropdown")
    defined(there, 2, "Fine", "Float")
    there.add(1, custom_fields=[{"custom_field_definition_id": 2, "value": 7.5}])
    said = await forecast(account, there)
    done = await moved_in(account, there)
    (refused,) = done.settings_refused
    assert refused.startswith('cannot make the custom field "Empty"')
    assert refused in said.not_mapped
    assert done.outcomes == {"created": 1}
    assert "Fine: Float" in await names(account)


async def test_a_field_for_the_ids_that_is_there_is_indexed_first(
    account: AccountStore, there: StandIn
) -> None:
    field = await account.field(name="copper ID", is_filterable=False)
    known = await account.created(custom_fields={field.id: "71000001"})
    there.add(1, title="Buyer")
    done = await moved_in(account, there)
    assert done.outcomes == {"updated": 1}
    (lead,) = await account.leads()
    assert (lead.id, lead.title) == (known.id, "Buyer")


async def test_statuses_and_sources_are_found_in_any_case(
    account: AccountStore, there: StandIn
) -> None:
    there.statuses[1]["name"] = "OPEN"
    there.sources[0]["name"] = "cold  call"
    there.add(1, status_id=2002, status="OPEN", customer_source_id=3101)
    await moved_in(account, there)
    settings = await account.settings()
    (lead,) = await account.leads()
    assert settings.statuses_by_id[lead.status_id].name == "Open"
    assert settings.sources_by_id[lead.customer_source_id or 0].name == "Cold Call"
    assert len(settings.statuses) == 4


async def test_a_status_that_is_gone_there_is_left_out(
    account: AccountStore, there: StandIn
) -> None:
    there.add(1, status_id=7, status="Gone", customer_source_id=8, assignee_id=9)
    done = await moved_in(account, there)
    assert sorted(done.remarks.counts) == [
        "a customer source that is not known here",
        "a lead status that is not known here",
        "no owner: a user who is gone there is not a user here",
    ]
    assert done.outcomes == {"created": 1}


async def test_the_day_of_a_conversion_is_kept(account: AccountStore, there: StandIn) -> None:
    there.add(1, converted_at=START, converted_contact_id=8_001)
    await moved_in(account, there)
    (lead,) = await account.leads()
    assert "2020-09-13" in lead.custom_fields.values()


async def test_history_names_the_source(account: AccountStore, there: StandIn) -> None:
    there.add(1)
    await moved_in(account, there)
    (source,) = [one for one in await account.store.api_keys(account.account_id) if one.is_source]
    assert source.label == "Copper"
    assert {row[0] for row in account.ledger("api_key_id")} == {source.id}


async def test_a_deleted_status_is_made_again(account: AccountStore, there: StandIn) -> None:
    await moved_in(account, there)
    status = next(one for one in (await account.settings()).statuses if one.name == "Called")
    await account.change(Resource.LEAD_STATUS, Action.DELETE, of=status.id)
    assert (await forecast(account, there)).changes == ['make the lead status "Called"']
