"""The load generator: `wrk`, a closed loop of keep-alive connections, scripted in Lua.

It takes about 10 us per request, which matters as it shares two cores with the rest.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from benchmarks.processes import Failed

_SCRIPTS = Path(__file__).parent / "load"
_RESULT = "RESULT "
_GRACE_S = 30


class Load(Struct, frozen=True):
    """The result of a load."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    #: Answers with a status of 400 or more.
    refused: int
    #: Requests without an answer: lost connections and timeouts.
    broken: int

    @property
    def per_second(self) -> float:
        """How many were answered a second."""
        return self.requests / self.seconds


def require_wrk() -> None:
    """Check that the load generator is installed. Raises Failed."""
    if shutil.which("wrk") is None:
        raise Failed(
            "the load generator wrk is not installed: "
            'install the package "wrk", as in `apt-get install wrk`'
        )


def run_wrk(
    script: str,
    url: str,
    *,
    connections: int,
    seconds: int,
    values: Mapping[str, Any],
    thread_each: bool = False,
) -> Load:
    """Send for some seconds over this many connections.

    The script reads `values` in its `args`. With `thread_each` every connection has its own thread
    and Lua state, for scripts whose second request depends on the answer to the first.
    """
    threads = connections if thread_each else 1
    command = [
        *("wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s"),
        *("-s", str(_SCRIPTS / script), url, "--"),
        *(f"{name}={value}" for name, value in values.items()),
    ]
    done = subprocess.run(
        command,
        env={**os.environ, "LUA_PATH": f"{_SCRIPTS}/?.lua;;"},
        capture_output=True,
        text=True,
        timeout=seconds + _GRACE_S,
        check=False,
    )
    _, found, result = done.stdout.rpartition(_RESULT)
    if done.returncode or not found:
        raise Failed(f"wrk with {script} failed: {done.stdout}{done.stderr}")
    return Load(**json.loads(result.splitlines()[0]))
