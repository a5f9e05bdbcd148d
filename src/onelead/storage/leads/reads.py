"""Reads other than searches: leads by id, and tags. Portable."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, func, select, union

from onelead.contract.leads import LeadRead, TagCount
from onelead.domain.account import AccountSettings
from onelead.domain.errors import Erased, ResourceNotFound
from onelead.domain.lead import Lead
from onelead.domain.matching import SimilarKeys
from onelead.domain.search import TagSearch
from onelead.domain.text import after_start, fold
from onelead.domain.writes import RowDetails
from onelead.storage import schema
from onelead.storage.leads.conditions import Keys, starting
from onelead.storage.leads.rows import lead_from
from onelead.storage.schema import ledger, match_key

_details = msgspec.json.Decoder(RowDetails)


def lead(
    connection: Connection, settings: AccountSettings, lead_id: int, *, unmerged: bool = False
) -> LeadRead:
    """Return a lead, or the one that it was merged into. Raises ResourceNotFound, Erased.

    With `unmerged`, a merged lead is returned as it was.
    """
    document = _document(connection, settings.account_id, lead_id)
    if document is not None:
        return LeadRead(lead_from(document), settings)
    survivor_id = merged_into(connection, settings.account_id, lead_id)
    if survivor_id is None:
        raise ResourceNotFound
    document = _document(connection, settings.account_id, survivor_id)
    if document is None:
        raise ResourceNotFound.of_merged(lead_id, survivor_id)
    found = lead_from(document)
    if unmerged:
        found = _as_merged(connection, settings.account_id, lead_id)
    return LeadRead(found, settings, survivor_id)


def _as_merged(connection: Connection, account_id: int, lead_id: int) -> Lead:
    """Return a merged lead as the ledger row of its merge has it. Raises Erased."""
    table, details = schema.merged_lead, schema.ledger_detail
    text = connection.execute(
        select(details.c.details)
        .join(table, (table.c.account_id == details.c.account_id) & (table.c.seq == details.c.seq))
        .where(table.c.account_id == account_id, table.c.id == lead_id)
    ).scalar()
    kept = _details.decode(text).merged if text else ()
    for found in kept:
        if found.id == lead_id:
            return found
    raise Erased


def _document(connection: Connection, account_id: int, lead_id: int) -> str | None:
    table = schema.lead
    where = (table.c.account_id == account_id) & (table.c.id == lead_id)
    document: str | None = connection.execute(select(table.c.document).where(where)).scalar()
    return document


def merged_into(connection: Connection, account_id: int, lead_id: int) -> int | None:
    """Return the lead that stands for a merged one; None for an id that was never merged."""
    table = schema.merged_lead
    where = (table.c.account_id == account_id) & (table.c.id == lead_id)
    survivor_id: int | None = connection.execute(select(table.c.lead_id).where(where)).scalar()
    return survivor_id


def request_of(connection: Connection, account_id: int, seq: int) -> str | None:
    """Return the id of the request that wrote a ledger row; None when the row does not exist."""
    where = (ledger.c.account_id == account_id) & (ledger.c.seq == seq)
    request_id: str | None = connection.execute(select(ledger.c.request_id).where(where)).scalar()
    return request_id


def tags(connection: Connection, account_id: int, search: TagSearch) -> Sequence[TagCount]:
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


def read_leads(connection: Connection, account_id: int, ids: Sequence[int]) -> list[Lead]:
    """Return the leads with some ids, ascending; ids without a lead are left out."""
    if not ids:
        return []
    table = schema.lead
    where = (table.c.account_id == account_id) & table.c.id.in_(ids)
    statement = select(table.c.document).where(where).order_by(table.c.id)
    return [lead_from(document) for (document,) in connection.execute(statement)]


def similar_lead_ids(
    connection: Connection, account_id: int, wanted: Sequence[SimilarKeys], *, limit: int
) -> Sequence[Sequence[int]]:
    """Return the leads that have one of the keys, for each of `wanted`: ascending ids."""
    return [_similar(connection, Keys(account_id), one, limit) for one in wanted]


def _similar(connection: Connection, keyed: Keys, wanted: SimilarKeys, limit: int) -> Sequence[int]:
    value = match_key.c.value
    parts = [keyed.ids(wanted.field, value.in_(wanted.values))]
    if wanted.start:
        parts.append(keyed.ids(wanted.field, starting(value, wanted.start)))
    # Each part by a range of the index, and no further than the limit.
    found = union(*(part.limit(limit).subquery().select() for part in parts))
    return sorted(connection.scalars(found))[:limit]


def tag_completions(
    connection: Connection, account_id: int, start: str, limit: int
) -> Sequence[str]:
    """Return the first tags that begin with `start`, by name, without reading all their leads.

    A tag of a million leads is a million rows side by side: each step skips them to find the next
    tag.
    """
    keys = match_key.alias("keys")
    start = fold(start)
    tags = [keys.c.account_id == account_id, keys.c.field == "tag"]
    if (end := after_start(start)) is not None:
        tags.append(keys.c.value < end)
    next_one = select(keys.c.value).where(*tags).order_by(keys.c.value).limit(1)
    first = next_one.where(keys.c.value >= start)
    found = select(first.scalar_subquery().label("value")).cte("found", recursive=True)
    # Only one lower bound: of two, an index search would use the one that is written first.
    after = next_one.where(keys.c.value > found.c.value).correlate(found)
    found = found.union_all(select(after.scalar_subquery()).where(found.c.value.is_not(None)))
    label = select(match_key.c.label).where(
        match_key.c.account_id == account_id,
        match_key.c.field == "tag",
        match_key.c.value == found.c.value,
    )
    statement = (
        select(label.limit(1).correlate(found).scalar_subquery().label("tag"))
        .where(found.c.value.is_not(None))
        .limit(limit)
    )
    return [row.tag for row in connection.execute(statement)]
