"""Checks of what is stored: the leads, their match keys, the ledger, and what is counted."""
