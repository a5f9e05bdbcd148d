"""Reads of the ledger: what all engines share."""

from __future__ import annotations

from onelead.storage.ledger import account_rows as stored_rows
from onelead.storage.ledger import deleted_settings as settings_history
from onelead.storage.ledger import lead_history as history
from onelead.storage.ledger import search as ledger_search
from onelead.storage.transactions import Transactions, reads, reads_by_settings


class PortableLedger(Transactions):
    """The portable part of `LedgerStore`."""

    lead_history = reads(history.lead_history)
    lead_ledger = reads_by_settings(history.lead_ledger)
    lead_changes = reads(history.lead_changes)
    search_ledger = reads_by_settings(ledger_search.search_ledger)
    ledger_row = reads_by_settings(ledger_search.ledger_row)
    deleted_settings = reads(settings_history.deleted_settings)
    account_rows = reads(stored_rows.account_rows)
