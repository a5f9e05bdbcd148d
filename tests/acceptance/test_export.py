"""Exports as commands: killed in the middle, beside a server, from one engine to the other."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.commands.process import refusal, run, run_json, serving
from tests.support.storage.empty_databases import EMPTY_DATABASES, EmptyDatabase

pytestmark = pytest.mark.slow

#: More lines than a load waits with before it writes.
LEADS = 6_000


@pytest.fixture(params=list(EMPTY_DATABASES))
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EmptyDatabase]:
    """An empty database of each engine in turn."""
    with EMPTY_DATABASES[request.param](tmp_path) as database:
        yield database


def an_export(folder: Path, leads: int) -> list[bytes]:
    """Return the lines of an export with many leads, but for the last one."""
    run_json(
        folder,
        "init",
        "--account",
        "Shop",
        "--email",
        "dana@shop.example",
        "--database",
        "sqlite:///a.db",
    )
    done = run(folder, "export", "--database", "sqlite:///a.db", "--out", "a.jsonl")
    assert done.returncode == 0, done.stderr
    *lines, _end = (folder / "a.jsonl").read_bytes().splitlines(keepends=True)
    status = next(json.loads(line)["id"] for line in lines if b'"lead_status"' in line)
    for number in range(leads):
        lead = {"id": 1_000_100_000 + number, "version": 1, "name": f"Nora {number}"}
        rest = {"status_id": status, "date_created": 1, "date_modified": 1}
        line = json.dumps({"kind": "lead", "document": lead | rest}, separators=(",", ":"))
        lines.append(line.encode() + b"\n")
    return lines


def test_a_load_that_is_killed_leaves_nothing(tmp_path: Path, empty: EmptyDatabase) -> None:
    lines = an_export(tmp_path, LEADS)
    process = subprocess.Popen(
        [sys.executable, "-m", "onelead", "load", "-", "--database", empty.url],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
    )
    assert process.stdin is not None
    # What does not fit into the pipe has been read by the command.
    process.stdin.write(b"".join(lines))
    process.stdin.flush()
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdin.close()
    found = run_json(tmp_path, "check", "--database", empty.url)
    assert (found["is_sound"], found["passed"]) == (True, {})
    done = run_json(tmp_path, "load", "a.jsonl", "--database", empty.url)
    assert (done["account_id"], done["leads"]) == (1, 0)
    assert [*done["sign_in_urls"]] == ["dana@shop.example"]


def test_an_export_goes_on_beside_a_server_and_a_load_does_not(tmp_path: Path) -> None:
    with serving(tmp_path, "--database", "sqlite:///served.db"):
        done = run(
            tmp_path, "export", "--database", "sqlite:///served.db", "--out", "a.jsonl.gz", "--gzip"
        )
        assert done.returncode == 0, done.stderr
        # Nothing is left of the copy that it read.
        left = {one.suffix for one in tmp_path.glob("served.db.*")}
        assert left <= {".serving", ".first-sign-in"}
        done = run(tmp_path, "load", "a.jsonl.gz", "--database", "sqlite:///served.db")
        assert "another onelead server is running" in refusal(done, 1)
    done = run(tmp_path, "load", "a.jsonl.gz", "--database", "sqlite:///served.db")
    assert done.returncode == 0, done.stderr
