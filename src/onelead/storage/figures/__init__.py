"""What is folded from the ledger, and read of it."""
