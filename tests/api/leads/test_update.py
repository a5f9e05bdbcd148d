"""`PUT /leads/{id}`: a patch. Absent keys stay, null clears."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.api.answers import NOT_FOUND, assert_body, assert_invalid
from tests.support.api.service import Service
from tests.support.api.wire_leads import (
    assert_lead,
    assert_receipt,
    entry,
    source_ids,
    stored_lead,
    table_rows,
    written,
)

#: Property, value, value when cleared.
PROPERTIES: list[tuple[str, Any, Any]] = [
    ("title", "Buyer", None),
    ("company_name", "Field Supplies", None),
    ("details", "Met at the fair", None),
    ("email", {"email": "nora@field.example", "category": "work"}, None),
    ("tags", ["fair", "warm"], []),
    ("phone_numbers", [{"number": "5", "category": "home"}], []),
    ("socials", [{"url": "x.example", "category": "klout"}], []),
    ("websites", [{"url": "field.example", "category": "work"}], []),
]


async def test_a_change_makes_a_new_version(service: Service) -> None:
    lead = await service.lead(title="Buyer")
    service.clock.advance(60)
    response = await service.client.put(f"/leads/{lead['id']}", json={"details": "new text"})
    changed = {"details": "new text", "date_modified": service.clock.now}
    assert_lead(response, lead | changed)
    assert_receipt(response, lead_outcome="updated", lead_changed="details", etag='"2"')
    fetched = await service.client.get(f"/leads/{lead['id']}")
    assert_lead(fetched, response.json())
    assert fetched.headers["ETag"] == '"2"'


async def test_several_changes_are_named_in_the_order_of_the_wire(service: Service) -> None:
    number = await service.field()
    lead = await service.lead()
    body = {"custom_fields": [entry(number, "A")], "tags": ["x"], "status": "Open", "title": "Dr"}
    response = await service.client.put(f"/leads/{lead['id']}", json=body)
    changed = f"status_id, tags, title, custom_fields.{number['id']}"
    assert_receipt(response, lead_outcome="updated", lead_changed=changed, etag='"2"')


@pytest.mark.parametrize(
    "content", [b"", b"  \n", b"{}"], ids=["no body", "white space", "an empty object"]
)
async def test_nothing_sent_changes_nothing(service: Service, content: bytes) -> None:
    lead = await service.lead(title="Buyer")
    service.clock.advance(60)
    response = await service.client.put(f"/leads/{lead['id']}", content=content)
    assert_lead(response, lead)
    assert_receipt(response, lead_outcome="unchanged", lead_changed="", etag='"1"')
    history = await service.client.get(f"/leads/{lead['id']}/history")
    assert [row["outcome"] for row in history.json()] == ["unchanged", "created"]


@pytest.mark.parametrize(("attribute", "value", "cleared"), PROPERTIES)
async def test_a_patch_leaves_the_rest(
    service: Service, attribute: str, value: Any, cleared: Any
) -> None:
    lead = await service.lead(**{name: sent for name, sent, _ in PROPERTIES})
    assert lead[attribute] == value
    path = f"/leads/{lead['id']}"
    response = await service.client.put(path, json={attribute: None})
    assert_lead(response, lead | {attribute: cleared})
    assert_receipt(response, lead_outcome="updated", lead_changed=attribute, etag='"2"')
    again = await service.client.put(path, json={attribute: None})
    assert_receipt(again, lead_outcome="unchanged", lead_changed="", etag='"2"')
    back = await service.client.put(path, json={attribute: value})
    assert_lead(back, lead)
    assert back.headers["ETag"] == '"3"'


async def test_an_amount_brings_its_currency_and_takes_it_along(service: Service) -> None:
    lead = await service.lead()
    path = f"/leads/{lead['id']}"
    response = await service.client.put(path, json={"monetary_value": 12.5})
    assert_lead(response, lead | {"monetary_value": 12.5, "monetary_unit": "USD"})
    changed = "monetary_unit, monetary_value"
    assert_receipt(response, lead_outcome="updated", lead_changed=changed, etag='"2"')
    assert_lead(await service.client.put(path, json={"monetary_value": None}), lead)


async def test_the_references_are_cleared_by_null(service: Service) -> None:
    lead = await service.lead(
        assignee_id=service.account.user_id,
        customer_source_id=(await source_ids(service))["Email"],
    )
    cleared = {"assignee_id": None, "customer_source_id": None}
    assert_lead(await service.client.put(f"/leads/{lead['id']}", json=cleared), lead | cleared)


async def test_an_address_is_replaced_as_a_whole(service: Service) -> None:
    lead = await service.lead(address={"street": "8 Elm Row", "city": "Austin", "country": "US"})
    response = await service.client.put(
        f"/leads/{lead['id']}", json={"address": {"city": "Dallas"}}
    )
    parts = dict.fromkeys(("street", "city", "state", "postal_code", "country"))
    assert response.json()["address"] == parts | {"city": "Dallas"}
    cleared = await service.client.put(f"/leads/{lead['id']}", json={"address": None})
    assert cleared.json()["address"] is None


async def test_a_list_is_replaced_as_a_whole(service: Service) -> None:
    lead = await service.lead(tags=["fair", "warm"])
    response = await service.client.put(f"/leads/{lead['id']}", json={"tags": ["warm", "Cold"]})
    assert_lead(response, lead | {"tags": ["warm", "Cold"]})


async def test_an_email_is_replaced_as_a_whole(service: Service) -> None:
    lead = await service.lead(email={"email": "a@b.example", "category": "personal"})
    response = await service.client.put(
        f"/leads/{lead['id']}", json={"email": {"email": "c@d.example"}}
    )
    assert response.json()["email"] == {"email": "c@d.example", "category": "work"}


async def test_the_body_is_flat(service: Service) -> None:
    lead = await service.lead()
    body = {"properties": {"title": "Buyer"}}
    response = await service.client.put(f"/leads/{lead['id']}", json=body)
    assert_invalid(response, "Base: Unrecognized attributes specified: properties")


async def test_a_refused_update_writes_nothing_but_its_ledger_row(
    service: Service, tmp_path: Path
) -> None:
    lead = await service.lead(title="Buyer")
    before, ledger = written(tmp_path), table_rows(tmp_path, "ledger")
    response = await service.client.put(
        f"/leads/{lead['id']}", json={"title": "x" * 256, "details": "new"}
    )
    assert response.status_code == 422
    assert_receipt(response, lead_outcome="refused", lead_changed="")
    assert written(tmp_path) == before
    (row,) = table_rows(tmp_path, "ledger")[len(ledger) :]
    assert row["outcome"] == "refused"
    assert row["message"] == response.json()["message"]
    assert row["request_id"] == response.headers["X-Request-Id"]


async def test_the_clock_may_go_back_but_a_lead_does_not(service: Service) -> None:
    lead = await service.lead()
    service.clock.advance(-3600)
    response = await service.client.put(f"/leads/{lead['id']}", json={"title": "Buyer"})
    assert_lead(response, lead | {"title": "Buyer"})


@pytest.mark.parametrize("lead_id", ["1", "9007199254740991", "9223372036854775808", "abc"])
async def test_an_unknown_lead(service: Service, lead_id: str) -> None:
    response = await service.client.put(f"/leads/{lead_id}", json={"title": "Buyer"})
    assert_body(response, 404, NOT_FOUND)


async def test_an_unknown_lead_leaves_a_ledger_row(service: Service, tmp_path: Path) -> None:
    response = await service.client.put("/leads/1", json={"title": "Buyer"})
    assert_receipt(response, lead_outcome="refused", lead_changed="")
    (row,) = table_rows(tmp_path, "ledger")
    assert (row["outcome"], row["message"]) == ("refused", "Resource not found")


async def test_a_lead_of_another_account(service: Service) -> None:
    lead = await service.lead()
    async with await service.other_account() as other:
        response = await other.put(f"/leads/{lead['id']}", json={"title": "Buyer"})
    assert_body(response, 404, NOT_FOUND)
    assert await stored_lead(service, lead["id"]) == lead


async def test_computed_values_on_request(service: Service) -> None:
    tier = await service.field(data_type="Dropdown")
    lead = await service.lead()
    gold = tier["options"][1]["id"]
    response = await service.client.put(
        f"/leads/{lead['id']}?custom_field_computed_values=true",
        json={"custom_fields": [entry(tier, gold)]},
    )
    computed = entry(tier, gold) | {"computed_value": "Gold"}
    assert_lead(response, lead | {"custom_fields": [computed]})
