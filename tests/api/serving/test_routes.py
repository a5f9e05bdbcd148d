"""Paths and methods: those that are not served, and the spellings that are."""

from __future__ import annotations

import httpx
import pytest
from tests.support.api.answers import NO_ROUTE, NOT_FOUND, assert_body, assert_only
from tests.support.api.service import Service
from tests.support.api.wire_leads import assert_lead

from onelead.api.application import ENDPOINTS

ROOT = "http://onelead.test"
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"}
LEAD = "DELETE, GET, HEAD, OPTIONS, PUT"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nowhere"),
        ("OPTIONS", "/nowhere"),
        ("GET", "/"),
        ("POST", "/leads/7/convert"),
        ("GET", "/leads/7/history/1"),
        ("GET", "/Leads/7"),
        ("GET", f"{ROOT}/leads/7"),
        ("GET", f"{ROOT}/developer_api/v2/leads/7"),
        ("GET", f"{ROOT}/developer_api/v1/../../etc/passwd"),
    ],
)
async def test_an_unknown_route(client: httpx.AsyncClient, method: str, path: str) -> None:
    response = await client.request(method, path)
    assert_body(response, 404, NO_ROUTE)
    assert "Allow" not in response.headers


async def test_a_list_of_leads_is_as_unknown_as_at_copper(client: httpx.AsyncClient) -> None:
    """A client library searches when it gets this 404."""
    assert_body(await client.get("/leads"), 404, NO_ROUTE)
    assert (await client.head("/leads")).status_code == 404
    assert_only(await client.put("/leads"), "OPTIONS, POST")


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/leads/7", LEAD),
        ("/leads/x", LEAD),
        ("/leads/7/", LEAD),
        ("/leads/upsert", "OPTIONS, PUT"),
        ("/leads/search", "OPTIONS, POST"),
        ("/leads/7/history", "GET, HEAD, OPTIONS"),
        ("/lead_statuses", "GET, HEAD, OPTIONS, POST"),
        ("/lead_statuses/7", "DELETE, OPTIONS, PUT"),
    ],
)
async def test_a_known_path_says_which_methods_it_takes(
    client: httpx.AsyncClient, path: str, allow: str
) -> None:
    assert_only(await client.options(path), allow)
    assert_only(await client.request("BREW", path), allow)


async def test_every_path_takes_its_own_methods_and_no_others(client: httpx.AsyncClient) -> None:
    paths = {endpoint.path for endpoint in ENDPOINTS}
    for path in paths:
        own = {endpoint.method for endpoint in ENDPOINTS if endpoint.path == path}
        own |= {"HEAD"} if "GET" in own else set()
        allow = ", ".join(sorted({*own, "OPTIONS"}))
        for method in METHODS - own - ({"GET", "HEAD"} if path == "/leads" else set()):
            headers = {"X-PW-AccessToken": "wrong"}
            assert_only(
                await client.request(method, path.format(id=7, seq=7, value_id=7), headers=headers),
                allow,
            )
        for method in own - {"HEAD"}:
            answer = await client.request(method, path.format(id=7, seq=7, value_id=7))
            assert answer.status_code != 405
            assert "Allow" not in answer.headers


async def test_no_origin_is_allowed(client: httpx.AsyncClient) -> None:
    """A page that has an API key gives it to everyone who opens the page."""
    headers = {"Origin": "https://shop.example", "Access-Control-Request-Method": "PUT"}
    for response in (
        await client.options("/leads/upsert", headers=headers),
        await client.get("/users/me", headers=headers),
    ):
        assert response.is_success
        assert not [name for name in response.headers if name.startswith("access-control-")]


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


@pytest.mark.parametrize("path", ["/leads/%7Bid%7D", "/leads/{id}", "/leads/:id", "/leads/%2F"])
async def test_a_place_holder_is_no_id(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.status_code == 404
    assert response.json() in (NOT_FOUND, NO_ROUTE)


@pytest.mark.parametrize("path", ["/leads/7", "/nowhere", "/no%0awhere", "/leads/7%0d%0aX-Evil:1"])
async def test_every_answer_has_a_json_body(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Content-Length"] == str(len(response.content))
