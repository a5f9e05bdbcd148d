"""New deliveries for open pages, and how many pages may wait for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

from onelead.contract.ledger import AccountLedgerRow, LedgerScope, LedgerSearch, LedgerSlice
from onelead.domain.errors import ServiceStopping, TooManyStreams
from onelead.domain.limits import (
    LIVE_POLL_S,
    LIVE_ROWS,
    LIVE_STREAMS_MAX,
    LIVE_USER_STREAMS_MAX,
    RETRY_AFTER_S,
)
from onelead.process.watch import Watch

#: The deliveries that a page shows: the newest lead writes.
NEWEST = LedgerSearch(scope=LedgerScope.LEADS, limit=LIVE_ROWS)

#: `LedgerStore.search_ledger`.
SearchLedger = Callable[[int, LedgerSearch], Awaitable[LedgerSlice]]


class Feed(Watch[LedgerSlice]):
    """The newest deliveries of the accounts that are watched in this process."""

    def __init__(self, search_ledger: SearchLedger, *, poll_s: float = LIVE_POLL_S) -> None:
        super().__init__(partial(_newest, search_ledger), poll_s=poll_s)
        #: How many streams each user has: one for each open page, in any browser.
        self._streams: Counter[int] = Counter()

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


async def _newest(search_ledger: SearchLedger, account_id: int) -> LedgerSlice:
    return await search_ledger(account_id, NEWEST)


def rows_above(seq: int) -> Callable[[LedgerSlice], list[AccountLedgerRow]]:
    """Return what finds the deliveries above a ledger number, in order."""
    return lambda found: [row for row in reversed(found.rows) if row.seq > seq]
