"""`DELETE /leads/{id}`: permanent, and possible only once."""

from __future__ import annotations

import httpx
import pytest
from tests.support.api.answers import NOT_FOUND, assert_body
from tests.support.api.service import Service
from tests.support.api.wire_leads import assert_receipt, entry, stored_lead


async def test_a_lead_is_deleted(service: Service) -> None:
    lead = await service.lead(title="Buyer")
    response = await service.client.delete(f"/leads/{lead['id']}")
    assert_body(response, 200, {"id": lead["id"], "is_deleted": True})
    changed = "name, first_name, last_name, status_id, title"
    assert_receipt(response, lead_outcome="deleted", lead_changed=changed, etag='"1"')
    assert_body(await service.client.get(f"/leads/{lead['id']}"), 404, NOT_FOUND)


async def test_the_second_delete_finds_nothing(service: Service) -> None:
    lead = await service.lead()
    await service.client.delete(f"/leads/{lead['id']}")
    response = await service.client.delete(f"/leads/{lead['id']}")
    assert_body(response, 404, NOT_FOUND)
    assert_receipt(response, lead_outcome="refused", lead_changed="")


@pytest.mark.parametrize("lead_id", ["1", "0", "-1", "abc", "9223372036854775808"])
async def test_an_unknown_lead(client: httpx.AsyncClient, lead_id: str) -> None:
    assert_body(await client.delete(f"/leads/{lead_id}"), 404, NOT_FOUND)


async def test_a_deleted_lead_takes_no_update(service: Service) -> None:
    lead = await service.lead()
    await service.client.delete(f"/leads/{lead['id']}")
    response = await service.client.put(f"/leads/{lead['id']}", json={"title": "Buyer"})
    assert_body(response, 404, NOT_FOUND)


@pytest.mark.parametrize("field_name", ["name", "email", "custom"])
async def test_a_deleted_lead_matches_nothing(service: Service, field_name: str) -> None:
    number = await service.field()
    properties = {
        "name": "Nora Field",
        "email": {"email": "nora@field.example"},
        "custom_fields": [entry(number, "A-77")],
    }
    values = {"name": "Nora Field", "email": "nora@field.example", "custom": entry(number, "A-77")}
    lead = await service.lead(**properties)
    await service.client.delete(f"/leads/{lead['id']}")
    response = await service.upsert(properties, field_name, values[field_name])
    assert response.headers["Lead-Outcome"] == "created"
    assert response.json()["id"] > lead["id"]


async def test_a_body_is_not_read(service: Service) -> None:
    lead = await service.lead()
    response = await service.client.request("DELETE", f"/leads/{lead['id']}", content=b"{not json")
    assert_body(response, 200, {"id": lead["id"], "is_deleted": True})


async def test_the_other_leads_stay(service: Service) -> None:
    first, second = await service.lead(), await service.lead()
    await service.client.delete(f"/leads/{first['id']}")
    assert await stored_lead(service, second["id"]) == second


async def test_a_lead_of_another_account(service: Service) -> None:
    lead = await service.lead()
    async with await service.other_account() as other:
        assert_body(await other.delete(f"/leads/{lead['id']}"), 404, NOT_FOUND)
    assert await stored_lead(service, lead["id"]) == lead
