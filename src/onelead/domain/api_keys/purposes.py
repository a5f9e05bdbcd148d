"""What an API key is for: its scope, its end, and the networks that it works from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct

from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.limits import API_KEY_DAYS_MAX, API_KEY_NETWORKS_MAX
from onelead.domain.text import quoted

Network: TypeAlias = IPv4Network | IPv6Network

_DAY_S = 86_400


class KeyScope(StrEnum):
    """What calls with a key may do; the role of its user bounds them, too."""

    #: Upsert and create leads, and read nothing: the answers have ids and receipts only.
    DELIVER = "deliver"
    READ = "read"
    #: Everything that concerns leads.
    WRITE = "write"
    ADMIN = "admin"


_INCLUDED = {
    KeyScope.DELIVER: frozenset({KeyScope.DELIVER}),
    KeyScope.READ: frozenset({KeyScope.READ}),
    KeyScope.WRITE: frozenset({KeyScope.DELIVER, KeyScope.READ, KeyScope.WRITE}),
    KeyScope.ADMIN: frozenset(KeyScope),
}


class KeyPurpose(Struct, frozen=True):
    """What a new key is for."""

    #: None for whatever its user may do.
    scope: KeyScope | None = None
    #: From then on it does not work, Unix seconds; None for never.
    date_expires: int | None = None
    #: In CIDR notation; empty for everywhere.
    networks: tuple[str, ...] = ()


ALL_PURPOSE = KeyPurpose()


def includes(scope: KeyScope | None, needed: KeyScope) -> bool:
    """Say whether a key with a scope may make a call that needs another one."""
    return scope is None or needed in _INCLUDED[scope]


def scopes_with(needed: KeyScope) -> list[KeyScope]:
    """Return the scopes that a call can be made with."""
    return [scope for scope in KeyScope if includes(scope, needed)]


def require_purpose(purpose: KeyPurpose, now: int) -> KeyPurpose:
    """Return the purpose with its networks as they are stored. Raises InputInvalid."""
    problems = []
    expires = purpose.date_expires
    if expires is not None and not now < expires <= now + (API_KEY_DAYS_MAX + 1) * _DAY_S:
        text = f"must be in the future, at most {API_KEY_DAYS_MAX} days from now"
        problems.append(Problem("date_expires", text))
    networks, problem = _networks(purpose.networks)
    if problem:
        problems.append(problem)
    if problems:
        raise InputInvalid(*problems)
    return KeyPurpose(purpose.scope, expires, networks)


def _networks(texts: Sequence[str]) -> tuple[tuple[str, ...], Problem | None]:
    if len(texts) > API_KEY_NETWORKS_MAX:
        text = f"has too many entries (maximum is {API_KEY_NETWORKS_MAX})"
        return (), Problem("networks", text, "too_long")
    found = []
    for text in texts:
        try:
            found.append(str(ip_network(text)))
        except ValueError:
            example = "10.0.0.0/8 or 2001:db8::/32"
            wrong = f"must be addresses or networks such as {example}, not {quoted(text)}"
            return (), Problem("networks", wrong)
    return tuple(dict.fromkeys(found)), None


def listed_networks(text: str) -> tuple[str, ...]:
    """Return the networks in a text that separates them by commas, blanks or line breaks."""
    return tuple(filter(None, re.split(r"[,\s]+", text)))


def end_of_day(day: str, zone: ZoneInfo) -> int:
    """Return the end of a day (YYYY-MM-DD) in a time zone, Unix seconds. Raises InputInvalid."""
    try:
        following = date.fromisoformat(day) + timedelta(days=1)
        return int(datetime.combine(following, time(), zone).timestamp())
    except (ValueError, OverflowError):
        problem = Problem("date_expires", f"must be a day as in 2027-03-31, not {quoted(day)}")
        raise InputInvalid(problem) from None


def is_from(networks: Sequence[Network], address: str) -> bool:
    """Say whether an address is in one of the networks; an unknown one is in none."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in networks)
