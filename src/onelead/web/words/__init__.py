"""Ledger rows, values and deleted settings in words."""
