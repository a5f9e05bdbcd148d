"""Attempts to sign in are counted in the database: across processes, restarts, at the same time."""

from __future__ import annotations

import asyncio

from tests.support.process.clock import Clock

from onelead.contract.store import Store
from onelead.domain.errors import TooManyAttempts
from onelead.domain.limits import KNOWN_PLACE_S, KNOWN_PLACES_MAX, SIGN_IN_PERIOD_S
from onelead.domain.sign_in.attempts import Count, attempt_from, places_of

EMAIL, ADDRESS = "dana@shop.example", "192.0.2.7"
THREE, FIVE = Count("a", 3), Count("b", 5)


async def taken(store: Store, *counts: Count) -> bool:
    """Say whether an attempt was allowed."""
    try:
        await store.take_attempts(counts)
    except TooManyAttempts:
        return False
    return True


async def test_two_processes_count_together(store: Store, other_store: Store) -> None:
    assert [await taken(one, THREE) for one in (store, other_store, store)] == [True] * 3
    assert not await taken(other_store, THREE)
    assert not await taken(store, THREE)


async def test_attempts_at_the_same_time_are_not_more(store: Store, other_store: Store) -> None:
    both = (store, other_store)
    made = await asyncio.gather(*(taken(both[n % 2], THREE, FIVE) for n in range(12)))
    assert sum(made) == 3


async def test_an_attempt_counts_everywhere_or_nowhere(store: Store) -> None:
    assert [await taken(store, THREE, FIVE) for _ in range(4)] == [True] * 3 + [False]
    assert [await taken(store, FIVE) for _ in range(3)] == [True] * 2 + [False]


async def test_attempts_come_back(store: Store, clock: Clock) -> None:
    assert [await taken(store, THREE) for _ in range(4)] == [True] * 3 + [False]
    clock.advance(SIGN_IN_PERIOD_S // 3)
    assert [await taken(store, THREE) for _ in range(2)] == [True, False]
    clock.advance(SIGN_IN_PERIOD_S)
    assert [await taken(store, THREE) for _ in range(4)] == [True] * 3 + [False]


async def test_a_right_password_counts_for_nothing(store: Store) -> None:
    attempt = attempt_from(places_of(EMAIL, ADDRESS, "x"), ADDRESS, frozenset())
    for _ in range(attempt.own.attempts_max * 2):
        await store.take_attempts(attempt.counts)
        await store.give_back_attempt(attempt)
    assert [await taken(store, attempt.own) for _ in range(attempt.own.attempts_max + 1)] == [
        *([True] * attempt.own.attempts_max),
        False,
    ]


async def test_a_place_is_known_until_it_was_not_used_for_long(store: Store, clock: Clock) -> None:
    places = places_of(EMAIL, ADDRESS, "x")
    assert await store.known_places(places) == frozenset()
    await store.remember_places(places)
    clock.advance(KNOWN_PLACE_S - 1)
    assert await store.known_places(places) == {places.address, places.browser}
    assert await store.known_places(places_of(EMAIL, "192.0.2.8", "x")) == {places.browser}
    assert await store.known_places(places_of("kim@shop.example", ADDRESS, "x")) == frozenset()
    clock.advance(1)
    assert await store.known_places(places) == frozenset()


async def test_the_oldest_places_are_forgotten(store: Store, clock: Clock) -> None:
    for number in range(KNOWN_PLACES_MAX):
        clock.advance(1)
        await store.remember_places(places_of(EMAIL, ADDRESS, str(number)))
    # The address is one of them, and the newest.
    assert not await store.known_places(places_of(EMAIL, "192.0.2.8", "0"))
    assert await store.known_places(places_of(EMAIL, "192.0.2.8", "1"))


async def test_what_counts_no_more_is_deleted(store: Store, clock: Clock) -> None:
    await store.take_attempts([THREE])
    clock.advance(1)
    await store.forget_old_attempts()
    assert [await taken(store, THREE) for _ in range(3)] == [True, True, False]
    clock.advance(SIGN_IN_PERIOD_S)
    await store.forget_old_attempts()
    assert [await taken(store, THREE) for _ in range(4)] == [True] * 3 + [False]
