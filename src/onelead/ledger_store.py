"""The part of the storage contract about the ledger: reading what was delivered.

`store.py` says what holds for every method.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import Struct


class LedgerRow(Struct, frozen=True, gc=False):
    """One ledger row as it is shown. `date` is Unix seconds."""

    seq: int
    date: int
    request_id: str
    action: str
    outcome: str
    version: int | None
    user_id: int | None
    api_key_id: int | None
    match: dict[str, Any] | None
    changes: dict[str, Any] | None
    message: str | None
    payload: Any


class LedgerPage(Struct, frozen=True, gc=False):
    """One page of ledger rows, newest first."""

    rows: Sequence[LedgerRow]
    total: int


class LedgerStore(Protocol):
    """Reads of the ledger, and what a write would do."""

    async def lead_history(
        self, account_id: int, lead_id: int, *, offset: int, limit: int
    ) -> LedgerPage:
        """Return what happened to a lead, newest first, also to a deleted one.

        Raises ResourceNotFound when the ledger has never seen the lead.
        """
