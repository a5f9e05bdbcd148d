"""The receipt headers: every write says in its answer what it did."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.api.service import Service
from tests.support.api.wire_leads import assert_receipt, entry, stored_lead

EMAIL = {"email": "nora@field.example", "category": "work"}


def upsert_body(field_name: str = "email", field_value: Any = EMAIL["email"]) -> dict[str, Any]:
    match = {"field_name": field_name, "field_value": field_value}
    return {"properties": {"title": "Head buyer"}, "match": match}


#: Method, path, body, and the receipt; there is one lead, Nora the buyer, in version 1.
WRITES: list[tuple[str, str, Any, dict[str, str]]] = [
    (
        *("POST", "/leads", {"name": "Sam"}),
        {"lead_outcome": "created", "lead_changed": "name, first_name, status_id", "etag": '"1"'},
    ),
    ("POST", "/leads", {}, {"lead_outcome": "refused", "lead_changed": ""}),
    (
        *("PUT", "/leads/{id}", {"title": "Head buyer", "tags": ["x"]}),
        {"lead_outcome": "updated", "lead_changed": "tags, title", "etag": '"2"'},
    ),
    (
        *("PUT", "/leads/{id}", {"title": "Buyer"}),
        {"lead_outcome": "unchanged", "lead_changed": "", "etag": '"1"'},
    ),
    ("PUT", "/leads/{id}", {"title": [5]}, {"lead_outcome": "refused", "lead_changed": ""}),
    ("PUT", "/leads/7", {"title": "x"}, {"lead_outcome": "refused", "lead_changed": ""}),
    (
        *("DELETE", "/leads/{id}", None),
        {
            "lead_outcome": "deleted",
            "lead_changed": "name, first_name, last_name, email, status_id, title",
            "etag": '"1"',
        },
    ),
    ("DELETE", "/leads/7", None, {"lead_outcome": "refused", "lead_changed": ""}),
    (
        *("PUT", "/leads/upsert", upsert_body()),
        {
            "lead_outcome": "updated",
            "lead_changed": "title",
            "etag": '"2"',
            "lead_match": "field=email; matches=1",
        },
    ),
    (
        *("PUT", "/leads/upsert", upsert_body("name", "Sam")),
        {
            "lead_outcome": "created",
            "lead_changed": "name, first_name, status_id, title",
            "etag": '"1"',
            "lead_match": "field=name; matches=0",
        },
    ),
    (
        *("PUT", "/leads/upsert", upsert_body("email", "new@field.example")),
        {"lead_outcome": "refused", "lead_changed": "", "lead_match": "field=email; matches=0"},
    ),
    (
        *("PUT", "/leads/upsert", upsert_body("fax")),
        {"lead_outcome": "refused", "lead_changed": ""},
    ),
    (
        *("POST", "/leads/bulk_create", {"leads": [{"name": "Sam"}, {}]}),
        {"lead_outcome": "created, refused"},
    ),
    (
        *("POST", "/leads/bulk_update", {"leads": [{"id": 7}]}),
        {"lead_outcome": "refused"},
    ),
    (
        *("POST", "/leads/bulk_create", {"leads": [{}] * 11}),
        {"lead_outcome": "refused", "lead_changed": ""},
    ),
]


@pytest.mark.parametrize(("method", "path", "body", "receipt"), WRITES)
async def test_every_write_has_its_receipt(
    service: Service, method: str, path: str, body: Any, receipt: dict[str, str]
) -> None:
    lead = await service.lead(title="Buyer", email=EMAIL)
    path = path.replace("{id}", str(lead["id"]))
    assert_receipt(await service.client.request(method, path, json=body), **receipt)


async def test_a_custom_field_is_named_by_the_id_of_its_definition(service: Service) -> None:
    number = await service.field()
    lead = await service.lead()
    response = await service.client.put(
        f"/leads/{lead['id']}", json={"custom_fields": [entry(number, "A-77")]}
    )
    changed = f"custom_fields.{number['id']}"
    assert_receipt(response, lead_outcome="updated", lead_changed=changed, etag='"2"')


async def test_unchanged_keeps_the_version_and_the_date(service: Service) -> None:
    lead = await service.lead(title="Buyer", email=EMAIL, monetary_value=2500, tags=["a"])
    for body in ({"title": "Buyer"}, {"monetary_value": "2500"}, {"monetary_value": 2500.0}):
        service.clock.advance(60)
        response = await service.client.put(f"/leads/{lead['id']}", json=body)
        assert_receipt(response, lead_outcome="unchanged", lead_changed="", etag='"1"')
    assert await stored_lead(service, lead["id"]) == lead


async def test_versions_count_the_changes(service: Service) -> None:
    lead = await service.lead()
    path = f"/leads/{lead['id']}"
    for version, title in enumerate(["A", "B", None, "A"], start=2):
        response = await service.client.put(path, json={"title": title})
        assert response.headers["ETag"] == f'"{version}"'
    assert (await service.client.get(path)).headers["ETag"] == '"5"'


async def test_every_request_has_an_id_of_its_own(service: Service) -> None:
    client = service.client
    answers = [
        await client.post("/leads", json={"name": "Nora"}),
        await client.post("/leads", json={"name": "Nora"}, headers={"X-Request-Id": "mine"}),
        await client.post("/leads", json={}),
        await client.post("/leads", content=b"{"),
        await client.get("/leads/7"),
        await client.get("/leads/7", headers={"X-PW-AccessToken": "wrong"}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 422, 400, 404, 401]
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    assert "mine" not in ids


async def test_what_is_no_write_has_no_receipt(service: Service) -> None:
    lead = await service.lead()
    for response in (
        await service.client.get(f"/leads/{lead['id']}/history"),
        await service.client.post("/leads/search", content=b"{"),
        await service.client.get("/leads/7"),
    ):
        assert not [name for name in response.headers if name.startswith("lead-")]
        assert "ETag" not in response.headers


async def test_a_long_list_of_changes_is_cut_between_two_fields(service: Service) -> None:
    # Proxies refuse answers with too many bytes of headers.
    definitions = [await service.field(name=f"Field {number}") for number in range(100)]
    values = [{"custom_field_definition_id": one["id"], "value": "A-77"} for one in definitions]
    body = {"name": "Nora Field", "custom_fields": values}
    response = await service.client.post("/leads", json=body)
    changed = response.headers["Lead-Changed"].split(", ")
    assert changed[-1] == "..."
    assert changed[-2].removeprefix("custom_fields.") in {str(one["id"]) for one in definitions}
    assert len(response.headers["Lead-Changed"]) < 2100
    history = await service.client.get(f"/leads/{response.json()['id']}/history")
    assert len(history.json()[0]["changes"]) == 4 + 100
