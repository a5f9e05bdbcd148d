"""How often somebody may try, on a clock that the test moves."""

from __future__ import annotations

import pytest
from tests.support.process.clock import Clock

from onelead.domain.errors import TooManyAttempts
from onelead.process.attempts import Attempts, origin


@pytest.fixture
def clock() -> Clock:
    return Clock()


def attempts(clock: Clock, *, counted_max: int = 100) -> Attempts:
    """Build a count of three attempts in a minute."""
    return Attempts(3, clock.monotonic, period_s=60, counted_max=counted_max)


def refusal(counted: Attempts, whose: str) -> TooManyAttempts:
    with pytest.raises(TooManyAttempts) as refused:
        counted.take(whose)
    return refused.value


def test_so_many_attempts_may_be_made_at_once(clock: Clock) -> None:
    counted = attempts(clock)
    for _ in range(3):
        counted.take("dana")
    error = refusal(counted, "dana")
    assert error.retry_after_s == 20
    assert error.message == "Too many attempts; try again in a minute"


def test_the_attempts_of_others_are_theirs(clock: Clock) -> None:
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


def test_all_come_back_after_one_that_was_right(clock: Clock) -> None:
    counted = attempts(clock)
    for _ in range(3):
        counted.take("dana")
    counted.forget("dana")
    counted.forget("nobody")
    counted.take("dana")


def test_the_one_who_was_quiet_for_the_longest_time_is_forgotten(clock: Clock) -> None:
    counted = attempts(clock, counted_max=2)
    for whose in ("dana", "dana", "dana", "omar", "omar", "omar", "dana2"):
        counted.take(whose)
    refusal(counted, "omar")
    counted.take("dana")


def test_who_is_refused_again_and_again_is_not_quiet(clock: Clock) -> None:
    counted = attempts(clock, counted_max=2)
    for whose in ("dana", "dana", "dana", "omar", "omar", "omar"):
        counted.take(whose)
    refusal(counted, "dana")
    counted.take("lena")
    refusal(counted, "dana")
    counted.take("omar")


def test_a_long_wait_is_said_in_minutes(clock: Clock) -> None:
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
def test_an_address_of_ipv6_is_that_of_its_network(address: str, whose: str) -> None:
    assert origin(address) == whose
