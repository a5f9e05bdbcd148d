"""Everything that is stored about an account's leads, for checks. Portable.

The tables are read in chunks by their primary keys, so that no statement takes long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select, tuple_

from onelead.contract.ledger import AccountRows, LedgerEntry
from onelead.storage.schema import lane, lead, ledger, match_key

_CHUNK_ROWS = 5_000


def account_rows(connection: Connection, account_id: int) -> AccountRows:
    """Read the ledger, the leads, their keys and the lane of an account."""
    key_order = (match_key.c.field, match_key.c.value, match_key.c.lead_id)
    keys = select(*key_order, match_key.c.label).where(match_key.c.account_id == account_id)
    entries = select(ledger).where(ledger.c.account_id == account_id)
    leads = select(lead).where(lead.c.account_id == account_id)
    numbers = select(lane.c.ledger_seq, lane.c.last_id, lane.c.lead_count)
    return AccountRows(
        ledger=[LedgerEntry(*row) for row in _rows(connection, entries, (ledger.c.seq,))],
        leads=list(_rows(connection, leads, (lead.c.id,))),
        keys=list(_rows(connection, keys, key_order)),
        lane=tuple(connection.execute(numbers.where(lane.c.account_id == account_id)).one()),
    )


def _rows(
    connection: Connection, statement: Select[Any], order: Sequence[ColumnElement[Any]]
) -> Iterator[tuple[Any, ...]]:
    in_order = statement.order_by(*order).limit(_CHUNK_ROWS)
    chunk = connection.execute(in_order).all()
    while chunk:
        yield from map(tuple, chunk)
        if len(chunk) < _CHUNK_ROWS:
            return
        last = [chunk[-1]._mapping[column] for column in order]  # noqa: SLF001 - a row's public API
        chunk = connection.execute(in_order.where(tuple_(*order) > tuple_(*last))).all()
