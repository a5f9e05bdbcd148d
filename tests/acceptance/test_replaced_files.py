"""A database that is replaced under a running server: no write is lost, and nothing destroyed."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from tests.support.commands.load import stored_emails
from tests.support.commands.process import (
    DEADLINE_S,
    Server,
    credentials_of,
    run,
    run_json,
    serving,
    wait_until,
)

#: Acceptance: the exit code and the next start are those of processes.
pytestmark = pytest.mark.slow


class Deliveries(threading.Thread):
    """One new person after another, until it is told to stop."""

    def __init__(self, server: Server, credentials: dict[str, str]) -> None:
        super().__init__()
        self._client = httpx.Client(
            base_url=server.base_url, headers=credentials, timeout=DEADLINE_S
        )
        self.answered: list[str] = []
        self.refusals: list[str] = []
        self.is_stopping = False

    def run(self) -> None:
        with self._client:
            while not self.is_stopping:
                email = f"n{len(self.answered) + len(self.refusals)}@field.example"
                body = {"name": "Nora Field", "email": {"email": email}}
                response = self._client.post("/leads", json=body)
                if response.status_code == 200:
                    self.answered.append(email)
                else:
                    assert response.status_code == 503
                    self.refusals.append(response.json()["message"])


def moved_over(database: Path, backup: Path) -> None:
    shutil.copyfile(database, database.with_name("kept.db"))
    backup.replace(database)


def log_removed(database: Path, _backup: Path) -> None:
    database.with_name(f"{database.name}-wal").unlink()


@pytest.mark.disk
@pytest.mark.parametrize("change", [moved_over, log_removed])
def test_a_replaced_database_ends_the_writes_and_the_process(
    tmp_path: Path, change: Callable[[Path, Path], None]
) -> None:
    database, backup = tmp_path / "data" / "onelead.db", tmp_path / "backup.db"
    made = run_json(tmp_path, "init", "--account", "Shop", "--email", "dana@shop.example")
    with serving(tmp_path) as server:
        deliveries = Deliveries(server, credentials_of(made))
        deliveries.start()
        try:
            wait_until(lambda: len(deliveries.answered) > 50)
            with closing(sqlite3.connect(database)) as connection:
                connection.execute(f"VACUUM INTO '{backup}'")
            restored = set(stored_emails(backup))
            wait_until(lambda: len(deliveries.answered) > 100)
            change(database, backup)
            wait_until(lambda: len(deliveries.refusals) > 100)
            answered = len(deliveries.answered)
        finally:
            deliveries.is_stopping = True
            deliveries.join()
        # None is taken again after the first refusal.
        assert len(deliveries.answered) == answered
        assert len(set(deliveries.refusals)) == 1
        assert "were replaced" in deliveries.refusals[0]
        ready = httpx.get(f"http://127.0.0.1:{server.port}/readyz")
        assert (ready.status_code, ready.json()["reasons"]) == (
            503,
            {"database": "database_replaced"},
        )
        assert server.stop() == 1
        assert server.log.count("the database is in trouble") == 1
        assert "Traceback" not in server.log
    done = run(tmp_path, "users", "list", "--database", f"sqlite:///{database}", "--account", "1")
    assert done.returncode == 0, done.stderr
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    emails = set(stored_emails(database))
    if change is moved_over:
        assert emails == restored
    else:
        assert set(deliveries.answered) <= emails
