"""`Idempotency-Key`: a request that was done is answered again, and not done again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.api.acts import ambiguous, folded
from tests.support.api.answers import assert_body
from tests.support.api.service import Service, client_of
from tests.support.api.wire_leads import stored_lead, table_rows
from tests.support.domain.act_writes import merge

from onelead.contract.access import NewAccount

LENGTH = "Idempotency-Key must have 1 to 255 characters"
KEY = {"Idempotency-Key": "order-4711"}
NORA = {"name": "Nora Field", "email": {"email": "nora@field.example", "category": "work"}}
UPSERT = {"properties": NORA, "match": {"field_name": "email", "field_value": "nora@field.example"}}
REUSED = {
    "success": False,
    "status": 422,
    "message": "The idempotency key was used for another body",
}


def told(response: httpx.Response) -> tuple[int, str, dict[str, str]]:
    """Return all that a repeated answer has in common with the first one."""
    passing = ("x-request-id", "idempotency-replayed", "lead-batch")
    headers = {name: value for name, value in response.headers.items() if name not in passing}
    return response.status_code, response.text, headers


def assert_repeated(again: httpx.Response, first: httpx.Response) -> None:
    assert told(again) == told(first)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]


async def sent(service: Service, method: str, path: str, body: Any) -> httpx.Response:
    return await service.client.request(method, path, json=body, headers=KEY)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/leads", NORA),
        ("PUT", "/leads/upsert", UPSERT),
        ("PUT", "/leads/{id}", {"title": "Buyer", "status": "Gone", "tags": ["vip", "VIP"]}),
        ("DELETE", "/leads/{id}", None),
        ("POST", "/leads/bulk_create", {"leads": [NORA, {"name": "Sam Roe"}]}),
        ("POST", "/leads/bulk_update", {"leads": [{"id": "{id}", "title": "Buyer"}]}),
        ("POST", "/leads/{id}/pins", {"pin": ["title"]}),
        ("POST", "/ledger/1/undo", None),
    ],
)
async def test_a_repeated_request_is_answered_as_the_first_one_and_has_no_ledger_row(
    service: Service, tmp_path: Path, method: str, path: str, body: Any
) -> None:
    lead = await service.lead(title="Owner")
    path = path.replace("{id}", str(lead["id"]))
    if path == "/leads/bulk_update":
        body = {"leads": [{"id": lead["id"], "title": "Buyer"}]}
    if "status" in (body or {}):
        body = body | {"status": "New"}
    first = await sent(service, method, path, body)
    assert first.status_code == 200, first.text
    rows = table_rows(tmp_path, "ledger")
    service.clock.advance(60)
    for _ in range(2):
        assert_repeated(await sent(service, method, path, body), first)
    assert table_rows(tmp_path, "ledger") == rows


@pytest.mark.parametrize("change", ["changed", "deleted", "merged"])
async def test_the_answer_stays_whatever_became_of_the_lead(service: Service, change: str) -> None:
    first = await sent(service, "PUT", "/leads/upsert", UPSERT)
    lead_id = first.json()["id"]
    if change == "changed":
        await service.client.put(f"/leads/{lead_id}", json={"name": "Nora Roe", "email": None})
    elif change == "deleted":
        await service.client.delete(f"/leads/{lead_id}")
    else:
        survivor = await service.lead(name="Nora F.")
        account_id = service.account.account_id
        await service.writer.write(account_id, merge(survivor["id"], lead_id))
    assert_repeated(await sent(service, "PUT", "/leads/upsert", UPSERT), first)


async def test_requests_at_the_same_moment_are_done_once(service: Service, tmp_path: Path) -> None:
    answers = await asyncio.gather(*(sent(service, "POST", "/leads", NORA) for _ in range(8)))
    replayed = [answer.headers.get("Idempotency-Replayed") for answer in answers]
    assert sorted(replayed, key=str) == [None, *["true"] * 7]
    assert len({told(answer)[:2] for answer in answers}) == 1
    assert len(table_rows(tmp_path, "lead")) == 1
    assert [row["seq"] for row in table_rows(tmp_path, "ledger")] == [1]
    await service.lead()
    assert [row["seq"] for row in table_rows(tmp_path, "ledger")] == [1, 2]


@pytest.mark.parametrize(
    ("method", "body"),
    [("PUT", {"title": "Owner"}), ("PUT", {}), ("DELETE", None)],
)
async def test_another_request_with_the_same_key_is_refused(
    service: Service, method: str, body: Any
) -> None:
    path = f"/leads/{(await service.lead())['id']}"
    assert (await sent(service, "PUT", path, {"title": "Buyer"})).status_code == 200
    other = await sent(service, method, path, body)
    assert_body(other, 422, REUSED)
    assert other.headers["Lead-Outcome"] == "refused"
    assert (await service.client.get(path)).json()["title"] == "Buyer"


async def test_a_key_belongs_to_a_path_an_api_key_and_an_account(service: Service) -> None:
    _key, secret = await service.store.create_api_key(
        service.account.account_id, service.account.email, "other"
    )
    account = service.account
    same_user = NewAccount(account.account_id, account.user_id, account.email, secret)
    for client in (
        *(service.client, client_of(service.runtime, same_user)),
        *(await service.member(), await service.other_account()),
    ):
        created = await client.post("/leads", json={"name": "Nora Field"}, headers=KEY)
        path = f"/leads/{created.json()['id']}"
        changed = await client.put(path, json={"name": "Sam Roe"}, headers=KEY)
        for answer in (created, changed):
            assert answer.status_code == 200
            assert "Idempotency-Replayed" not in answer.headers
        again = await client.put(f"{path}/", json={"name": "Sam Roe"}, headers=KEY)
        assert_repeated(again, changed)


async def test_a_refused_request_does_not_use_its_key_up(service: Service) -> None:
    for body in ({"title": "Buyer"}, {"name": "x" * 256}, {"name": ""}):
        assert (await sent(service, "POST", "/leads", body)).status_code == 422
    broken = await service.client.post("/leads", content=b"{", headers=KEY)
    assert broken.status_code == 400
    first = await sent(service, "POST", "/leads", NORA)
    assert first.status_code == 200
    assert "Idempotency-Replayed" not in first.headers
    broken = await service.client.post("/leads", content=b"{", headers=KEY)
    assert broken.status_code == 400


async def test_what_a_change_of_the_settings_refuses_now_is_answered_as_it_was(
    service: Service,
) -> None:
    field = await service.field()
    body = {
        "properties": {"name": "Nora Field"},
        "match": {
            "field_name": "custom",
            "field_value": {"custom_field_definition_id": field["id"], "value": "A-77"},
        },
    }
    first = await sent(service, "PUT", "/leads/upsert", body)
    path = f"/custom_field_definitions/{field['id']}"
    await service.client.put(path, json={"is_filterable": False})
    assert_repeated(await sent(service, "PUT", "/leads/upsert", body), first)


async def test_another_value_is_answered_as_it_was_whatever_can_be_matched_now(
    service: Service,
) -> None:
    field, lead = await service.field(), await service.lead()
    value = {"custom_field_definition_id": field["id"], "value": "A-77"}
    body = {"field_name": "custom", "field_value": value}
    path = f"/leads/{lead['id']}/other_values"
    first = await sent(service, "POST", path, body)
    definition = f"/custom_field_definitions/{field['id']}"
    await service.client.put(definition, json={"is_filterable": False})
    assert_repeated(await sent(service, "POST", path, body), first)


async def test_the_answer_has_a_status_that_was_deleted_since(service: Service) -> None:
    status = (await service.client.post("/lead_statuses", json={"name": "Won"})).json()
    body = NORA | {"status_id": status["id"]}
    first = await sent(service, "POST", "/leads", body)
    path = f"/leads/{first.json()['id']}"
    await service.client.put(path, json={"status": "New"})
    deleted = await service.client.delete(f"/lead_statuses/{status['id']}")
    assert deleted.status_code == 200, deleted.text
    again = await sent(service, "POST", "/leads", body)
    assert_repeated(again, first)
    assert again.json()["status"] == "Won"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/leads/{id}/pins", {"pin": ["title"]}),
        ("/leads/{id}/merge", {"lead_ids": ["{other}"]}),
        ("/leads/{id}/other_values", {"field_name": "name", "field_value": "Nora F."}),
        ("/ledger/1/undo", {"force": True}),
    ],
)
async def test_the_answer_to_an_act_goes_with_its_age(
    service: Service, path: str, body: Any
) -> None:
    lead, other = [(await service.lead())["id"] for _ in range(2)]
    path = path.replace("{id}", str(lead))
    body = {name: [other] if sent == ["{other}"] else sent for name, sent in body.items()}
    assert (await sent(service, "POST", path, body)).status_code == 200
    await service.client.put("/deciding", json={"payload_days": 1})
    await folded(service)
    service.clock.advance(2 * 86_400)
    while await service.store.retention_step(service.account.account_id):
        pass
    assert (await sent(service, "POST", path, body)).status_code == 410


async def test_a_ruling_is_taken_back_once(service: Service) -> None:
    lead = await service.lead()
    match = {"field_name": "name", "field_value": "Nora F."}
    body = {"match": match, "lead_id": lead["id"]}
    ruling = (await service.client.post("/rulings", json=body)).json()
    path = f"/rulings/{ruling['id']}"
    first = await sent(service, "DELETE", path, None)
    assert first.status_code == 200
    assert_repeated(await sent(service, "DELETE", path, None), first)
    assert (await sent(service, "DELETE", f"/rulings/{lead['id']}", None)).status_code == 404


async def test_a_delivery_that_is_applied_twice_is_answered_twice(service: Service) -> None:
    (_first, second), seq = await ambiguous(service)
    path, body = f"/ledger/{seq}/replay", {"lead_id": second}
    first = await sent(service, "POST", path, body)
    await service.client.put(f"/leads/{second}", json={"title": "Head"})
    again = await sent(service, "POST", path, body)
    assert_repeated(again, first)


async def test_items_of_a_bulk_call_that_were_refused_are_tried_again(service: Service) -> None:
    lead = await service.lead()
    body = {"leads": [{"id": lead["id"], "title": "Buyer"}, {"id": 7, "title": "Owner"}]}
    for replayed in (None, "[0]", "[0]"):
        answer = await sent(service, "POST", "/leads/bulk_update", body)
        assert answer.headers["Lead-Outcome"] == "updated, refused"
        assert answer.headers.get("Idempotency-Replayed") == replayed


@pytest.mark.parametrize(
    "leads",
    [
        [{"title": "x"}, {"name": "Sam Roe"}],
        [{"name": "Sam Roe"}, {"title": "x"}, {"name": "Ann Lee"}],
        [{"name": "Ann Lee"}],
    ],
)
async def test_another_bulk_call_with_the_same_key_is_refused_as_a_whole(
    service: Service, leads: list[Any]
) -> None:
    first = {"leads": [{"name": "Sam Roe"}, {"title": "x"}]}
    assert (await sent(service, "POST", "/leads/bulk_create", first)).status_code == 200
    other = await sent(service, "POST", "/leads/bulk_create", {"leads": leads})
    assert_body(other, 422, REUSED)
    search = await service.client.post("/leads/search", json={})
    assert [lead["name"] for lead in search.json()] == ["Sam Roe"]


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ([("Idempotency-Key", "")], f"{LENGTH}, not 0"),
        ([("Idempotency-Key", " ")], f"{LENGTH}, not 0"),
        (
            [("Idempotency-Key", "x" * 256)],
            f"{LENGTH}, not 256",
        ),
        (
            [("Idempotency-Key", "a"), ("Idempotency-Key", "a")],
            "Idempotency-Key and Lead-Observed-At can be sent only once",
        ),
    ],
)
async def test_a_key_that_is_none(
    service: Service, tmp_path: Path, headers: list[tuple[str, str]], message: str
) -> None:
    for path, body in (("/leads", NORA), ("/leads/bulk_create", {"leads": [NORA]})):
        response = await service.client.post(path, json=body, headers=headers)
        assert_body(response, 400, {"success": False, "status": 400, "message": message})
    assert table_rows(tmp_path, "ledger") == []


async def test_the_longest_key_in_any_script(service: Service) -> None:
    for key in ("x" * 255, "Größe 山田", '"quoted"'):
        first, again = [
            await service.client.post(
                "/leads", json=NORA, headers={b"Idempotency-Key": key.encode()}
            )
            for _ in range(2)
        ]
        assert_repeated(again, first)


async def test_the_ledger_keeps_no_key(service: Service, tmp_path: Path) -> None:
    await sent(service, "POST", "/leads", NORA)
    (row,) = table_rows(tmp_path, "idempotency_key")
    assert (row["seq"], len(row["key_hash"]), len(row["body_hash"])) == (1, 64, 64)
    assert "4711" not in str(row)
    assert (await stored_lead(service, table_rows(tmp_path, "lead")[0]["id"]))["name"]
