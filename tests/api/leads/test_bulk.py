"""`POST /leads/bulk_create` and `/leads/bulk_update`: up to ten leads, each on its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.api.answers import assert_body, assert_invalid
from tests.support.api.service import Service
from tests.support.api.wire_leads import (
    LEAD_KEYS,
    a_lead_body,
    assert_receipt,
    entry,
    stored_lead,
    table_rows,
    written,
)

BULK = ("/leads/bulk_create", "/leads/bulk_update")
TOO_MANY = {"error": "Request size too large, limit is 10"}

BLANK: list[Any] = [None, "", [], {}]


def failure(attribute: str, symbol: str, **lead_id: int) -> dict[str, Any]:
    return {"success": False, **lead_id, "message": {attribute: [{"error": symbol}]}}


async def test_leads_are_created_in_order(service: Service) -> None:
    email = {"email": "sam@roe.example", "category": "work"}
    leads = [{"name": "Nora Field"}, {"name": "Sam", "email": email}]
    response = await service.client.post("/leads/bulk_create", json={"leads": leads})
    first, second = (lead["id"] for lead in response.json())
    sam = {"name": "Sam", "first_name": "Sam", "last_name": None, "email": email}
    expected = [
        await a_lead_body(service, id=first),
        await a_lead_body(service, id=second, **sam),
    ]
    assert_body(response, 200, expected)
    assert first < second
    assert [tuple(lead) for lead in response.json()] == [LEAD_KEYS, LEAD_KEYS]
    assert [await stored_lead(service, lead_id) for lead_id in (first, second)] == expected
    assert_receipt(response, lead_outcome="created, created")


async def test_leads_are_updated_in_order(service: Service) -> None:
    nora, sam = await service.lead(tags=["fair"]), await service.lead(name="Sam")
    service.clock.advance(60)
    leads = [{"id": sam["id"], "title": "Head buyer"}, {"id": nora["id"], "tags": ["cold"]}]
    response = await service.client.post("/leads/bulk_update", json={"leads": leads})
    now = {"date_modified": service.clock.now}
    expected = [sam | {"title": "Head buyer"} | now, nora | {"tags": ["cold"]} | now]
    assert_body(response, 200, expected)
    assert_receipt(response, lead_outcome="updated, updated")


async def test_one_bad_lead_does_not_stop_the_others(service: Service) -> None:
    leads: list[Any] = [
        *({"name": "Nora"}, {"name": ""}, {"title": "Buyer"}, {"name": [5]}),
        *({"name": "Sam", "foo": 1}, "Sam", None, {"name": "Zoe", "title": "x" * 256}),
        *({"name": "Ann", "assignee_id": 7}, {"name": "Eve"}),
    ]
    response = await service.client.post("/leads/bulk_create", json={"leads": leads})
    assert response.status_code == 200
    nora, *failures, eve = response.json()
    assert (nora["name"], eve["name"], eve["id"]) == ("Nora", "Eve", nora["id"] + 1)
    assert failures == [
        failure("name", "blank"),
        failure("name", "blank"),
        failure("name", "invalid"),
        failure("base", "unknown"),
        failure("base", "invalid"),
        failure("base", "blank"),
        failure("title", "too_long"),
        failure("assignee_id", "inclusion"),
    ]
    assert [list(answer) for answer in failures] == [["success", "message"]] * 8
    refused = ", ".join(["refused"] * 8)
    assert_receipt(response, lead_outcome=f"created, {refused}, created")


async def test_everything_wrong_with_a_lead_is_listed_by_attribute(service: Service) -> None:
    lead = {
        "email": {"email": "x" * 256},
        "tags": ["x" * 256, "y" * 256],
        "customer_source_id": 7,
        "pageSize": 1,
    }
    response = await service.client.post("/leads/bulk_create", json={"leads": [lead]})
    (answer,) = response.json()
    assert answer == {
        "success": False,
        "message": {
            "base": [{"error": "unknown"}],
            "email": [{"error": "too_long"}],
            "tags": [{"error": "too_long"}, {"error": "too_long"}],
            "customer_source_id": [{"error": "inclusion"}],
            "name": [{"error": "blank"}],
        },
    }


async def test_a_failed_update_carries_the_id(service: Service) -> None:
    lead = await service.lead()
    bad = {"id": lead["id"], "name": ""}
    response = await service.client.post("/leads/bulk_update", json={"leads": [bad]})
    expected = failure("name", "blank", id=lead["id"])
    assert_body(response, 200, [expected])
    assert list(response.json()[0]) == ["success", "id", "message"]
    assert await stored_lead(service, lead["id"]) == lead


@pytest.mark.parametrize(
    ("lead_id", "expected"),
    [
        (7, failure("id", "not_found", id=7)),
        ("7", failure("id", "not_found", id=7)),
        (" 7.0", failure("id", "not_found", id=7)),
        (7.0, failure("id", "not_found", id=7)),
        *((blank, failure("id", "blank")) for blank in BLANK),
        (0, failure("id", "invalid")),
        (-1, failure("id", "invalid")),
        (1.5, failure("id", "invalid")),
        (True, failure("id", "invalid")),
        ("abc", failure("id", "invalid")),
        ([7], failure("id", "invalid")),
        (2**53, failure("id", "invalid")),
        (2**63, failure("id", "invalid")),
        (2**64, failure("id", "invalid")),
        ("9" * 5000, failure("id", "invalid")),
    ],
)
async def test_an_update_with_an_unknown_or_wrong_id(
    client: httpx.AsyncClient, lead_id: Any, expected: dict[str, Any]
) -> None:
    body = {"leads": [{"id": lead_id, "title": "Buyer"}]}
    response = await client.post("/leads/bulk_update", json=body)
    assert_body(response, 200, [expected])


async def test_an_update_without_an_id(client: httpx.AsyncClient) -> None:
    body = {"leads": [{"title": "Buyer"}, {}, "x"]}
    response = await client.post("/leads/bulk_update", json=body)
    blank = failure("id", "blank")
    assert_body(response, 200, [blank, blank, failure("base", "invalid")])


async def test_an_id_may_be_text(service: Service) -> None:
    lead = await service.lead()
    body = {"leads": [{"id": str(lead["id"]), "title": "Buyer"}]}
    response = await service.client.post("/leads/bulk_update", json=body)
    assert_body(response, 200, [lead | {"title": "Buyer"}])


async def test_one_lead_twice_is_updated_in_order(service: Service) -> None:
    lead = await service.lead()
    leads = [{"id": lead["id"], "title": t} for t in ("Buyer", "Head buyer", "Head buyer")]
    response = await service.client.post("/leads/bulk_update", json={"leads": leads})
    titles = [answer["title"] for answer in response.json()]
    assert titles == ["Buyer", "Head buyer", "Head buyer"]
    assert response.headers["Lead-Outcome"] == "updated, updated, unchanged"
    assert (await service.client.get(f"/leads/{lead['id']}")).headers["ETag"] == '"3"'


async def test_a_lead_of_another_account(service: Service) -> None:
    lead = await service.lead()
    body = {"leads": [{"id": lead["id"], "title": "Buyer"}]}
    async with await service.other_account() as other:
        response = await other.post("/leads/bulk_update", json=body)
    assert_body(response, 200, [failure("id", "not_found", id=lead["id"])])
    assert await stored_lead(service, lead["id"]) == lead


async def test_computed_values_on_request(service: Service) -> None:
    tier = await service.field(data_type="Dropdown")
    gold = tier["options"][1]["id"]
    response = await service.client.post(
        "/leads/bulk_create?custom_field_computed_values=true",
        json={"leads": [{"name": "Nora", "custom_fields": [entry(tier, gold)]}]},
    )
    computed = entry(tier, gold) | {"computed_value": "Gold"}
    assert response.json()[0]["custom_fields"] == [computed]


@pytest.mark.parametrize("path", BULK)
async def test_ten_are_enough(service: Service, tmp_path: Path, path: str) -> None:
    lead = await service.lead()
    before = written(tmp_path)
    item = {"id": lead["id"], "name": "Zoe"}
    response = await service.client.post(path, json={"leads": [item] * 11})
    assert_body(response, 422, TOO_MANY)
    assert_receipt(response, lead_outcome="refused", lead_changed="")
    assert written(tmp_path) == before
    (_, row) = table_rows(tmp_path, "ledger")
    assert (row["outcome"], row["message"]) == (
        "refused",
        "Invalid input: Validation errors: Leads: Request size too large, limit is 10",
    )
    response = await service.client.post(path, json={"leads": [item] * 10})
    assert (response.status_code, len(response.json())) == (200, 10)


@pytest.mark.parametrize("path", BULK)
@pytest.mark.parametrize(
    ("body", "line"),
    [
        ({}, "Leads: can't be blank"),
        ({"leads": None}, "Leads: can't be blank"),
        ({"leads": {}}, "Leads: must be a list of leads"),
        ({"leads": "Nora"}, "Leads: must be a list of leads"),
        ({"leads": [], "foo": 1}, "Base: Unrecognized attributes specified: foo"),
        ({"name": "Nora"}, "Base: Unrecognized attributes specified: name"),
    ],
)
async def test_a_body_that_is_no_bulk(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], line: str
) -> None:
    response = await client.post(path, json=body)
    assert_invalid(response, line)
    assert_receipt(response, lead_outcome="refused", lead_changed="")


@pytest.mark.parametrize("path", BULK)
async def test_no_leads_are_no_work(service: Service, tmp_path: Path, path: str) -> None:
    response = await service.client.post(path, json={"leads": []})
    assert_body(response, 200, [])
    assert table_rows(tmp_path, "ledger") == []


async def test_every_lead_has_its_own_ledger_row(service: Service, tmp_path: Path) -> None:
    leads = [{"name": "Nora"}, {"name": ""}, {"name": "Zoë"}]
    response = await service.client.post("/leads/bulk_create", json={"leads": leads})
    rows = table_rows(tmp_path, "ledger")
    assert [row["seq"] for row in rows] == [1, 2, 3]
    assert [row["outcome"] for row in rows] == ["created", "refused", "created"]
    assert [row["payload"] for row in rows] == ['{"name":"Nora"}', '{"name":""}', '{"name":"Zoë"}']
    assert {row["request_id"] for row in rows} == {response.headers["X-Request-Id"]}


NUL, HALF = "has a NUL character", "has half of a surrogate pair"


@pytest.mark.parametrize(
    ("item", "attribute", "message", "payload"),
    [
        (r'{"name":"Nul \u0000"}', "name", f"Name: {NUL}", {"name": "Nul \0"}),
        (r'{"name":"Half \uD83d"}', "name", f"Name: {HALF}", {"name": r"Half \ud83d"}),
        (r'{"name":"\udc00\ud83d\ude00"}', "name", f"Name: {HALF}", {"name": r"\udc00😀"}),
        (
            r'{"name":"Zoe","tags":["\u0000"]}',
            "tags",
            f"Tags: {NUL}",
            {"name": "Zoe", "tags": ["\0"]},
        ),
        (
            r'{"name":"Zoe","email":{"email":"zoe@field.example","category":"\ud800"}}',
            "email",
            f"Email: {HALF}",
            {"name": "Zoe", "email": {"email": "zoe@field.example", "category": r"\ud800"}},
        ),
        (r'{"name":"Zoe","\u0000":1}', "base", f"Base: {NUL}", {"name": "Zoe", "\0": 1}),
        (r'{"name":"Zoe","x":"\ud800"}', "base", f"Base: {HALF}", {"name": "Zoe", "x": r"\ud800"}),
        (
            r'"\ud800"',
            "base",
            r'Base: must be an object, not "\"\\\\ud800\""',
            r"\ud800",
        ),
    ],
)
async def test_one_bad_character_refuses_its_lead_alone(
    service: Service, tmp_path: Path, item: str, attribute: str, message: str, payload: Any
) -> None:
    body = f'{{"leads":[{{"name":"Nora 😀"}},{item},{{"name":"Sam"}}]}}'
    response = await service.client.post("/leads/bulk_create", content=body.encode())
    nora, refused, sam = response.json()
    assert (response.status_code, nora["name"], sam["name"]) == (200, "Nora 😀", "Sam")
    assert refused == failure(attribute, "invalid")
    assert_receipt(response, lead_outcome="created, refused, created")
    rows = table_rows(tmp_path, "ledger")
    assert [row["outcome"] for row in rows] == ["created", "refused", "created"]
    assert rows[1]["message"] == f"Invalid input: Validation errors: {message}"
    assert json.loads(rows[1]["payload"]) == payload
    assert "\0" not in rows[1]["payload"]


async def test_a_bad_character_is_listed_with_all_else_that_is_wrong(
    client: httpx.AsyncClient,
) -> None:
    body = rb'{"leads":[{"id":7,"name":"\u0000","title":"\ud800","assignee_id":"x","foo":1}]}'
    response = await client.post("/leads/bulk_update", content=body)
    (answer,) = response.json()
    assert answer["id"] == 7
    assert answer["message"] == {
        "name": [{"error": "invalid"}],
        "title": [{"error": "invalid"}],
        "base": [{"error": "unknown"}],
        "assignee_id": [{"error": "invalid"}],
    }


async def test_an_id_with_a_bad_character_is_not_called_blank(client: httpx.AsyncClient) -> None:
    body = rb'{"leads":[{"id":"\u0000","title":"Buyer"}]}'
    response = await client.post("/leads/bulk_update", content=body)
    assert_body(response, 200, [failure("id", "invalid")])


@pytest.mark.parametrize("escape", [r"\u0000", r"\ud800"])
async def test_a_lead_with_a_bad_character_is_in_its_history(service: Service, escape: str) -> None:
    lead = await service.lead()
    body = f'{{"leads":[{{"id":{lead["id"]},"title":"a{escape}"}}]}}'
    response = await service.client.post("/leads/bulk_update", content=body.encode())
    assert response.json() == [failure("title", "invalid", id=lead["id"])]
    (row, _) = (await service.client.get(f"/leads/{lead['id']}/history")).json()
    shown = {r"\u0000": "a\0", r"\ud800": r"a\ud800"}[escape]
    assert row["payload"] == {"id": lead["id"], "title": shown}
    assert await stored_lead(service, lead["id"]) == lead


@pytest.mark.parametrize(
    ("body", "end"),
    [
        (rb'{"leads":[{"name":"Nora"}],"\u0000":1}', NUL),
        (rb'{"leads":[{"name":"Nora"}],"x":"\ud800"}', HALF),
        (rb'{"leads":{"name":"\u0000"}}', NUL),
        (rb'{"name":"\ud800"}', HALF),
        (rb'["\u0000"]', NUL),
        (rb'{"leads":[{"name":"\ud800"},{"a":1,"a":2}]}', "has the same key twice in one object"),
        (rb'{"leads":[{"name":"\ud800"}],"leads":[]}', "has the same key twice in one object"),
        (
            b'{"leads":[{"name":"\\ud800"},' + b"[" * 31 + b"]" * 31 + b"]}",
            "is nested deeper than 32 levels",
        ),
    ],
)
async def test_a_bulk_body_that_is_unreadable_elsewhere_is_refused_whole(
    service: Service, tmp_path: Path, body: bytes, end: str
) -> None:
    for path in BULK:
        response = await service.client.post(path, content=body)
        message = f"Invalid input: the body {end}"
        assert_body(response, 400, {"success": False, "status": 400, "message": message})
    assert table_rows(tmp_path, "lead") == []


@pytest.mark.parametrize("number", ["NaN", "1e999"])
async def test_a_bad_number_is_no_bad_character(service: Service, number: str) -> None:
    body = f'{{"leads":[{{"name":"\\ud800"}},{{"monetary_value":{number}}}]}}'
    response = await service.client.post("/leads/bulk_create", content=body.encode())
    assert response.status_code == 400
    assert response.json()["message"].startswith("Invalid input: the body is not readable JSON: ")


async def test_too_many_leads_are_too_many_whatever_their_characters(service: Service) -> None:
    body = b'{"leads":[' + b",".join([rb'{"name":"\ud800"}'] * 11) + b"]}"
    assert_body(await service.client.post("/leads/bulk_create", content=body), 422, TOO_MANY)
