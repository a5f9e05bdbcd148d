"""`POST /leads`: what a new lead is made of."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support.api.answers import assert_invalid
from tests.support.api.service import Service
from tests.support.api.wire_leads import (
    TOO_LONG,
    a_lead_body,
    assert_lead,
    assert_receipt,
    entry,
    source_ids,
    stored_lead,
)

BLANK = "Name: can't be blank"


async def test_the_documented_create(service: Service) -> None:
    number = await service.field(name="Customer number")
    source_id = (await source_ids(service))["Email"]
    address = {
        "street": "8 Elm Row",
        "city": "Austin",
        "state": "TX",
        "postal_code": "73301",
        "country": "US",
    }
    body = {
        "name": "Nora Field",
        "email": {"email": "nora@field.example", "category": "work"},
        "phone_numbers": [{"number": "512-555-0100", "category": "mobile"}],
        "address": address,
        "custom_fields": [entry(number, "A-77")],
        "customer_source_id": source_id,
    }
    response = await service.client.post("/leads", json=body)
    assert_lead(response, await a_lead_body(service, id=response.json()["id"], **body))
    assert list(response.json()["address"]) == list(address)
    assert list(response.json()["email"]) == ["email", "category"]
    assert list(response.json()["phone_numbers"][0]) == ["number", "category"]
    changed = (
        "name, first_name, last_name, address, customer_source_id, email, status_id, "
        f"phone_numbers, custom_fields.{number['id']}"
    )
    assert_receipt(response, lead_outcome="created", lead_changed=changed, etag='"1"')
    assert await stored_lead(service, response.json()["id"]) == response.json()


async def test_a_name_is_enough(service: Service) -> None:
    response = await service.client.post("/leads", json={"name": "Nora Field"})
    assert_lead(response, await a_lead_body(service, id=response.json()["id"]))
    changed = "name, first_name, last_name, status_id"
    assert_receipt(response, lead_outcome="created", lead_changed=changed, etag='"1"')


async def test_the_same_lead_twice_is_two_leads(service: Service) -> None:
    email = {"email": "nora@field.example", "category": "work"}
    first, second = await service.lead(email=email), await service.lead(email=email)
    assert first["id"] < second["id"]
    assert first | {"id": second["id"]} == second


async def test_a_lead_is_not_assigned_to_the_caller(service: Service) -> None:
    assert (await service.lead())["assignee_id"] is None


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"name": None}, {"name": ""}, {"name": "   "}, {"name": "\u200b\u00a0\u2066"}),
        *({"title": "Buyer"}, {"first_name": None, "last_name": ""}, {"prefix": " "}),
    ],
)
async def test_a_lead_needs_a_name(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    response = await client.post("/leads", json=body)
    assert_invalid(response, BLANK)
    assert_receipt(response, lead_outcome="refused", lead_changed="")


@pytest.mark.parametrize("content", [b"", b" \r\n\t"])
async def test_no_body_is_an_empty_body(client: httpx.AsyncClient, content: bytes) -> None:
    assert_invalid(await client.post("/leads", content=content), BLANK)


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/json; charset=utf-8"])
async def test_the_content_type_does_not_matter(
    client: httpx.AsyncClient, content_type: str | None
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = await client.post("/leads", content=b'{"name": "Nora Field"}', headers=headers)
    assert response.status_code == 200


async def test_everything_that_is_wrong_is_said_at_once(client: httpx.AsyncClient) -> None:
    body = {
        "pageSize": 20,
        "id": 5,
        "name": "",
        "title": "x" * 256,
        "assignee_id": "test",
        "email": {"email": "nora@field.example", "category": "fax"},
        "status": "Nowhere",
        "colour": "red",
    }
    assert_invalid(
        await client.post("/leads", json=body),
        "Base: Unrecognized attributes specified: pageSize, colour",
        "Assignee Id: Invalid value for Assignee Id: IDs must be positive integers: test",
        f"Title: {TOO_LONG}",
        BLANK,
        'Status: is not a lead status: "Nowhere"',
    )


async def test_an_unknown_key_does_not_hide_the_missing_name(client: httpx.AsyncClient) -> None:
    assert_invalid(
        await client.post("/leads", json={"url": "https://a.example"}),
        "Base: Unrecognized attributes specified: url",
        BLANK,
    )


async def test_computed_values_on_request(service: Service) -> None:
    tier = await service.field(name="Tier", data_type="Dropdown")
    silver = tier["options"][0]["id"]
    response = await service.client.post(
        "/leads?custom_field_computed_values=true",
        json={"name": "Nora Field", "custom_fields": [entry(tier, silver)]},
    )
    computed = entry(tier, silver) | {"computed_value": "Silver"}
    body = await a_lead_body(service, id=response.json()["id"], custom_fields=[computed])
    assert_lead(response, body)


async def test_numbers_of_leads_are_unique_over_the_accounts(service: Service) -> None:
    lead = await service.lead()
    async with await service.other_account() as other:
        response = await other.post("/leads", json={"name": "Nora Field"})
    assert response.json()["id"] != lead["id"]
