"""The simulation can fail: engines that break a promise are found within a few seeds."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.simulation.broken_stores import (
    HastyStore,
    LanelessStore,
    RepeatingStore,
    UnsyncedStore,
    laneless_batch,
)
from tests.support.simulation.server import StoreClass
from tests.support.simulation.simulation import Broken, simulate

from onelead.storage.sqlite import store as sqlite_store

NOT_THERE = "was answered, and is not in the ledger"
TWICE = "was written 2 times"


@pytest.mark.parametrize(
    ("store_class", "found", "seeds"),
    [(UnsyncedStore, NOT_THERE, 10), (HastyStore, NOT_THERE, 10), (RepeatingStore, TWICE, 20)],
)
def test_an_engine_that_breaks_a_promise_is_found(
    store_class: StoreClass, found: str, seeds: int, tmp_path: Path
) -> None:
    assert found in first_failure(store_class, seeds, tmp_path)


def test_an_engine_that_looks_for_matches_before_it_takes_the_lane_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_store, "write_batch", laneless_batch)
    assert "should be" in first_failure(LanelessStore, 40, tmp_path)


def first_failure(store_class: StoreClass, seeds: int, tmp_path: Path) -> str:
    """Return what the first seed that fails says."""
    for seed in range(seeds):
        folder = tmp_path / str(seed)
        folder.mkdir()
        try:
            simulate(seed, folder, store_class)
        except Broken as broken:
            return str(broken)
    return "nothing was found"
