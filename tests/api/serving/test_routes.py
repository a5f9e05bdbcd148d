"""Paths and methods: those that are not served, and the spellings that are."""

from __future__ import annotations

import httpx
import pytest
from tests.support.api.answers import NO_ROUTE, NOT_FOUND, assert_body
from tests.support.api.service import Service
from tests.support.api.wire_leads import assert_lead

ROOT = "http://onelead.test"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nowhere"),
        ("GET", "/"),
        ("GET", "/leads"),
        ("PUT", "/leads"),
        ("DELETE", "/leads"),
        ("POST", "/leads/7"),
        ("PATCH", "/leads/7"),
        ("OPTIONS", "/leads/7"),
        ("TRACE", "/leads/7"),
        ("BREW", "/leads/7"),
        ("POST", "/leads/upsert"),
        ("POST", "/leads/7/convert"),
        ("POST", "/leads/7/history"),
        ("GET", "/leads/7/history/1"),
        ("GET", "/Leads/7"),
        ("GET", f"{ROOT}/leads/7"),
        ("GET", f"{ROOT}/developer_api/v2/leads/7"),
        ("GET", f"{ROOT}/developer_api/v1/../../etc/passwd"),
    ],
)
async def test_an_unknown_route(client: httpx.AsyncClient, method: str, path: str) -> None:
    assert_body(await client.request(method, path), 404, NO_ROUTE)


async def test_an_unknown_route_needs_no_key(client: httpx.AsyncClient) -> None:
    response = await client.get("/nowhere", headers={"X-PW-AccessToken": "wrong"})
    assert_body(response, 404, NO_ROUTE)


async def test_a_trailing_slash_is_served(service: Service) -> None:
    client = service.client
    created = await client.post("/leads/", json={"name": "Nora Field"})
    lead = created.json()
    assert created.headers["Lead-Outcome"] == "created"
    assert_lead(await client.get(f"/leads/{lead['id']}/"), lead)
    assert_lead(await client.put(f"/leads/{lead['id']}/", json={}), lead)
    body = {"properties": {}, "match": {"field_name": "name", "field_value": "Nora Field"}}
    assert_lead(await client.put("/leads/upsert/", json=body), lead)
    assert (await client.get(f"/leads/{lead['id']}/history/")).status_code == 200
    assert (await client.get("/users/me/")).status_code == 200
    assert (await client.delete(f"/leads/{lead['id']}/")).status_code == 200


async def test_a_trailing_slash_keeps_the_query(service: Service) -> None:
    tier = await service.field(data_type="Dropdown")
    lead = await service.lead()
    response = await service.client.get(f"/leads/{lead['id']}/?custom_field_computed_values=true")
    empty = {"custom_field_definition_id": tier["id"], "value": None, "computed_value": None}
    assert response.json()["custom_fields"] == [empty]


@pytest.mark.parametrize("path", ["/leads/upsert", "/leads/search", "/leads/bulk_create"])
async def test_an_action_is_not_an_id(client: httpx.AsyncClient, path: str) -> None:
    assert_body(await client.get(path), 404, NOT_FOUND)


@pytest.mark.parametrize("path", ["/leads/7", "/nowhere", "/no%0awhere", "/leads/7%0d%0aX-Evil:1"])
async def test_every_answer_has_a_json_body(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Content-Length"] == str(len(response.content))
