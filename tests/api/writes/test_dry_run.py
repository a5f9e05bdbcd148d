"""`dry_run=true`: the whole answer, with its receipt, and nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.api.answers import assert_invalid
from tests.support.api.service import Service, database_in
from tests.support.domain.act_writes import merge

from onelead.storage.schema import metadata

NORA = {"name": "Nora Field", "email": {"email": "nora@field.example", "category": "work"}}


def everything(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    tables = (table for table in metadata.sorted_tables if table.name != "api_key")
    return {
        table.name: sorted(database_in(folder).rows(f'SELECT * FROM "{table.name}"'), key=repr)
        for table in tables
    }


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/leads", NORA),
        ("POST", "/leads", {"title": "Buyer"}),
        (
            "PUT",
            "/leads/upsert",
            {"properties": NORA, "match": {"field_name": "name", "field_value": "Sam Roe"}},
        ),
        (
            "PUT",
            "/leads/upsert",
            {"properties": NORA, "match": {"field_name": "name", "field_value": "Twin"}},
        ),
        ("PUT", "/leads/{id}", {"title": "Buyer"}),
        ("PUT", "/leads/{old}", {"title": "Buyer"}),
        ("PUT", "/leads/7", {"title": "Buyer"}),
        ("DELETE", "/leads/{id}", None),
        ("DELETE", "/leads/{old}", None),
        ("POST", "/leads/bulk_create", {"leads": [NORA, {"title": "x"}, NORA]}),
        ("POST", "/leads/bulk_update", {"leads": [{"id": 7, "title": "x"}, {"id": "x"}]}),
        ("POST", "/leads/bulk_update", {}),
        ("POST", "/leads/bulk_create", {"leads": [NORA] * 11}),
    ],
)
async def test_the_answer_is_the_one_of_the_write_that_follows(
    service: Service, tmp_path: Path, method: str, path: str, body: Any
) -> None:
    ids = [(await service.lead(name=name))["id"] for name in ("Sam Roe", "Sam", "Twin", "Twin")]
    await service.writer.write(service.account.account_id, merge(ids[0], ids[1]))
    path = path.replace("{id}", str(ids[0])).replace("{old}", str(ids[1]))
    before = everything(tmp_path)
    # A key that is used for a dry run is as good as new.
    headers = {"Idempotency-Key": "1"}
    dry, wet = [
        await service.client.request(method, path + query, json=body, headers=headers)
        for query in ("?dry_run=true", "?dry_run=false")
        if query == "?dry_run=true" or everything(tmp_path) == before
    ]
    assert dry.headers.pop("Lead-Dry-Run") == "true"
    assert wet.headers.pop("Ledger-Row")
    wet.headers.pop("Lead-Batch", None)
    for answer in (dry, wet):
        del answer.headers["X-Request-Id"]
    assert (dry.status_code, dry.text) == (wet.status_code, wet.text)
    assert dry.headers == wet.headers


async def test_the_items_of_a_bulk_call_see_those_before_them(service: Service) -> None:
    lead = await service.lead()
    leads = [{"id": lead["id"], "title": "Buyer"}, {"id": lead["id"], "title": "Buyer"}]
    path = "/leads/bulk_update?dry_run=1"
    response = await service.client.post(path, json={"leads": leads})
    assert response.headers["Lead-Outcome"] == "updated, unchanged"
    assert [item["title"] for item in response.json()] == ["Buyer", "Buyer"]
    assert (await service.client.get(f"/leads/{lead['id']}")).json() == lead
    nobody = await service.client.post(path, json={"leads": []})
    assert (nobody.status_code, nobody.json()) == (200, [])


async def test_a_repeated_request_is_told_as_one(service: Service) -> None:
    headers = {"Idempotency-Key": "1"}
    await service.client.post("/leads", json=NORA, headers=headers)
    dry = await service.client.post("/leads?dry_run=TRUE", json=NORA, headers=headers)
    assert dry.headers["Idempotency-Replayed"] == dry.headers["Lead-Dry-Run"] == "true"


@pytest.mark.parametrize("sent", ["yes", "", "truee", "2"])
async def test_a_value_that_may_mean_a_dry_run_writes_nothing(service: Service, sent: str) -> None:
    response = await service.client.post("/leads", json=NORA, params={"dry_run": sent})
    assert_invalid(response, f'Dry Run: must be true or false, not "{sent}"')
    response = await service.client.post(
        "/leads/bulk_create", json={"leads": [NORA]}, params={"dry_run": sent}
    )
    assert response.json() == [{"success": False, "message": {"dry_run": [{"error": "invalid"}]}}]
    search = await service.client.post("/leads/search", json={})
    assert search.json() == []


async def test_acts_are_as_careful(service: Service) -> None:
    leads = [{"name": "Nora Field"}, {"name": "Nora F."}]
    bulk = await service.client.post("/leads/bulk_create", json={"leads": leads})
    into, other = (lead["id"] for lead in bulk.json())
    batch = f"/batches/{bulk.headers['Lead-Batch']}"
    for path, body in (
        (f"/leads/{into}/merge", {"lead_ids": [other]}),
        (f"{batch}/undo", {}),
        ("/erasures", {"lead_id": other, "confirm": True}),
    ):
        response = await service.client.post(path, json=body, params={"dry_run": "yes"})
        assert_invalid(response, 'Dry Run: must be true or false, not "yes"')
    assert (await service.client.get(f"/leads/{other}")).json()["id"] == other
    assert (await service.client.get(batch)).json()["undo"] is None


async def test_an_unreadable_body_leaves_no_trace(service: Service, tmp_path: Path) -> None:
    before = everything(tmp_path)
    response = await service.client.post("/leads?dry_run=true", content=b"{")
    assert (response.status_code, response.headers["Lead-Dry-Run"]) == (400, "true")
    assert everything(tmp_path) == before
