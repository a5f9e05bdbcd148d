"""Users, the account and the tags on the wire: all of them are read-only."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from tests.support.api.answers import NOT_FOUND, UNAUTHORISED, assert_answer, invalid
from tests.support.api.service import Service
from tests.support.storage.databases import EMAIL

from onelead.domain.account import Role

READ_PATHS = ["/account", "/users/me", "/tags", "/lead_statuses", "/pipelines"]


def a_user(user_id: int, name: str, email: str) -> dict[str, Any]:
    return {"id": user_id, "name": name, "email": email, "groups": []}


def a_tag(name: str, leads: int) -> dict[str, Any]:
    return {
        "name": name,
        "count": leads,
        "count_people": 0,
        "count_leads": leads,
        "count_companies": 0,
        "count_opportunities": 0,
        "count_projects": 0,
        "count_tasks": 0,
    }


def dana(service: Service) -> dict[str, Any]:
    return a_user(service.account.user_id, "dana", EMAIL)


async def create_users(service: Service, count: int) -> list[dict[str, Any]]:
    users = []
    for n in range(count):
        email = f"user-{n}@shop.example"
        user = await service.store.create_user(
            service.account.account_id, email, f"User {n}", Role.MEMBER
        )
        users.append(a_user(user.id, user.name, email))
    return users


async def search_users(
    service: Service, body: Any = None, **query: str | int
) -> tuple[list[int], str]:
    response = await service.client.post("/users/search", json=body, params=query)
    assert response.status_code == 200, response.text
    return [user["id"] for user in response.json()], response.headers["X-PW-TOTAL"]


async def tag_leads(service: Service) -> None:
    for tags in (["fair", "warm"], ["Zoo", "fair"], ["été"], ["cold", "fair", "warm"], []):
        await service.lead(tags=tags)


async def test_the_account_is_answered_as_the_wire_says(client: httpx.AsyncClient) -> None:
    expected = {
        "id": 1,
        "name": "Shop Ltd",
        "primary_timezone": "America/Los_Angeles",
        "settings": {"setting_team_permissions_enabled": False, "setting_enable_leads": True},
    }
    assert_answer(await client.get("/account"), 200, expected)
    response = await client.request("GET", "/account/", params={"page_size": 20}, json={"x": 1})
    assert_answer(response, 200, expected)


async def test_each_account_sees_itself(service: Service) -> None:
    async with await service.other_account() as other:
        account = (await other.get("/account")).json()
        assert (account["id"], account["name"]) == (2, "Other Ltd")
        me = (await other.get("/users/me")).json()
        assert (me["name"], me["email"]) == ("omar", "omar@other.example")


@pytest.mark.parametrize("path", READ_PATHS)
async def test_a_call_without_a_key_learns_nothing(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path, headers={"X-PW-AccessToken": "ol_wrong"})
    assert_answer(response, 401, UNAUTHORISED)


async def test_a_key_belongs_to_its_owner(service: Service) -> None:
    expected = dana(service)
    assert_answer(await service.client.get("/users/me"), 200, expected)
    assert_answer(await service.client.get("/users/me/"), 200, expected)
    async with await service.member() as member:
        me = (await member.get("/users/me")).json()
        assert (me["name"], me["email"]) == ("Mia Roe", "mia@shop.example")
        assert_answer(await member.get(f"/users/{expected['id']}"), 200, expected)


async def test_a_user_is_fetched_by_id(service: Service) -> None:
    (user,) = await create_users(service, 1)
    assert_answer(await service.client.get(f"/users/{user['id']}"), 200, user)


@pytest.mark.parametrize("user_id", ["0", "-1", "you", "1000000001", "9223372036854775808"])
async def test_an_unknown_user_id_is_not_found(client: httpx.AsyncClient, user_id: str) -> None:
    assert_answer(await client.get(f"/users/{user_id}"), 404, NOT_FOUND)


async def test_users_of_another_account_are_not_found(service: Service) -> None:
    async with await service.other_account() as other:
        assert_answer(await other.get(f"/users/{service.account.user_id}"), 404, NOT_FOUND)
        assert len((await other.post("/users/search", json={})).json()) == 1


async def test_users_are_listed_ascending_by_id(service: Service) -> None:
    users = await create_users(service, 2)
    response = await service.client.post("/users/search", json={})
    assert_answer(response, 200, [dana(service), *users], x_pw_total="3")


async def test_a_deactivated_user_is_fetched_but_not_listed(service: Service) -> None:
    gone, stays = await create_users(service, 2)
    await service.store.deactivate_user(service.account.account_id, gone["email"])
    response = await service.client.post("/users/search", json={})
    assert_answer(response, 200, [dana(service), stays], x_pw_total="2")
    assert_answer(await service.client.get(f"/users/{gone['id']}"), 200, gone)


async def test_users_are_paged_by_the_body_or_the_query(service: Service) -> None:
    ids = [service.account.user_id, *(user["id"] for user in await create_users(service, 24))]
    assert await search_users(service) == (ids[:20], "25")
    assert await search_users(service, []) == (ids[:20], "25")
    assert await search_users(service, {"page_number": 2}) == (ids[20:], "25")
    assert await search_users(service, {"page_size": 200}) == (ids, "25")
    assert await search_users(service, {"page_size": "4", "page_number": "3"}) == (ids[8:12], "25")
    assert await search_users(service, page_size=4, page_number=3) == (ids[8:12], "25")
    # The body takes precedence over the query string.
    found = await search_users(service, {"page_size": 5}, page_size=4, page_number=2)
    assert found == (ids[5:10], "25")
    assert await search_users(service, {"page_number": 9}) == ([], "25")
    assert await search_users(service, {"emails": ["x"], "page_size": 1}) == (ids[:1], "25")


@pytest.mark.parametrize(
    ("page", "line"),
    [
        ({"page_size": 0}, "Page Size: must be an integer from 1 to 200"),
        ({"page_size": 201}, "Page Size: must be an integer from 1 to 200"),
        ({"page_size": "many"}, "Page Size: must be an integer from 1 to 200"),
        ({"page_number": -1}, "Page Number: must be an integer from 1 to 1000000000"),
    ],
)
async def test_an_impossible_page_is_refused(
    client: httpx.AsyncClient, page: dict[str, Any], line: str
) -> None:
    (sent,) = page.values()
    by_body = await client.post("/users/search", json=page)
    assert_answer(by_body, 422, invalid(f"{line}: {json.dumps(sent)}"))
    by_query = await client.post("/users/search", params=page)
    assert_answer(by_query, 422, invalid(f'{line}: "{sent}"'))


@pytest.mark.parametrize("text", ["[1]", '"x"', "null", "{"])
async def test_a_search_of_users_takes_an_object(client: httpx.AsyncClient, text: str) -> None:
    response = await client.post("/users/search", content=text)
    message = response.json()["message"]
    assert message.startswith("Invalid input: the body ")
    assert_answer(response, 400, {"success": False, "status": 400, "message": message})


async def test_an_account_without_tags_lists_none(client: httpx.AsyncClient) -> None:
    assert_answer(await client.get("/tags"), 200, [])
    assert_answer(await client.get("/tags", params={"tag_names_only": "true"}), 200, [])


async def test_tags_are_listed_by_name_with_their_counts(service: Service) -> None:
    await tag_leads(service)
    expected = [a_tag("Zoo", 1), a_tag("cold", 1), a_tag("fair", 3), a_tag("warm", 2)]
    expected.append(a_tag("été", 1))
    assert_answer(await service.client.get("/tags"), 200, expected)
    response = await service.client.get("/tags/", params={"sort_by": "name", "page_size": "1"})
    assert_answer(response, 200, expected)


async def test_tags_are_listed_by_count_the_most_used_first(service: Service) -> None:
    await tag_leads(service)
    expected = [a_tag("fair", 3), a_tag("warm", 2), a_tag("Zoo", 1), a_tag("cold", 1)]
    expected.append(a_tag("été", 1))
    assert_answer(await service.client.get("/tags", params={"sort_by": "count"}), 200, expected)


async def test_tag_names_can_start_after_any_of_them(service: Service) -> None:
    await tag_leads(service)
    names = ["Zoo", "cold", "fair", "warm", "été"]
    for last, expected in (("", names), ("Zoo", names[1:]), ("d", names[2:]), ("été", [])):
        query = {"tag_names_only": "true", "last_tag_value": last, "sort_by": "count"}
        assert_answer(await service.client.get("/tags", params=query), 200, expected)


async def test_only_a_list_of_names_can_start_after_a_tag(service: Service) -> None:
    await service.lead(tags=["cold", "warm"])
    response = await service.client.get("/tags", params={"last_tag_value": "d"})
    assert_answer(response, 200, [a_tag("cold", 1), a_tag("warm", 1)])


async def test_an_unknown_order_of_tags_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.get("/tags", params={"sort_by": "age"})
    assert_answer(response, 422, invalid('Sort By: is not one of name, count: "age"'))


async def test_tags_follow_the_leads(service: Service) -> None:
    lead = await service.lead(tags=["fair", "warm"])
    await service.lead(tags=["fair"])
    path = f"/leads/{lead['id']}"
    await service.client.put(path, json={"tags": ["warm", "cold"]})
    expected = [a_tag("cold", 1), a_tag("fair", 1), a_tag("warm", 1)]
    assert_answer(await service.client.get("/tags"), 200, expected)
    await service.client.delete(path)
    assert_answer(await service.client.get("/tags"), 200, [a_tag("fair", 1)])


async def test_tags_of_another_account_are_not_seen(service: Service) -> None:
    await tag_leads(service)
    async with await service.other_account() as other:
        assert_answer(await other.get("/tags"), 200, [])
        query = {"tag_names_only": "true"}
        assert_answer(await other.get("/tags", params=query), 200, [])


async def test_a_nul_character_ends_the_last_tag(service: Service) -> None:
    await service.lead(tags=["Fair", "VIP"])
    query = "tag_names_only=true&last_tag_value=Fair%00x"
    assert (await service.client.get(f"/tags?{query}")).json() == ["VIP"]
