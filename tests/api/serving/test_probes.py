"""The three pages for load balancers, supervisors and Prometheus: alive, ready, metrics."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests.support.api.answers import assert_only
from tests.support.api.service import Service, client_of
from tests.support.domain.builders import a_settings
from tests.support.domain.lead_writes import create
from tests.support.process.fakes import MemoryStore, settle
from tests.support.storage.faults import Faults, FaultySqliteStore, disk_error

from onelead.api.application import Api
from onelead.domain.limits import QUEUE_READY_WRITES_MAX
from onelead.process.runtime import Runtime
from onelead.process.writer import BatchingWriter, Receipt

ROOT = "http://onelead.test"
UPSERT = 'method="PUT",route="/leads/upsert"'


def visitor(runtime: Runtime) -> httpx.AsyncClient:
    """Return a client without a key."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(Api(runtime)), base_url=ROOT)


@pytest.fixture
async def probe(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service without a key."""
    async with visitor(service.runtime) as client:
        yield client


async def figures(probe: httpx.AsyncClient) -> dict[str, float]:
    """Return the values of the metrics, by name and labels."""
    page = (await probe.get("/metrics")).text
    found = re.findall(r"^([^#\s]\S*?(?:{.*})?) (\S+)$", page, re.MULTILINE)
    return {name: float(value) for name, value in found}


async def test_the_process_lives_and_is_ready(probe: httpx.AsyncClient) -> None:
    health, ready = await probe.get("/healthz"), await probe.get("/readyz")
    assert (health.status_code, health.json()) == (200, {"status": "ok"})
    checks = {"database": "ok", "write_queue": "ok"}
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "checks": checks})
    for answer in (health, ready):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Type"] == "application/json"


async def test_a_database_that_does_not_answer_is_named_and_nothing_else(
    service: Service, tmp_path: Path
) -> None:
    faults = Faults()
    store = FaultySqliteStore(tmp_path / "onelead.db", service.clock, faults)
    async with visitor(replace(service.runtime, store=store)) as probe:
        assert (await probe.get("/readyz")).status_code == 200
        faults.before_statement = disk_error
        ready = await probe.get("/readyz")
        checks = {"database": "failed", "write_queue": "ok"}
        assert (ready.status_code, ready.json()) == (503, {"status": "not ready", "checks": checks})
        assert (await probe.get("/healthz")).status_code == 200
    await store.close()


async def test_a_queue_above_its_high_water_mark_is_not_ready(service: Service) -> None:
    store = MemoryStore(a_settings(account_id=1))
    store.hold()
    writer = BatchingWriter(store, observer=service.runtime.metrics)

    async def arrive(count: int) -> None:
        waiting.append(asyncio.create_task(writer.write_many(1, [create(name="Nora")] * count)))
        await settle()

    waiting: list[asyncio.Task[list[Receipt]]] = []
    async with visitor(replace(service.runtime, writer=writer)) as probe:
        await arrive(QUEUE_READY_WRITES_MAX - 1)
        assert (await probe.get("/readyz")).status_code == 200
        await arrive(1)
        ready = await probe.get("/readyz")
        checks = {"database": "ok", "write_queue": "failed"}
        assert (ready.status_code, ready.json()) == (503, {"status": "not ready", "checks": checks})
        assert (await figures(probe))["onelead_queue_writes"] == QUEUE_READY_WRITES_MAX
        store.let_all_pass()
        await asyncio.gather(*waiting)
        assert (await probe.get("/readyz")).status_code == 200
        assert (await figures(probe))["onelead_queue_writes"] == 0


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_a_probe_needs_no_key_and_is_at_the_root_only(
    service: Service, probe: httpx.AsyncClient, path: str
) -> None:
    assert (await probe.get(path)).status_code == 200
    assert (await probe.head(path)).status_code == 200
    assert (await probe.get(f"{path}/")).status_code == 200
    assert_only(await probe.post(path), "GET, HEAD, OPTIONS")
    assert_only(await probe.options(path), "GET, HEAD, OPTIONS")
    assert (await service.client.get(path)).status_code == 404
    document = (await probe.get("/openapi.json")).json()
    assert path not in document["paths"]


async def test_the_metrics_are_in_the_format_of_prometheus(probe: httpx.AsyncClient) -> None:
    page = await probe.get("/metrics")
    assert page.headers["Content-Type"].startswith("text/plain; version=")
    for line in page.text.splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) \w+ .*|\w+(\{.*\})? [-+\d.einf]+", line), line


async def test_requests_and_outcomes_are_counted(
    service: Service, probe: httpx.AsyncClient
) -> None:
    for _ in range(2):
        await service.upsert({"name": "Nora Field"}, "email", "nora@field.example")
    await service.upsert({"nope": 1}, "email", "nora@field.example")
    await service.client.put("/leads/upsert", content=b"{")
    await service.client.get("/leads/4711/history")
    shown = await figures(probe)
    count = "onelead_request_seconds_count"
    assert shown[f'{count}{{{UPSERT},status="200"}}'] == 2
    assert shown[f'{count}{{{UPSERT},status="422"}}'] == 1
    assert shown[f'{count}{{{UPSERT},status="400"}}'] == 1
    assert shown[f'{count}{{method="GET",route="/leads/{{id}}/history",status="404"}}'] == 1
    assert shown['onelead_writes_total{outcome="created"}'] == 1
    assert shown['onelead_writes_total{outcome="unchanged"}'] == 1
    assert shown['onelead_refusals_total{reason="input_invalid"}'] == 1
    assert shown['onelead_refusals_total{reason="body_malformed"}'] == 1
    assert shown["onelead_batch_writes_count"] == 4
    assert shown["onelead_pool_size"] > 0


async def test_what_was_asked_for_is_never_a_label(
    service: Service, probe: httpx.AsyncClient
) -> None:
    await probe.get("/nora@field.example")
    await probe.request("BREW", "/leads/nora")
    await service.client.get("/leads/search?email=nora@field.example")
    page = (await probe.get("/metrics")).text
    assert "nora" not in page
    assert "BREW" not in page
    unknown = 'onelead_request_seconds_count{method="any",route="unknown"'
    assert f'{unknown},status="404"}} 2.0' in page
    assert f'{unknown},status="405"}} 1.0' in page


async def test_what_finds_the_queue_full_is_counted(service: Service) -> None:
    runtime = service.runtime
    writer = BatchingWriter(service.store, queue_writes_max=1, observer=runtime.metrics)
    full = replace(runtime, writer=writer)
    async with client_of(full, service.account) as client, visitor(full) as probe:
        body = {"leads": [{"name": "Nora Field"}, {"name": "Sam Roe"}]}
        assert (await client.post("/leads/bulk_create", json=body)).status_code == 503
        shown = await figures(probe)
    assert shown['onelead_writes_turned_away_total{reason="write_queue_full"}'] == 2
    await writer.drain()


async def test_scrapes_at_the_same_time_show_the_same(probe: httpx.AsyncClient) -> None:
    pages = await asyncio.gather(*(probe.get("/metrics") for _ in range(5)))
    assert {page.status_code for page in pages} == {200}
