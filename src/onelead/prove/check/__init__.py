"""The history of a proof, held against the ledger and what is stored."""
