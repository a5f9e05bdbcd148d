"""The names of the imported files that ledger rows are lines of."""

from __future__ import annotations

from collections.abc import Iterable

from onelead.contract.ledger import LedgerRow
from onelead.web.frame.visit import Visit


async def file_names(visit: Visit, rows: Iterable[LedgerRow]) -> dict[str, str]:
    """Return the names by the batches of the rows."""
    batch_ids = {row.batch_id for row in rows if row.details and row.details.line is not None}
    found = {batch_id: await file_name(visit, batch_id) for batch_id in batch_ids if batch_id}
    return {batch_id: name for batch_id, name in found.items() if name}


async def file_name(visit: Visit, batch_id: str | None) -> str:
    """Return the name of the file whose rows are a batch; empty for any other batch."""
    one = await visit.store.import_of_batch(visit.account_id, batch_id) if batch_id else None
    return one.name if one else ""
