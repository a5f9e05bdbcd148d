"""The background work on match keys: one short step at a time, the accounts in turn.

A definition that becomes filterable needs the match keys of older leads, and a definition that no
longer is leaves match keys behind. After an upgrade that changed their rules, the match keys of
existing leads are rebuilt. The store does the steps; this work asks for them.
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
    """A task that does the index work of all accounts, and looks again after a rest.

    A change of settings wakes it.
    """

    def __init__(
        self,
        store: IndexStore,
        *,
        rest_s: float = INDEX_WORK_REST_S,
        on_step: Callable[[bool], None] = lambda _is_done: None,
    ) -> None:
        """Start; needs a running event loop. `on_step` is called after each step that had work.

        Its argument is True if the step was done; False if it failed and will be tried again.
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
