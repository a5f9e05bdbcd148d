"""Lead statuses and customer sources on the wire, and the pick lists that are always empty."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.api.answers import FORBIDDEN, NOT_FOUND, assert_answer, assert_only, invalid
from tests.support.api.service import Service, database_in

STATUSES = "/lead_statuses"
SOURCES = "/customer_sources"
#: The first id of the first account; its statuses come first, then its sources.
FIRST = 1_000_000_001


def a_status(n: int, name: str, order: int, *, is_default: bool = False) -> dict[str, Any]:
    return {"id": FIRST + n, "name": name, "order": order, "is_default": is_default}


def a_source(n: int, name: str) -> dict[str, Any]:
    return {"id": FIRST + 4 + n, "name": name}


DEFAULT_STATUSES = [
    a_status(0, "New", 1, is_default=True),
    a_status(1, "Open", 2),
    a_status(2, "Unqualified", 3),
    a_status(3, "Junk", 4),
]
DEFAULT_SOURCES = [a_source(0, "Email"), a_source(1, "Cold Call"), a_source(2, "Advertising")]


async def listed(client: httpx.AsyncClient, path: str) -> Any:
    return (await client.get(path)).json()


async def names(client: httpx.AsyncClient, path: str) -> list[str]:
    return [entry["name"] for entry in await listed(client, path)]


async def test_a_new_account_has_the_default_lists(client: httpx.AsyncClient) -> None:
    assert_answer(await client.get(STATUSES), 200, DEFAULT_STATUSES)
    assert_answer(await client.get(SOURCES), 200, DEFAULT_SOURCES)


@pytest.mark.parametrize("path", [STATUSES, SOURCES])
async def test_a_list_ignores_what_it_does_not_know(client: httpx.AsyncClient, path: str) -> None:
    expected = await listed(client, path)
    response = await client.request("GET", f"{path}/", params={"page_size": "0"}, json=[1])
    assert_answer(response, 200, expected)


async def test_a_new_status_comes_last(client: httpx.AsyncClient) -> None:
    response = await client.post(STATUSES, json={"name": "Contacted"})
    expected = {"id": response.json()["id"], "name": "Contacted", "order": 5, "is_default": False}
    assert_answer(response, 200, expected, setting_outcome="created")
    assert_answer(await client.get(STATUSES), 200, [*DEFAULT_STATUSES, expected])


async def test_a_new_status_can_take_a_place_and_become_the_default(
    client: httpx.AsyncClient,
) -> None:
    body = {"name": "Contacted", "order": 2, "is_default": True}
    response = await client.post(STATUSES, json=body)
    status_id = response.json()["id"]
    expected = {"id": status_id, "name": "Contacted", "order": 2, "is_default": True}
    assert_answer(response, 200, expected, setting_outcome="created")
    after = [
        a_status(0, "New", 1),
        expected,
        a_status(1, "Open", 3),
        a_status(2, "Unqualified", 4),
        a_status(3, "Junk", 5),
    ]
    assert_answer(await client.get(STATUSES), 200, after)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": "In touch"}, a_status(1, "In touch", 2)),
        ({"order": 4}, a_status(1, "Open", 4)),
        ({"order": 99}, a_status(1, "Open", 4)),
        ({"order": 1, "name": "First"}, a_status(1, "First", 1)),
        ({"is_default": True}, a_status(1, "Open", 2, is_default=True)),
    ],
)
async def test_a_status_is_changed_where_the_body_says(
    client: httpx.AsyncClient, change: dict[str, Any], expected: dict[str, Any]
) -> None:
    response = await client.put(f"{STATUSES}/{FIRST + 1}", json=change)
    assert_answer(response, 200, expected, setting_outcome="updated")
    after = await listed(client, STATUSES)
    assert after[expected["order"] - 1] == expected
    assert [status["order"] for status in after] == [1, 2, 3, 4]
    assert sum(status["is_default"] for status in after) == 1


async def test_a_status_sent_back_whole_is_unchanged(client: httpx.AsyncClient) -> None:
    for status in DEFAULT_STATUSES:
        response = await client.put(f"{STATUSES}/{status['id']}", json=status)
        assert_answer(response, 200, status, setting_outcome="unchanged")
    assert_answer(await client.get(STATUSES), 200, DEFAULT_STATUSES)


async def test_a_status_without_leads_can_be_deleted(client: httpx.AsyncClient) -> None:
    path = f"{STATUSES}/{FIRST + 1}"
    deleted = {"id": FIRST + 1, "is_deleted": True}
    assert_answer(await client.delete(path), 200, deleted, setting_outcome="deleted")
    after = [DEFAULT_STATUSES[0], a_status(2, "Unqualified", 2), a_status(3, "Junk", 3)]
    assert_answer(await client.get(STATUSES), 200, after)
    assert_answer(await client.delete(path), 404, NOT_FOUND, setting_outcome="refused")
    assert_answer(await client.put(path, json={}), 404, NOT_FOUND, setting_outcome="refused")


async def test_a_status_with_leads_stays(service: Service) -> None:
    await service.lead(status_id=FIRST + 1)
    response = await service.client.delete(f"{STATUSES}/{FIRST + 1}")
    text = "Base: Open is used by 1 lead; give it another status first"
    assert_answer(response, 422, invalid(text), setting_outcome="refused")
    assert_answer(await service.client.get(STATUSES), 200, DEFAULT_STATUSES)


async def test_the_default_status_stays(client: httpx.AsyncClient) -> None:
    response = await client.delete(f"{STATUSES}/{FIRST}")
    text = "Base: New is the default; make another status the default first"
    assert_answer(response, 422, invalid(text), setting_outcome="refused")


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ({}, ["Name: can't be blank"]),
        ({"name": "\u200b "}, ["Name: can't be blank"]),
        ({"name": "open"}, ["Name: has already been taken"]),
        (
            {"name": 7, "order": 0, "is_default": "x", "rank": 1},
            [
                "Base: Unrecognized attributes specified: rank",
                "Name: must be a string",
                "Order: must be a whole number of at least 1",
                "Is Default: must be true or false",
            ],
        ),
    ],
)
async def test_a_status_that_breaks_the_rules_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any], lines: list[str]
) -> None:
    response = await client.post(STATUSES, json=body)
    assert_answer(response, 422, invalid(*lines), setting_outcome="refused")
    assert_answer(await client.get(STATUSES), 200, DEFAULT_STATUSES)


async def test_the_default_cannot_be_switched_off(client: httpx.AsyncClient) -> None:
    response = await client.put(f"{STATUSES}/{FIRST}", json={"is_default": False})
    text = "Is Default: can't be false; make another status the default instead"
    assert_answer(response, 422, invalid(text), setting_outcome="refused")


async def test_a_source_is_created_renamed_moved_and_deleted(client: httpx.AsyncClient) -> None:
    response = await client.post(SOURCES, json={"name": "Fair", "order": 1})
    fair = {"id": response.json()["id"], "name": "Fair"}
    assert_answer(response, 200, fair, setting_outcome="created")
    assert_answer(await client.get(SOURCES), 200, [fair, *DEFAULT_SOURCES])
    path = f"{SOURCES}/{fair['id']}"
    renamed = fair | {"name": "Spring fair"}
    response = await client.put(path, json={"name": "Spring fair"})
    assert_answer(response, 200, renamed, setting_outcome="updated")
    response = await client.put(path, json=renamed)
    assert_answer(response, 200, renamed, setting_outcome="unchanged")
    response = await client.put(path, json={"order": 4})
    assert_answer(response, 200, renamed, setting_outcome="updated")
    assert_answer(await client.get(SOURCES), 200, [*DEFAULT_SOURCES, renamed])
    deleted = {"id": fair["id"], "is_deleted": True}
    assert_answer(await client.delete(path), 200, deleted, setting_outcome="deleted")
    assert_answer(await client.delete(path), 404, NOT_FOUND, setting_outcome="refused")
    assert_answer(await client.get(SOURCES), 200, DEFAULT_SOURCES)


async def test_a_source_with_leads_stays(service: Service) -> None:
    leads = [await service.lead(customer_source_id=FIRST + 4) for _ in range(2)]
    path = f"{SOURCES}/{FIRST + 4}"
    text = "Base: Email is used by 2 leads; give them another customer source first"
    response = await service.client.delete(path)
    assert_answer(response, 422, invalid(text), setting_outcome="refused")
    for lead in leads:
        await service.client.put(f"/leads/{lead['id']}", json={"customer_source_id": None})
    assert (await service.client.delete(path)).status_code == 200


async def test_a_source_that_breaks_the_rules_is_refused(client: httpx.AsyncClient) -> None:
    body = {"name": "EMAIL", "is_default": True}
    text = "Base: Unrecognized attributes specified: is_default"
    expected = invalid(text, "Name: has already been taken")
    response = await client.post(SOURCES, json=body)
    assert_answer(response, 422, expected, setting_outcome="refused")


async def test_every_source_can_be_deleted(client: httpx.AsyncClient) -> None:
    for source in DEFAULT_SOURCES:
        assert (await client.delete(f"{SOURCES}/{source['id']}")).status_code == 200
    assert_answer(await client.get(SOURCES), 200, [])


async def test_leads_follow_the_lists_at_once(service: Service) -> None:
    client = service.client
    lead = await service.lead()
    assert (lead["status"], lead["status_id"]) == ("New", FIRST)
    await client.put(f"{STATUSES}/{FIRST}", json={"name": "Fresh"})
    assert (await client.get(f"/leads/{lead['id']}")).json()["status"] == "Fresh"
    created = (await client.post(STATUSES, json={"name": "Hot", "is_default": True})).json()
    later = await service.lead()
    assert (later["status"], later["status_id"]) == ("Hot", created["id"])
    found = await client.post("/leads/search", json={"status_ids": [FIRST]})
    assert [lead["status"] for lead in found.json()] == ["Fresh"]
    await client.delete(f"{STATUSES}/{FIRST + 1}")
    sent = await client.put(f"/leads/{lead['id']}", json={"status_id": FIRST + 1})
    assert (sent.json()["status"], sent.headers["Lead-Ignored"]) == ("Fresh", "status_id")


@pytest.mark.parametrize("path", [STATUSES, SOURCES])
async def test_only_an_admin_changes_a_list(service: Service, path: str) -> None:
    expected = await listed(service.client, path)
    entry = f"{path}/{expected[1]['id']}"
    async with await service.member() as member:
        assert_answer(await member.get(path), 200, expected)
        assert_answer(await member.post(path, json={"name": "Mine"}), 403, FORBIDDEN)
        assert_answer(await member.put(entry, json={"name": "Mine"}), 403, FORBIDDEN)
        assert_answer(await member.delete(entry), 403, FORBIDDEN)
    assert_answer(await service.client.get(path), 200, expected)


@pytest.mark.parametrize("path", [STATUSES, SOURCES])
async def test_another_account_has_lists_of_its_own(service: Service, path: str) -> None:
    expected = await listed(service.client, path)
    entry = f"{path}/{expected[1]['id']}"
    async with await service.other_account() as other:
        assert {e["id"] for e in await listed(other, path)}.isdisjoint(e["id"] for e in expected)
        refused = await other.put(entry, json={"name": "Mine"})
        assert_answer(refused, 404, NOT_FOUND, setting_outcome="refused")
        assert_answer(await other.delete(entry), 404, NOT_FOUND, setting_outcome="refused")
        assert (await other.post(path, json={"name": "Mine"})).status_code == 200
    assert_answer(await service.client.get(path), 200, expected)
    assert (await service.client.post(path, json={"name": "Mine"})).status_code == 200


async def test_an_id_of_one_list_is_not_found_in_the_other(client: httpx.AsyncClient) -> None:
    response = await client.put(f"{SOURCES}/{FIRST}", json={"name": "Mine"})
    assert_answer(response, 404, NOT_FOUND, setting_outcome="refused")
    response = await client.delete(f"{STATUSES}/{FIRST + 4}")
    assert_answer(response, 404, NOT_FOUND, setting_outcome="refused")
    assert_answer(await client.put(f"{STATUSES}/x", json={"name": "Mine"}), 404, NOT_FOUND)


@pytest.mark.parametrize("path", [STATUSES, SOURCES])
async def test_an_entry_is_not_fetched_alone(client: httpx.AsyncClient, path: str) -> None:
    entry = f"{path}/{(await listed(client, path))[0]['id']}"
    assert_only(await client.get(entry), "DELETE, OPTIONS, PUT")


async def test_simultaneous_changes_follow_one_another(client: httpx.AsyncClient) -> None:
    bodies = [{"name": f"Status {n}", "is_default": True, "order": 1} for n in range(20)]
    answers = await asyncio.gather(*(client.post(STATUSES, json=body) for body in bodies))
    assert {answer.status_code for answer in answers} == {200}
    after = await listed(client, STATUSES)
    assert len({status["id"] for status in after}) == 24
    assert [status["order"] for status in after] == list(range(1, 25))
    assert sum(status["is_default"] for status in after) == 1
    same_name = [client.post(STATUSES, json={"name": "Contacted"}) for _ in range(5)]
    codes = [answer.status_code for answer in await asyncio.gather(*same_name)]
    assert sorted(codes) == [200, 422, 422, 422, 422]


async def test_every_change_is_in_the_ledger(service: Service, tmp_path: Path) -> None:
    client = service.client
    answers = [
        await client.put(f"{STATUSES}/{FIRST}", json={"name": "Fresh"}),
        await client.delete(f"{STATUSES}/{FIRST}"),
        await client.post(SOURCES, json={"name": "Fair"}),
    ]
    database = database_in(tmp_path)
    rows = database.rows(
        "SELECT seq, request_id, resource, resource_id, action, outcome, payload, message"
        " FROM ledger ORDER BY seq"
    )
    changes = database.rows("SELECT changes FROM ledger ORDER BY seq")
    _, kept, fair = answers
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    fair_id = fair.json()["id"]
    message = kept.json()["message"]
    assert rows == [
        (1, ids[0], "lead_status", FIRST, "update", "updated", '{"name":"Fresh"}', None),
        (2, ids[1], "lead_status", FIRST, "delete", "refused", "", message),
        (3, ids[2], "customer_source", fair_id, "create", "created", '{"name":"Fair"}', None),
    ]
    assert [json.loads(change or "null") for (change,) in changes] == [
        {"name": ["New", "Fresh"]},
        None,
        {"name": [None, "Fair"], "order": [None, 4]},
    ]


@pytest.mark.parametrize(
    "path", ["/contact_types", "/loss_reasons", "/pipelines", "/pipeline_stages", "/pipelines/"]
)
async def test_the_lists_of_other_resources_are_empty(client: httpx.AsyncClient, path: str) -> None:
    assert_answer(await client.get(path), 200, [])
    assert_answer(await client.get(path, params={"page_size": "200"}), 200, [])
    assert_only(await client.post(path, json={"name": "Mine"}), "GET, HEAD, OPTIONS")
