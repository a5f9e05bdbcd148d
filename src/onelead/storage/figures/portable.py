"""The figures: what all engines share."""

from __future__ import annotations

from sqlalchemy import Connection

from onelead.domain.errors import ResourceNotFound
from onelead.storage.figures import fold
from onelead.storage.figures import reads as figure_reads
from onelead.storage.transactions import Transactions, reads


class PortableFigures(Transactions):
    """The portable part of `FigureStore`."""

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

    async def fold_ledger(self, account_id: int) -> bool:
        def look(connection: Connection) -> fold.FoldStep | None:
            try:
                settings = self._load_settings(connection, account_id)
            except ResourceNotFound:
                return None
            return fold.read_step(connection, settings)

        step = await self._read(look)
        if step is None:
            return False
        # A step that is already written changes nothing, so repeating it is safe.
        return await self._write(
            lambda connection: fold.write_step(connection, step),
            lambda _connection, _done: False,
        )
