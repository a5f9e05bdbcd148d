"""Looks at accounts again and again while somebody waits for what changes there.

However many watch an account, one task asks the store, and only while one watches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

import structlog

from onelead.domain.errors import StoreUnavailable

T = TypeVar("T")
R = TypeVar("R")

log = structlog.get_logger(__name__)


class Watch(Generic[T]):
    """The accounts that are watched in this process, and what `look` last saw of each."""

    def __init__(self, look: Callable[[int], Awaitable[T]], *, poll_s: float) -> None:
        self._look = look
        self._poll_s = poll_s
        self._watched: dict[int, Watched[T]] = {}
        self.is_stopping = False

    @contextmanager
    def watching(self, account_id: int) -> Iterator[Watched[T]]:
        """Watch an account inside the block."""
        watched = self._watched.get(account_id)
        if watched is None:
            watched = self._watched[account_id] = Watched(is_stopping=self.is_stopping)
            watched.task = asyncio.get_running_loop().create_task(self._poll(account_id, watched))
        watched.watchers += 1
        try:
            yield watched
        finally:
            watched.watchers -= 1
            if not watched.watchers and watched.task is not None:
                del self._watched[account_id]
                watched.task.cancel()

    def stop(self) -> None:
        """Let all who wait go on now."""
        self.is_stopping = True
        for watched in self._watched.values():
            watched.stop()

    async def _poll(self, account_id: int, watched: Watched[T]) -> None:
        while True:
            try:
                watched.saw(await self._look(account_id))
            except StoreUnavailable:
                # Calls end with nothing new; pages say elsewhere that the database is silent.
                pass
            except Exception:
                log.exception("new ledger rows could not be looked for; it is tried again")
            await asyncio.sleep(self._poll_s)


class Watched(Generic[T]):
    """One account that is watched."""

    def __init__(self, *, is_stopping: bool) -> None:
        #: What the last look saw.
        self.latest: T | None = None
        self.watchers = 0
        self.task: asyncio.Task[None] | None = None
        self._is_stopping = is_stopping
        self._looked = asyncio.Event()

    async def until(self, found: Callable[[T], R], *, timeout_s: float) -> R | None:
        """Return what is found in the latest look, as soon as that is not empty or zero.

        None after `timeout_s`, or at a stop.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not self._is_stopping:
                    if self.latest is not None and (value := found(self.latest)):
                        return value
                    await self._looked.wait()
        return None

    def saw(self, latest: T) -> None:
        """Let all who wait see what a look saw."""
        self.latest = latest
        self._wake()

    def stop(self) -> None:
        """Let all who wait go on."""
        self._is_stopping = True
        self._wake()

    def _wake(self) -> None:
        self._looked.set()
        self._looked = asyncio.Event()
