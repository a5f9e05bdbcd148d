"""What an API key is for."""

from __future__ import annotations

from ipaddress import ip_network
from zoneinfo import ZoneInfo

import pytest

from onelead.domain.api_keys.purposes import (
    KeyPurpose,
    KeyScope,
    end_of_day,
    includes,
    is_from,
    listed_networks,
    require_purpose,
    scopes_with,
)
from onelead.domain.errors import InputInvalid
from onelead.domain.limits import API_KEY_DAYS_MAX, API_KEY_NETWORKS_MAX

NOW = 1_700_000_000
DELIVER, READ, WRITE, ADMIN = KeyScope


@pytest.mark.parametrize(
    ("scope", "included"),
    [
        (DELIVER, {DELIVER}),
        (READ, {READ}),
        (WRITE, {DELIVER, READ, WRITE}),
        (ADMIN, {*KeyScope}),
        (None, {*KeyScope}),
    ],
)
def test_what_a_scope_includes(scope: KeyScope | None, included: set[KeyScope]) -> None:
    assert {needed for needed in KeyScope if includes(scope, needed)} == included


def test_the_scopes_for_a_call() -> None:
    assert scopes_with(DELIVER) == [DELIVER, WRITE, ADMIN]
    assert scopes_with(ADMIN) == [ADMIN]


def test_networks_are_kept_as_they_are_compared() -> None:
    purpose = require_purpose(
        KeyPurpose(networks=("10.0.0.7", "2001:DB8::/32", "10.0.0.7/32")), NOW
    )
    assert purpose.networks == ("10.0.0.7/32", "2001:db8::/32")


@pytest.mark.parametrize(
    "networks",
    [("10.0.0.1/8",), ("x",), ("",), ("10.0.0.0/33",), ("10.0.0.1",) * (API_KEY_NETWORKS_MAX + 1)],
)
def test_other_networks_are_refused(networks: tuple[str, ...]) -> None:
    with pytest.raises(InputInvalid, match="Networks"):
        require_purpose(KeyPurpose(networks=networks), NOW)


@pytest.mark.parametrize("expires", [0, NOW, NOW + (API_KEY_DAYS_MAX + 2) * 86_400])
def test_other_ends_are_refused(expires: int) -> None:
    with pytest.raises(InputInvalid, match="Date Expires"):
        require_purpose(KeyPurpose(date_expires=expires), NOW)


@pytest.mark.parametrize(
    ("address", "is_in"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::1", True),
        ("11.0.0.1", False),
        ("::ffff:11.0.0.1", False),
        ("2001:db9::1", False),
        ("", False),
        ("unknown", False),
        ("10.1.2.3:80", False),
    ],
)
def test_an_address_is_in_a_network_or_not(address: str, is_in: bool) -> None:  # noqa: FBT001
    assert is_from((ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")), address) is is_in


def test_a_list_of_networks() -> None:
    assert listed_networks(" 10.0.0.7,\n 10.1.0.0/16 ;") == ("10.0.0.7", "10.1.0.0/16", ";")
    assert listed_networks(" ,\n") == ()


def test_a_day_ends_in_its_time_zone() -> None:
    assert end_of_day("2027-03-31", ZoneInfo("UTC")) == 1_806_537_600
    assert end_of_day("2027-03-31", ZoneInfo("Asia/Tokyo")) == 1_806_537_600 - 9 * 3600


@pytest.mark.parametrize("day", ["", "soon", "2027-02-30", "9999-12-31"])
def test_what_is_no_day_is_refused(day: str) -> None:
    with pytest.raises(InputInvalid, match="must be a day"):
        end_of_day(day, ZoneInfo("UTC"))
