"""Reads of the ledger: what all engines share."""

from __future__ import annotations

from onelead.contract.batches import BatchUndo, UndoOrder, UndoStep
from onelead.storage.ledger import account_rows as stored_rows
from onelead.storage.ledger import acts, batches, follow, sent
from onelead.storage.ledger import deleted_settings as settings_history
from onelead.storage.ledger import lead_history as history
from onelead.storage.ledger import search as ledger_search
from onelead.storage.transactions import (
    Transactions,
    reads,
    reads_by_settings,
    writes_now,
)


class PortableLedger(Transactions):
    """The portable part of `LedgerStore`, and `ActStore`."""

    lead_history = reads(history.lead_history)
    lead_ledger = reads_by_settings(history.lead_ledger)
    lead_changes = reads(history.lead_changes)
    sent_by = reads(sent.sent_by)
    search_ledger = reads_by_settings(ledger_search.search_ledger)
    ledger_row = reads_by_settings(ledger_search.ledger_row)
    deleted_settings = reads(settings_history.deleted_settings)
    account_rows = reads(stored_rows.account_rows)
    acts_about = reads(acts.acts_about)
    distinct_pairs = reads(acts.distinct_pairs)
    follow_ledger = reads(follow.follow_ledger)
    ledger_seq = reads(follow.ledger_seq)
    batch = reads(batches.batch)
    undo_of_batch = reads(batches.undo_of_batch)
    batch_results = reads(batches.batch_results)
    newest_to_undo = reads(batches.newest_to_undo)
    accounts_undoing = reads(batches.accounts_undoing)
    end_undo_step = writes_now(batches.end_step)

    async def begin_undo(self, account_id: int, order: UndoOrder) -> BatchUndo:
        now = self._clock()
        return await self._write(
            lambda connection: batches.begin_undo(connection, now, account_id, order),
            lambda connection, made: batches.find_undo(connection, account_id, made.id) is not None,
        )

    async def take_undo_step(self, account_id: int, holder: str) -> UndoStep | None:
        now = self._clock()
        undo_id = await self._write(
            lambda connection: batches.hold_undo(connection, now, account_id, holder),
            # The same process may take it once more.
            lambda _connection, _undo_id: False,
        )
        if undo_id is None:
            return None
        # Many rows are read without keeping others from writing.
        return await self._read(
            lambda connection: batches.read_step(connection, account_id, undo_id)
        )
