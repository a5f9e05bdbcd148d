"""Limits on attempts, on a clock that the test moves."""

from __future__ import annotations

import pytest
from tests.support.process.clock import Clock

from onelead.domain.errors import TooManyAttempts
from onelead.process.attempts import Attempts, origin


@pytest.fixture
def clock() -> Clock:
    return Clock()


def attempts(clock: Clock, *, counted_max: int = 100) -> Attempts:
    """Allow three attempts a minute."""
    return Attempts(3, clock.monotonic, period_s=60, counted_max=counted_max)


def refusal(counted: Attempts, whose: str) -> TooManyAttempts:
    with pytest.raises(TooManyAttempts) as refused:
        counted.take(whose)
    return refused.value


def test_all_attempts_may_be_made_in_a_row(clock: Clock) -> None:
    counted = attempts(clock)
    for _ in range(3):
        counted.take("dana")
    error = refusal(counted, "dana")
    assert error.retry_after_s == 20
    assert error.message == "Too many attempts; try again in a minute"


def test_attempts_of_others_count_separately(clock: Clock) -> None:
    counted = attempts(clock)
    for _ in range(3):
        counted.take("dana")
    counted.take("omar")


def test_they_come_back_one_by_one(clock: Clock) -> None:
    counted = attempts(clock)
    for _ in range(3):
        counted.take("dana")
    clock.advance(19)
    assert refusal(counted, "dana").retry_after_s == 1
    clock.advance(1)
    counted.take("dana")
    refusal(counted, "dana")
    clock.advance(60)
    for _ in range(3):
        counted.take("dana")
    refusal(counted, "dana")


def test_an_attempt_that_was_refused_costs_nothing(clock: Clock) -> None:
    counted = attempts(clock)
    for _ in range(3):
        counted.take("dana")
    for _ in range(50):
        refusal(counted, "dana")
    clock.advance(20)
    counted.take("dana")


def test_all_come_back_after_a_successful_one(clock: Clock) -> None:
    counted = attempts(clock)
    for _ in range(3):
        counted.take("dana")
    counted.forget("dana")
    counted.forget("nobody")
    counted.take("dana")


def test_the_quietest_for_the_longest_time_is_forgotten(clock: Clock) -> None:
    counted = attempts(clock, counted_max=2)
    for whose in ("dana", "dana", "dana", "omar", "omar", "omar", "dana2"):
        counted.take(whose)
    refusal(counted, "omar")
    counted.take("dana")


def test_refused_attempts_do_not_count_as_quiet(clock: Clock) -> None:
    counted = attempts(clock, counted_max=2)
    for whose in ("dana", "dana", "dana", "omar", "omar", "omar"):
        counted.take(whose)
    refusal(counted, "dana")
    counted.take("lena")
    refusal(counted, "dana")
    counted.take("omar")


def test_a_long_wait_is_given_in_minutes(clock: Clock) -> None:
    counted = Attempts(1, clock.monotonic, period_s=600)
    counted.take("dana")
    assert refusal(counted, "dana").message == "Too many attempts; try again in 10 minutes"


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::99", "2001:db8:1:2::"),
        ("2001:db8:1:3::99", "2001:db8:1:3::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_address_counts_for_its_network(address: str, whose: str) -> None:
    assert origin(address) == whose
