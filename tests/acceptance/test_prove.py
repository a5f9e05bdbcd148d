"""The command `onelead prove` as a process: what it prints, and that it leaves nothing running."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.commands.process import DEADLINE_S, run, run_json

pytestmark = pytest.mark.slow


def test_it_prints_what_was_done_and_the_verdict(tmp_path: Path) -> None:
    done = run(tmp_path, "prove", "--seconds", "3", "--clients", "8", "--seed", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "upsert by e-mail" in done.stdout
    assert "KEPT: one serial order explains every answer" in done.stdout
    assert done.stdout.endswith("seed 3\n")
    assert done.stderr.startswith("starting: 0 requests, 0 kills\n")


def test_it_prints_json_for_scripts(tmp_path: Path) -> None:
    done = run(tmp_path, "prove", "--seconds", "0.5", "--clients", "4", "--kill", "--json")
    assert done.returncode == 0
    assert '"kept": true' in done.stdout
    listed = run_json(tmp_path, "users", "list")
    assert [user["email"] for user in listed] == ["prove@example.com"]


def test_it_says_why_a_process_does_not_start(tmp_path: Path) -> None:
    done = run(tmp_path, "prove", "--database", "sqlite:////proc/onelead.db", "--seconds", "1")
    assert done.returncode == 1
    assert done.stderr.startswith("onelead: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ended_early_it_ends_its_processes(tmp_path: Path, number: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "onelead", "prove", "--seconds", "60", "--clients", "4"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        lines = iter(process.stderr)
        while "delivering" not in next(lines):
            pass
        process.send_signal(number)
        assert process.wait(DEADLINE_S) == 130
    # No process serves the file any more: the next server can have it.
    done = run(tmp_path, "prove", "--seconds", "0.2", "--clients", "1")
    assert done.returncode == 0, done.stderr
