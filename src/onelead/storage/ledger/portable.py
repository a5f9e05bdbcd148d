"""What is read of the ledger, as every engine reads it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection

from onelead.contract.leads import WriteCheck
from onelead.contract.ledger import (
    AccountLedgerRow,
    DeletedSetting,
    LeadLedger,
    LedgerPage,
    LedgerRead,
    LedgerSearch,
    LedgerSlice,
)
from onelead.domain.writes import LeadWrite
from onelead.storage.leads.write_check import check_write
from onelead.storage.ledger import lead_history
from onelead.storage.ledger import search as ledger_search
from onelead.storage.ledger.deleted_settings import read_deleted_settings
from onelead.storage.transactions import Transactions


class PortableLedger(Transactions):
    """The portable part of `LedgerStore`."""

    async def lead_history(
        self, account_id: int, lead_id: int, *, offset: int, limit: int
    ) -> LedgerPage:
        """See LedgerStore."""
        return await self._read(
            lambda connection: lead_history.read_history(
                connection, account_id, lead_id, offset=offset, limit=limit
            )
        )

    async def lead_ledger(
        self, account_id: int, lead_id: int, *, before: int | None = None, limit: int
    ) -> LeadLedger:
        """See LedgerStore."""

        def work(connection: Connection) -> LeadLedger:
            settings = self._load_settings(connection, account_id)
            return lead_history.read_lead_rows(
                connection, settings, lead_id, before=before, limit=limit
            )

        return await self._read(work)

    async def lead_changes(
        self, account_id: int, lead_id: int, *, since_version: int, limit: int
    ) -> Sequence[AccountLedgerRow]:
        """See LedgerStore."""
        return await self._read(
            lambda connection: lead_history.read_lead_changes(
                connection, account_id, lead_id, since_version=since_version, limit=limit
            )
        )

    async def search_ledger(self, account_id: int, search: LedgerSearch) -> LedgerSlice:
        """See LedgerStore."""

        def work(connection: Connection) -> LedgerSlice:
            settings = self._load_settings(connection, account_id)
            return ledger_search.find_rows(connection, settings, search)

        return await self._read(work)

    async def deleted_settings(
        self, account_id: int, ids: Collection[int]
    ) -> Mapping[int, DeletedSetting]:
        """See LedgerStore."""
        return await self._read(
            lambda connection: read_deleted_settings(connection, account_id, ids)
        )

    async def ledger_row(self, account_id: int, seq: int) -> LedgerRead:
        """See LedgerStore."""

        def work(connection: Connection) -> LedgerRead:
            settings = self._load_settings(connection, account_id)
            return ledger_search.read_row(connection, settings, seq)

        return await self._read(work)

    async def plan_write(self, account_id: int, write: LeadWrite) -> WriteCheck:
        """See LedgerStore."""

        def work(connection: Connection) -> WriteCheck:
            settings = self._load_settings(connection, account_id)
            return check_write(connection, settings, write, self._clock())

        return await self._read(work)
