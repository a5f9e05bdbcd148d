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

UNRECOGNIZED = "Base: Unrecognized attributes specified: "


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ({"pageSize": 1}, "pageSize"),
        ({"b": 1, "a": None}, "b, a"),
        ({"properties": {"name": "Nora"}}, "properties"),
        ({"emails": []}, "emails"),
        ({"__proto__": {"admin": True}}, "__proto__"),
        ({"constructor": {"prototype": {}}}, "constructor"),
        ({"": 1}, ""),
        ({"Name": "Nora"}, "Name"),
        ({"email": {"email": "a@b.example", "label": "x"}}, "email.label"),
        ({"address": {"zip": "73301"}}, "address.zip"),
        ({"address": {"__proto__": {}}}, "address.__proto__"),
        ({"phone_numbers": [{"number": "5"}, {"phone": "5"}]}, "phone_numbers.phone"),
        ({"socials": [{"link": "x"}]}, "socials.link"),
        ({"websites": [{"link": "x"}]}, "websites.link"),
        (
            {"custom_fields": [{"custom_field_definition_id": 1, "values": []}]},
            "custom_fields.values",
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
        ("name", 5, "expected str | null, got int"),
        ("name", ["Nora"], "expected str | null, got array"),
        ("title", True, "expected str | null, got bool"),
        ("company_name", {}, "expected str | null, got object"),
        ("details", 1.5, "expected str | null, got float"),
        ("email", "a@b.example", "expected object | null, got str"),
        ("email", [{"email": "a@b.example"}], "expected object | null, got array"),
        ("email", {"email": 5}, "expected str | null, got int in email"),
        ("address", "Roma", "expected object | null, got str"),
        ("address", {"city": ["Roma"]}, "expected str | null, got array in city"),
        ("tags", "warm", "expected array | null, got str"),
        ("tags", ["warm", None], "expected str, got null in [1]"),
        ("tags", [5], "expected str, got int in [0]"),
        ("phone_numbers", ["512"], "expected object, got str in [0]"),
        ("phone_numbers", [None], "expected object, got null in [0]"),
        ("phone_numbers", [{"number": 512}], "expected str | null, got int in [0].number"),
        ("websites", {"url": "x"}, "expected array | null, got object"),
        ("socials", [{"url": {}}], "expected str | null, got object in [0].url"),
        ("status", 5, "expected str | null, got int"),
        ("monetary_value", True, "expected int | float | str | null, got bool"),
        ("monetary_value", [1], "expected int | float | str | null, got array"),
        ("custom_fields", {"4101": "A"}, "expected array | null, got object"),
        ("custom_fields", ["A"], "expected object, got str in [0]"),
        (
            "custom_fields",
            [{"value": "A"}],
            "object missing required field custom_field_definition_id in [0]",
        ),
    ],
)
async def test_a_value_of_a_wrong_type(
    client: httpx.AsyncClient, attribute: str, sent: Any, reason: str
) -> None:
    body = {"name": "Nora"} | {attribute: sent}
    field = attribute.replace("_", " ").title()
    response = await client.post("/leads", json=body)
    assert_invalid(response, f"{field}: Invalid value for {field}: {reason}")


READ_ONLY = {
    "id": 5,
    "interaction_count": 99,
    "monetary_unit": "EUR",
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
