"""Which connection makes room for a new one, by address and for all."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from tests.support.process.clock import Clock

from onelead.domain.limits import KEEP_ALIVE_CROWDED_TIMEOUT_S, KEEP_ALIVE_TIMEOUT_S
from onelead.process.metrics import Metrics
from onelead.serving.open_connections import OpenConnections

STRANGER, OTHER = "192.0.2.7", "192.0.2.8"


class Guest:
    """A connection."""

    def __init__(self) -> None:
        self.has_made_room = False

    def make_room(self) -> None:
        self.has_made_room = True


class House:
    """The connections of a process with small bounds."""

    def __init__(self, *trusted: str, connections_max: int = 8, address_max: int = 3) -> None:
        self.clock, self.metrics = Clock(), Metrics()
        self.open = OpenConnections(
            self.metrics,
            trusted,
            connections_max=connections_max,
            address_max=address_max,
            monotonic=self.clock.monotonic,
        )

    def guests(self, count: int, address: str | None = STRANGER) -> list[Guest]:
        """Let some in."""
        found = [Guest() for _ in range(count)]
        for guest in found:
            assert self.open.admit(guest, address)
        return found

    def counted(self, name: str) -> dict[str, float]:
        """Return a metric by its reason; the connections by nothing."""
        page = self.metrics.page().decode()
        pattern = rf'^onelead_connections{name}(?:{{reason="(\w+)"}})? ([\d.]+)$'
        return {why: float(value) for why, value in re.findall(pattern, page, re.MULTILINE)}


def made_room(guests: list[Guest]) -> list[bool]:
    return [guest.has_made_room for guest in guests]


def test_at_the_bound_of_an_address_its_longest_idle_one_makes_room() -> None:
    house = House()
    others = house.guests(3, OTHER)
    first = house.guests(3)
    house.open.note_owed(first[0])
    house.open.note_idle(first[1])
    more = house.guests(1)
    assert made_room([*first, *more, *others]) == [False, False, True, *[False] * 4]
    house.open.forget(first[2])
    assert house.counted("") == {"": 6}
    assert house.counted("_made_room_total") == {"address": 1}


def test_a_request_under_way_is_no_reason_to_be_spared() -> None:
    house = House()
    first = house.guests(3)
    for guest in first:
        house.open.note_owed(guest)
    over = Guest()
    assert not house.open.admit(over, STRANGER)
    assert house.counted("_refused_total") == {"address": 1}
    # The one that is over has no claim to stay, either.
    house.guests(1)
    assert over.has_made_room
    assert made_room(first) == [False] * 3


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_an_address_is_counted_as_whom_it_belongs_to(address: str, same: str) -> None:
    house = House()
    first = house.guests(3, address)
    house.guests(3, "2001:db8:1:3::1")
    house.guests(1, same)
    assert made_room(first) == [True, False, False]


@pytest.mark.parametrize(
    ("trusted", "address"),
    [
        ((), "127.0.0.1"),
        ((), "::1"),
        (("10.0.0.0/8",), "10.1.2.3"),
        (("2001:db8::/32", "10.0.0.0/8"), "::ffff:10.1.2.3"),
        (("2001:db8::/32",), "2001:db8::5"),
        ((), None),
    ],
)
def test_trusted_proxies_and_this_machine_have_no_bound_of_their_own(
    trusted: Sequence[str], address: str | None
) -> None:
    house = House(*trusted)
    assert made_room(house.guests(8, address)) == [False] * 8
    # But they are among all.
    house.guests(1)
    assert house.counted("_made_room_total") == {"full": 1}


def test_what_is_no_address_is_not_trusted() -> None:
    house = House("10.0.0.0/8")
    assert made_room(house.guests(4, "no address")) == [True, False, False, False]


def test_when_the_process_is_full_the_longest_idle_one_of_all_makes_room() -> None:
    house = House(address_max=8)
    first, second = house.guests(1, OTHER), house.guests(7)
    house.open.note_owed(first[0])
    third = house.guests(1, None)
    assert made_room([*first, *second, *third]) == [False, True, *[False] * 7]
    for guest in [*second, *third]:
        house.open.note_owed(guest)
    over = Guest()
    assert not house.open.admit(over, OTHER)
    assert house.counted("_refused_total") == {"full": 1}
    assert house.counted("_made_room_total") == {"full": 1}


def test_above_half_full_connections_stay_shorter() -> None:
    house = House(address_max=8)
    first = house.guests(4)
    assert house.open.keep_alive_s == KEEP_ALIVE_TIMEOUT_S
    second = house.guests(1)
    assert house.open.keep_alive_s == KEEP_ALIVE_CROWDED_TIMEOUT_S
    house.clock.advance(KEEP_ALIVE_CROWDED_TIMEOUT_S - 1)
    house.open.note_idle(first[0])
    second += house.guests(1)
    assert made_room([*first, *second]) == [False] * 6
    house.clock.advance(1)
    # Each new one takes the place of one that has been idle for so long.
    house.guests(2)
    assert made_room([*first, *second]) == [False, True, True, *[False] * 3]
    assert house.counted("_made_room_total") == {"crowded": 2}


def test_nothing_is_kept_about_those_that_have_ended() -> None:
    house = House()
    for address in (STRANGER, OTHER, "127.0.0.1"):
        for guest in house.guests(2, address):
            house.open.note_owed(guest)
            house.open.forget(guest)
            # What comes late, or twice, does no harm.
            house.open.note_idle(guest)
            house.open.note_owed(guest)
            house.open.forget(guest)
    assert house.counted("") == {"": 0}
    assert not any(vars(house.open)[name] for name in ("_share_of", "_shares", "_idle"))
