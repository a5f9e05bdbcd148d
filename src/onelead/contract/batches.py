"""The part of the storage contract about batches that can be undone together.

Such a batch is all ledger rows with one batch id: those of a bulk call, of a bulk change on the
pages, of an undo of another batch. `contract/store.py` states what holds for every method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct


class BatchUndo(Struct, frozen=True, gc=False, kw_only=True):
    """An undo of a batch, and how far it is. Times are Unix seconds."""

    #: The batch of the undos themselves.
    id: str
    #: The batch that they take back.
    about_id: str
    #: Whether later changes are lost.
    force: bool
    date: int
    #: When the last row was taken back; None while there is more to do.
    date_done: int | None
    user_id: int | None
    api_key_id: int | None
    #: How many ledger rows the batch had, and how many of them are done.
    rows: int
    rows_done: int


class BatchOverview(Struct, frozen=True, gc=False, kw_only=True):
    """What a batch is and what became of it."""

    id: str
    #: `bulk_call`, `bulk_change`, `command`, `import` or `undo`.
    kind: str
    #: When it began, in Unix seconds.
    date: int
    user_id: int | None
    api_key_id: int | None
    #: How many ledger rows have each outcome.
    outcomes: Mapping[str, int]
    #: The newest undo of this batch.
    undo: BatchUndo | None = None
    #: Of a batch of undos: itself, with what it takes back.
    undoes: BatchUndo | None = None


class BatchResult(Struct, frozen=True, gc=False, kw_only=True):
    """What one ledger row of a batch did."""

    seq: int
    lead_id: int | None
    action: str
    outcome: str
    #: Why it was refused.
    message: str | None
    #: Of an undo: the ledger row that it took back.
    about_seq: int | None
    #: The fields that stayed as they were although the write was about them.
    kept: Sequence[str]


class RowToUndo(NamedTuple):
    """A ledger row of a batch that did something."""

    seq: int
    lead_id: int | None


class UndoStep(Struct, frozen=True, gc=False):
    """A part of the undo of a batch, for one process to do."""

    undo: BatchUndo
    #: Newest first.
    rows: Sequence[RowToUndo]
    #: The ledger number down to which all are done after it; None when none are left.
    next_seq: int | None


class UndoOrder(NamedTuple):
    """What is asked for when a batch is to be undone."""

    #: The id of the batch of undos, if this order begins one.
    id: str
    about_id: str
    force: bool
    user_id: int | None
    api_key_id: int | None


class BatchStore(Protocol):
    """Reads of batches, and the steps of their undos."""

    async def batch(self, account_id: int, batch_id: str) -> BatchOverview:
        """Return a batch. Raises ResourceNotFound."""

    async def undo_of_batch(self, account_id: int, batch_id: str) -> BatchUndo | None:
        """Return the newest undo of a batch; None if nobody has undone it."""

    async def batch_results(
        self, account_id: int, batch_id: str, *, after: int, limit: int
    ) -> Sequence[BatchResult]:
        """Return the first results after a ledger number, in the order of the ledger."""

    async def newest_to_undo(
        self, account_id: int, batch_id: str, *, limit: int
    ) -> Sequence[RowToUndo]:
        """Return the newest rows of a batch that did something, newest first."""

    async def begin_undo(self, account_id: int, order: UndoOrder) -> BatchUndo:
        """Remember that a batch is to be undone, and return the undo, which may have begun before.

        Another one begins only when the last one is done and something is left: rows were refused
        or came later, or the undo was itself undone. Raises ResourceNotFound, and UndoNotPossible
        while the batch is an undo under way or its undo is being undone.
        """

    async def accounts_undoing(self) -> Sequence[int]:
        """Return the accounts with undos of batches that are not done."""

    async def take_undo_step(self, account_id: int, holder: str) -> UndoStep | None:
        """Give a process the next part of an undo, and keep it from the others for UNDO_HELD_S.

        None when nothing is left that no other process is at. Rows that were taken back by the
        same undo are left out, so a step that was not ended is gone on with.
        """

    async def end_undo_step(
        self, account_id: int, undo_id: str, holder: str, next_seq: int | None
    ) -> None:
        """Note that the rows from a ledger number on are done, and leave the undo to all.

        None says that no rows are left. Does nothing if another process has taken the undo over.
        """
