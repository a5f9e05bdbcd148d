"""What is read besides searches: one lead, its history, and the tags. Portable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, select

from onelead.account import AccountSettings
from onelead.errors import ResourceNotFound
from onelead.ledger_store import LedgerPage, LedgerRow
from onelead.search import TagSearch
from onelead.storage.lead_rows import lead_from
from onelead.storage.schema import lead, ledger, match_key
from onelead.store import LeadRead, TagCount


def read_lead(connection: Connection, settings: AccountSettings, lead_id: int) -> LeadRead:
    """Return a lead. Raises ResourceNotFound."""
    where = (lead.c.account_id == settings.account_id) & (lead.c.id == lead_id)
    document = connection.execute(select(lead.c.document).where(where)).scalar()
    if document is None:
        raise ResourceNotFound
    return LeadRead(lead_from(document), settings)


def read_history(
    connection: Connection, account_id: int, lead_id: int, *, offset: int, limit: int
) -> LedgerPage:
    """Return what happened to a lead, newest first. Raises ResourceNotFound."""
    of_lead = (
        ledger.c.account_id == account_id,
        ledger.c.resource_id == lead_id,
        ledger.c.resource == "lead",
    )
    # A refused write may name an id that never was a lead's.
    was_lead = select(ledger.c.seq).where(*of_lead, ledger.c.version.is_not(None)).limit(1)
    if connection.execute(was_lead).first() is None:
        raise ResourceNotFound
    total = connection.execute(
        select(func.count()).select_from(ledger).where(*of_lead)
    ).scalar_one()
    newest_first = select(ledger).where(*of_lead).order_by(ledger.c.seq.desc())
    rows = connection.execute(newest_first.limit(limit).offset(offset))
    return LedgerPage([_ledger_row(row) for row in rows], total)


def request_of(connection: Connection, account_id: int, seq: int) -> str | None:
    """Return the id of the request that a ledger row is about; None when there is no such row."""
    where = (ledger.c.account_id == account_id) & (ledger.c.seq == seq)
    request_id: str | None = connection.execute(select(ledger.c.request_id).where(where)).scalar()
    return request_id


def _ledger_row(row: Row[Any]) -> LedgerRow:
    return LedgerRow(
        seq=row.seq,
        date=row.date,
        request_id=row.request_id,
        action=row.action,
        outcome=row.outcome,
        version=row.version,
        user_id=row.user_id,
        api_key_id=row.api_key_id,
        match=_json(row.match),
        changes=_json(row.changes),
        message=row.message,
        payload=_json(row.payload or None),
    )


def _json(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)


def read_tags(connection: Connection, account_id: int, search: TagSearch) -> Sequence[TagCount]:
    """Return the tags of the account's leads with their counts, in the order asked for."""
    count = func.count().label("leads")
    statement = (
        select(match_key.c.label, count)
        .where(match_key.c.account_id == account_id, match_key.c.field == "tag")
        .group_by(match_key.c.label)
    )
    if search.after is not None:
        statement = statement.where(match_key.c.label > search.after)
    order = (count.desc(), match_key.c.label) if search.by_count else (match_key.c.label,)
    return [
        TagCount(row.label, row.leads) for row in connection.execute(statement.order_by(*order))
    ]
