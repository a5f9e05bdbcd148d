"""A bulk upsert whose server is killed: what it had receipts for is there, and the rest comes."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.commands.process import DEADLINE_S, credentials_of, run_json, serving

_PEOPLE = 1_500


def _body() -> bytes:
    """Return lines with keys: three for each two people, the first without a match field."""
    lines = []
    for number in range(_PEOPLE):
        email = f"n{number}@field.example"
        one: dict[str, Any] = {
            "properties": {"name": f"Nora Field {number}", "email": {"email": email}},
            "match": {"field_name": "email", "field_value": email},
            "key": f"row {number}",
        }
        lines.append(one)
        if number % 2:
            lines.append(one | {"properties": {"title": "Buyer"}, "key": f"again {number}"})
    return b"".join(json.dumps(one).encode() + b"\n" for one in lines)


async def _receipts(base_url: str, credentials: dict[str, str], *, most: int) -> list[Any]:
    """Send all lines, and return the receipts up to so many."""
    found: list[Any] = []
    headers = credentials | {"Content-Type": "application/x-ndjson"}
    async with (
        httpx.AsyncClient(base_url=base_url, headers=headers, timeout=DEADLINE_S) as client,
        client.stream("PUT", "/leads/bulk_upsert", content=_body()) as response,
    ):
        async for line in response.aiter_lines():
            found.append(json.loads(line))
            if len(found) == most:
                break
    return found


@pytest.mark.slow
@pytest.mark.disk
async def test_lines_with_keys_are_done_once_whenever_the_server_is_killed(tmp_path: Path) -> None:
    made = run_json(tmp_path, "init", "--account", "Shop", "--email", "dana@shop.example")
    credentials = credentials_of(made)
    known: dict[int, Any] = {}
    for most in (300, 1_000, 5_000):
        with serving(tmp_path) as server:
            found = await _receipts(server.base_url, credentials, most=most)
            server.process.kill()
        for one in found:
            before = known.setdefault(one["line"], one)
            assert {**before, "replayed": True} == {**one, "replayed": True}
    assert len(known) == _PEOPLE * 3 // 2
    with closing(sqlite3.connect(tmp_path / "data" / "onelead.db")) as connection:
        leads = connection.execute("SELECT count(*) FROM lead").fetchone()[0]
        rows = connection.execute("SELECT count(*) FROM ledger").fetchone()[0]
    assert (leads, rows) == (_PEOPLE, len(known))
