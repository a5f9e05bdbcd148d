"""Where an attempt to sign in counts, and when it is one too many."""

from __future__ import annotations

import pytest

from onelead.domain.errors import TooManyAttempts
from onelead.domain.limits import (
    SIGN_IN_BY_ADDRESS_MAX,
    SIGN_IN_BY_EMAIL_MAX,
    SIGN_IN_BY_PLACE_MAX,
    SIGN_IN_PERIOD_S,
)
from onelead.domain.sign_in.attempts import Attempt, Count, attempt_from, origin, places_of

EMAIL = "Dana@shop.example"
HOME, OFFICE = "192.0.2.7", "198.51.100.1"
PERIOD_MS = SIGN_IN_PERIOD_S * 1_000


def attempt(
    address: str = HOME, browser: str = "a", *, known: frozenset[str] = frozenset()
) -> Attempt:
    return attempt_from(places_of(EMAIL, address, browser), address, known)


def test_so_many_attempts_may_be_made_in_a_row_and_they_come_back_evenly() -> None:
    count = Count("x", 3)
    full_at = 0
    for _ in range(3):
        full_at = count.full_at_ms(full_at, 50_000)
    assert full_at == 50_000 + PERIOD_MS
    with pytest.raises(TooManyAttempts) as refused:
        count.full_at_ms(full_at, 50_000)
    assert refused.value.retry_after_s == SIGN_IN_PERIOD_S // 3
    assert refused.value.message == "Too many attempts; try again in 5 minutes"
    count.full_at_ms(full_at, 50_000 + PERIOD_MS // 3)


def test_a_short_wait_is_told_in_words() -> None:
    count = Count("x", 1)
    with pytest.raises(TooManyAttempts, match="try again in a minute"):
        count.full_at_ms(1_000, 1_000 - PERIOD_MS + count.ms_each - 1)


def test_a_stranger_counts_by_place_by_email_and_by_address() -> None:
    found = attempt()
    assert [count.attempts_max for count in found.counts] == [
        SIGN_IN_BY_PLACE_MAX,
        SIGN_IN_BY_EMAIL_MAX,
        SIGN_IN_BY_ADDRESS_MAX,
    ]
    assert len({count.who_hash for count in found.counts}) == 3


def test_a_stranger_gains_nothing_by_another_browser() -> None:
    assert attempt(browser="a") == attempt(browser="b")


def test_strangers_share_the_counts_of_the_email() -> None:
    here, there = attempt(HOME), attempt(OFFICE)
    assert here.own != there.own
    assert here.shared[0] == there.shared[0]
    assert here.shared[1] != there.shared[1]


@pytest.mark.parametrize("kind", ["browser", "address"])
def test_at_a_known_place_only_the_place_counts(kind: str) -> None:
    place = getattr(places_of(EMAIL, HOME, "a"), kind)
    assert attempt(known=frozenset({place})) == Attempt(Count(place, SIGN_IN_BY_PLACE_MAX))


def test_a_known_browser_is_not_held_up_by_a_guesser_at_the_same_address() -> None:
    places = places_of(EMAIL, OFFICE, "a")
    known = frozenset({places.browser, places.address})
    assert attempt(OFFICE, "a", known=known).own != attempt(OFFICE, "b", known=known).own


def test_places_belong_to_one_email_however_it_is_written() -> None:
    assert places_of(EMAIL, HOME, "a") == places_of(EMAIL.upper(), HOME, "a")
    other = places_of("kim@shop.example", HOME, "a")
    assert not set(other) & set(places_of(EMAIL, HOME, "a"))


def test_nothing_that_is_stored_shows_the_email() -> None:
    places = places_of(EMAIL, HOME, "a")
    assert all(len(one) == 64 and "dana" not in one for one in places)


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_an_address_counts_for_its_network(address: str, whose: str) -> None:
    assert origin(address) == whose
