"""`GET /leads/{id}/history`: what happened to a lead, newest first."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support.api.answers import NOT_FOUND, assert_body, assert_invalid
from tests.support.api.service import Service
from tests.support.api.wire_leads import entry

from onelead.domain.errors import humanised

ROW_KEYS = (
    *("seq", "date", "request_id", "resource", "resource_id", "lead_id", "action", "outcome"),
    *("version", "user_id", "api_key_id", "match", "changes", "message", "payload", "ignored"),
    *("shares", "unread_bytes", "state", "about_seq", "batch_id", "kept", "merged", "restored"),
    *("pair", "via_id", "observed_at", "erased"),
)


async def history_of(client: httpx.AsyncClient, lead_id: int, **params: Any) -> list[Any]:
    response = await client.get(f"/leads/{lead_id}/history", params=params)
    assert response.status_code == 200, response.text
    return list(response.json())


async def a_history(service: Service) -> int:
    """Let five things happen to a lead and return its id."""
    properties = {"name": "Nora", "title": "Buyer"}
    created = await service.upsert(properties, "email", "nora@field.example")
    lead_id = int(created.json()["id"])
    path = f"/leads/{lead_id}"
    for title in ("Head buyer", "Head buyer", "x" * 256):
        service.clock.advance(60)
        await service.client.put(path, json={"title": title})
    service.clock.advance(60)
    await service.client.delete(path)
    return lead_id


async def test_the_newest_comes_first_also_of_a_deleted_lead(service: Service) -> None:
    start = service.clock.now
    rows = await history_of(service.client, await a_history(service))
    assert [(row["action"], row["outcome"], row["version"]) for row in rows] == [
        ("delete", "deleted", 2),
        ("update", "refused", None),
        ("update", "unchanged", 2),
        ("update", "updated", 2),
        ("upsert", "created", 1),
    ]
    assert [row["date"] for row in rows] == [start + 60 * n for n in (4, 3, 2, 1, 0)]
    assert [row["seq"] for row in rows] == [5, 4, 3, 2, 1]
    assert [tuple(row) for row in rows] == [ROW_KEYS] * 5


async def test_a_row_says_what_was_sent_and_what_it_did(service: Service) -> None:
    number = await service.field()
    created = await service.upsert(
        {"name": "Nora", "title": "Buyer"}, "custom", entry(number, "A-77")
    )
    (row,) = await history_of(service.client, created.json()["id"])
    assert row["match"] == {
        "field_name": "custom",
        "value": "A-77",
        "matches": 0,
        "ids": [],
        "by": None,
        "definition_id": number["id"],
    }
    assert row["changes"] == {
        "name": [None, "Nora"],
        "first_name": [None, "Nora"],
        "status_id": [None, created.json()["status_id"]],
        "title": [None, "Buyer"],
        f"custom_fields.{number['id']}": [None, "A-77"],
    }
    assert row["payload"] == {
        "properties": {"name": "Nora", "title": "Buyer"},
        "match": {"field_name": "custom", "field_value": entry(number, "A-77")},
    }
    assert row["message"] is None
    assert row["request_id"] == created.headers["X-Request-Id"]
    assert row["user_id"] == service.account.user_id
    (key,) = await service.store.api_keys(service.account.account_id)
    assert row["api_key_id"] == key.id


async def test_a_refused_update_says_why(service: Service) -> None:
    lead = await service.lead()
    response = await service.client.put(f"/leads/{lead['id']}", json={"title": [10**40]})
    refused, _ = await history_of(service.client, lead["id"])
    assert refused["message"] == response.json()["message"]
    assert (refused["changes"], refused["match"]) == (None, None)
    assert refused["payload"]["title"] == [pytest.approx(10**40)]


async def test_a_delete_says_what_was_lost(service: Service) -> None:
    lead = await service.lead(title="Buyer")
    await service.client.delete(f"/leads/{lead['id']}")
    deleted, _ = await history_of(service.client, lead["id"])
    assert deleted["changes"]["title"] == ["Buyer", None]
    assert deleted["payload"] is None


@pytest.mark.parametrize("content", [b"", b" \n", b"{}"])
async def test_a_write_of_nothing_is_shown(service: Service, content: bytes) -> None:
    lead = await service.lead()
    await service.client.put(f"/leads/{lead['id']}", content=content)
    newest, _ = await history_of(service.client, lead["id"])
    assert newest["outcome"] == "unchanged"
    assert newest["payload"] == ({} if content == b"{}" else None)


async def test_the_items_of_a_bulk_call_stand_alone(service: Service) -> None:
    first, second = await service.lead(), await service.lead()
    leads = [{"id": first["id"], "title": "A"}, {"id": second["id"], "title": "B"}]
    await service.client.post("/leads/bulk_update", json={"leads": leads})
    newest, _ = await history_of(service.client, second["id"])
    assert newest["payload"] == leads[1]


async def test_an_ambiguous_upsert_is_in_the_history_of_each_match(service: Service) -> None:
    leads = [await service.lead(), await service.lead()]
    response = await service.upsert({}, "name", "Nora Field")
    while await service.store.fold_ledger(service.account.account_id):
        pass
    for lead in leads:
        refused, _created = await history_of(service.client, lead["id"])
        assert refused["message"] == response.json()["message"]
        assert refused["match"]["ids"] == [lead["id"] for lead in leads]


@pytest.mark.parametrize(
    ("params", "seqs"),
    [
        ({}, [5, 4, 3, 2, 1]),
        ({"page_size": 2}, [5, 4]),
        ({"page_size": 2, "page_number": 2}, [3, 2]),
        ({"page_size": 2, "page_number": 3}, [1]),
        ({"page_size": 2, "page_number": 4}, []),
        ({"page_size": 200}, [5, 4, 3, 2, 1]),
        ({"page_number": 1_000_000_000}, []),
    ],
)
async def test_the_history_is_paged(
    service: Service, params: dict[str, int], seqs: list[int]
) -> None:
    lead_id = await a_history(service)
    response = await service.client.get(f"/leads/{lead_id}/history", params=params)
    assert [row["seq"] for row in response.json()] == seqs
    assert response.headers["X-PW-TOTAL"] == "5"


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        *(("page_size", sent) for sent in ("0", "201", "abc", "1.5")),
        *(("page_number", sent) for sent in ("0", "-1", "9" * 30)),
    ],
)
async def test_a_page_that_cannot_be(service: Service, name: str, sent: str) -> None:
    lead = await service.lead()
    response = await service.client.get(f"/leads/{lead['id']}/history", params={name: sent})
    most = {"page_size": 200, "page_number": 10**9}[name]
    line = f'{humanised(name)}: must be an integer from 1 to {most}: "{sent}"'
    assert_invalid(response, line)


@pytest.mark.parametrize("lead_id", ["1", "0", "-1", "abc", "9223372036854775808"])
async def test_an_id_that_was_never_seen(client: httpx.AsyncClient, lead_id: str) -> None:
    assert_body(await client.get(f"/leads/{lead_id}/history"), 404, NOT_FOUND)


async def test_an_id_that_only_refused_writes_named(service: Service) -> None:
    await service.client.put("/leads/77", json={"title": "Buyer"})
    await service.client.delete("/leads/77")
    assert_body(await service.client.get("/leads/77/history"), 404, NOT_FOUND)


async def test_the_id_of_something_else(service: Service) -> None:
    number = await service.field()
    response = await service.client.get(f"/leads/{number['id']}/history")
    assert_body(response, 404, NOT_FOUND)


async def test_the_accounts_do_not_see_each_other(service: Service) -> None:
    lead = await service.lead()
    async with await service.other_account() as other:
        assert_body(await other.get(f"/leads/{lead['id']}/history"), 404, NOT_FOUND)
        own = (await other.post("/leads", json={"name": "Omar"})).json()
        assert len(await history_of(other, own["id"])) == 1
