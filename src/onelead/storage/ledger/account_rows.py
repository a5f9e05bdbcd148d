"""Everything that is stored about an account's leads, for checks. Portable.

The tables are read in chunks by their primary keys, so that no statement takes long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select, tuple_

from onelead.contract.ledger import AccountRows, LedgerEntry, RowExtras
from onelead.domain.writes import IdempotencyKey
from onelead.storage.schema import (
    distinct_pair,
    idempotency_key,
    lane,
    lead,
    ledger,
    ledger_detail,
    match_key,
    merged_lead,
)

_CHUNK_ROWS = 5_000


def account_rows(connection: Connection, account_id: int) -> AccountRows:
    """Read the ledger, the leads, their keys and the lane of an account."""
    key_order = (match_key.c.field, match_key.c.value, match_key.c.lead_id)
    keys = select(*key_order, match_key.c.label).where(match_key.c.account_id == account_id)
    entries = select(ledger).where(ledger.c.account_id == account_id)
    leads = select(lead).where(lead.c.account_id == account_id)
    numbers = select(lane.c.ledger_seq, lane.c.last_id, lane.c.lead_count)
    others = (distinct_pair.c.first_id, distinct_pair.c.second_id, distinct_pair.c.seq)
    merged = (merged_lead.c.id, merged_lead.c.lead_id, merged_lead.c.into_id, merged_lead.c.seq)
    return AccountRows(
        ledger=[LedgerEntry(*row) for row in _rows(connection, entries, (ledger.c.seq,))],
        leads=list(_rows(connection, leads, (lead.c.id,))),
        keys=list(_rows(connection, keys, key_order)),
        extras=_extras(connection, account_id),
        merged=_all(connection, select(*merged).where(merged_lead.c.account_id == account_id)),
        pairs=_all(connection, select(*others).where(distinct_pair.c.account_id == account_id)),
        lane=tuple(connection.execute(numbers.where(lane.c.account_id == account_id)).one()),
    )


def _all(connection: Connection, statement: Select[Any]) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(statement)]


def _extras(connection: Connection, account_id: int) -> dict[int, RowExtras]:
    table = idempotency_key
    keys = select(table.c.seq, table.c.key_hash, table.c.body_hash)
    of_row = {
        row.seq: IdempotencyKey(row.key_hash, row.body_hash)
        for row in connection.execute(keys.where(table.c.account_id == account_id))
    }
    details = select(ledger_detail).where(ledger_detail.c.account_id == account_id)
    extras = {seq: RowExtras(key=key) for seq, key in of_row.items()}
    for _account_id, seq, *rest in _rows(connection, details, (ledger_detail.c.seq,)):
        about_seq, batch_id, text = rest
        extras[seq] = RowExtras(about_seq, batch_id, text, of_row.get(seq))
    return extras


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
