"""The people of the demo are many and different, and none of them is real."""

from __future__ import annotations

from itertools import islice
from random import Random

from onelead.demo.people import Person, people


def _draw(seed: int, count: int = 3_000) -> list[Person]:
    return list(islice(people(Random(seed)), count))


def test_the_same_seed_draws_the_same_people() -> None:
    assert _draw(1, 50) == _draw(1, 50)
    assert _draw(1, 50) != _draw(2, 50)


def test_no_two_people_have_the_same_e_mail() -> None:
    emails = [person.email for person in _draw(1)]
    assert len(set(emails)) == len(emails)


def test_nobody_can_be_reached() -> None:
    for person in _draw(1):
        assert person.email.isascii()
        assert person.email.endswith(".example")
        assert person.phone[6:].startswith("555-01")
        assert person.site is None or person.site.endswith(".example")


def test_some_people_have_the_same_name_as_in_life() -> None:
    names = [person.name for person in _draw(1)]
    assert len(names) - 1_000 < len(set(names)) < len(names)
