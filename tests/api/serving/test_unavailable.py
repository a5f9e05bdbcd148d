"""When the service cannot take a request: 503, and when to try again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests.support.api.answers import assert_answer
from tests.support.api.service import Service, client_of
from tests.support.api.wire_leads import stored_lead, table_rows, written

from onelead.process.writer import BatchingWriter

STORE = "The database does not answer; try again shortly"
QUEUE = "Too many writes are waiting; try again shortly"
STOPPING = "The service is stopping; try again shortly"
UPSERT = {
    "properties": {"name": "Nora Field"},
    "match": {"field_name": "email", "field_value": "nora@field.example"},
}


@contextmanager
def failing(folder: Path, table: str) -> Iterator[None]:
    """Make every statement on a table fail inside the block, as on a broken disk."""
    connection = sqlite3.connect(folder / "onelead.db", isolation_level=None)
    try:
        connection.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
        yield
        connection.execute(f"ALTER TABLE elsewhere RENAME TO {table}")
    finally:
        connection.close()


def assert_unavailable(response: httpx.Response, message: str) -> None:
    body = {"success": False, "status": 503, "message": message}
    assert_answer(response, 503, body, retry_after="1")


@pytest.mark.parametrize("table", ["lane", "lead", "match_key", "ledger"])
async def test_a_write_that_fails_is_no_success(
    service: Service, tmp_path: Path, table: str
) -> None:
    await service.lead(name="Sam")
    before = written(tmp_path)
    with failing(tmp_path, table):
        assert_unavailable(await service.client.put("/leads/upsert", json=UPSERT), STORE)
    assert written(tmp_path) == before
    again = await service.client.put("/leads/upsert", json=UPSERT)
    assert again.headers["Lead-Outcome"] == "created"
    assert await stored_lead(service, again.json()["id"]) == again.json()
    assert [row["seq"] for row in table_rows(tmp_path, "ledger")] == [1, 2]


@pytest.mark.parametrize(
    ("table", "path"), [("lead", "/leads/7"), ("ledger", "/leads/7/history"), ("lane", "/account")]
)
async def test_a_read_that_fails(service: Service, tmp_path: Path, table: str, path: str) -> None:
    with failing(tmp_path, table):
        assert_unavailable(await service.client.get(path), STORE)
    assert (await service.client.get(path)).status_code in (200, 404)


async def test_a_key_that_cannot_be_looked_up(service: Service, tmp_path: Path) -> None:
    with failing(tmp_path, "api_key"):
        assert_unavailable(await service.client.get("/account"), STORE)
    assert (await service.client.get("/account")).status_code == 200


async def test_a_full_queue_accepts_nothing(service: Service) -> None:
    full = replace(service.runtime, writer=BatchingWriter(service.store, queue_writes_max=1))
    async with client_of(full, service.account) as client:
        leads = {"leads": [{"name": "Nora"}, {"name": "Sam"}]}
        assert_unavailable(await client.post("/leads/bulk_create", json=leads), QUEUE)
        assert (await client.post("/leads", json={"name": "Nora"})).status_code == 200
    await full.writer.drain()


async def test_a_service_that_stops_takes_no_more_writes(service: Service) -> None:
    lead = await service.lead()
    await service.writer.drain()
    assert_unavailable(await service.client.put("/leads/upsert", json=UPSERT), STOPPING)
    assert await stored_lead(service, lead["id"]) == lead
