"""What is folded from the ledger, as every engine keeps it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from onelead.contract.figures import (
    CallerFigure,
    DayFigure,
    Division,
    FoldState,
    HourFigure,
    LeadFigures,
    SharedValues,
    ValueFigure,
)
from onelead.domain.errors import ResourceNotFound
from onelead.storage.figures import fold, reads
from onelead.storage.transactions import Transactions


class PortableFigures(Transactions):
    """The portable part of `FigureStore`."""

    async def accounts_behind(self) -> Sequence[int]:
        """See FigureStore."""
        return await self._read(fold.accounts_behind)

    async def fold_ledger(self, account_id: int) -> bool:
        """See FigureStore."""

        def look(connection: Connection) -> fold.FoldStep | None:
            try:
                settings = self._load_settings(connection, account_id)
            except ResourceNotFound:
                return None
            return fold.read_step(connection, settings)

        step = await self._read(look)
        if step is None:
            return False
        # A step that was written already moves nothing, so it may be done again.
        return await self._write(
            lambda connection: fold.write_step(connection, step),
            lambda _connection, _done: False,
        )

    async def fold_state(self, account_id: int) -> FoldState:
        """See FigureStore."""
        return await self._read(lambda connection: fold.read_state(connection, account_id))

    async def deliveries_by_hour(
        self, account_id: int, division: Division, since: int, until: int
    ) -> Sequence[HourFigure]:
        """See FigureStore."""
        return await self._read(
            lambda connection: reads.by_hour(connection, account_id, division, since, until)
        )

    async def deliveries_by_day(
        self, account_id: int, division: Division, since: int, until: int, *, ahead_s: int
    ) -> Sequence[DayFigure]:
        """See FigureStore."""
        return await self._read(
            lambda connection: reads.by_day(connection, account_id, division, since, until, ahead_s)
        )

    async def deliveries_by_value(
        self, account_id: int, division: Division, since: int, until: int
    ) -> Sequence[ValueFigure]:
        """See FigureStore."""
        return await self._read(
            lambda connection: reads.by_value(connection, account_id, division, since, until)
        )

    async def deliveries_by_caller(
        self, account_id: int, since: int, until: int
    ) -> Sequence[CallerFigure]:
        """See FigureStore."""
        return await self._read(
            lambda connection: reads.by_caller(connection, account_id, since, until)
        )

    async def lead_figures(
        self, account_id: int, *, fields: Collection[str] = (), value: str | None = None
    ) -> LeadFigures:
        """See FigureStore."""
        return await self._read(
            lambda connection: reads.read_leads(connection, account_id, fields, value)
        )

    async def shared_values(
        self, account_id: int, key_field: str, *, after: str, limit: int
    ) -> SharedValues:
        """See FigureStore."""
        return await self._read(
            lambda connection: reads.shared_values(
                connection, account_id, key_field, after=after, limit=limit
            )
        )
