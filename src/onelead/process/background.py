"""Background work: one round after another until it is stopped, with rests in between.

A failure only delays the work: it is tried again in the next round.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

import structlog

from onelead.domain.errors import StoreUnavailable

T = TypeVar("T")

log = structlog.get_logger(__name__)


class BackgroundWork(ABC):
    """A task that runs rounds until it is stopped."""

    def __init__(self, name: str, *, rest_s: float) -> None:
        """Start; needs a running event loop. `name` identifies the work in the log."""
        self._name = name
        self._rest_s = rest_s
        self._is_stopping = False
        self._woken = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run())

    @abstractmethod
    async def _round(self) -> None:
        """Do the work that is due now."""

    def wake(self) -> None:
        """End the rest, or the round after one step of each account, and begin the next round."""
        self._woken.set()

    async def stop(self) -> None:
        """Finish the step under way, and begin no other."""
        self._is_stopping = True
        self.wake()
        # Never raises: the caller has more to close, however the task ended.
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        while not self._is_stopping:
            self._woken.clear()
            await self._attempt(self._round)
            await self._rest(self._rest_s)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)

    async def _in_turns(
        self, account_ids: Sequence[int], step: Callable[[int], Awaitable[bool]]
    ) -> None:
        """Do one step of each account in turn, until no account has more, or the work is woken.

        `step` returns whether its account has more. After a failed step an account waits for the
        next round. Each account has its step even if the work is woken all the time.
        """
        while account_ids:
            account_ids = [id_ for id_ in account_ids if await self._take_turn(id_, step)]
            if self._woken.is_set():
                # There is other work, which only the next round knows.
                return

    async def _take_turn(self, account_id: int, step: Callable[[int], Awaitable[bool]]) -> bool:
        if self._is_stopping:
            return False
        return bool(await self._attempt(lambda: step(account_id), account_id=account_id))

    async def _attempt(self, work: Callable[[], Awaitable[T]], **where: int) -> T | None:
        """Return what the work returns; None after a failure, which is logged."""
        try:
            return await work()
        except StoreUnavailable:
            # The store has logged why, and every request in the meantime is told.
            log.debug("work in the background waits for the database", work=self._name, **where)
        except Exception:
            log.exception(
                "work in the background failed; it is tried again", work=self._name, **where
            )
        return None
