"""What is read of the ledger, as every engine reads it."""

from __future__ import annotations

from onelead.ledger_store import LedgerPage
from onelead.storage import reads
from onelead.storage.transactions import Transactions


class PortableLedger(Transactions):
    """The portable part of `LedgerStore`."""

    async def lead_history(
        self, account_id: int, lead_id: int, *, offset: int, limit: int
    ) -> LedgerPage:
        """See LedgerStore."""
        return await self._read(
            lambda connection: reads.read_history(
                connection, account_id, lead_id, offset=offset, limit=limit
            )
        )
