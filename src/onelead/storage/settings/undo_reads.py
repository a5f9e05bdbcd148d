"""What the undo of a change of the settings needs to know, read under the lane. Portable."""

from __future__ import annotations

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select

from onelead.domain.acts.facts import ActFact, LedgerFact
from onelead.domain.settings.undo import UndoneRow
from onelead.domain.writes import LEAD, RowDetails
from onelead.storage.schema import ledger, ledger_detail

_details = msgspec.json.Decoder(RowDetails)


def undone_row(connection: Connection, account_id: int, seq: int | None) -> UndoneRow | None:
    """Return the ledger row that an undo is about; None if the settings have no such row."""
    row = connection.execute(
        select(
            *(ledger.c.seq, ledger.c.resource, ledger.c.action, ledger.c.outcome),
            *(ledger.c.resource_id, ledger.c.version, ledger.c.changes, ledger_detail.c.details),
        )
        .where(ledger.c.account_id == account_id, ledger.c.seq == seq, ledger.c.resource != LEAD)
        .outerjoin(ledger_detail, _is_same_row())
    ).first()
    if row is None:
        return None
    details = _details.decode(row.details) if row.details else RowDetails()
    fact = LedgerFact(
        *(row.seq, row.resource, row.action, row.outcome),
        *(row.resource_id, row.version, row.changes, details),
    )
    of_resource = (ledger.c.account_id == account_id, ledger.c.resource_id == row.resource_id)
    counted = select(func.count()).select_from(ledger).where(*of_resource)
    rows: int = connection.execute(counted).scalar_one()
    return UndoneRow(fact, _acts(connection, account_id, row.seq), rows)


def _acts(connection: Connection, account_id: int, seq: int) -> dict[int, list[ActFact]]:
    """Return the rows about a row, and those about these."""
    acts: dict[int, list[ActFact]] = {}
    about = {seq}
    while about:
        rows = connection.execute(
            select(ledger_detail.c.about_seq, ledger.c.seq, ledger.c.action, ledger.c.outcome)
            .where(ledger_detail.c.account_id == account_id, ledger_detail.c.about_seq.in_(about))
            # See `ledger.acts.acts_about`.
            .where(ledger_detail.c.seq > ledger_detail.c.about_seq)
            .join(ledger, _is_same_row())
            .order_by(ledger.c.seq)
        ).all()
        for row in rows:
            acts.setdefault(row.about_seq, []).append(ActFact(row.seq, row.action, row.outcome))
        about = {row.seq for row in rows}
    return acts


def _is_same_row() -> ColumnElement[bool]:
    return (ledger_detail.c.account_id == ledger.c.account_id) & (
        ledger_detail.c.seq == ledger.c.seq
    )
