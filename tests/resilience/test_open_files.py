"""There are no file descriptors for a while: the background work survives it."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import pytest
from tests.support.commands.process import serving

pytestmark = pytest.mark.slow
_ROUNDS_S = 3.0


def test_a_server_that_had_no_file_descriptor_left_for_a_while_stops_well(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (0, limits[1]))
        # A few rounds of all work in the background; it has the files that it needs open already.
        time.sleep(_ROUNDS_S)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, limits)
        assert server.stop() == 0
    assert "Traceback" not in server.log
