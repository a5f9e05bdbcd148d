"""A server process that is killed: what it answered is there once the next process serves."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from tests.support.commands.load import Load, stored_emails
from tests.support.commands.process import DEADLINE_S, credentials_of, run_json, serving


@pytest.mark.disk
async def test_every_answered_lead_survives_kill_9_under_load(tmp_path: Path) -> None:
    made = run_json(tmp_path, "init", "--account", "Shop", "--email", "dana@shop.example")
    load = Load(credentials_of(made))
    for answers in (200, 400, 600):
        with serving(tmp_path) as server:
            async with load.on(server.base_url):
                await load.reach(answers)
                server.process.kill()
    assert dict(load.refused) == {}
    with serving(tmp_path) as server:
        async with httpx.AsyncClient(
            base_url=server.base_url, headers=load.credentials, timeout=DEADLINE_S
        ) as client:
            for lead in load.answered.values():
                assert (await client.get(f"/leads/{lead['id']}")).json() == lead
        assert server.stop() == 0
    stored = stored_emails(tmp_path / "data" / "onelead.db")
    assert set(load.answered) <= set(stored)
    assert len(stored) == len(set(stored))
    assert _integrity(tmp_path / "data" / "onelead.db") == "ok"


def _integrity(database: Path) -> str:
    with closing(sqlite3.connect(database)) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
