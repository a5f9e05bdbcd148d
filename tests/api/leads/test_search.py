"""`POST /leads/search`: the answer, and the ways in which clients ask."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support.api.answers import assert_body, assert_invalid, assert_only
from tests.support.api.lead_searches import found, leads_of, names, search
from tests.support.api.service import Service
from tests.support.api.wire_leads import LEAD_KEYS, entry

UNRECOGNIZED = "Base: Unrecognized attributes specified: "


async def test_no_criteria_find_every_lead_by_name(service: Service) -> None:
    sam, nora = await leads_of(service, {"name": "Sam"}, {"name": "nora"})
    response = await search(service, {})
    assert_body(response, 200, [nora, sam])
    assert [tuple(lead) for lead in response.json()] == [LEAD_KEYS] * 2
    assert response.headers["X-PW-TOTAL"] == "2"
    assert "Link" not in response.headers
    assert "ETag" not in response.headers
    assert "Lead-Outcome" not in response.headers


async def test_an_account_without_leads(service: Service) -> None:
    response = await search(service, {})
    assert_body(response, 200, [])
    assert response.headers["X-PW-TOTAL"] == "0"


@pytest.mark.parametrize("content", [b"", b" \n", b"{}", b"[]", b"[ ]"])
@pytest.mark.parametrize("content_type", [None, "application/json", "text/plain"])
async def test_criteria_may_be_empty_in_many_ways(
    service: Service, content: bytes, content_type: str | None
) -> None:
    await leads_of(service, {"name": "Nora"}, {"name": "Sam"})
    headers = {"Content-Type": content_type} if content_type else {}
    client = service.client
    everything = await client.post("/leads/search", content=content, headers=headers)
    assert names(everything) == ["Nora", "Sam"]
    by_query = await client.post("/leads/search?name=sam", content=content, headers=headers)
    assert names(by_query) == ["Sam"]


@pytest.mark.parametrize("content", [b"null", b"5", b'"name"', b"[1]", b'[{"name": "Nora"}]'])
async def test_a_body_that_is_no_object(client: httpx.AsyncClient, content: bytes) -> None:
    message = "Invalid input: the body must be a JSON object"
    response = await client.post("/leads/search", content=content)
    assert_body(response, 400, {"success": False, "status": 400, "message": message})


@pytest.mark.parametrize("content", [b"{", b'{"name": "a", "name": "b"}', b'{"name": "\\u0000"}'])
async def test_a_body_that_is_no_json(client: httpx.AsyncClient, content: bytes) -> None:
    assert (await client.post("/leads/search", content=content)).status_code == 400


async def test_the_criteria_all_have_to_hold(service: Service) -> None:
    await leads_of(
        service,
        {"name": "Nora", "tags": ["fair"], "address": {"country": "US"}},
        {"name": "Sam", "tags": ["fair"], "address": {"country": "DE"}},
        {"name": "Zoe", "address": {"country": "US"}},
    )
    assert names(await search(service, {"tags": ["fair"], "country": "US"})) == ["Nora"]


async def test_body_and_query_string_are_one_search(service: Service) -> None:
    await leads_of(service, {"name": "Nora", "title": "Buyer"}, {"name": "Sam", "title": "Buyer"})
    assert names(await search(service, {"title": "buyer"}, query={"name": "sam"})) == ["Sam"]
    assert names(await search(service, {"name": "nora"}, query={"name": "sam"})) == ["Nora"]


async def test_a_trailing_slash_is_served(service: Service) -> None:
    await service.lead(name="Nora")
    assert names(await service.client.post("/leads/search/", json={})) == ["Nora"]


async def test_a_search_is_not_the_lead_with_that_id(client: httpx.AsyncClient) -> None:
    assert_only(await client.put("/leads/search", json={}), "OPTIONS, POST")


@pytest.mark.parametrize(
    ("body", "query", "keys"),
    [
        ({"b": 1, "a": None}, {}, "b, a"),
        ({"a": 1}, {"b": "1"}, "b, a"),
        ({"__proto__": {}}, {}, "__proto__"),
        ({"tags": {"value": ["a"], "any": 1}}, {}, "tags.any"),
        ({"phone_number": {"value": "5", "fuzzy": True}}, {}, "phone_number.fuzzy"),
        ({"custom_fields": [{"id": 1}]}, {}, "custom_fields[0].id"),
        ({"cold": 1, "n": 2, "a" * 50: 3}, {}, f"cold, n, {'a' * 50}"),
        ({"fields": ["name", "nme"]}, {}, "nme"),
    ],
)
async def test_an_unknown_key(
    service: Service, body: dict[str, Any], query: dict[str, str], keys: str
) -> None:
    assert_invalid(await search(service, body, query=query), UNRECOGNIZED + keys)


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("pageSize", "page_size"),
        ("phone", "phone_number"),
        ("phone_numbers", "phone_number"),
        ("status_id", "status_ids"),
        ("company", "company_name"),
        ("emailAddress", "email"),
        ("nmae", "name"),
        ("page", "page_number or page_size"),
        ("created_date", "minimum_created_date or maximum_created_date"),
    ],
)
async def test_an_unknown_key_that_is_like_a_known_one(
    service: Service, key: str, meant: str
) -> None:
    hint = f'Base: did you mean {meant} instead of "{key}"?'
    for answer in (await search(service, {key: 1}), await search(service, query={key: "1"})):
        assert_invalid(answer, UNRECOGNIZED + key, hint)


async def test_not_every_unknown_key_is_compared(service: Service) -> None:
    response = await search(service, {f"page_size{n}": 1 for n in range(30)})
    assert response.json()["message"].count("did you mean page_size") == 20


async def test_everything_that_is_wrong_is_said_at_once(service: Service) -> None:
    criteria = {
        "status_ids": ["x"],
        "age": "old",
        "phone_number": "none",
        "tags": {"option": "SOME", "value": ["a"]},
        "page_size": 0,
        "sort_by": "colour",
        "sort_direction": "up",
    }
    response = await search(service, criteria)
    assert response.status_code == 422
    lines = response.json()["message"].removeprefix("Invalid input: Validation errors: ")
    attributes = [line.split(":")[0] for line in lines.split("\n")]
    assert sorted(attributes) == [
        *("Age", "Page Size", "Phone Number", "Sort By", "Sort Direction", "Status Ids", "Tags"),
    ]


@pytest.mark.parametrize(
    ("fields", "keys"),
    [
        (["name", "email"], ["id", "name", "email"]),
        (["email", "name", "id", "name"], ["id", "name", "email"]),
        ("title", ["id", "title"]),
        (list(LEAD_KEYS), list(LEAD_KEYS)),
        (None, list(LEAD_KEYS)),
    ],
)
async def test_a_projection(service: Service, fields: Any, keys: list[str]) -> None:
    lead = await service.lead(email={"email": "nora@field.example"}, title="Buyer")
    response = await search(service, {"fields": fields})
    assert_body(response, 200, [{key: lead[key] for key in LEAD_KEYS if key in keys}])
    assert response.headers["X-PW-TOTAL"] == "1"


async def test_a_projection_in_the_query_string(service: Service) -> None:
    lead = await service.lead(title="Buyer")
    response = await search(service, query={"fields": ["title", "name"]})
    assert_body(response, 200, [{key: lead[key] for key in ("id", "name", "title")}])


async def test_computed_values_on_request(service: Service) -> None:
    tier = await service.field(data_type="Dropdown")
    gold = tier["options"][1]["id"]
    lead = await service.lead(custom_fields=[entry(tier, gold)])
    computed = entry(tier, gold) | {"computed_value": "Gold"}
    for value, shown in (("true", computed), ("false", entry(tier, gold))):
        response = await search(service, {}, query={"custom_field_computed_values": value})
        assert_body(response, 200, [lead | {"custom_fields": [shown]}])


async def test_a_search_sees_every_write_at_once(service: Service) -> None:
    lead = await service.lead(name="Nora", email={"email": "a@b.example"}, tags=["fair"])
    path, criteria = f"/leads/{lead['id']}", {"emails": "a@b.example", "tags": ["fair"]}
    assert names(await search(service, criteria)) == ["Nora"]
    await service.client.put(path, json={"tags": ["cold"]})
    assert names(await search(service, criteria)) == []
    await service.client.put(path, json={"tags": ["FAIR"]})
    assert names(await search(service, criteria)) == ["Nora"]
    await service.client.delete(path)
    response = await search(service, criteria)
    assert (response.json(), response.headers["X-PW-TOTAL"]) == ([], "0")


async def test_the_accounts_do_not_see_each_other(service: Service) -> None:
    lead = await service.lead(name="Nora", tags=["fair"], email={"email": "a@b.example"})
    async with await service.other_account() as other:
        for criteria in ({}, {"ids": [lead["id"]]}, {"tags": ["fair"]}, {"emails": "a@b.example"}):
            response = await other.post("/leads/search", json=criteria)
            assert (response.json(), response.headers["X-PW-TOTAL"]) == ([], "0")
        await other.post("/leads", json={"name": "Omar"})
        assert names(await other.post("/leads/search", json={})) == ["Omar"]
    assert names(await search(service, {})) == ["Nora"]


@pytest.mark.parametrize("text", ["%00", "%ff%fe", "%ed%a0%80", "%0d%0aX-Injected:%201", "%F0%9F"])
async def test_odd_bytes_in_the_query_string(service: Service, text: str) -> None:
    await service.lead()
    for key in ("name", "emails", "tags", "cursor", "sort_by", "city", text):
        response = await service.client.post(f"/leads/search?{key}={text}")
        assert response.status_code in (200, 400, 422)
        assert "X-Injected" not in response.headers


@pytest.mark.parametrize("query", ["name=a%00b", "tags[]=a&tags[]=%00", "a%00b=1"])
async def test_a_nul_character_in_the_query_string_is_refused(service: Service, query: str) -> None:
    response = await service.client.post(f"/leads/search?{query}")
    assert response.status_code == 400
    assert response.json()["message"] == "Invalid input: the query string has a NUL character"


async def test_found_leads_are_as_they_were_fetched(service: Service) -> None:
    await service.field(data_type="MultiSelect")
    await service.lead(monetary_value=2500, address={"city": "Rome"}, tags=["a", "B"])
    (lead,) = found(await search(service, {}))
    assert (await service.client.get(f"/leads/{lead['id']}")).json() == lead
