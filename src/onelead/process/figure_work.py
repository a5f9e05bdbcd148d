"""The background work on the figures: it folds the ledger, one short step at a time.

After each step the work rests in proportion to how long the step took, so that it is never more
than a small part of the database's load, even while it catches up with a long ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from onelead.domain.limits import FIGURE_WORK_REST_S
from onelead.process.background import BackgroundWork

#: The rest after a step, in durations of the step: while writes wait, and otherwise.
_RESTS_BUSY = 49
_RESTS_IDLE = 4


class FigureWorkStore(Protocol):
    """What the work needs of a store."""

    async def accounts_behind(self) -> Sequence[int]:
        """See `FigureStore`."""

    async def fold_ledger(self, account_id: int) -> bool:
        """See `FigureStore`."""


class FigureWork(BackgroundWork):
    """A task that folds new ledger rows, the accounts in turn, and looks again after a rest."""

    def __init__(
        self,
        store: FigureWorkStore,
        monotonic: Callable[[], float],
        *,
        is_busy: Callable[[], bool] = lambda: False,
        rest_s: float = FIGURE_WORK_REST_S,
    ) -> None:
        """Start; needs a running event loop. `monotonic` returns seconds, to time the steps.

        While the process `is_busy`, the work rests longer and the figures may fall behind.
        """
        super().__init__("figures", rest_s=rest_s)
        self._store = store
        self._monotonic = monotonic
        self._is_busy = is_busy

    async def _round(self) -> None:
        await self._in_turns(await self._store.accounts_behind(), self._step)

    async def _step(self, account_id: int) -> bool:
        began = self._monotonic()
        has_more = await self._store.fold_ledger(account_id)
        rests = _RESTS_BUSY if self._is_busy() else _RESTS_IDLE
        await self._rest(rests * (self._monotonic() - began))
        return has_more
