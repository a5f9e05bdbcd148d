"""onelead without batches: every request is its own transaction.

Run as `python -m benchmarks.contenders.one_transaction_server serve ...`, it is the command
`onelead` with another writer: the same engine, statements, rules and answers.

It would be unfair to let all requests queue for the lane of one account, which is fast only
because of batches. So on PostgreSQL the people are spread over 256 accounts, whose lanes rarely
meet, and 16 transactions are in flight at a time. This is the best the engine can do without
batches, at the price of promising nothing across those accounts. SQLite has one writer whatever
the account, so there it is one account and one transaction at a time.
"""

from __future__ import annotations

import asyncio
from typing import Any
from unittest import mock

from onelead import app
from onelead.api import auth
from onelead.commands import cli
from onelead.contract.leads import Batch
from onelead.domain import limits
from onelead.domain.account import AccountSettings
from onelead.domain.fold import checked_write
from onelead.domain.writes import LeadWrite
from onelead.process.writer import BatchingWriter, Receipt, WriterStore

ACCOUNTS = 256
_IN_FLIGHT = 16


class OneTransactionEach(BatchingWriter):
    """Commits each write separately, several at a time."""

    def __init__(self, store: WriterStore, **options: Any) -> None:
        super().__init__(store, **options)
        self._leads = store
        self._in_flight = asyncio.Semaphore(_IN_FLIGHT)
        self._settings: dict[int, AccountSettings] = {}

    async def write(self, account_id: int, write: LeadWrite) -> Receipt:
        """Write and wait for the commit."""
        async with self._in_flight:
            settings = self._settings.get(account_id) or await self._leads.settings(account_id)
            receipt = await self._leads.write_leads(
                Batch(settings, [checked_write(write, settings)])
            )
            self._settings[account_id] = receipt.settings
        return Receipt(receipt.results[0], receipt.settings, receipt.first_seq)


if __name__ == "__main__":
    with (
        mock.patch.object(app, "BatchingWriter", OneTransactionEach),
        # Looking up this many API keys every other second is not part of the comparison.
        mock.patch.object(auth, "API_KEY_CACHE_S", 3_600),
        # A connection for each transaction in flight; the engine is imported when it is opened.
        mock.patch.multiple(
            limits,
            DATABASE_BATCH_CONNECTIONS_MAX=_IN_FLIGHT,
            DATABASE_CONNECTIONS_MAX=limits.DATABASE_CONNECTIONS_MAX + _IN_FLIGHT,
        ),
    ):
        cli.main()
