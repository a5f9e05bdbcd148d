"""New deliveries for open pages: one look every moment for each watched account.

However many pages watch an account, one task asks the store, and only while a page watches.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

import structlog

from onelead.contract.ledger import AccountLedgerRow, LedgerScope, LedgerSearch, LedgerSlice
from onelead.domain.errors import ServiceStopping, StoreUnavailable, TooManyStreams
from onelead.domain.limits import (
    LIVE_POLL_S,
    LIVE_ROWS,
    LIVE_STREAMS_MAX,
    LIVE_USER_STREAMS_MAX,
    RETRY_AFTER_S,
)

#: The deliveries that a page shows: the newest lead writes.
NEWEST = LedgerSearch(scope=LedgerScope.LEADS, limit=LIVE_ROWS)

#: `LedgerStore.search_ledger`.
SearchLedger = Callable[[int, LedgerSearch], Awaitable[LedgerSlice]]

log = structlog.get_logger(__name__)


class Feed:
    """The new deliveries of the accounts that are watched in this process."""

    def __init__(self, search_ledger: SearchLedger, *, poll_s: float = LIVE_POLL_S) -> None:
        self._search_ledger = search_ledger
        self._poll_s = poll_s
        self._channels: dict[int, _Channel] = {}
        #: How many streams each user has: one for each open page, in any browser.
        self._streams: Counter[int] = Counter()
        self.is_stopping = False

    def enter(self, user_id: int) -> None:
        """Count a new stream of a user. Raises TooManyStreams, ServiceStopping."""
        if self.is_stopping:
            raise ServiceStopping(retry_after_s=RETRY_AFTER_S)
        is_full = self._streams.total() >= LIVE_STREAMS_MAX
        if is_full or self._streams[user_id] >= LIVE_USER_STREAMS_MAX:
            raise TooManyStreams
        self._streams[user_id] += 1

    def leave(self, user_id: int) -> None:
        """Count the end of a stream."""
        self._streams[user_id] -= 1
        if not self._streams[user_id]:
            del self._streams[user_id]

    @contextmanager
    def watching(self, account_id: int) -> Iterator[_Channel]:
        """Watch an account inside the block."""
        channel = self._channels.get(account_id)
        if channel is None:
            channel = self._channels[account_id] = _Channel(
                self._search_ledger, account_id, self._poll_s
            )
        channel.watchers += 1
        try:
            yield channel
        finally:
            channel.watchers -= 1
            if not channel.watchers:
                del self._channels[account_id]
                channel.close()

    def stop(self) -> None:
        """End every stream now."""
        self.is_stopping = True
        for channel in self._channels.values():
            channel.wake()


class _Channel:
    """One account that is watched."""

    def __init__(self, search_ledger: SearchLedger, account_id: int, poll_s: float) -> None:
        self._search_ledger = search_ledger
        self._account_id = account_id
        self._poll_s = poll_s
        #: The newest rows as of the last look, with the settings to show them by.
        self.latest: LedgerSlice | None = None
        self._changed = asyncio.Event()
        self.watchers = 0
        self._task = asyncio.get_running_loop().create_task(self._poll())

    async def after(self, seq: int, *, timeout_s: float) -> list[AccountLedgerRow]:
        """Wait for rows above a ledger number, and return the newest of them, in order.

        Returns none after `timeout_s`, or when the feed stops.
        """
        found = self._above(seq)
        if not found:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), timeout_s)
            found = self._above(seq)
        return found

    def _above(self, seq: int) -> list[AccountLedgerRow]:
        rows = self.latest.rows if self.latest else ()
        return [row for row in reversed(rows) if row.seq > seq]

    def wake(self) -> None:
        """Let all who wait check again."""
        self._changed.set()
        self._changed = asyncio.Event()

    def close(self) -> None:
        """Stop looking."""
        self._task.cancel()

    async def _poll(self) -> None:
        while True:
            try:
                found = await self._search_ledger(self._account_id, NEWEST)
            except StoreUnavailable:
                # The pages say elsewhere that the database does not answer.
                pass
            except Exception:
                log.exception("new deliveries could not be read; it is tried again")
            else:
                newest = [row.seq for row in found.rows[:1]]
                known = [row.seq for row in self.latest.rows[:1]] if self.latest else None
                self.latest = found
                if newest != known:
                    self.wake()
            await asyncio.sleep(self._poll_s)
