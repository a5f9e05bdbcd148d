"""Forty seeds of the simulation; `make simulate` tries thousands."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.simulation.simulation import simulate
from tests.support.tiers import slow_after


@pytest.mark.parametrize("seed", slow_after(10, range(40)))
def test_nothing_acknowledged_is_lost_and_nothing_is_written_twice(
    seed: int, tmp_path: Path
) -> None:
    simulate(seed, tmp_path)
