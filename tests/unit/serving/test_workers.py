"""How long a dead worker stays away before it is restarted."""

from __future__ import annotations

from onelead.domain.limits import WORKER_PAUSE_S_MAX, WORKER_YOUNG_S
from onelead.serving.workers import Pauses


def test_a_worker_that_lived_is_started_again_at_once() -> None:
    pauses = Pauses()
    assert [pauses.after(WORKER_YOUNG_S) for _ in range(3)] == [0, 0, 0]


def test_the_pauses_grow_while_workers_die_young_up_to_a_bound() -> None:
    pauses = Pauses()
    assert [pauses.after(0.1) for _ in range(8)] == [0, 1, 2, 4, 8, 16, 30, WORKER_PAUSE_S_MAX]


def test_a_worker_that_lived_ends_the_growth() -> None:
    pauses = Pauses()
    assert [pauses.after(life_s) for life_s in (1, 1, 1, WORKER_YOUNG_S, 1, 1)] == [
        *(0, 1, 2, 0, 0, 1)
    ]
