"""A seed happens again exactly: no clock, thread, chance, address or order of a set gets in."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.support.simulation.server import SimulatedStore
from tests.support.simulation.simulation import Broken, simulate

ROOT = Path(__file__).parent.parent.parent


def test_a_seed_makes_the_same_calls_with_the_same_bytes_again(tmp_path: Path) -> None:
    first, second = (simulate(7, _folder(tmp_path, name)) for name in ("first", "second"))
    assert first == second
    assert first.calls > 500
    assert simulate(8, _folder(tmp_path, "third")).trace_hash != first.trace_hash


def test_a_simulation_starts_no_thread_and_sleeps_for_no_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any) -> None:
        raise AssertionError("a simulation is one thread without a clock")

    simulate(9, _folder(tmp_path, "first"))
    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(time, "sleep", refuse)
    simulate(9, _folder(tmp_path, "second"))


def test_sqlite_has_its_own_files_back_after_a_simulation(tmp_path: Path) -> None:
    simulate(7, _folder(tmp_path, "first"))
    real = tmp_path / "real.db"
    with closing(sqlite3.connect(real)) as connection:
        connection.execute("CREATE TABLE lead (id INTEGER)")
    assert real.read_bytes().startswith(b"SQLite format 3")


@pytest.mark.slow
@pytest.mark.parametrize("first_seed", [0, 40])
def test_seeds_are_the_same_in_every_process(first_seed: int) -> None:
    """Two processes have other addresses; with another hash seed their sets have another order."""
    one, other = (_traces(first_seed, hash_seed) for hash_seed in ("1", "2"))
    assert one == other
    assert len(set(one)) == len(one)


def _traces(first_seed: int, hash_seed: str) -> list[str]:
    command = [sys.executable, "-m", "tests.support.simulation.run", "--traces", "--processes=1"]
    command += [f"--from={first_seed}", "--seeds=3"]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    return [line for line in done.stdout.splitlines() if line.startswith("seed ")]


def test_a_failure_names_the_seed_and_shows_the_last_calls(tmp_path: Path) -> None:
    class ForgottenStore(SimulatedStore):
        async def account_rows(self, account_id: int) -> Any:
            raise AssertionError(f"account {account_id} is not what it was")

    with pytest.raises(Broken) as broken:
        simulate(7, tmp_path, ForgottenStore)
    text = str(broken.value)
    assert "is not what it was" in text
    assert "make simulate ARGS='--from 7 --seeds 1'" in text
    assert "server 0 read onelead.db" in text


def _folder(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    return folder
