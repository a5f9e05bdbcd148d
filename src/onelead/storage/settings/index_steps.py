"""One step of the index work, short enough for the lane. Portable.

It gives older leads the keys of a definition that became filterable, and removes keys that no
definition reads any more. `key_rebuild.py` has the steps after an upgrade.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, delete, func, select, tuple_

from onelead.contract.settings import IndexProgress
from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import CustomField, IndexState
from onelead.domain.limits import INDEX_CHUNK_LEADS, PURGE_CHUNK_KEYS
from onelead.domain.matching import claim_field, custom_field_keys
from onelead.storage import schema
from onelead.storage.engine_insert import engine_insert
from onelead.storage.lane import lead_count, next_settings_version
from onelead.storage.leads.rows import lead_from
from onelead.storage.settings.rows import save_index_state


def field_to_build(settings: AccountSettings) -> CustomField | None:
    """Return a definition whose index is not complete."""
    building = (f for f in settings.fields if f.index_state is IndexState.BUILDING)
    return next(building, None)


def build_step(connection: Connection, account_id: int, field: CustomField) -> None:
    """Give the next leads their keys, while the lane is held; the last step completes the index."""
    progress = _progress(connection, account_id, field.id)
    lead = schema.lead
    rows = connection.execute(
        select(lead.c.id, lead.c.document)
        .where(lead.c.account_id == account_id, lead.c.id > progress)
        .order_by(lead.c.id)
        .limit(INDEX_CHUNK_LEADS)
    ).all()
    keys = [
        {"account_id": account_id, "field": key.field, "value": key.value, "lead_id": row.id}
        for row in rows
        for key in custom_field_keys(lead_from(row.document), field)
    ]
    if keys:
        # A write may already have added a lead's keys.
        insert = engine_insert(connection, schema.match_key)
        connection.execute(insert.on_conflict_do_nothing(), keys)
    if len(rows) == INDEX_CHUNK_LEADS:
        save_index_state(connection, account_id, field.id, IndexState.BUILDING, rows[-1].id)
    else:
        save_index_state(connection, account_id, field.id, IndexState.READY, 0)
        next_settings_version(connection, account_id)


def _progress(connection: Connection, account_id: int, field_id: int) -> int:
    table = schema.custom_field
    where = (table.c.account_id == account_id) & (table.c.id == field_id)
    progress: int = connection.execute(select(table.c.index_progress).where(where)).scalar_one()
    return progress


class LeadRange(NamedTuple):
    """Where the ids of an account's leads begin and end, and how many leads there are."""

    first: int | None
    last: int | None
    leads: int

    def progress(self, last_done: int) -> IndexProgress:
        """Return the progress of a walk in the order of the ids, taking them as evenly spread."""
        if self.first is None or self.last is None:
            return IndexProgress(0, self.leads)
        ids = self.last - self.first + 1
        passed = min(max(last_done - self.first + 1, 0), ids)
        return IndexProgress(self.leads * passed // ids, self.leads)


def lead_range(connection: Connection, account_id: int) -> LeadRange:
    """Return the range of the account's leads, however many there are."""
    lead = schema.lead
    # Two statements: each is one lookup in the index.
    first, last = (
        connection.execute(select(end(lead.c.id)).where(lead.c.account_id == account_id)).scalar()
        for end in (func.min, func.max)
    )
    return LeadRange(first, last, lead_count(connection, account_id))


def index_progress(connection: Connection, account_id: int) -> dict[int, IndexProgress]:
    """Return the progress of each index that is being built, by the definition's id."""
    table = schema.custom_field
    where = (table.c.account_id == account_id) & (table.c.index_state == IndexState.BUILDING.value)
    building = connection.execute(select(table.c.id, table.c.index_progress).where(where)).all()
    if not building:
        return {}
    leads = lead_range(connection, account_id)
    return {row.id: leads.progress(row.index_progress) for row in building}


def stale_key_field(connection: Connection, settings: AccountSettings) -> str | None:
    """Return a field name among the match keys that no definition reads any more."""
    fields = [field.key_field for field in settings.indexed_fields]
    live = {*fields, *map(claim_field, fields)}
    table = schema.match_key
    last = "custom:"
    # Skips from one field to the next through the primary key, however many keys there are.
    while True:
        found = connection.execute(
            select(table.c.field)
            .where(table.c.account_id == settings.account_id)
            .where(table.c.field > last, table.c.field < "custom;")
            .order_by(table.c.field)
            .limit(1)
        ).scalar()
        if found is None or found not in live:
            return found
        last = found


def purge_step(connection: Connection, account_id: int, key_field: str) -> None:
    """Remove the next keys of a field that is no longer read, while the lane is held."""
    table = schema.match_key
    of_field = (table.c.account_id == account_id) & (table.c.field == key_field)
    in_order = select(table.c.value, table.c.lead_id).where(of_field)
    in_order = in_order.order_by(table.c.value, table.c.lead_id).limit(PURGE_CHUNK_KEYS)
    rows = connection.execute(in_order).all()
    if rows:
        up_to_last = tuple_(table.c.value, table.c.lead_id) <= tuple_(*rows[-1])
        connection.execute(delete(table).where(of_field, up_to_last))
