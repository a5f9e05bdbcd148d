"""What a soak takes for flat: noise and restarts are, a leak is not."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest
from tests.soak.samples import Sample, Samples, files_of, memory_of, slope, workers_of

MIB = 2**20


def sampled(
    memory: Callable[[float], float], files: Callable[[float], int] = lambda _age: 40
) -> Samples:
    """Sample four lives of 400 seconds each; a process grows with its age."""
    samples, chance = Samples(warm_up_s=60), random.Random(1)
    for life in range(4):
        for age in range(0, 400, 5):
            noise = chance.gauss(0, MIB / 2)
            samples.add(life, Sample(life * 400 + age, int(memory(age) + noise), files(age)))
    return samples


def test_noise_restarts_and_a_warm_up_are_flat() -> None:
    assert sampled(lambda age: 100 * MIB - max(0, 60 - age) * MIB / 2).is_flat


def test_a_few_samples_that_are_far_off_do_not_matter() -> None:
    assert sampled(lambda age: (300 if 200 <= age < 220 else 100) * MIB).is_flat


@pytest.mark.parametrize("rise_mib", [12, 50])
def test_a_leak_is_found(rise_mib: int) -> None:
    samples = sampled(lambda age: 100 * MIB + age / 335 * rise_mib * MIB)
    assert not samples.is_flat
    assert f"grows by {rise_mib}" in samples.table()[-1].replace(f"{rise_mib - 1}.", f"{rise_mib}.")


def test_files_that_are_never_closed_are_found() -> None:
    assert not sampled(lambda _age: 100 * MIB, lambda age: 40 + int(age / 20)).is_flat


def test_a_slope_needs_two_points() -> None:
    assert slope([[(1, 1)], []]) == 0
    assert slope([[(1, 1), (3, 5)], [(1, 0), (2, 2)]]) == 2


def test_this_process_has_memory_files_and_maybe_children() -> None:
    assert memory_of(os.getpid()) > MIB
    assert files_of(os.getpid()) > 2
    assert isinstance(workers_of(os.getpid()), list)
