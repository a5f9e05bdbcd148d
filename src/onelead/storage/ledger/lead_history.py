"""The history of one lead: its own ledger rows, and the refusals that named it as a match.

Portable. An index has the lead's own rows in order, another one the refusals, so the newest of
both are found without reading the rest.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, func, or_, select, union_all

from onelead.contract.ledger import AccountLedgerRow, LeadLedger, LedgerPage, LedgerRow
from onelead.domain.account import AccountSettings
from onelead.domain.errors import ResourceNotFound
from onelead.domain.writes import LEAD, Outcome
from onelead.storage.ledger.search import LISTED, row_as
from onelead.storage.schema import ledger, ledger_candidate


def lead_history(
    connection: Connection, account_id: int, lead_id: int, *, offset: int, limit: int
) -> LedgerPage:
    """Return what happened to a lead, newest first. Raises ResourceNotFound."""
    _require_lead(connection, account_id, lead_id)
    total = sum(
        connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one()
        for table, where in (
            (ledger, _of_lead(account_id, lead_id)),
            (ledger_candidate, _named(account_id, lead_id)),
        )
    )
    newest = _newest(account_id, lead_id, limit=limit, offset=offset)
    seqs = connection.execute(newest).scalars().all()
    rows = connection.execute(
        select(ledger)
        .where(ledger.c.account_id == account_id, ledger.c.seq.in_(seqs))
        .order_by(ledger.c.seq.desc())
    )
    found = [
        row_as(LedgerRow, row, msgspec.json.decode(row.payload) if row.payload else None)
        for row in rows
    ]
    return LedgerPage(found, total)


def lead_ledger(
    connection: Connection,
    settings: AccountSettings,
    lead_id: int,
    *,
    before: int | None = None,
    limit: int,
) -> LeadLedger:
    """Return the newest rows of a lead's history, without payloads. Raises ResourceNotFound."""
    _require_lead(connection, settings.account_id, lead_id)
    # One more shows whether there are older rows.
    newest = _newest(settings.account_id, lead_id, limit=limit + 1, before=before)
    seqs = connection.execute(newest).scalars().all()
    rows = connection.execute(
        select(*LISTED)
        .where(ledger.c.account_id == settings.account_id, ledger.c.seq.in_(seqs[:limit]))
        .order_by(ledger.c.seq.desc())
    )
    found = [row_as(AccountLedgerRow, row) for row in rows]
    return LeadLedger(
        rows=found,
        next_before=found[-1].seq if len(seqs) > limit else None,
        settings=settings,
    )


def lead_changes(
    connection: Connection, account_id: int, lead_id: int, *, since_version: int, limit: int
) -> list[AccountLedgerRow]:
    """Return the rows that changed the lead after a version, or deleted it."""
    made = (Outcome.CREATED.value, Outcome.UPDATED.value, Outcome.DELETED.value)
    is_later = or_(ledger.c.version > since_version, ledger.c.outcome == Outcome.DELETED.value)
    rows = connection.execute(
        select(*LISTED)
        .where(*_of_lead(account_id, lead_id), ledger.c.outcome.in_(made), is_later)
        .order_by(ledger.c.seq.desc())
        .limit(limit)
    )
    return [row_as(AccountLedgerRow, row) for row in rows]


def _of_lead(account_id: int, lead_id: int) -> tuple[ColumnElement[bool], ...]:
    return (
        ledger.c.account_id == account_id,
        ledger.c.resource_id == lead_id,
        ledger.c.resource == LEAD,
    )


def _named(account_id: int, lead_id: int) -> tuple[ColumnElement[bool], ...]:
    return (ledger_candidate.c.account_id == account_id, ledger_candidate.c.lead_id == lead_id)


def _newest(
    account_id: int, lead_id: int, *, limit: int, offset: int = 0, before: int | None = None
) -> Select[tuple[int]]:
    """Select the numbers of the newest rows, the lead's own and those that named it.

    Each side is limited separately, so that it is read in the order of its index and no further.
    """
    sides = []
    for name, seq, where in (
        ("own", ledger.c.seq, _of_lead(account_id, lead_id)),
        ("named", ledger_candidate.c.seq, _named(account_id, lead_id)),
    ):
        side = select(seq).where(*where)
        if before is not None:
            side = side.where(seq < before)
        side = side.order_by(seq.desc()).limit(offset + limit)
        sides.append(select(side.subquery(name).c.seq))
    both = union_all(*sides).subquery("newest")
    return select(both.c.seq).order_by(both.c.seq.desc()).limit(limit).offset(offset)


def _require_lead(connection: Connection, account_id: int, lead_id: int) -> None:
    """Raise ResourceNotFound for an id that never was a lead's: a refused write may name any."""
    of_lead = _of_lead(account_id, lead_id)
    was_lead = select(ledger.c.seq).where(*of_lead, ledger.c.version.is_not(None)).limit(1)
    if connection.execute(was_lead).first() is None:
        raise ResourceNotFound
