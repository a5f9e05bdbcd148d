"""What is folded from the ledger, as every engine keeps it."""

from __future__ import annotations

from onelead.storage.transactions import Transactions


class PortableFigures(Transactions):
    """The portable part of `FigureStore`."""
