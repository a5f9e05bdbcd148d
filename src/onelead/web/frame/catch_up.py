"""Letting figures and queue follow what a form just wrote, so that the next page shows it."""

from __future__ import annotations

from contextlib import suppress

from onelead.domain.errors import StoreUnavailable
from onelead.web.frame.visit import Visit

#: The background work goes on from there.
_STEPS_MAX = 5


async def catch_up(visit: Visit) -> None:
    """Fold the newest ledger rows, unless there are many."""
    # It is written, whether or not that can be counted now.
    with suppress(StoreUnavailable):
        for _ in range(_STEPS_MAX):
            if not await visit.store.fold_ledger(visit.account_id):
                return
