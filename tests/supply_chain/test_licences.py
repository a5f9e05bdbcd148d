"""Every package that is installed has a licence that is known, and welcome."""

from __future__ import annotations

import pytest
from supply_chain.licences import is_welcome, licence_of
from supply_chain.lock import LOCKS, for_this_machine


def test_the_licence_of_every_package_is_known_and_welcome() -> None:
    found = {one.name: licence_of(one.name) for one in for_this_machine(LOCKS / "test.txt")}
    assert {name: it for name, it in found.items() if it is None or not is_welcome(it)} == {}


def test_onelead_is_under_the_mit_licence() -> None:
    assert licence_of("onelead") == "MIT"


@pytest.mark.parametrize("expression", ["GPL-3.0-only", "MIT AND AGPL-3.0-only", "MIT OR SSPL-1.0"])
def test_another_licence_is_not_welcome(expression: str) -> None:
    assert not is_welcome(expression)
