"""How long sessions live, and for how long a user counts as known."""

from __future__ import annotations

import pytest

from onelead.domain.limits import (
    CONFIRM_S,
    SESSION_IDLE_S_MIN,
    SESSION_S_MAX,
    SESSION_S_MIN,
)
from onelead.domain.sign_in.sessions import (
    STRICT,
    USUAL,
    SessionLifetimes,
    is_confirmed,
    lifetime_problem,
    went_back,
)


def test_a_session_ends_with_either_time() -> None:
    times = SessionLifetimes(1_000, 100)
    assert not times.are_over(0, 900, 999)
    assert times.are_over(0, 999, 1_000)
    assert not times.are_over(0, 500, 599)
    assert times.are_over(0, 500, 600)


def test_the_presets_are_allowed() -> None:
    for times in (USUAL, STRICT):
        assert lifetime_problem(times.total_s, times.idle_s) is None
    assert (STRICT.total_s, STRICT.idle_s) == (12 * 3_600, 30 * 60)


@pytest.mark.parametrize(
    ("total_s", "idle_s", "problem"),
    [
        (SESSION_S_MIN, SESSION_IDLE_S_MIN, None),
        (SESSION_S_MAX, SESSION_S_MAX, None),
        (SESSION_S_MIN - 1, 300, ("session_s", "must be from 15 minutes to 90 days")),
        (SESSION_S_MAX + 1, 300, ("session_s", "must be from 15 minutes to 90 days")),
        (3_600, 299, ("session_idle_s", "must be from 5 minutes to 1 hour")),
        (3_601, 3_602, ("session_idle_s", "must be from 5 minutes to 3601 seconds")),
    ],
)
def test_other_times_have_bounds(
    total_s: int, idle_s: int, problem: tuple[str, str] | None
) -> None:
    assert lifetime_problem(total_s, idle_s) == problem


def test_a_confirmation_holds_for_a_quarter_of_an_hour() -> None:
    assert is_confirmed(1_000, 1_000 + CONFIRM_S)
    assert not is_confirmed(1_000, 1_001 + CONFIRM_S)


@pytest.mark.parametrize(
    ("stored", "sent", "is_back"),
    [(0, 0, False), (0, 1, False), (5, 6, False), (5, 5, True), (5, 4, True), (5, 0, True)],
)
def test_a_count_that_does_not_grow_is_a_copy(stored: int, sent: int, is_back: bool) -> None:  # noqa: FBT001
    assert went_back(stored, sent) is is_back
