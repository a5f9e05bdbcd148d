"""The figures in the background: they follow the ledger, one short step at a time.

Between two steps the work rests in proportion to what a step took, so that it is never more than
a small part of what the database does, also while a long ledger is caught up with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

import structlog

from onelead.errors import StoreUnavailable
from onelead.limits import FIGURE_WORK_REST_S

#: So many times as long as a step takes, the work rests after it: while writes wait, and else.
_RESTS_BUSY = 49
_RESTS_IDLE = 4

log = structlog.get_logger(__name__)


class FigureWorkStore(Protocol):
    """What the work needs of a store."""

    async def accounts_behind(self) -> Sequence[int]:
        """See `FigureStore`."""

    async def fold_ledger(self, account_id: int) -> bool:
        """See `FigureStore`."""


class FigureWork:
    """A task that folds what there is, the accounts in turns, and looks again after a rest."""

    def __init__(
        self,
        store: FigureWorkStore,
        monotonic: Callable[[], float],
        *,
        is_busy: Callable[[], bool] = lambda: False,
        rest_s: float = FIGURE_WORK_REST_S,
    ) -> None:
        """Start; needs a running event loop. `monotonic` measures what a step takes, in seconds.

        While the process `is_busy` the figures may fall behind.
        """
        self._store = store
        self._monotonic = monotonic
        self._is_busy = is_busy
        self._rest_s = rest_s
        self._stopping = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Let the step under way end, and do no other."""
        self._stopping.set()
        await self._task

    async def _run(self) -> None:
        while not self._stopping.is_set():
            account_ids = await self._behind()
            while account_ids:
                account_ids = [id_ for id_ in account_ids if await self._step(id_)]
            await self._rest(self._rest_s)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _behind(self) -> Sequence[int]:
        try:
            return await self._store.accounts_behind()
        except StoreUnavailable:
            return []
        except Exception:
            log.exception("the figures could not be looked for; it is tried again")
            return []

    async def _step(self, account_id: int) -> bool:
        """Do one step; False when the account has to wait for the next round."""
        if self._stopping.is_set():
            return False
        began = self._monotonic()
        try:
            has_more = await self._store.fold_ledger(account_id)
        except StoreUnavailable:
            return False
        except Exception:
            log.exception(
                "the figures could not be folded; it is tried again", account_id=account_id
            )
            return False
        rests = _RESTS_BUSY if self._is_busy() else _RESTS_IDLE
        await self._rest(rests * (self._monotonic() - began))
        return has_more
