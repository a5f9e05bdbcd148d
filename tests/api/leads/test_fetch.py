"""`GET /leads/{id}`: the documented keys in the documented order, and ids that are not found."""

from __future__ import annotations

import httpx
import pytest
from tests.support.api.answers import NOT_FOUND, assert_body
from tests.support.api.service import Service
from tests.support.api.wire_leads import LEAD_KEYS, a_lead_body, assert_lead, entry


async def test_a_lead_has_the_27_documented_keys_in_order(service: Service) -> None:
    lead = await service.lead(name="Nora Field")
    response = await service.client.get(f"/leads/{lead['id']}")
    assert len(LEAD_KEYS) == 27
    assert_lead(response, await a_lead_body(service, id=lead["id"]))


async def test_a_fetch_answers_what_the_create_answered(service: Service) -> None:
    lead = await service.lead(title="Buyer", tags=["fair"], monetary_value=2500)
    service.clock.advance(60)
    assert_lead(await service.client.get(f"/leads/{lead['id']}"), lead)


async def test_a_fetch_tells_the_version_and_is_no_write(service: Service) -> None:
    lead = await service.lead()
    response = await service.client.get(f"/leads/{lead['id']}")
    assert response.headers["ETag"] == '"1"'
    assert "Lead-Outcome" not in response.headers
    assert response.headers["X-Request-Id"].startswith("request-")


async def test_every_definition_on_leads_is_listed_by_ascending_id(service: Service) -> None:
    text = await service.field(name="Customer number")
    await service.field(name="Shoe size", data_type="Float", available_on=["person"])
    checkbox = await service.field(name="Newsletter", data_type="Checkbox")
    choices = await service.field(name="Interests", data_type="MultiSelect", is_filterable=False)
    lead = await service.lead()
    expected = [entry(text, None), entry(checkbox, value=False), entry(choices, [])]
    assert lead["custom_fields"] == sorted(expected, key=lambda e: e["custom_field_definition_id"])
    assert (await service.client.get(f"/leads/{lead['id']}")).json() == lead


@pytest.mark.parametrize("value", ["true", "1", "True"])
async def test_computed_values_stand_beside_the_values(service: Service, value: str) -> None:
    tier = await service.field(name="Tier", data_type="Dropdown")
    gold = tier["options"][1]["id"]
    lead = await service.lead(custom_fields=[entry(tier, gold)])
    response = await service.client.get(
        f"/leads/{lead['id']}", params={"custom_field_computed_values": value}
    )
    computed = entry(tier, gold) | {"computed_value": "Gold"}
    assert_lead(response, lead | {"custom_fields": [computed]})
    assert tuple(response.json()["custom_fields"][0]) == tuple(computed)


@pytest.mark.parametrize("value", ["false", "0", ""])
async def test_computed_values_that_are_switched_off(service: Service, value: str) -> None:
    await service.field(name="Tier", data_type="Dropdown")
    lead = await service.lead()
    response = await service.client.get(
        f"/leads/{lead['id']}", params={"custom_field_computed_values": value}
    )
    assert_lead(response, lead)


async def test_unknown_query_parameters_are_ignored(service: Service) -> None:
    lead = await service.lead()
    response = await service.client.get(f"/leads/{lead['id']}", params={"page_size": "20"})
    assert_lead(response, lead)


async def test_a_fetch_may_carry_a_json_body(service: Service) -> None:
    lead = await service.lead()
    response = await service.client.request("GET", f"/leads/{lead['id']}", json={"any": "thing"})
    assert_lead(response, lead)


@pytest.mark.parametrize(
    "lead_id",
    [
        *("0", "-1", "abc", "1.5", "+1", " 1", "1e3", "%00", "%ff", "%0d%0aX-Injected:1", "null"),
        *("9007199254740992", "9223372036854775807", "9223372036854775808", "1" * 5000),
        "0" * 19 + "1" + "9" * 30,
        "٣",  # a digit of another script
    ],
)
async def test_what_can_be_no_id_is_not_found(client: httpx.AsyncClient, lead_id: str) -> None:
    response = await client.get(f"/leads/{lead_id}")
    assert_body(response, 404, NOT_FOUND)
    assert "X-Injected" not in response.headers


async def test_an_unknown_lead_is_not_found(service: Service) -> None:
    lead = await service.lead()
    response = await service.client.get(f"/leads/{lead['id'] + 1}")
    assert_body(response, 404, NOT_FOUND)


async def test_a_deleted_lead_is_not_found(service: Service) -> None:
    lead = await service.lead()
    await service.client.delete(f"/leads/{lead['id']}")
    assert_body(await service.client.get(f"/leads/{lead['id']}"), 404, NOT_FOUND)


async def test_a_lead_of_another_account_is_not_found(service: Service) -> None:
    lead = await service.lead()
    async with await service.other_account() as other:
        assert_body(await other.get(f"/leads/{lead['id']}"), 404, NOT_FOUND)
