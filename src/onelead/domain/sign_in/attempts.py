"""How many attempts to sign in there are, and whom they count for.

A place is a browser or an address from which an e-mail signs in. A few attempts are allowed there
in a row, and come back evenly over a period. The attempts of strangers, from places where the
e-mail has never signed in, count together besides, by e-mail and by address. So a password cannot
be guessed from many places, and people at their usual ones notice nothing of the guessing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import NamedTuple

from onelead.domain.errors import TooManyAttempts
from onelead.domain.limits import (
    CODES_BY_USER_MAX,
    PASSKEY_QUESTIONS_BY_ADDRESS_MAX,
    SIGN_IN_BY_ADDRESS_MAX,
    SIGN_IN_BY_EMAIL_MAX,
    SIGN_IN_BY_PLACE_MAX,
    SIGN_IN_PERIOD_S,
)
from onelead.domain.text import fold_case

_IPV6_SITE_BITS = 64


class Count(NamedTuple):
    """One of the counts that an attempt is added to."""

    #: Stands for whom it counts; a SHA-256.
    who_hash: str
    attempts_max: int

    @property
    def ms_each(self) -> int:
        """The time in which one attempt comes back, in milliseconds."""
        return SIGN_IN_PERIOD_S * 1_000 // self.attempts_max

    def full_at_ms(self, full_at_ms: int, now_ms: int) -> int:
        """Return when all attempts are back after one more; before it that was at `full_at_ms`.

        Raises TooManyAttempts.
        """
        after = max(full_at_ms, now_ms) + self.ms_each
        wait_ms = after - now_ms - self.attempts_max * self.ms_each
        if wait_ms > 0:
            raise _too_many(ceil(wait_ms / 1_000))
        return after


def _too_many(wait_s: int) -> TooManyAttempts:
    minutes = ceil(wait_s / 60)
    shown = "a minute" if minutes == 1 else f"{minutes} minutes"
    return TooManyAttempts(f"Too many attempts; try again in {shown}", retry_after_s=wait_s)


class Places(NamedTuple):
    """From where an e-mail signs in, each as a hash."""

    email_hash: str
    address: str
    browser: str


def places_of(email: str, address: str, browser_token: str) -> Places:
    """Return the places of an attempt."""
    folded = fold_case(email)
    return Places(
        email_hash=_hash("email", folded),
        address=_hash("address", folded, origin(address)),
        browser=_hash("browser", folded, browser_token),
    )


class Attempt(NamedTuple):
    """Where an attempt counts."""

    #: By its place, which is a known one or the address.
    own: Count
    #: With those of other strangers; empty at a known place.
    shared: tuple[Count, ...] = ()

    @property
    def counts(self) -> tuple[Count, ...]:
        """All counts that it is added to."""
        return (self.own, *self.shared)


def attempt_from(places: Places, address: str, known: Container[str]) -> Attempt:
    """Return where an attempt counts; `known` has the places where the e-mail has signed in."""
    for place in (places.browser, places.address):
        if place in known:
            return Attempt(Count(place, SIGN_IN_BY_PLACE_MAX))
    shared = (
        Count(places.email_hash, SIGN_IN_BY_EMAIL_MAX),
        Count(_hash("origin", origin(address)), SIGN_IN_BY_ADDRESS_MAX),
    )
    return Attempt(Count(places.address, SIGN_IN_BY_PLACE_MAX), shared)


def signed_in_attempt(account_id: int, user_id: int) -> Attempt:
    """Return where the passwords count that a user who is signed in types to confirm."""
    return Attempt(Count(_hash("user", str(account_id), str(user_id)), SIGN_IN_BY_PLACE_MAX))


def code_attempt(account_id: int, user_id: int) -> Attempt:
    """Return where the code of a user counts who has entered the password."""
    return Attempt(Count(_hash("code", str(account_id), str(user_id)), CODES_BY_USER_MAX))


def passkey_question(address: str) -> Count:
    """Return where a question to a passkey counts that somebody begins at an address."""
    return Count(_hash("passkey", origin(address)), PASSKEY_QUESTIONS_BY_ADDRESS_MAX)


def origin(address: str) -> str:
    """Return whom to count an address for: with IPv6, the customer's whole network."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> _IPV6_SITE_BITS << _IPV6_SITE_BITS))


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
