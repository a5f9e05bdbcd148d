"""A batch is undone to the end, whichever process is killed at its work."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from tests.support.commands.database import create_batch, stored
from tests.support.commands.process import (
    DEADLINE_S,
    credentials_of,
    run,
    run_json,
    serving,
    wait_until,
)

pytestmark = pytest.mark.slow

MANY = 5_000


@pytest.mark.disk
def test_the_next_server_and_the_command_go_on_after_kill_9(tmp_path: Path) -> None:
    made = run_json(tmp_path, "init", "--account", "Shop", "--email", "dana@shop.example")
    create_batch(tmp_path, MANY)

    def undone() -> int:
        rows = stored(tmp_path, "SELECT count(*) FROM ledger WHERE action = 'undo'")
        return int(rows[0][0])

    with serving(tmp_path) as server:
        url = f"{server.base_url}/batches/b1/undo"
        begun = httpx.post(url, headers=credentials_of(made), timeout=DEADLINE_S)
        assert begun.status_code == 202
        wait_until(lambda: undone() > 0)
        server.process.kill()
    undo_id = begun.json()["id"]
    with serving(tmp_path) as server:
        # On a slow machine it says on the standard error how far it is.
        command = run(tmp_path, "undo", "--batch", "b1", "--json")
        assert server.stop() == 0
    assert command.returncode == 0
    done = json.loads(command.stdout)
    assert (done["batch_id"], done["outcomes"]) == (undo_id, {"deleted": MANY})
    of_undo = f"FROM ledger_detail WHERE batch_id = '{undo_id}'"
    about = stored(tmp_path, f"SELECT count(*), count(DISTINCT about_seq) {of_undo}")
    assert about == [(MANY, MANY)]
    assert stored(tmp_path, "SELECT count(*) FROM lead") == [(0,)]
