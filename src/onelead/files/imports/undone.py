"""Whether an import was taken back."""

from __future__ import annotations

from typing import Protocol

from onelead.contract.batches import BatchUndo
from onelead.contract.imports import FileImport


class UndoneStore(Protocol):
    """What this needs of a store."""

    async def undo_of_batch(self, account_id: int, batch_id: str) -> BatchUndo | None:
        """See `BatchStore`."""


async def undo_of(store: UndoneStore, account_id: int, one: FileImport) -> BatchUndo | None:
    """Return the undo of an import; None without one, and when the undo was undone itself."""
    if one.source_id is None:
        return None
    undo = await store.undo_of_batch(account_id, one.batch_id)
    if undo is None or await store.undo_of_batch(account_id, undo.id) is not None:
        return None
    return undo


def undo_word(undo: BatchUndo | None) -> str | None:
    """Return the state of an import that is or was taken back, instead of its own."""
    if undo is None:
        return None
    return "being undone" if undo.date_done is None else "undone"
