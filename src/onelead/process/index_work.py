"""The index work in the background: one short step at a time, the accounts in turns.

A definition that becomes filterable needs the keys of older leads, and one that no longer is
leaves keys behind. The store does a step; here it is asked for the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from onelead.domain.limits import INDEX_WORK_REST_S
from onelead.process.background import BackgroundWork


class IndexStore(Protocol):
    """What the index work needs of a store."""

    async def account_ids(self) -> Sequence[int]:
        """See `AccessStore`."""

    async def build_index(self, account_id: int) -> bool:
        """See `SettingsStore`."""


class IndexWork(BackgroundWork):
    """A task that does whatever index work there is, and looks again after a rest.

    Who changes the settings of an account wakes it.
    """

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
        super().__init__("index", rest_s=rest_s)
        self._store = store
        self._on_step = on_step

    async def _round(self) -> None:
        await self._in_turns(await self._store.account_ids(), self._step)

    async def _step(self, account_id: int) -> bool:
        try:
            has_worked = await self._store.build_index(account_id)
        except Exception:
            self._on_step(False)  # noqa: FBT003 - its only argument
            raise
        if has_worked:
            self._on_step(True)  # noqa: FBT003
        return has_worked
