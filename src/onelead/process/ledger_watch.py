"""Wakes calls that wait for the next write of an account.

However many calls wait for an account, one task asks the store, and only while a call waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

import structlog

from onelead.domain.errors import StoreUnavailable
from onelead.domain.limits import LIVE_POLL_S

#: `LedgerStore.ledger_seq`.
LedgerSeq = Callable[[int], Awaitable[int]]

log = structlog.get_logger(__name__)


class LedgerWatch:
    """The newest ledger numbers of the accounts that are watched in this process."""

    def __init__(self, ledger_seq: LedgerSeq, *, poll_s: float = LIVE_POLL_S) -> None:
        self._ledger_seq = ledger_seq
        self._poll_s = poll_s
        self._watched: dict[int, _Watched] = {}
        self._is_stopping = False

    async def beyond(self, account_id: int, seq: int, *, timeout_s: float) -> bool:
        """Wait until the account has a row above a number; False after `timeout_s`, or at a stop.

        A row may have been there for up to the pause between two looks.
        """
        if self._is_stopping or timeout_s <= 0:
            return False
        with self._watching(account_id) as watched:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    while watched.newest <= seq and not self._is_stopping:
                        await watched.changed.wait()
            return watched.newest > seq

    @contextmanager
    def _watching(self, account_id: int) -> Iterator[_Watched]:
        watched = self._watched.get(account_id)
        if watched is None:
            watched = self._watched[account_id] = _Watched()
            watched.task = asyncio.get_running_loop().create_task(self._poll(account_id, watched))
        watched.calls += 1
        try:
            yield watched
        finally:
            watched.calls -= 1
            if not watched.calls and watched.task is not None:
                del self._watched[account_id]
                watched.task.cancel()

    def stop(self) -> None:
        """Let all calls go on now."""
        self._is_stopping = True
        for watched in self._watched.values():
            watched.wake()

    async def _poll(self, account_id: int, watched: _Watched) -> None:
        while True:
            try:
                newest = await self._ledger_seq(account_id)
            except StoreUnavailable:
                # The next read of the call says so.
                pass
            except Exception:
                log.exception("the newest ledger number could not be read; it is tried again")
            else:
                if newest > watched.newest:
                    watched.newest = newest
                    watched.wake()
            await asyncio.sleep(self._poll_s)


class _Watched:
    """One account that calls wait for."""

    def __init__(self) -> None:
        self.newest = 0
        self.calls = 0
        self.changed = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Let all who wait look again."""
        self.changed.set()
        self.changed = asyncio.Event()
