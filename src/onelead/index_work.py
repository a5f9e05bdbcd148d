"""The index work in the background: one short step at a time, the accounts in turns.

A definition that becomes filterable needs the keys of older leads, and one that no longer is
leaves keys behind. The store does a step; here it is asked for the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

import structlog

from onelead.limits import INDEX_WORK_REST_S

log = structlog.get_logger(__name__)


class IndexStore(Protocol):
    """What the index work needs of a store."""

    async def account_ids(self) -> Sequence[int]:
        """See `Store`."""

    async def build_index(self, account_id: int) -> bool:
        """See `Store`."""


class IndexWork:
    """A task that does whatever index work there is, and looks again after a rest."""

    def __init__(
        self,
        store: IndexStore,
        *,
        rest_s: float = INDEX_WORK_REST_S,
        on_step: Callable[[bool], None] = lambda _is_done: None,
    ) -> None:
        """Start; needs a running event loop. `on_step` is told of each step that did something.

        Its argument says whether the step was done; else it failed and is tried again.
        """
        self._store = store
        self._rest_s = rest_s
        self._on_step = on_step
        self._stopping = False
        self._woken = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def wake(self) -> None:
        """Look for work now: the settings of an account have changed."""
        self._woken.set()

    async def stop(self) -> None:
        """Let the step under way end, and do no other."""
        self._stopping = True
        self.wake()
        await self._task

    async def _run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            account_ids = await self._account_ids()
            while account_ids:
                account_ids = [id_ for id_ in account_ids if await self._step(id_)]
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._rest_s)

    async def _account_ids(self) -> Sequence[int]:
        try:
            return await self._store.account_ids()
        except Exception:
            log.exception("index work failed; it is tried again")
            return []

    async def _step(self, account_id: int) -> bool:
        """Do one step; False when the account has no more, or has to wait for the next round."""
        if self._stopping:
            return False
        try:
            has_worked = await self._store.build_index(account_id)
        except Exception:
            log.exception("index work failed; it is tried again", account_id=account_id)
            self._on_step(False)  # noqa: FBT003 - its only argument
            return False
        if has_worked:
            self._on_step(True)  # noqa: FBT003
        return has_worked
