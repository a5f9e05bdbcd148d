"""The open connections of one process: how many each address has, and which make room for others.

A connection is idle while it waits for its client: for a request, for the rest of one, or until an
answer has been read. A new connection never waits for idle ones. At the bound of its address, the
longest idle one of the address makes room; at the bound of the process, the longest idle one of
all. Above half of that bound, each new connection closes one that has been idle for a while, and
idle ones end sooner by themselves. Only when none is idle is a new connection over, and its request
refused; as the longest idle one, it is also the first to make room for the next.

Trusted proxies and this machine have no bound of their own: a proxy brings the connections of
everybody, and bounds those of each client itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Protocol

from onelead.domain.limits import (
    ADDRESS_CONNECTIONS_MAX,
    KEEP_ALIVE_CROWDED_TIMEOUT_S,
    KEEP_ALIVE_TIMEOUT_S,
    REQUEST_CONNECTIONS_MAX,
)
from onelead.domain.sign_in.attempts import origin
from onelead.process.metrics import Metrics

#: What programs on this machine connect from, unless they choose another address.
_THIS_MACHINE = ("127.0.0.1", "::1")


class MakesRoom(Protocol):
    """A connection."""

    def make_room(self) -> None:
        """Close at once; no answer is owed."""


class _Share:
    """The connections of one address; of an IPv6 address, those of its whole network."""

    __slots__ = ("count", "idle", "who")

    def __init__(self, who: str) -> None:
        self.who = who
        self.count = 0
        #: The longest idle one first.
        self.idle: dict[MakesRoom, None] = {}


class OpenConnections:
    """The connections of this process."""

    def __init__(
        self,
        metrics: Metrics,
        trusted: Sequence[str] = (),
        *,
        connections_max: int = REQUEST_CONNECTIONS_MAX,
        address_max: int = ADDRESS_CONNECTIONS_MAX,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Give no bound of their own to these addresses and networks, besides this machine."""
        self._metrics = metrics
        self._trusted = [ip_network(network) for network in trusted]
        self.connections_max = connections_max
        self._address_max = address_max
        self._monotonic = monotonic
        #: None for a connection that counts only among all.
        self._share_of: dict[MakesRoom, _Share | None] = {}
        self._shares: dict[str, _Share] = {}
        #: Since when each is idle, the longest idle one first.
        self._idle: dict[MakesRoom, float] = {}
        #: How long a connection that becomes idle now may stay so.
        self.keep_alive_s = KEEP_ALIVE_TIMEOUT_S

    def admit(self, connection: MakesRoom, address: str | None) -> bool:
        """Take a new connection in; False if it is over, so that its request is to be refused.

        `address` is that of the peer; None for a connection that has no bound but that of all.
        """
        share = None if address is None else self._share_at(address)
        if share is not None:
            share.count += 1
        is_admitted = self._find_room(share)
        self._share_of[connection] = share
        self.note_idle(connection)
        self._count()
        return is_admitted

    def note_owed(self, connection: MakesRoom) -> None:
        """Note that a connection is owed an answer, so that it stays."""
        if self._idle.pop(connection, None) is not None:
            share = self._share_of[connection]
            if share is not None:
                del share.idle[connection]

    def note_idle(self, connection: MakesRoom) -> None:
        """Note that a connection waits for its client from now on."""
        if connection not in self._share_of:
            # It made room, and is not told so yet.
            return
        if connection in self._idle:
            self.note_owed(connection)
        self._idle[connection] = self._monotonic()
        share = self._share_of[connection]
        if share is not None:
            share.idle[connection] = None

    def forget(self, connection: MakesRoom) -> None:
        """Note that a connection has ended; one that made room is forgotten already."""
        if connection not in self._share_of:
            return
        self.note_owed(connection)
        share = self._share_of.pop(connection)
        if share is not None:
            share.count -= 1
            if not share.count:
                del self._shares[share.who]
        self._count()

    def _find_room(self, share: _Share | None) -> bool:
        if share is not None and share.count > self._address_max:
            return self._close_first(share.idle, "address")
        if len(self._share_of) >= self.connections_max:
            return self._close_first(self._idle, "full")
        if self._is_crowded() and self._idle:
            since_s = next(iter(self._idle.values()))
            if self._monotonic() - since_s >= KEEP_ALIVE_CROWDED_TIMEOUT_S:
                self._close_first(self._idle, "crowded")
        return True

    def _close_first(self, idle: Mapping[MakesRoom, float | None], reason: str) -> bool:
        """Let the longest idle one make room; False if none is idle."""
        first = next(iter(idle), None)
        if first is None:
            self._metrics.connection_refused(reason)
            return False
        self._metrics.connection_made_room(reason)
        self.forget(first)
        first.make_room()
        return True

    def _is_crowded(self) -> bool:
        return len(self._share_of) * 2 > self.connections_max

    def _share_at(self, address: str) -> _Share | None:
        if self._has_no_bound(address):
            return None
        who = origin(address)
        share = self._shares.get(who)
        if share is None:
            share = self._shares[who] = _Share(who)
        return share

    def _has_no_bound(self, address: str) -> bool:
        if address in _THIS_MACHINE:
            return True
        if not self._trusted:
            return False
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._trusted)

    def _count(self) -> None:
        is_crowded = self._is_crowded()
        self.keep_alive_s = KEEP_ALIVE_CROWDED_TIMEOUT_S if is_crowded else KEEP_ALIVE_TIMEOUT_S
        self._metrics.connections_open(len(self._share_of))
