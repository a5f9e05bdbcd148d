"""The background work on what is to be forgotten: erasures first, then payloads by their age.

The store does the steps, and each notes how far it is; this work asks for them. After each step it
rests as long as the step took, so that deliveries keep at least half of the lane.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

from onelead.domain.limits import RETENTION_WORK_REST_S
from onelead.process.background import BackgroundWork


class RetentionStore(Protocol):
    """What the work needs of a store."""

    async def account_ids(self) -> Sequence[int]:
        """See `AccessStore`."""

    async def erase_step(self, account_id: int) -> bool:
        """See `ErasureStore`."""

    async def retention_step(self, account_id: int) -> bool:
        """See `ErasureStore`."""


class RetentionWork(BackgroundWork):
    """A task that does the steps of all accounts in turn, and looks again after a rest.

    An erasure that was begun wakes it.
    """

    def __init__(
        self,
        store: RetentionStore,
        monotonic: Callable[[], float],
        *,
        rest_s: float = RETENTION_WORK_REST_S,
    ) -> None:
        """Start; needs a running event loop. `monotonic` returns seconds, to time the steps."""
        super().__init__("erasure and retention", rest_s=rest_s)
        self._store = store
        self._monotonic = monotonic

    async def _round(self) -> None:
        account_ids = await self._store.account_ids()
        await self._in_turns(account_ids, partial(self._step, self._store.erase_step))
        await self._in_turns(account_ids, partial(self._step, self._store.retention_step))

    async def _step(self, step: Callable[[int], Awaitable[bool]], account_id: int) -> bool:
        began = self._monotonic()
        has_more = await step(account_id)
        if has_more:
            await self._rest(self._monotonic() - began)
        return has_more
