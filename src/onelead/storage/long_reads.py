"""The share of a process that long reads have: few at a time, fewer while leads are written.

A search may look at all leads of an account. Without bounds, a few clients that search take both
the interpreter and the processors from everybody who delivers.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from onelead.domain.limits import (
    LONG_READS_AT_ONCE_MAX,
    LONG_READS_BESIDE_WRITES_MAX,
    WRITES_UNDER_WAY_S,
)

T = TypeVar("T")


class LongReads:
    """Lets long reads run in order of arrival; some may always run, whatever is written."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._writes_until = 0.0

    def leads_are_written(self) -> None:
        """Note that leads are being written: it holds for a while, as deliveries come and go."""
        self._writes_until = self._monotonic() + WRITES_UNDER_WAY_S

    def close(self) -> None:
        """Cancel the reads that wait for their turn: the store that they would read is closing."""
        while self._waiting:
            self._waiting.popleft().cancel()

    async def run(self, read: Coroutine[Any, Any, T]) -> T:
        """Run a read in its turn; one that has begun is finished, even if its caller goes away."""
        try:
            await self._turn()
        except BaseException:
            read.close()
            raise
        task = asyncio.ensure_future(read)
        task.add_done_callback(self._end)
        return await asyncio.shield(task)

    async def _turn(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._begin()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._running -= 1
                self._begin()
            raise

    def _end(self, _task: asyncio.Task[Any]) -> None:
        self._running -= 1
        self._begin()

    def _begin(self) -> None:
        """Give turns to those that waited the longest."""
        is_written = self._monotonic() < self._writes_until
        most = LONG_READS_BESIDE_WRITES_MAX if is_written else LONG_READS_AT_ONCE_MAX
        while self._waiting and self._running < most:
            turn = self._waiting.popleft()
            # A caller may have gone away while it waited.
            if not turn.done():
                self._running += 1
                turn.set_result(None)
