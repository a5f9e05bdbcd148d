"""Limits on attempts: a few are allowed in a row, and come back evenly over a period.

The counts are kept in memory, per process, and bounded: those that were quiet for the longest time
are forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from math import ceil

from onelead.domain.errors import TooManyAttempts
from onelead.domain.limits import SIGN_IN_COUNTED_MAX, SIGN_IN_PERIOD_S

_IPV6_SITE_BITS = 64


class Attempts:
    """Counts attempts of one kind by who makes them; `monotonic` returns seconds."""

    def __init__(
        self,
        attempts_max: int,
        monotonic: Callable[[], float],
        *,
        period_s: float = SIGN_IN_PERIOD_S,
        counted_max: int = SIGN_IN_COUNTED_MAX,
    ) -> None:
        self._max = attempts_max
        self._monotonic = monotonic
        self._seconds_each = period_s / attempts_max
        self._counted_max = counted_max
        #: When all attempts are back, by who made them.
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, who: str) -> None:
        """Count an attempt before it is made. Raises TooManyAttempts, without counting it."""
        now = self._monotonic()
        full_at = max(self._full_at.get(who, now), now) + self._seconds_each
        # Slightly lenient, so that rounding never costs the last attempt.
        wait_s = full_at - now - self._max * self._seconds_each - 1e-6
        if wait_s > 0:
            # Still trying, so not quiet: if forgotten now, all attempts would be back.
            self._full_at.move_to_end(who)
            raise _too_many(ceil(wait_s))
        self._full_at[who] = full_at
        self._full_at.move_to_end(who)
        if len(self._full_at) > self._counted_max:
            self._full_at.popitem(last=False)

    def forget(self, who: str) -> None:
        """Give all attempts back, as after a successful one."""
        self._full_at.pop(who, None)


def _too_many(wait_s: int) -> TooManyAttempts:
    minutes = ceil(wait_s / 60)
    shown = "a minute" if minutes == 1 else f"{minutes} minutes"
    return TooManyAttempts(f"Too many attempts; try again in {shown}", retry_after_s=wait_s)


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
