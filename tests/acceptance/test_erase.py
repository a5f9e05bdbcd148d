"""`onelead erase` as a process, alone and while a server runs on the same file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.commands.process import (
    DEADLINE_S,
    credentials_of,
    refusal,
    run,
    run_json,
    serving,
)

pytestmark = pytest.mark.slow

INIT = ("init", "--account", "Shop Ltd", "--email", "dana@shop.example")
NORA = {"name": "Nora Quill", "email": {"email": "nora@quill.example", "category": "work"}}


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Any]:
    """An account."""
    return dict(run_json(tmp_path, *INIT))


def a_lead(base_url: str, made: dict[str, Any]) -> int:
    headers = credentials_of(made)
    answer = httpx.post(f"{base_url}/leads", json=NORA, headers=headers, timeout=DEADLINE_S)
    assert answer.status_code == 200
    return int(answer.json()["id"])


def content(folder: Path) -> bytes:
    """Return the bytes of the database's files."""
    return b"".join(file.read_bytes() for file in sorted((folder / "data").glob("onelead.db*")))


def test_a_person_is_erased_while_a_server_runs(tmp_path: Path, made: dict[str, Any]) -> None:
    with serving(tmp_path) as server:
        lead_id = a_lead(server.base_url, made)
        done = run_json(tmp_path, "erase", "--lead", str(lead_id), "--yes", "--reason", "a letter")
        assert (done["state"], done["counts"]["ledger_rows"]) == ("done", 1)
        answer = httpx.get(
            f"{server.base_url}/leads/{lead_id}", headers=credentials_of(made), timeout=DEADLINE_S
        )
        assert answer.status_code == 404
        assert b"nora@quill.example" not in content(tmp_path).lower()


def test_a_dry_run_shows_what_would_go_and_erases_nothing(
    tmp_path: Path, made: dict[str, Any]
) -> None:
    with serving(tmp_path) as server:
        lead_id = a_lead(server.base_url, made)
    shown = run(tmp_path, "erase", "--email", "Nora@Quill.example", "--dry-run")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"Leads: {lead_id}" in shown.stdout
    preview = run_json(tmp_path, "erase", "--email", "nora@quill.example", "--dry-run")
    assert (preview["lead_ids"], preview["counts"]["leads"]) == ([lead_id], 1)
    assert b"nora@quill.example" in content(tmp_path)


def test_outside_a_terminal_it_needs_to_be_told(tmp_path: Path, made: dict[str, Any]) -> None:
    with serving(tmp_path) as server:
        lead_id = a_lead(server.base_url, made)
    message = refusal(run(tmp_path, "erase", "--lead", str(lead_id)), 2)
    assert "add --yes to erase without being asked" in message
    with closing(sqlite3.connect(tmp_path / "data" / "onelead.db")) as connection:
        assert connection.execute("SELECT id FROM lead").fetchall() == [(lead_id,)]


def test_for_a_person_it_says_how_much_was_erased(tmp_path: Path, made: dict[str, Any]) -> None:
    with serving(tmp_path) as server:
        lead_id = a_lead(server.base_url, made)
    done = run(tmp_path, "erase", "--lead", str(lead_id), "--yes")
    assert done.returncode == 0
    assert "1  ledger rows of these leads" in done.stdout


def test_mistakes_and_unknown_persons_are_told_apart(tmp_path: Path, made: dict[str, Any]) -> None:
    assert "either --lead or --email" in refusal(run(tmp_path, "erase", "--yes"), 2)
    assert refusal(run(tmp_path, "erase", "--lead", "5", "--yes"), 1) == "Resource not found"
    message = refusal(run(tmp_path, "erase", "--email", "nobody", "--yes"), 1)
    assert "is not an e-mail address" in message
