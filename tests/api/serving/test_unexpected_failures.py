"""A defect: the caller gets the request's id and nothing else, the log everything but secrets."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from structlog.testing import capture_logs
from tests.support.api.answers import assert_body
from tests.support.api.service import Service, client_of
from tests.support.api.wire_leads import assert_lead, stored_lead

from onelead.configuration import LogFormat, LogLevel
from onelead.contract.leads import Batch, BatchReceipt, LeadRead
from onelead.logs import configure_logs
from onelead.process.writer import BatchingWriter
from onelead.storage.sqlite.store import SqliteStore

SECRET = "the-lead's-own-secret"


class Defect(Exception):
    """An unexpected failure."""


class DefectiveStore(SqliteStore):
    """The SQLite engine with defects that its caller does not expect."""

    async def lead(self, account_id: int, lead_id: int, *, unmerged: bool = False) -> LeadRead:
        password = SECRET
        assert not unmerged
        raise Defect(f"no lead {lead_id} of {account_id}, whatever {len(password)} is")

    async def write_leads(self, batch: Batch) -> BatchReceipt:
        if any(SECRET in write.write.delivery.payload for write in batch.writes):
            payload = batch.writes[0].write.delivery.payload
            raise Defect(f"no write today, whatever {len(payload)} is")
        return await super().write_leads(batch)


@pytest.fixture
async def defective(service: Service, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a second process on the same database, with defects."""
    store = DefectiveStore(tmp_path / "onelead.db", service.clock)
    runtime = replace(service.runtime, store=store, writer=BatchingWriter(store))
    async with client_of(runtime, service.account) as client:
        yield client
    await runtime.writer.drain()
    await store.close()


@pytest.fixture
def _log_as_before() -> Iterator[None]:
    """Restore the logging that a test replaces."""
    root, config = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.configure(**config)


async def test_the_answer_has_the_request_id_and_nothing_else(
    defective: httpx.AsyncClient,
) -> None:
    with capture_logs() as logs:
        response = await defective.get("/leads/7")
    request_id = response.headers["X-Request-Id"]
    message = f"Internal error, request {request_id}"
    assert_body(response, 500, {"success": False, "status": 500, "message": message})
    (line,) = logs
    assert line["request_id"] == request_id
    assert (line["method"], line["route"]) == ("GET", "/leads/{id}")
    assert line["log_level"] == "error"
    assert line["exc_info"]


async def test_a_write_that_fails_writes_nothing_and_fails_no_neighbour(
    service: Service, defective: httpx.AsyncClient
) -> None:
    lead = await service.lead()
    with capture_logs() as logs:
        response = await defective.put(f"/leads/{lead['id']}", json={"title": SECRET})
    assert response.status_code == 500
    assert response.headers["X-Request-Id"] in response.text
    assert "Lead-Outcome" not in response.headers
    assert len(logs) == 1
    assert await stored_lead(service, lead["id"]) == lead
    later = await defective.put(f"/leads/{lead['id']}", json={"title": "Buyer"})
    assert_lead(later, lead | {"title": "Buyer"})


@pytest.mark.parametrize("log_format", LogFormat)
@pytest.mark.usefixtures("_log_as_before")
async def test_the_log_has_no_key_and_no_body(
    service: Service, defective: httpx.AsyncClient, log_format: LogFormat
) -> None:
    lines = io.StringIO()
    configure_logs(log_format, LogLevel.DEBUG, lines)
    body = {"title": SECRET, "name": "Nora Field"}
    responses = [
        await defective.put("/leads/7", json=body),
        await defective.post("/leads", json=body),
        await defective.get("/leads/7"),
    ]
    text = lines.getvalue()
    for response in responses:
        assert response.status_code == 500
        assert response.headers["X-Request-Id"] in text
    assert "Defect" in text
    assert "no lead 7 of 1" in text
    for secret in (SECRET, "Nora Field", service.account.api_key, service.account.email):
        assert secret not in text
    if log_format is LogFormat.JSON:
        parsed: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
        failed = [line for line in parsed if line["event"] == "request failed"]
        assert [line["request_id"] for line in failed] == [
            response.headers["X-Request-Id"] for response in responses
        ]
