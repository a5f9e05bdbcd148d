"""Bulk calls are batches, which can be fetched and undone."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support.api.answers import NOT_FOUND, assert_body
from tests.support.api.service import Service

from onelead.process.batch_undo_work import BatchUndoer


async def work(service: Service) -> None:
    """Do all that the background work would do."""

    async def go_on() -> bool:
        return True

    undoer = BatchUndoer(service.store, service.writer, "test", go_on)
    while await undoer.step(service.account.account_id):
        pass


async def bulk(client: httpx.AsyncClient, *leads: dict[str, Any]) -> str:
    """Create leads, and return the id of the batch."""
    response = await client.post("/leads/bulk_create", json={"leads": list(leads)})
    assert response.status_code == 200
    return str(response.headers["Lead-Batch"])


async def test_a_bulk_call_is_a_batch(service: Service, client: httpx.AsyncClient) -> None:
    batch_id = await bulk(client, {"name": "Ann Lee"}, {"title": "Buyer"})
    batch = (await client.get(f"/batches/{batch_id}")).json()
    assert (batch["id"], batch["kind"]) == (batch_id, "bulk_call")
    assert batch["outcomes"] == {"created": 1, "refused": 1}
    assert (batch["undo"], batch["undoes"]) == (None, None)
    assert batch["user_id"] == service.account.user_id
    created, refused = batch["results"]
    assert (created["outcome"], created["message"]) == ("created", None)
    assert refused["message"] == "Invalid input: Validation errors: Name: can't be blank"
    history = (await client.get(f"/leads/{created['lead_id']}/history")).json()
    assert history[0]["batch_id"] == batch_id


async def test_a_call_without_leads_is_none(client: httpx.AsyncClient) -> None:
    response = await client.post("/leads/bulk_create", json={"leads": []})
    assert "Lead-Batch" not in response.headers


async def test_results_are_paged_in_the_order_of_the_ledger(client: httpx.AsyncClient) -> None:
    batch_id = await bulk(client, *({"name": f"Ann {n}"} for n in range(5)))
    after: int | None = 0
    seqs = []
    for expected in (2, 2, 1):
        query = {"after": after, "page_size": 2}
        page = (await client.get(f"/batches/{batch_id}", params=query)).json()
        seqs += [result["seq"] for result in page["results"]]
        assert len(page["results"]) == expected
        after = page["next_after"]
    assert after is None
    assert seqs == sorted(set(seqs))


@pytest.mark.parametrize("query", [{"after": "x"}, {"after": "-1"}, {"page_size": "0"}])
async def test_a_page_that_cannot_be_is_refused(
    client: httpx.AsyncClient, query: dict[str, str]
) -> None:
    batch_id = await bulk(client, {"name": "Ann Lee"})
    response = await client.get(f"/batches/{batch_id}", params=query)
    assert response.status_code == 422


async def test_a_batch_is_undone_in_the_background(
    service: Service, client: httpx.AsyncClient
) -> None:
    batch_id = await bulk(client, {"name": "Ann Lee"}, {"name": "Ben Lee"})
    begun = await client.post(f"/batches/{batch_id}/undo", json={"force": False})
    assert begun.status_code == 202
    undo = begun.json()
    assert (undo["kind"], undo["outcomes"]) == ("undo", {})
    assert undo["undoes"]["about_id"] == batch_id
    assert (undo["undoes"]["rows"], undo["undoes"]["rows_done"]) == (2, 0)
    again = await client.post(f"/batches/{batch_id}/undo")
    assert (again.status_code, again.json()["id"]) == (202, undo["id"])
    await work(service)
    done = (await client.get(f"/batches/{undo['id']}")).json()
    assert done["outcomes"] == {"deleted": 2}
    assert done["undoes"]["rows_done"] == 2
    assert (await client.get(f"/batches/{batch_id}")).json()["undo"] == done["undoes"]
    assert (await client.post("/leads/search", json={})).json() == []
    assert (await client.post(f"/batches/{batch_id}/undo")).json()["id"] == undo["id"]


async def test_an_undo_under_way_cannot_be_undone(client: httpx.AsyncClient) -> None:
    batch_id = await bulk(client, {"name": "Ann Lee"})
    undo = (await client.post(f"/batches/{batch_id}/undo")).json()
    response = await client.post(f"/batches/{undo['id']}/undo")
    assert response.status_code == 409


async def test_a_dry_run_says_what_would_happen(
    service: Service, client: httpx.AsyncClient
) -> None:
    batch_id = await bulk(client, {"name": "Ann Lee"}, {"name": "Ben Lee"})
    lead_id = (await client.get(f"/batches/{batch_id}")).json()["results"][0]["lead_id"]
    await client.put(f"/leads/{lead_id}", json={"title": "Buyer"})
    dry_run = {"dry_run": "true"}
    response = await client.post(f"/batches/{batch_id}/undo", params=dry_run)
    assert (response.status_code, response.headers["Lead-Dry-Run"]) == (200, "true")
    assert response.json() == {
        "rows": 2,
        "planned": 2,
        "outcomes": {"deleted": 1, "refused": 1},
        "kept": 0,
        "refusals": {"undo_loses_changes": 1},
    }
    await work(service)
    assert len((await client.post("/leads/search", json={})).json()) == 2


@pytest.mark.parametrize("batch_id", ["unknown", "1", "%00", "x" * 65, "%ED%A0%80", "a%20b"])
async def test_an_unknown_batch_is_not_found(client: httpx.AsyncClient, batch_id: str) -> None:
    assert_body(await client.get(f"/batches/{batch_id}"), 404, NOT_FOUND)
    assert_body(await client.post(f"/batches/{batch_id}/undo"), 404, NOT_FOUND)
    dry_run = await client.post(f"/batches/{batch_id}/undo?dry_run=true")
    assert_body(dry_run, 404, NOT_FOUND)


@pytest.mark.parametrize("body", [{"force": "yes"}, {"force": 1}, {"forced": True}])
async def test_a_body_that_is_no_order_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    batch_id = await bulk(client, {"name": "Ann Lee"})
    response = await client.post(f"/batches/{batch_id}/undo", json=body)
    assert response.status_code == 422


async def test_a_member_may_undo_a_batch(service: Service, client: httpx.AsyncClient) -> None:
    batch_id = await bulk(client, {"name": "Ann Lee"})
    async with await service.member() as member:
        assert (await member.post(f"/batches/{batch_id}/undo")).status_code == 202
