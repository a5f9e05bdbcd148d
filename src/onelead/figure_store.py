"""The part of the storage contract about figures: what is folded from the ledger.

`store.py` says what holds for every method.
"""

from __future__ import annotations

from typing import Protocol


class FigureStore(Protocol):
    """Counts of deliveries and of leads."""
