"""A move-in as a real process that is killed in every phase, and goes on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.commands.database import stored
from tests.support.commands.process import DEADLINE_S, run
from tests.support.copper.stand_in import EMAIL, KEY, Answer, StandIn

from onelead.configuration import child_environment

pytestmark = pytest.mark.slow

LEADS = 600
#: A run makes 9 requests for the settings, then 3 to read the leads, then 3 to bring them.
KILLED_AT = (11, 14, 15)


def test_killed_in_every_phase_it_ends_with_one_lead_of_each(tmp_path: Path) -> None:
    there = StandIn()
    for number in range(1, LEADS + 1):
        there.add(number)
    assert run(tmp_path, "init", "--account", "Shop", "--email", EMAIL).returncode == 0
    with there.listening() as url:
        arguments = ("move-in", "copper", "--email", EMAIL, "--base-url", url, "--yes")
        for at in KILLED_AT:
            killed = subprocess.Popen(
                [sys.executable, "-m", "onelead", *arguments],
                cwd=tmp_path,
                env=child_environment(ONELEAD_COPPER_API_KEY=KEY),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            there.requests.clear()
            there.on_request = _killing(killed, at)
            assert killed.wait(DEADLINE_S) == -9
            # The limit belongs to the key, and a real minute is too long for a test.
            there.time.running_s += 61
        there.on_request = lambda _number: None
        done = run(tmp_path, *arguments, ONELEAD_COPPER_API_KEY=KEY)
    assert done.returncode == 0, done.stderr
    assert "0 differ" in done.stdout
    assert KEY not in done.stdout + done.stderr
    # By the names, which are all different.
    assert stored(tmp_path, "SELECT count(*), count(DISTINCT name_key) FROM lead") == [
        (LEADS, LEADS)
    ]


def _killing(process: subprocess.Popen[bytes], at: int) -> Callable[[int], Answer | None]:
    def kill(number: int) -> Answer | None:
        if number == at:
            process.kill()
            return Answer(None)
        return None

    return kill
