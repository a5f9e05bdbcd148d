"""The simulated disk fails as disks do: what a power cut leaves, and what a sync promises."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.support.simulation.disk import SECTOR_BYTES, Change, Disk

NAME = "onelead.db"
OLD, NEW = b"o" * SECTOR_BYTES, b"n" * SECTOR_BYTES


def disk_of(folder: Path, seed: int) -> Disk:
    folder.mkdir(exist_ok=True)
    disk = Disk(folder, random.Random(seed))
    disk.add(NAME, OLD * 4)
    return disk


def written(disk: Disk, *changes: Change) -> None:
    for change in changes:
        disk.change(NAME, disk.files[NAME], change)


def after_power_cuts(folder: Path, *changes: Change, is_synced: bool = False) -> set[bytes]:
    """Return what many power cuts leave."""
    left = set()
    for seed in range(200):
        disk = disk_of(folder, seed)
        written(disk, *changes)
        if is_synced:
            disk.files[NAME].sync()
        disk.lose_power()
        left.add(bytes(disk.files[NAME].content))
    return left


def test_what_is_synced_survives_a_power_cut(tmp_path: Path) -> None:
    assert after_power_cuts(tmp_path, Change(0, NEW * 3), is_synced=True) == {NEW * 3 + OLD}


def test_unsynced_writes_are_kept_lost_or_torn_at_sectors_in_any_combination(
    tmp_path: Path,
) -> None:
    left = after_power_cuts(tmp_path, Change(0, NEW * 2), Change(3 * SECTOR_BYTES, NEW))
    first = {NEW + NEW, OLD + OLD, NEW + OLD, OLD + NEW}
    assert left == {one + OLD + last for one in first for last in (NEW, OLD)}


def test_an_unsynced_cut_may_be_lost(tmp_path: Path) -> None:
    assert after_power_cuts(tmp_path, Change(SECTOR_BYTES, None)) == {OLD, OLD * 4}


def test_a_write_beyond_the_end_leaves_zeros_between(tmp_path: Path) -> None:
    disk = disk_of(tmp_path, 1)
    written(disk, Change(5 * SECTOR_BYTES, NEW))
    assert bytes(disk.files[NAME].content) == OLD * 4 + bytes(SECTOR_BYTES) + NEW


def test_a_sync_that_failed_leaves_writes_that_no_later_sync_brings_to_the_disk(
    tmp_path: Path,
) -> None:
    left = set()
    for seed in range(20):
        disk = disk_of(tmp_path, seed)
        written(disk, Change(0, NEW))
        file = disk.files[NAME]
        file.fail_to_sync(random.Random(seed))
        file.sync()
        assert bytes(file.content) == NEW + OLD * 3
        disk.lose_power()
        left.add(bytes(file.content))
    assert left == {NEW + OLD * 3, OLD * 4}


@pytest.mark.parametrize("is_synced", [True, False])
def test_a_removed_file_may_come_back_until_the_folder_is_synced(
    tmp_path: Path, *, is_synced: bool
) -> None:
    came_back = set()
    for seed in range(20):
        disk = disk_of(tmp_path, seed)
        assert disk.remove(NAME, is_synced=is_synced)
        assert not (tmp_path / NAME).exists()
        disk.lose_power()
        came_back.add(NAME in disk.files)
    assert came_back == ({False} if is_synced else {True, False})


def test_a_file_has_a_twin_of_its_length_in_the_folder(tmp_path: Path) -> None:
    disk = disk_of(tmp_path, 1)
    written(disk, Change(4 * SECTOR_BYTES, NEW))
    assert (tmp_path / NAME).read_bytes() == bytes(5 * SECTOR_BYTES)
