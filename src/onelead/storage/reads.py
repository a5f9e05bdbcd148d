"""What is read besides searches: one lead, and the tags. Portable."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from onelead.contract.leads import LeadRead, TagCount
from onelead.domain.account import AccountSettings
from onelead.domain.errors import ResourceNotFound
from onelead.domain.search import TagSearch
from onelead.storage.lead_rows import lead_from
from onelead.storage.schema import lead, ledger, match_key


def read_lead(connection: Connection, settings: AccountSettings, lead_id: int) -> LeadRead:
    """Return a lead. Raises ResourceNotFound."""
    where = (lead.c.account_id == settings.account_id) & (lead.c.id == lead_id)
    document = connection.execute(select(lead.c.document).where(where)).scalar()
    if document is None:
        raise ResourceNotFound
    return LeadRead(lead_from(document), settings)


def request_of(connection: Connection, account_id: int, seq: int) -> str | None:
    """Return the id of the request that a ledger row is about; None when there is no such row."""
    where = (ledger.c.account_id == account_id) & (ledger.c.seq == seq)
    request_id: str | None = connection.execute(select(ledger.c.request_id).where(where)).scalar()
    return request_id


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
