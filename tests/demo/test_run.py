"""The demo as it is started: a process that serves, delivers and leaves nothing behind."""

from __future__ import annotations

import re
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from tests.support.commands.process import DEADLINE_S, Server, run, serving, wait_until

from onelead.configuration import child_environment

pytestmark = pytest.mark.slow

_TRIES = 5
_STOPPED_SERVING = 0


def _rows(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("SELECT count(*) FROM ledger").fetchone()[0])


def _links(server: Server) -> list[str]:
    return re.findall(r"http://\S+", server.banner)


def test_it_serves_delivers_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with serving(tmp_path, command="demo", TMPDIR=str(tmp_path)) as server:
        (file,) = tmp_path.glob("onelead-demo-*/demo.db")
        at_first = _rows(file)
        for link in _links(server):
            assert httpx.get(link, timeout=DEADLINE_S).status_code == 200
        wait_until(lambda: _rows(file) >= at_first + 2)
        assert server.stop() == 0
        assert list(tmp_path.glob("onelead-demo-*")) == []
        assert "error" not in server.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_if_stopped_while_seeding_it_leaves_nothing_behind(
    tmp_path: Path, number: signal.Signals
) -> None:
    # If this process stalls, the demo may already serve before the signal comes.
    ends: list[int] = []
    while not ends or (ends[-1] == _STOPPED_SERVING and len(ends) < _TRIES):
        with subprocess.Popen(
            [sys.executable, "-m", "onelead", "demo", "--port", "0"],
            env=child_environment(TMPDIR=str(tmp_path)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            wait_until(lambda: any(_leads_begun(file) for file in tmp_path.glob("*/demo.db")))
            process.send_signal(number)
            ends.append(process.wait(DEADLINE_S))
        assert list(tmp_path.iterdir()) == []
    assert ends[-1] == 130, ends


def test_a_port_that_is_taken_is_reported_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run(tmp_path, "demo", "--port", port, TMPDIR=str(tmp_path))
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1, port {port}" in done.stderr
    assert list(tmp_path.iterdir()) == []


def _leads_begun(file: Path) -> bool:
    try:
        return _rows(file) > 100
    except sqlite3.OperationalError:
        return False
