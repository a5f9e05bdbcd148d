"""Keys and types of a lead's body: unknown keys, ignored keys, and wrong types."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support.api.answers import assert_invalid
from tests.support.api.service import Service
from tests.support.api.wire_leads import (
    CUSTOM_VALUES,
    DATA_TYPES,
    assert_lead,
    assert_receipt,
    entry,
    source_ids,
    with_option_ids,
)

ONE_EMAIL = "a lead has one e-mail, not"
EMAILS = '"a@b.example", "b@b.example"'
UNRECOGNIZED = "Base: Unrecognized attributes specified: "


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ({"pageSize": 1}, "pageSize"),
        ({"b": 1, "a": None}, "b, a"),
        ({"properties": {"name": "Nora"}}, "properties"),
        ({"mails": []}, "mails"),
        ({"__proto__": {"admin": True}}, "__proto__"),
        ({"constructor": {"prototype": {}}}, "constructor"),
        ({"": 1}, ""),
        ({"Name": "Nora"}, "Name"),
        ({"email": {"email": "a@b.example", "label": "x"}}, "email.label"),
        ({"address": {"zip": "73301"}}, "address.zip"),
        ({"address": {"__proto__": {}}}, "address.__proto__"),
        ({"phone_numbers": [{"number": "5"}, {"phone": "5"}]}, "phone_numbers[1].phone"),
        ({"socials": [{"link": "x"}]}, "socials[0].link"),
        ({"websites": [{"link": "x"}]}, "websites[0].link"),
        (
            {"custom_fields": [{"custom_field_definition_id": 1, "values": []}]},
            "custom_fields[0].values",
        ),
    ],
)
async def test_an_unknown_key_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any], keys: str
) -> None:
    assert_invalid(await client.post("/leads", json={"name": "Nora"} | body), UNRECOGNIZED + keys)


async def test_a_long_unknown_key_is_shortened(client: httpx.AsyncClient) -> None:
    response = await client.post("/leads", json={"name": "Nora", "x" * 10_000: 1})
    assert response.status_code == 422
    message = response.json()["message"]
    assert UNRECOGNIZED + "xxx" in message
    assert len(message) < 200


async def test_an_unknown_key_is_refused_on_update(service: Service) -> None:
    lead = await service.lead()
    response = await service.client.put(f"/leads/{lead['id']}", json={"title": "x", "foo": 1})
    assert_invalid(response, UNRECOGNIZED + "foo")
    assert_lead(await service.client.get(f"/leads/{lead['id']}"), lead)


@pytest.mark.parametrize(
    ("attribute", "sent", "reason"),
    [
        ("name", ["Nora"], 'must be text or null, not ["Nora"]'),
        ("title", True, "must be text or null, not true"),
        ("company_name", {"a": 1}, 'must be text or null, not {"a": 1}'),
        ("email", True, "must be an object or null, not true"),
        ("email", {"email": [5]}, "email.email must be text or null, not [5]"),
        ("emails", ["a@b.example", "b@b.example"], f"{ONE_EMAIL} 2: {EMAILS}"),
        ("address", "Roma", 'must be an object or null, not "Roma"'),
        ("address", {"city": ["Roma"]}, 'address.city must be text or null, not ["Roma"]'),
        ("tags", ["warm", True], "tags[1] must be text, not true"),
        ("phone_numbers", [["512"]], 'phone_numbers[0] must be an object, not ["512"]'),
        (
            *("phone_numbers", [None, {"number": False}]),
            "phone_numbers[1].number must be text or null, not false",
        ),
        ("socials", [{"url": {"a": 1}}], 'socials[0].url must be text or null, not {"a": 1}'),
        ("status", False, "must be text or null, not false"),
        ("monetary_value", True, "must be a number or null, not true"),
        ("monetary_value", [1], "must be a number or null, not [1]"),
        ("monetary_unit", ["USD"], 'must be text or null, not ["USD"]'),
        ("custom_fields", ["A"], 'custom_fields[0] must be an object, not "A"'),
    ],
)
async def test_a_value_of_a_wrong_type(
    client: httpx.AsyncClient, attribute: str, sent: Any, reason: str
) -> None:
    body = {"last_name": "Nora"} | {attribute: sent}
    field = attribute.replace("emails", "email").replace("_", " ").title()
    response = await client.post("/leads", json=body)
    assert_invalid(response, f"{field}: {reason}")


READ_ONLY = {
    "id": 5,
    "interaction_count": 99,
    "date_created": 1,
    "date_modified": 1,
    "date_last_contacted": 1,
    "converted_unit": "USD",
    "converted_value": "5000.0",
    "converted_at": 1,
    "converted_opportunity_id": 1,
    "converted_contact_id": 1,
}


@pytest.mark.parametrize("key", READ_ONLY)
@pytest.mark.parametrize("junk", [False, True])
async def test_a_read_only_key_is_ignored(service: Service, key: str, *, junk: bool) -> None:
    lead = await service.lead(monetary_value=5)
    body = {key: {"any": "thing"} if junk else READ_ONLY[key]}
    service.clock.advance(60)
    response = await service.client.put(f"/leads/{lead['id']}", json=body)
    assert_lead(response, lead)
    assert_receipt(response, lead_outcome="unchanged", lead_changed="", etag='"1"')


async def test_read_only_keys_are_ignored_on_create(service: Service) -> None:
    blank = await service.lead()
    assert await service.lead(**READ_ONLY) == blank | {"id": blank["id"] + 1}


async def a_full_lead(service: Service) -> dict[str, Any]:
    definitions = {
        data_type: await service.field(name=data_type, data_type=data_type)
        for data_type in DATA_TYPES
    }
    return await service.lead(
        name=" Dr.  Nora Jane Field, PhD ",
        address={"street": "8 Elm Row", "country": "United States"},
        assignee_id=service.account.user_id,
        company_name="Field Supplies",
        customer_source_id=(await source_ids(service))["Email"],
        details="Met at the spring fair\r\n",
        email={"email": " Nora@Field.example ", "category": "personal"},
        monetary_value=2500.5,
        socials=[{"url": "https://www.linkedin.com/in/nora-field", "category": "linkedin"}],
        status="Open",
        tags=["fair", "Warm"],
        title="Buyer",
        websites=[{"url": "https://field.example", "category": "work"}],
        phone_numbers=[{"number": "512-555-0100", "category": "mobile"}, {"number": "1"}],
        custom_fields=[
            entry(definition, with_option_ids(CUSTOM_VALUES[data_type][0], definition))
            for data_type, definition in definitions.items()
        ],
    )


@pytest.mark.parametrize("query", ["", "?custom_field_computed_values=true"])
async def test_a_whole_fetched_lead_sent_back_is_unchanged(service: Service, query: str) -> None:
    lead = await a_full_lead(service)
    fetched = (await service.client.get(f"/leads/{lead['id']}{query}")).json()
    service.clock.advance(60)
    response = await service.client.put(f"/leads/{lead['id']}{query}", json=fetched)
    assert_lead(response, fetched)
    assert_receipt(response, lead_outcome="unchanged", lead_changed="", etag='"1"')


def as_a_client_keeps_it(value: Any) -> Any:
    """Return JSON with an id in every object, as clients have it that keep objects as rows."""
    if isinstance(value, list):
        return [as_a_client_keeps_it(entry) for entry in value]
    if isinstance(value, dict):
        return {"id": 99} | {key: as_a_client_keeps_it(entry) for key, entry in value.items()}
    return value


async def test_a_lead_is_sent_back_with_ids_of_the_client_s_own(service: Service) -> None:
    lead = await a_full_lead(service)
    response = await service.client.put(f"/leads/{lead['id']}", json=as_a_client_keeps_it(lead))
    assert_lead(response, lead)
    assert_receipt(response, lead_outcome="unchanged", lead_changed="", etag='"1"')


async def test_a_lead_without_anything_sent_back_is_unchanged(service: Service) -> None:
    for data_type in DATA_TYPES:
        await service.field(name=data_type, data_type=data_type)
    lead = await service.lead()
    service.clock.advance(60)
    response = await service.client.put(f"/leads/{lead['id']}", json=lead)
    assert_lead(response, lead)
    assert response.headers["Lead-Outcome"] == "unchanged"


async def test_a_whole_fetched_lead_makes_a_second_one(service: Service) -> None:
    lead = await a_full_lead(service)
    response = await service.client.post("/leads", json=lead)
    assert_lead(response, lead | {"id": response.json()["id"]})
    assert response.json()["id"] != lead["id"]
