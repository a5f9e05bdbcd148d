"""Custom field definitions on the wire: every call, its answer to the byte, and its ledger row."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.api.answers import FORBIDDEN, NOT_FOUND, assert_answer, invalid
from tests.support.api.service import Service, client_of
from tests.support.api.wire_leads import table_rows

PATH = "/custom_field_definitions"
TIER = {
    "name": "Tier",
    "data_type": "Dropdown",
    "available_on": ["lead", "person"],
    "is_filterable": True,
    "options": [{"name": "Silver"}, {"name": "Gold"}],
}


async def created(client: httpx.AsyncClient, **definition: Any) -> dict[str, Any]:
    response = await client.post(PATH, json=definition)
    assert response.status_code == 200, response.text
    return dict(response.json())


async def create_tier(client: httpx.AsyncClient) -> dict[str, Any]:
    return await created(client, **TIER)


def without_canonical_name(definition: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in definition.items() if key != "canonical_name"}


def settings_ledger(folder: Path) -> list[dict[str, Any]]:
    return [row for row in table_rows(folder, "ledger") if row["resource"] != "lead"]


async def test_an_account_starts_without_definitions(client: httpx.AsyncClient) -> None:
    assert_answer(await client.get(PATH), 200, [])


@pytest.mark.parametrize("data_type", ["Checkbox", "Date", "Float", "Percentage", "String"])
async def test_a_created_definition_is_answered_in_the_order_of_the_wire(
    client: httpx.AsyncClient, data_type: str
) -> None:
    body = {"name": "Customer number", "data_type": data_type}
    response = await client.post(PATH, json=body)
    expected = {
        "id": response.json()["id"],
        "name": "Customer number",
        "canonical_name": None,
        "data_type": data_type,
        "available_on": [],
        "is_filterable": False,
    }
    assert_answer(response, 200, expected, setting_outcome="created")


@pytest.mark.parametrize("data_type", ["Text", "URL"])
async def test_every_general_attribute_can_be_given(
    client: httpx.AsyncClient, data_type: str
) -> None:
    body = {
        "name": "Homepage",
        "canonical_name": "Home_Page",
        "data_type": data_type,
        "available_on": ["task", "lead"],
        "is_filterable": True,
    }
    response = await client.post(PATH, json=body)
    expected = {
        "id": response.json()["id"],
        "name": "Homepage",
        "canonical_name": "home_page",
        "data_type": data_type,
        "available_on": ["lead", "task"],
        "is_filterable": True,
    }
    assert_answer(response, 200, expected, setting_outcome="created")


@pytest.mark.parametrize("data_type", ["Dropdown", "MultiSelect"])
async def test_options_are_numbered_and_ranked_from_0(
    client: httpx.AsyncClient, data_type: str
) -> None:
    response = await client.post(PATH, json=TIER | {"data_type": data_type})
    definition_id = response.json()["id"]
    expected = {
        "id": definition_id,
        "name": "Tier",
        "canonical_name": None,
        "data_type": data_type,
        "available_on": ["lead", "person"],
        "is_filterable": True,
        "options": [
            {"id": definition_id + 1, "name": "Silver", "rank": 0},
            {"id": definition_id + 2, "name": "Gold", "rank": 1},
        ],
    }
    assert_answer(response, 200, expected, setting_outcome="created")


@pytest.mark.parametrize(
    ("given", "currency"), [({}, "USD"), ({"currency": "eur"}, "EUR"), ({"currency": None}, "USD")]
)
async def test_a_currency_takes_the_place_of_options(
    client: httpx.AsyncClient, given: dict[str, Any], currency: str
) -> None:
    response = await client.post(PATH, json={"name": "Budget", "data_type": "Currency"} | given)
    expected = {
        "id": response.json()["id"],
        "name": "Budget",
        "canonical_name": None,
        "data_type": "Currency",
        "available_on": [],
        "is_filterable": False,
        "currency": currency,
    }
    assert_answer(response, 200, expected, setting_outcome="created")


async def test_list_and_fetch_leave_the_canonical_name_out(client: httpx.AsyncClient) -> None:
    tier = without_canonical_name(await create_tier(client))
    budget = without_canonical_name(
        await created(client, name="Budget", data_type="Currency", canonical_name="budget")
    )
    number = without_canonical_name(await created(client, name="Number", data_type="String"))
    assert_answer(await client.get(PATH), 200, [tier, budget, number])
    assert_answer(await client.get(f"{PATH}/"), 200, [tier, budget, number])
    for definition in (tier, budget, number):
        assert_answer(await client.get(f"{PATH}/{definition['id']}"), 200, definition)


async def test_a_list_ignores_what_it_does_not_know(client: httpx.AsyncClient) -> None:
    tier = without_canonical_name(await create_tier(client))
    response = await client.request(
        "GET", PATH, params={"page_size": "1000", "x": ""}, json={"page_size": "many"}
    )
    assert_answer(response, 200, [tier])


async def test_an_update_changes_what_it_names(client: httpx.AsyncClient) -> None:
    tier = await create_tier(client)
    change = {"name": "Level", "canonical_name": "LEVEL", "available_on": ["lead"]}
    response = await client.put(f"{PATH}/{tier['id']}", json=change)
    expected = tier | change | {"canonical_name": "level"}
    assert_answer(response, 200, expected, setting_outcome="updated")
    fetched = await client.get(f"{PATH}/{tier['id']}")
    assert_answer(fetched, 200, without_canonical_name(expected))


async def test_a_definition_sent_back_whole_is_unchanged(client: httpx.AsyncClient) -> None:
    tier = await create_tier(client)
    for sent in (tier, {}, without_canonical_name(tier)):
        response = await client.put(f"{PATH}/{tier['id']}", json=sent)
        assert_answer(response, 200, tier, setting_outcome="unchanged")
    response = await client.put(f"{PATH}/{tier['id']}")
    assert_answer(response, 200, tier, setting_outcome="unchanged")


async def test_a_canonical_name_can_be_cleared(client: httpx.AsyncClient) -> None:
    field = await created(client, name="Number", data_type="String", canonical_name="number")
    response = await client.put(f"{PATH}/{field['id']}", json={"canonical_name": None})
    assert_answer(response, 200, field | {"canonical_name": None}, setting_outcome="updated")


async def test_options_keep_their_ids_when_the_set_is_replaced(client: httpx.AsyncClient) -> None:
    tier = await create_tier(client)
    silver, gold = tier["options"]
    options = [{"name": "Bronze"}, {"id": gold["id"], "name": "Pure gold"}, {"name": "Silver"}]
    response = await client.put(f"{PATH}/{tier['id']}", json={"options": options})
    bronze_id = response.json()["options"][0]["id"]
    assert bronze_id > gold["id"]
    expected = [
        {"id": bronze_id, "name": "Bronze", "rank": 0},
        {"id": gold["id"], "name": "Pure gold", "rank": 1},
        {"id": silver["id"], "name": "Silver", "rank": 2},
    ]
    assert_answer(response, 200, tier | {"options": expected}, setting_outcome="updated")


async def test_a_deleted_definition_is_gone(client: httpx.AsyncClient) -> None:
    tier = await create_tier(client)
    path = f"{PATH}/{tier['id']}"
    deleted = {"id": tier["id"], "is_deleted": True}
    assert_answer(await client.delete(path), 200, deleted, setting_outcome="deleted")
    assert_answer(await client.get(path), 404, NOT_FOUND)
    assert_answer(await client.put(path, json={}), 404, NOT_FOUND, setting_outcome="refused")
    assert_answer(await client.delete(path), 404, NOT_FOUND, setting_outcome="refused")
    assert_answer(await client.get(PATH), 200, [])


async def test_everything_wrong_with_a_new_definition_is_said_at_once(
    client: httpx.AsyncClient,
) -> None:
    body = {"name": " ", "data_type": "Dropdown", "options": [], "available_on": ["deal"], "x": 1}
    expected = invalid(
        "Base: Unrecognized attributes specified: x",
        "Name: can't be blank",
        'Available On: may have only lead, person, company, opportunity, project, task: "deal"',
        "Options: has too few entries (minimum is 1)",
    )
    response = await client.post(PATH, json=body)
    assert_answer(response, 422, expected, setting_outcome="refused")
    assert_answer(await client.get(PATH), 200, [])


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"data_type": "String"}, "Data Type: can't be changed; it is Dropdown"),
        ({"name": None}, "Name: can't be blank"),
        ({"name": "x" * 256}, "Name: is too long (maximum is 255 characters)"),
        ({"is_filterable": "yes"}, "Is Filterable: must be true or false"),
        ({"currency": "EUR"}, "Currency: is only for the type Currency"),
        ({"options": [{"name": "A"}, {"name": "A"}]}, 'Options: has the name "A" more than once'),
        ({"canonical_name": "taken"}, "Canonical Name: has already been taken"),
        ({"page": 1}, "Base: Unrecognized attributes specified: page"),
    ],
)
async def test_a_refused_update_changes_nothing(
    client: httpx.AsyncClient, change: dict[str, Any], line: str
) -> None:
    await created(client, name="Other", data_type="String", canonical_name="taken")
    tier = await create_tier(client)
    path = f"{PATH}/{tier['id']}"
    response = await client.put(path, json={"available_on": []} | change)
    assert_answer(response, 422, invalid(line), setting_outcome="refused")
    assert_answer(await client.get(path), 200, without_canonical_name(tier))


@pytest.mark.parametrize(
    "definition_id", ["0", "-1", "x", "1.0", "9223372036854775808", "9" * 400, "0" * 19 + "1" * 40]
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_id_that_nothing_can_have_is_not_found(
    client: httpx.AsyncClient, method: str, definition_id: str
) -> None:
    response = await client.request(method, f"{PATH}/{definition_id}")
    assert_answer(response, 404, NOT_FOUND)


@pytest.mark.parametrize("text", ["[]", '"x"', "{", '{"name": 1, "name": 2}'])
async def test_a_body_that_is_no_json_object_leaves_no_trace(
    client: httpx.AsyncClient, tmp_path: Path, text: str
) -> None:
    for method, path in (("POST", PATH), ("PUT", f"{PATH}/1")):
        response = await client.request(method, path, content=text)
        message = response.json()["message"]
        assert message.startswith("Invalid input: the body ")
        assert_answer(response, 400, {"success": False, "status": 400, "message": message})
    assert settings_ledger(tmp_path) == []


async def test_only_an_admin_changes_definitions(service: Service, tmp_path: Path) -> None:
    tier = await create_tier(service.client)
    rows = settings_ledger(tmp_path)
    async with await service.member() as member:
        shown = without_canonical_name(tier)
        path = f"{PATH}/{tier['id']}"
        assert_answer(await member.get(PATH), 200, [shown])
        assert_answer(await member.get(path), 200, shown)
        assert_answer(await member.post(PATH, json=TIER), 403, FORBIDDEN)
        assert_answer(await member.post(PATH, content="{"), 403, FORBIDDEN)
        assert_answer(await member.put(path, json={"name": "Mine"}), 403, FORBIDDEN)
        assert_answer(await member.delete(path), 403, FORBIDDEN)
        assert_answer(await member.delete(f"{PATH}/x"), 403, FORBIDDEN)
        assert_answer(await service.client.get(PATH), 200, [shown])
    assert settings_ledger(tmp_path) == rows


async def test_another_account_has_no_part_in_a_definition(service: Service) -> None:
    tier = await create_tier(service.client)
    path = f"{PATH}/{tier['id']}"
    async with await service.other_account() as other:
        assert_answer(await other.get(PATH), 200, [])
        assert_answer(await other.get(path), 404, NOT_FOUND)
        refused = await other.put(path, json={"name": "Mine"})
        assert_answer(refused, 404, NOT_FOUND, setting_outcome="refused")
        assert_answer(await other.delete(path), 404, NOT_FOUND, setting_outcome="refused")
        await created(other, name="Tier", data_type="String", canonical_name="tier")
        shown = without_canonical_name(tier)
        assert_answer(await service.client.get(PATH), 200, [shown])
        await created(service.client, name="Tier", data_type="String", canonical_name="tier")


async def test_every_change_is_in_the_ledger(service: Service, tmp_path: Path) -> None:
    client, account = service.client, service.account
    made = await client.post(PATH, json={"name": "Number", "data_type": "String"})
    definition_id = made.json()["id"]
    path = f"{PATH}/{definition_id}"
    answers = [
        made,
        await client.put(path, json={"name": "Customer number"}),
        await client.put(path, json={}),
        await client.put(path, json={"name": ""}),
        await client.post(PATH, json={"name": "Tier"}),
        await client.delete(path),
        await client.delete(path),
    ]
    rows = settings_ledger(tmp_path)
    assert [row["request_id"] for row in rows] == [a.headers["x-request-id"] for a in answers]
    assert [row["outcome"] for row in rows] == [a.headers["setting-outcome"] for a in answers]
    assert [row["payload"].encode() for row in rows] == [a.request.content for a in answers]
    assert [row["seq"] for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert [row["message"] for row in rows] == [
        None if a.is_success else a.json()["message"] for a in answers
    ]
    assert [row["resource_id"] for row in rows] == [
        *[definition_id] * 4,
        None,
        *[definition_id] * 2,
    ]
    assert {row["resource"] for row in rows} == {"custom_field_definition"}
    assert {row["user_id"] for row in rows} == {account.user_id}
    assert json.loads(rows[1]["changes"]) == {"name": ["Number", "Customer number"]}
    assert [row["changes"] is None for row in rows] == [
        *(False, False, True, True, True, False, True)
    ]


async def test_the_index_job_is_woken_by_changes_only(service: Service) -> None:
    woken: list[None] = []
    runtime = dataclasses.replace(service.runtime, settings_changed=lambda: woken.append(None))
    async with client_of(runtime, service.account) as client:
        tier = await create_tier(client)
        assert len(woken) == 1
        await client.put(f"{PATH}/{tier['id']}", json={"name": "Level"})
        assert len(woken) == 2
        await client.put(f"{PATH}/{tier['id']}", json={"name": "Level"})
        await client.put(f"{PATH}/{tier['id']}", json={"name": ""})
        await client.get(PATH)
        assert len(woken) == 2
        await client.delete(f"{PATH}/{tier['id']}")
        assert len(woken) == 3
