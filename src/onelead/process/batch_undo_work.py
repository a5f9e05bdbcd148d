"""The background work that undoes batches: row by row through the writer, the newest first.

Its writes are bulk writes, which leave single ones at least half of each batch. An undo goes on
wherever a process was killed: which rows are done is in the ledger, and each undo carries an
idempotency key, so that two processes at the same undo do no row twice.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from onelead.contract.batches import BatchStore, BatchUndo, RowToUndo, UndoStep
from onelead.contract.leads import WriteChecks
from onelead.domain.errors import ServiceStopping
from onelead.domain.limits import (
    UNDO_CHUNK_ROWS,
    UNDO_SAMPLE_ROWS,
    UNDO_WORK_REST_S,
)
from onelead.domain.writes import (
    Action,
    Delivery,
    IdempotencyKey,
    LeadWrite,
    Outcome,
)
from onelead.process.background import BackgroundWork
from onelead.process.writer import Receipt


class ChunkWriter(Protocol):
    """What the work needs of the writer."""

    async def write_bulk(self, account_id: int, writes: Sequence[LeadWrite]) -> list[Receipt]:
        """See `BatchingWriter`."""


class BatchUndoer:
    """Does the steps of undos for one process, which `holder` tells from the others."""

    def __init__(
        self,
        store: BatchStore,
        writer: ChunkWriter,
        holder: str,
        after_chunk: Callable[[], Awaitable[bool]],
    ) -> None:
        """`after_chunk` is called after each chunk and returns whether to go on."""
        self._store = store
        self._writer = writer
        self._holder = holder
        self._after_chunk = after_chunk

    async def step(self, account_id: int) -> bool:
        """Do the next step of an account's undos; return whether there was one."""
        step = await self._store.take_undo_step(account_id, self._holder)
        if step is None:
            return False
        next_seq = await self._write(account_id, step)
        await self._store.end_undo_step(account_id, step.undo.id, self._holder, next_seq)
        return True

    async def _write(self, account_id: int, step: UndoStep) -> int | None:
        """Undo the rows; return the number down to which all are done, None for the whole batch."""
        for at in range(0, len(step.rows), UNDO_CHUNK_ROWS):
            chunk = step.rows[at : at + UNDO_CHUNK_ROWS]
            await self._writer.write_bulk(
                account_id, [_undo_write(step.undo, row) for row in chunk]
            )
            is_rest = at + len(chunk) < len(step.rows)
            if not await self._after_chunk() and is_rest:
                return chunk[-1].seq
        return step.next_seq


def _undo_write(undo: BatchUndo, row: RowToUndo) -> LeadWrite:
    delivery = Delivery(
        request_id=undo.id,
        user_id=undo.user_id,
        api_key_id=undo.api_key_id,
        payload='{"force":true}' if undo.force else "",
        batch_id=undo.id,
        idempotency=_key(undo.id, row.seq),
    )
    # The lead is named so that a refused undo is in its history, too.
    return LeadWrite(Action.UNDO, delivery, row.lead_id, about_seq=row.seq, force=undo.force)


def _key(undo_id: str, seq: int) -> IdempotencyKey:
    # Unlike the keys of requests, it is scoped to no path.
    digest = hashlib.sha256(f"undo of a batch\n{undo_id}\n{seq}".encode()).hexdigest()
    return IdempotencyKey(digest, digest)


class BatchUndoWork(BackgroundWork):
    """A task that does the steps of all accounts' undos in turn, and looks again after a rest.

    The beginning of an undo wakes it.
    """

    def __init__(
        self,
        store: BatchStore,
        writer: ChunkWriter,
        *,
        holder: str,
        rest_s: float = UNDO_WORK_REST_S,
    ) -> None:
        """Start; needs a running event loop."""
        super().__init__("undo of batches", rest_s=rest_s)
        self._store = store
        self._undoer = BatchUndoer(store, writer, holder, self._goes_on)

    async def _goes_on(self) -> bool:
        return not self._is_stopping

    async def _round(self) -> None:
        await self._in_turns(await self._store.accounts_undoing(), self._step)

    async def _step(self, account_id: int) -> bool:
        try:
            return await self._undoer.step(account_id)
        except ServiceStopping:
            # The next process goes on.
            return False


class UndoPreviewStore(BatchStore, Protocol):
    """What a preview needs of a store."""

    async def plan_writes(self, account_id: int, writes: Sequence[LeadWrite]) -> WriteChecks:
        """See `LeadStore`."""


class UndoPreview(Struct, frozen=True, kw_only=True):
    """What undoing a batch would do."""

    #: How many ledger rows would be undone.
    rows: int
    #: Only the undos of so many rows were planned, the newest ones.
    planned: int
    #: How many of them would have each outcome.
    outcomes: Mapping[str, int]
    #: How many of them would leave some fields as they are.
    kept: int
    #: Why they would be refused, and how many for each reason.
    refusals: Mapping[str, int]


async def preview_undo(
    store: UndoPreviewStore, account_id: int, batch_id: str, *, force: bool
) -> UndoPreview:
    """Return what undoing a batch would do, from a sample of its rows. Raises ResourceNotFound."""
    batch = await store.batch(account_id, batch_id)
    rows = await store.newest_to_undo(account_id, batch_id, limit=UNDO_SAMPLE_ROWS)
    order = BatchUndo(
        id="",
        about_id=batch_id,
        force=force,
        date=0,
        date_done=None,
        user_id=None,
        api_key_id=None,
        rows=0,
        rows_done=0,
    )
    checks = await store.plan_writes(account_id, [_undo_write(order, row) for row in rows])
    planned = checks.results
    nothing = (Outcome.REFUSED.value, Outcome.UNCHANGED.value)
    return UndoPreview(
        rows=sum(count for outcome, count in batch.outcomes.items() if outcome not in nothing),
        planned=len(planned),
        outcomes=dict(Counter(result.outcome.value for result in planned)),
        kept=sum(bool(result.details and result.details.kept) for result in planned),
        refusals=dict(Counter(result.refusal.code for result in planned if result.refusal)),
    )
