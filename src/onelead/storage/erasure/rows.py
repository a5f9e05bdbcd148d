"""Erasing what ledger rows say, and everything in other tables that repeats it. Portable.

What stays of a row is its number, time, caller, action, outcome and the ids it is filed under.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, bindparam, delete, select, update

from onelead.contract.ledger import AccountLedgerRow
from onelead.domain.acts.erasure import (
    PersonValues,
    lead_ids_in,
    without_person,
    without_values,
)
from onelead.domain.writes import Action, RowDetails
from onelead.storage.engine_insert import engine_insert
from onelead.storage.figures.queue_fold import leave_queue
from onelead.storage.leads.rows import json_text
from onelead.storage.ledger.search import row_as, select_rows
from onelead.storage.schema import (
    idempotency_key,
    ledger,
    ledger_candidate,
    ledger_detail,
)

#: When, and by which user or after how many days: `RowDetails.erased`.
Mark = Mapping[str, int | None]

_of_row = (ledger.c.account_id == bindparam("key_account_id"), ledger.c.seq == bindparam("key_seq"))
_ERASE = (
    update(ledger)
    .where(*_of_row)
    .values(
        payload="",
        match=None,
        changes=bindparam("new_changes"),
        message=None,
        ignored=None,
        shares=None,
    )
)
_REDACT = (
    update(ledger)
    .where(*_of_row)
    .values(
        match=bindparam("new_match"),
        shares=bindparam("new_shares"),
        payload=bindparam("new_payload"),
    )
)


def read_rows(
    connection: Connection, account_id: int, seqs: Iterable[int]
) -> list[AccountLedgerRow]:
    """Read ledger rows without their payloads, in order."""
    where = (ledger.c.account_id == account_id, ledger.c.seq.in_(sorted(seqs)))
    rows = connection.execute(
        select_rows(with_payload=False).where(*where).order_by(ledger.c.seq)
    ).all()
    return [row_as(AccountLedgerRow, row) for row in rows]


def erase_rows(
    connection: Connection,
    account_id: int,
    rows: Sequence[AccountLedgerRow],
    mark: Mark,
    *,
    changes: Mapping[int, str | None],
) -> None:
    """Put the mark in the place of what rows say; `changes` are those that stay, by number."""
    if not rows:
        return
    connection.execute(
        _ERASE,
        [
            {
                "key_account_id": account_id,
                "key_seq": row.seq,
                "new_changes": changes.get(row.seq),
            }
            for row in rows
        ],
    )
    _mark(connection, account_id, rows, mark)
    named = [
        {"key_lead_id": lead_id, "key_seq": row.seq}
        for row in rows
        for lead_id in {*(row.match["ids"] if row.match else ()), *lead_ids_in(row.details)}
    ]
    if named:
        table = ledger_candidate
        of_row = (
            table.c.account_id == account_id,
            table.c.lead_id == bindparam("key_lead_id"),
            table.c.seq == bindparam("key_seq"),
        )
        connection.execute(delete(table).where(*of_row), named)
    leave_queue(connection, account_id, [row.seq for row in rows])


def _mark(
    connection: Connection, account_id: int, rows: Sequence[AccountLedgerRow], mark: Mark
) -> None:
    statement = engine_insert(connection, ledger_detail)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["account_id", "seq"], set_={"details": statement.excluded.details}
        ),
        [
            {"account_id": account_id, "seq": row.seq, "details": json_text(_erased(row, mark))}
            for row in rows
        ],
    )


def _erased(row: AccountLedgerRow, mark: Mark) -> RowDetails:
    """Return what stays: by the ids, leads that stand again are found by their last change."""
    details = row.details or RowDetails()
    ids = details.restored_ids or tuple(lead.id for lead in details.restored)
    others = tuple(lead_id for lead_id in ids if lead_id != row.resource_id)
    return RowDetails(erased=dict(mark), restored_ids=others)


def forget_keys(connection: Connection, account_id: int, seqs: Sequence[int]) -> int:
    """Remove the idempotency keys of rows, and return how many there were."""
    table = idempotency_key
    where = (table.c.account_id == account_id, table.c.seq.in_(seqs))
    return connection.execute(delete(table).where(*where)).rowcount


def redact_rows(
    connection: Connection,
    account_id: int,
    seqs: Sequence[int],
    values: PersonValues,
    lead_ids: frozenset[int],
) -> None:
    """Take the person out of other leads' rows; the rest of them stays."""
    if not seqs:
        return
    where = (ledger.c.account_id == account_id, ledger.c.seq.in_(seqs))
    rows = connection.execute(select(ledger.c.seq, ledger.c.payload).where(*where)).all()
    payloads = {row.seq: row.payload for row in rows}
    parameters = []
    for row in read_rows(connection, account_id, seqs):
        match, shares = without_person(row.match, row.shares, values, lead_ids)
        parameters.append(
            {
                "key_account_id": account_id,
                "key_seq": row.seq,
                "new_match": json_text(match) if match else None,
                "new_shares": json_text(shares) if shares else None,
                "new_payload": without_values(payloads[row.seq], values),
            }
        )
    connection.execute(_REDACT, parameters)


def is_erasure(row: AccountLedgerRow) -> bool:
    """Return whether a row records an erasure, which has nothing to erase."""
    return row.action == Action.ERASE
