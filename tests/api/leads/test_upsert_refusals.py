"""Upserts that are refused before a lead is looked for; each answer names the wrong member."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.api.answers import assert_invalid
from tests.support.api.service import Service
from tests.support.api.wire_leads import (
    DATA_TYPES,
    TOO_LONG,
    assert_receipt,
    entry,
    table_rows,
    written,
)

from onelead.domain.limits import INDEX_CHUNK_LEADS

PROPERTIES = {"name": "Nora Field"}
MATCH = {"field_name": "email", "field_value": "nora@field.example"}
WHERE = "change it in System Settings -> Custom Fields"
UNRECOGNIZED = "Base: Unrecognized attributes specified: "
OPTIONS = '; the options are "Silver", "Gold"'
NO_DATE = "is not mm/dd/yyyy, yyyy-mm-dd or Unix seconds"
RANGE = "must lie between -1000000000000000 and 1000000000000000"


def matching(field_name: Any, field_value: Any) -> dict[str, Any]:
    match = {"field_name": field_name, "field_value": field_value}
    return {"properties": PROPERTIES, "match": match}


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ({}, ["Properties: can't be blank", "Match: can't be blank"]),
        ({"match": MATCH}, ["Properties: can't be blank"]),
        ({"properties": None, "match": MATCH}, ["Properties: can't be blank"]),
        ({"properties": [], "match": MATCH}, ["Properties: can't be blank"]),
        ({"properties": "Nora", "match": MATCH}, ['Properties: must be an object, not "Nora"']),
        ({"properties": PROPERTIES}, ["Match: can't be blank"]),
        ({"properties": PROPERTIES, "match": None}, ["Match: can't be blank"]),
        ({"properties": PROPERTIES, "match": "email"}, ['Match: must be an object, not "email"']),
        ({"properties": PROPERTIES, "match": [1]}, ["Match: step 1: must be an object, not 1"]),
        ({"properties": PROPERTIES, "match": {}}, ["Match: field_name can't be blank"]),
        (
            {"properties": PROPERTIES, "match": MATCH, "matches": 1, "name": "Nora"},
            [UNRECOGNIZED + "matches, name"],
        ),
        (
            {"properties": PROPERTIES | {"nme": "x"}, "match": MATCH},
            [UNRECOGNIZED + "nme"],
        ),
        (
            {"properties": PROPERTIES, "match": MATCH | {"value": "x"}},
            [UNRECOGNIZED + "value"],
        ),
        (
            {"properties": {"title": "x" * 256, "__proto__": {}}, "match": {"field_name": "fax"}},
            [
                UNRECOGNIZED + "__proto__",
                f"Title: {TOO_LONG}",
                'Match: field_name must be name, email or custom, not "fax"',
            ],
        ),
    ],
)
async def test_a_body_that_is_no_upsert(
    client: httpx.AsyncClient, body: dict[str, Any], lines: list[str]
) -> None:
    response = await client.put("/leads/upsert", json=body)
    assert_invalid(response, *lines)
    assert_receipt(response, lead_outcome="refused", lead_changed="")


async def test_no_body_is_an_empty_body(client: httpx.AsyncClient) -> None:
    response = await client.put("/leads/upsert", content=b"")
    assert_invalid(response, "Properties: can't be blank", "Match: can't be blank")


@pytest.mark.parametrize("field_name", ["phone", "Email", "id", " email", 5, True, ["name"]])
async def test_an_unknown_field_name(client: httpx.AsyncClient, field_name: Any) -> None:
    response = await client.put("/leads/upsert", json=matching(field_name, "x"))
    shown = json.dumps(field_name)
    assert_invalid(response, f"Match: field_name must be name, email or custom, not {shown}")


@pytest.mark.parametrize("field_name", [None, "", " ", [], {}])
async def test_a_blank_field_name(client: httpx.AsyncClient, field_name: Any) -> None:
    response = await client.put("/leads/upsert", json=matching(field_name, "x"))
    assert_invalid(response, "Match: field_name can't be blank")


@pytest.mark.parametrize("field_name", ["name", "email"])
@pytest.mark.parametrize(
    ("field_value", "reason"),
    [
        (None, "can't be blank"),
        ("", "can't be blank"),
        ("   ", "can't be blank"),
        ("\u200b\u00a0\u2060", "can't be blank"),
        ("x" * 256, TOO_LONG),
        ([], "can't be blank"),
        ({}, "can't be blank"),
        (False, "must be text, not false"),
        (["x", "y"], 'must be text, not ["x", "y"]'),
    ],
)
async def test_a_match_value_that_is_no_text(
    client: httpx.AsyncClient, field_name: str, field_value: Any, reason: str
) -> None:
    response = await client.put("/leads/upsert", json=matching(field_name, field_value))
    assert_invalid(response, f"Match: field_value {reason}")


@pytest.mark.parametrize("field_name", ["name", "email"])
async def test_a_missing_match_value(client: httpx.AsyncClient, field_name: str) -> None:
    body = {"properties": PROPERTIES, "match": {"field_name": field_name}}
    response = await client.put("/leads/upsert", json=body)
    assert_invalid(response, "Match: field_value can't be blank")


@pytest.mark.parametrize("field_value", ["A-77", 4101, [1], True])
async def test_a_custom_match_needs_an_object(client: httpx.AsyncClient, field_value: Any) -> None:
    response = await client.put("/leads/upsert", json=matching("custom", field_value))
    text = "field_value must be an object with custom_field_definition_id and value"
    assert_invalid(response, f"Match: {text}, not {json.dumps(field_value)}")


@pytest.mark.parametrize("field_value", [None, "", [], {}])
async def test_a_custom_match_needs_a_value(client: httpx.AsyncClient, field_value: Any) -> None:
    response = await client.put("/leads/upsert", json=matching("custom", field_value))
    assert_invalid(response, "Match: field_value can't be blank")


@pytest.mark.parametrize(
    ("definition_id", "reason"),
    [
        (None, "can't be blank"),
        ("", "can't be blank"),
        ([], "can't be blank"),
        (0, "must be a positive integer, not 0"),
        (-1, "must be a positive integer, not -1"),
        (1.5, "must be a positive integer, not 1.5"),
        (True, "must be a positive integer, not true"),
        ("A", 'must be a positive integer, not "A"'),
        (2**63, f"must be a positive integer, not {2**63}"),
        ("9" * 400, f'must be a positive integer, not "{"9" * 60}..."'),
    ],
)
async def test_a_custom_match_needs_the_id_of_a_definition(
    client: httpx.AsyncClient, definition_id: Any, reason: str
) -> None:
    value = {"custom_field_definition_id": definition_id, "value": "A"}
    response = await client.put("/leads/upsert", json=matching("custom", value))
    assert_invalid(response, f"Match: field_value.custom_field_definition_id {reason}")


async def test_a_custom_match_by_an_unknown_definition(client: httpx.AsyncClient) -> None:
    value = {"custom_field_definition_id": 77, "value": "A"}
    response = await client.put("/leads/upsert", json=matching("custom", value))
    assert_invalid(response, "Match: custom field definition 77 does not exist")


async def test_a_custom_match_with_unknown_members(service: Service) -> None:
    value = entry(await service.field(), "A") | {"values": ["A"], "__proto__": 1}
    response = await service.upsert(PROPERTIES, "custom", value)
    assert_invalid(response, UNRECOGNIZED + "__proto__, values")


@pytest.mark.parametrize("data_type", DATA_TYPES)
@pytest.mark.parametrize("sent", [None, "", " \u200b"])
async def test_an_empty_custom_value(service: Service, data_type: str, sent: Any) -> None:
    definition = await service.field(data_type=data_type)
    response = await service.upsert(PROPERTIES, "custom", entry(definition, sent))
    assert_invalid(response, "Match: field_value.value can't be blank")


async def test_a_missing_custom_value(service: Service) -> None:
    value = {"custom_field_definition_id": (await service.field())["id"]}
    response = await service.upsert(PROPERTIES, "custom", value)
    assert_invalid(response, "Match: field_value.value can't be blank")


@pytest.mark.parametrize(
    ("data_type", "sent", "reason"),
    [
        ("String", "x" * 256, TOO_LONG),
        ("String", True, "must be text or null, not true"),
        ("String", [], "can't be blank"),
        ("Text", "x" * 65_537, "is too long (maximum is 65536 characters)"),
        ("URL", "x" * 2_049, "is too long (maximum is 2048 characters)"),
        ("Dropdown", "Bronze", f'is not an option of this field: "Bronze"{OPTIONS}'),
        ("Dropdown", [], "can't be blank"),
        ("MultiSelect", 77, f"is not an option of this field: 77{OPTIONS}"),
        ("MultiSelect", [None], "can't be blank"),
        ("MultiSelect", ["Gold", "Silver"], 'must be one option, not ["Gold", "Silver"]'),
        ("MultiSelect", "Gold;Silver", 'must be one option, not "Gold;Silver"'),
        ("Date", "15.12.2020", f'{NO_DATE}: "15.12.2020"'),
        ("Checkbox", "maybe", 'must be true or false, not "maybe"'),
        ("Float", "many", 'is not a number: "many"'),
        ("Currency", {}, "can't be blank"),
        ("Percentage", 1e300, RANGE),
    ],
)
async def test_a_custom_value_of_a_wrong_type(
    service: Service, data_type: str, sent: Any, reason: str
) -> None:
    definition = await service.field(data_type=data_type)
    response = await service.upsert(PROPERTIES, "custom", entry(definition, sent))
    assert_invalid(response, f"Match: field_value.value {reason}")


async def test_a_definition_that_is_not_on_leads(service: Service) -> None:
    number = await service.field(available_on=["person"])
    response = await service.upsert(PROPERTIES, "custom", entry(number, "A"))
    which = f"custom field Customer number (definition {number['id']})"
    assert_invalid(response, f"Match: {which} is not available on leads; {WHERE}")
    assert "Retry-After" not in response.headers


async def test_a_definition_that_is_not_included_in_filters(service: Service) -> None:
    number = await service.field(is_filterable=False)
    response = await service.upsert(PROPERTIES, "custom", entry(number, "A"))
    which = f"custom field Customer number (definition {number['id']})"
    assert_invalid(response, f"Match: {which} is not included in filters; {WHERE}")
    assert "Retry-After" not in response.headers


async def test_a_definition_that_is_still_being_indexed(service: Service) -> None:
    number = await service.field(is_filterable=False)
    leads = [{"name": "Sam", "custom_fields": [entry(number, "A")]}] * 10
    for _ in range(INDEX_CHUNK_LEADS // len(leads)):
        await service.client.post("/leads/bulk_create", json={"leads": leads})
    last = await service.lead(custom_fields=[entry(number, "Z")])
    path = f"/custom_field_definitions/{number['id']}"
    await service.client.put(path, json={"is_filterable": True})
    response = await service.upsert(PROPERTIES, "custom", entry(number, "Z"))
    which = f"custom field Customer number (definition {number['id']})"
    assert_invalid(response, f"Match: {which} is still being indexed; try again shortly")
    assert response.headers["Retry-After"] == "1"
    assert_receipt(response, lead_outcome="refused", lead_changed="")
    while await service.store.build_index(service.account.account_id):
        pass
    found = await service.upsert({"title": "Buyer"}, "custom", entry(number, "Z"))
    assert found.json()["id"] == last["id"]


@pytest.mark.parametrize("change", [{"is_filterable": False}, {"available_on": []}])
async def test_a_change_of_the_definition_counts_from_the_next_upsert_on(
    service: Service, change: dict[str, Any]
) -> None:
    number = await service.field()
    first = await service.upsert(PROPERTIES, "custom", entry(number, "A"))
    assert first.status_code == 200
    path = f"/custom_field_definitions/{number['id']}"
    await service.client.put(path, json=change)
    refused = await service.upsert(PROPERTIES, "custom", entry(number, "A"))
    assert refused.status_code == 422
    await service.client.put(path, json={"is_filterable": True, "available_on": ["lead"]})
    again = await service.upsert(PROPERTIES, "custom", entry(number, "A"))
    assert again.json()["id"] == first.json()["id"]


async def test_a_refused_upsert_writes_nothing_but_its_ledger_row(
    service: Service, tmp_path: Path
) -> None:
    await service.lead(email={"email": "nora@field.example"})
    before, ledger = written(tmp_path), table_rows(tmp_path, "ledger")
    content = b' {"properties": {"title": [5]}, "match": {}} '
    response = await service.client.put("/leads/upsert", content=content)
    assert response.status_code == 422
    assert written(tmp_path) == before
    (row,) = table_rows(tmp_path, "ledger")[len(ledger) :]
    expected = {
        "seq": ledger[-1]["seq"] + 1,
        "date": service.clock.now,
        "request_id": response.headers["X-Request-Id"],
        "resource": "lead",
        "resource_id": None,
        "action": "upsert",
        "outcome": "refused",
        "version": None,
        "user_id": service.account.user_id,
        "payload": content.decode().strip(),
        "match": None,
        "changes": None,
        "message": response.json()["message"],
    }
    assert {key: row[key] for key in expected} == expected
