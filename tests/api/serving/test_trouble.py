"""A database in trouble, as callers, load balancers, metrics, the log and pages say it."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs
from tests.support.api.service import Service, client_of
from tests.support.storage.faults import Faults, FaultySqliteStore

from onelead.api.application import Api
from onelead.domain.errors import (
    DatabaseDamaged,
    DatabaseReplaced,
    DiskFull,
    ReadOnly,
    StoreUnavailable,
)
from onelead.process.runtime import Runtime
from onelead.process.writer import BatchingWriter

RAW = "database disk image is malformed"


@dataclass
class Troubled:
    """A process on the database of the service, and what its store says about that."""

    runtime: Runtime
    faults: Faults
    client: httpx.AsyncClient
    probe: httpx.AsyncClient


class TroubledStore(FaultySqliteStore):
    """The engine in a trouble that a test sets."""

    known: StoreUnavailable | None = None

    async def is_ready(self) -> bool:
        return self.known is None and await super().is_ready()

    @property
    def trouble(self) -> StoreUnavailable | None:
        return self.known

    @property
    def concerns(self) -> dict[str, str]:
        return {"fsync": "off"} if self.known is None else {}


@pytest.fixture
async def troubled(service: Service, tmp_path: Path) -> AsyncIterator[Troubled]:
    faults = Faults()
    store = TroubledStore(tmp_path / "onelead.db", service.clock, faults)
    runtime = replace(service.runtime, store=store, writer=BatchingWriter(store))
    transport = httpx.ASGITransport(Api(runtime))
    async with (
        client_of(runtime, service.account) as client,
        httpx.AsyncClient(transport=transport, base_url="http://onelead.test") as probe,
    ):
        yield Troubled(runtime, faults, client, probe)
    await runtime.writer.drain()
    await store.close()


def malformed() -> None:
    error = sqlite3.DatabaseError(RAW)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    raise error


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/leads/4711", None),
        ("POST", "/leads", {"name": "Nora Field"}),
        ("POST", "/leads/search", {}),
        ("PUT", "/leads/upsert", {"properties": {"name": "N"}, "match": {}}),
        ("POST", "/custom_field_definitions", {"name": "A", "data_type": "String"}),
    ],
)
async def test_a_damaged_page_is_503_and_no_word_of_the_driver_gets_out(
    troubled: Troubled, method: str, path: str, body: dict[str, object] | None
) -> None:
    # So that the key is known, and the fault meets the call itself.
    assert (await troubled.client.get("/users/me")).status_code == 200
    troubled.faults.before_statement = malformed
    with capture_logs() as logs:
        answer = await troubled.client.request(method, path, json=body)
    if answer.status_code != 422:
        sentence = "The database is damaged"
        assert (answer.status_code, answer.json()["message"]) == (503, sentence)
        assert answer.headers["Retry-After"] == "1"
    assert RAW not in answer.text
    assert RAW not in repr(logs)


@pytest.mark.parametrize("kind", [DatabaseDamaged, DatabaseReplaced, DiskFull, ReadOnly])
async def test_the_probe_and_the_metrics_say_which_trouble_it_is(
    troubled: Troubled, kind: type[StoreUnavailable]
) -> None:
    async def shown() -> list[tuple[str, str]]:
        page = (await troubled.probe.get("/metrics")).text
        return re.findall(r'^onelead_database_trouble\{reason="(\w+)"\} (\S+)$', page, re.MULTILINE)

    store = troubled.runtime.store
    assert isinstance(store, TroubledStore)
    assert await shown() == []
    store.known = kind()
    ready = await troubled.probe.get("/readyz")
    assert ready.status_code == 503
    assert ready.json() == {
        "status": "not ready",
        "checks": {"database": "failed", "write_queue": "ok"},
        "reasons": {"database": kind.code},
    }
    assert await shown() == [(kind.code, "1.0")]
    store.known = None
    assert (await troubled.probe.get("/readyz")).status_code == 200
    assert await shown() == [(kind.code, "0.0")]


async def test_what_is_of_concern_does_not_make_a_process_unready(troubled: Troubled) -> None:
    ready = await troubled.probe.get("/readyz")
    assert (ready.status_code, ready.json()["concerns"]) == (200, {"fsync": "off"})
    assert json.loads(ready.text)["status"] == "ready"
