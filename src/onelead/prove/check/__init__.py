"""Judges the history: compares its answers with the ledger, and the ledger with what is stored."""
