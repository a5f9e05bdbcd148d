"""The figures: folded from the ledger, and read."""
