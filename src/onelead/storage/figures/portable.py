"""The figures and the queue of refused deliveries: what all engines share."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from onelead.domain.errors import ResourceNotFound
from onelead.storage.figures import fold, queue_fold, queue_reads
from onelead.storage.figures import reads as figure_reads
from onelead.storage.transactions import Transactions, reads


class _Steps(NamedTuple):
    """The next steps, which are written together."""

    figures: fold.FoldStep | None
    queue: queue_fold.QueueStep | None


class PortableFigures(Transactions):
    """The portable part of `FigureStore` and `QueueStore`."""

    accounts_behind = reads(fold.accounts_behind)
    fold_state = reads(fold.fold_state)
    deliveries_by_hour = reads(figure_reads.deliveries_by_hour)
    deliveries_by_day = reads(figure_reads.deliveries_by_day)
    deliveries_by_value = reads(figure_reads.deliveries_by_value)
    deliveries_by_start = reads(figure_reads.deliveries_by_start)
    leads_with_many_names = reads(figure_reads.leads_with_many_names)
    deliveries_by_caller = reads(figure_reads.deliveries_by_caller)
    lead_figures = reads(figure_reads.lead_figures)
    shared_values = reads(figure_reads.shared_values)

    open_deliveries = reads(queue_reads.open_deliveries)
    queue_rows_behind = reads(queue_reads.queue_rows_behind)
    open_groups = reads(queue_reads.open_groups)
    open_group = reads(queue_reads.open_group)
    beside_group = reads(queue_reads.beside_group)
    deliveries_of_group = reads(queue_reads.deliveries_of_group)
    first_of_group = reads(queue_reads.first_of_group)
    refused_deliveries = reads(queue_reads.refused_deliveries)
    rows_of_batch = reads(queue_reads.rows_of_batch)

    async def fold_ledger(self, account_id: int) -> bool:
        def look(connection: Connection) -> _Steps:
            try:
                settings = self._load_settings(connection, account_id)
            except ResourceNotFound:
                return _Steps(None, None)
            queue_step = queue_fold.read_step(connection, account_id)
            return _Steps(fold.read_step(connection, settings), queue_step)

        def work(connection: Connection) -> bool:
            is_done = steps.figures is not None and fold.write_step(connection, steps.figures)
            if steps.queue is not None:
                is_done |= queue_fold.write_step(connection, steps.queue)
            return is_done

        steps = await self._read(look)
        if steps == (None, None):
            return False
        # A step that is already written changes nothing, so repeating it is safe.
        return await self._write(work, lambda _connection, _done: False)
