"""A PostgreSQL server that may lose answered writes: said once at the start, and by every probe."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from tests.support.commands.process import DEADLINE_S, serving
from tests.support.storage.databases import PostgresqlDatabase

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("workers", [1, 2])
def test_a_careless_server_is_said_at_the_start_and_by_the_probe(
    tmp_path: Path, workers: int
) -> None:
    database = PostgresqlDatabase()
    database.execute(f"ALTER DATABASE {database.name} SET synchronous_commit = off")
    arguments = ("--database", database.address, "--workers", str(workers))
    with serving(tmp_path, *arguments, "--log-format", "json") as server:
        ready = httpx.get(f"http://127.0.0.1:{server.port}/readyz", timeout=DEADLINE_S)
        assert ready.status_code == 200
        said = "off on the server, on in the sessions of onelead"
        assert ready.json()["concerns"]["synchronous_commit"] == said
        assert server.stop() == 0
        lines = [json.loads(line) for line in server.log.splitlines()]
    (line,) = [line for line in lines if line["event"].startswith("answered writes can be lost")]
    assert (line["level"], line["synchronous_commit"]) == ("warning", said)
    database.close()
