"""What a rehearsal has to know of what is stored, and what an import has written. Portable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, Table, and_, case, func, select

from onelead.contract.batches import BatchResult
from onelead.contract.imports import (
    BatchRow,
    Known,
    RehearsalStart,
    Sought,
    TableRow,
    WrittenRows,
)
from onelead.domain.account import AccountSettings
from onelead.domain.errors import MatchAmbiguous
from onelead.domain.writes import Outcome, RowDetails
from onelead.storage.schema import (
    idempotency_key,
    lane,
    lead,
    ledger,
    ledger_detail,
    match_key,
)

_details = msgspec.json.Decoder(RowDetails).decode
#: The values of one statement; databases bound them.
_VALUES_AT_ONCE = 500


def rehearsal_start(connection: Connection, settings: AccountSettings) -> RehearsalStart:
    """Return where a rehearsal begins."""
    numbers = select(lane.c.last_id, lane.c.ledger_seq)
    row = connection.execute(numbers.where(lane.c.account_id == settings.account_id)).one()
    return RehearsalStart(settings, row.last_id, row.ledger_seq)


def known_of(connection: Connection, account_id: int, sought: Sought) -> Known:
    """Return what is stored about match keys and idempotency keys."""
    ids = sorted(_lead_ids(connection, account_id, sought))
    keyed = _rows(connection, account_id, idempotency_key, "key_hash", sorted(sought.key_hashes))
    place = [column.name for column in idempotency_key.c].index("seq")
    seqs = [row[place] for row in keyed]
    return Known(
        leads=_rows(connection, account_id, lead, "id", ids),
        match_keys=_rows(connection, account_id, match_key, "lead_id", ids),
        ledger=_rows(connection, account_id, ledger, "seq", seqs),
        details=_rows(connection, account_id, ledger_detail, "seq", seqs),
        idempotency_keys=keyed,
    )


def _lead_ids(connection: Connection, account_id: int, sought: Sought) -> set[int]:
    """Return the leads that have one of the keys."""
    by_field = defaultdict(list)
    for field, value in sorted(sought.keys):
        by_field[field].append(value)
    ids: set[int] = set()
    of_account = and_(match_key.c.account_id == account_id, match_key.c.lead_id <= sought.last_id)
    for field, values in by_field.items():
        for some in _slices(values):
            # Of a value that very many leads share, only the first ones are read.
            place = func.row_number().over(
                partition_by=match_key.c.value, order_by=match_key.c.lead_id
            )
            found = select(match_key.c.lead_id, place.label("place")).where(
                of_account, match_key.c.field == field, match_key.c.value.in_(some)
            )
            numbered = found.subquery()
            first = select(numbered.c.lead_id).where(numbered.c.place <= sought.leads_max)
            ids.update(connection.scalars(first))
    return ids


def _rows(
    connection: Connection, account_id: int, table: Table, name: str, values: Sequence[Any]
) -> list[TableRow]:
    """Return whole rows whose column has one of the values."""
    found: list[TableRow] = []
    for some in _slices(values):
        where = (table.c.account_id == account_id, table.c[name].in_(some))
        found += [tuple(row) for row in connection.execute(select(table).where(*where))]
    return found


def _slices(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[at : at + _VALUES_AT_ONCE] for at in range(0, len(values), _VALUES_AT_ONCE))


def batch_rows(
    connection: Connection,
    account_id: int,
    batch_id: str,
    *,
    after: int,
    limit: int,
    refused: bool = False,
) -> Sequence[BatchRow]:
    """Return the first rows of a batch after a ledger number, or only those refused."""
    statement = _of_batch(account_id, batch_id).where(ledger_detail.c.seq > after)
    if refused:
        statement = statement.where(ledger.c.outcome == Outcome.REFUSED.value)
    found = connection.execute(statement.order_by(ledger_detail.c.seq).limit(limit))
    return [_batch_row(row) for row in found]


def _of_batch(account_id: int, batch_id: str) -> Select[Any]:
    same_row = and_(
        ledger_detail.c.account_id == ledger.c.account_id, ledger_detail.c.seq == ledger.c.seq
    )
    columns = (ledger.c.seq, ledger.c.resource_id, ledger.c.action, ledger.c.outcome)
    more = (ledger.c.message, ledger.c.payload, ledger_detail.c.details)
    return (
        select(*columns, *more)
        .join_from(ledger_detail, ledger, same_row)
        .where(ledger_detail.c.account_id == account_id, ledger_detail.c.batch_id == batch_id)
    )


def _batch_row(row: Any) -> BatchRow:
    details = _details(row.details)
    result = BatchResult(
        seq=row.seq,
        lead_id=row.resource_id,
        action=row.action,
        outcome=row.outcome,
        message=row.message,
        about_seq=None,
        kept=tuple(details.kept),
    )
    return BatchRow(result=result, line=details.line, payload=row.payload)


def written_rows(connection: Connection, account_id: int, batch_id: str) -> WrittenRows:
    """Return how far an import has come by its ledger rows."""
    of_batch = _of_batch(account_id, batch_id)
    newest = connection.execute(of_batch.order_by(ledger_detail.c.seq.desc()).limit(1)).first()
    if newest is None:
        return WrittenRows(0, {})
    is_ambiguous = ledger.c.message.startswith(MatchAmbiguous.BEGINNING, autoescape=True)
    outcome = case((is_ambiguous, "ambiguous"), else_=ledger.c.outcome).label("outcome")
    counted = of_batch.with_only_columns(outcome, func.count().label("rows")).group_by(outcome)
    counts = {row.outcome: row.rows for row in connection.execute(counted)}
    return WrittenRows(_details(newest.details).line or 0, counts)
