"""The account's settings as rows: read as one snapshot, and saved as a plan says. Portable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, delete, func, insert, select, update

from onelead.domain.account import (
    AccountSettings,
    CustomerSource,
    DeletedReference,
    LeadStatus,
    Role,
    User,
)
from onelead.domain.acts.policies import OVERWRITE_ALL, Deciding
from onelead.domain.custom_fields import CustomField, DataType, IndexState, Option
from onelead.domain.figures import caller_value
from onelead.domain.placeholders import DEFAULT_PLACEHOLDERS
from onelead.domain.settings.account_details import AccountDetails
from onelead.domain.settings.change import Resource, SettingsPlan, SettingsWrite
from onelead.domain.sign_in.sessions import USUAL, SessionLifetimes
from onelead.storage import schema
from onelead.storage.lane import settings_version
from onelead.storage.leads.rows import json_text

_USED_IN = {
    Resource.LEAD_STATUS: schema.lead.c.status_id,
    Resource.CUSTOMER_SOURCE: schema.lead.c.customer_source_id,
}


def load_settings(
    connection: Connection, account_id: int, known: AccountSettings | None = None
) -> AccountSettings:
    """Read the account's settings in the connection's transaction; `known` if still current."""
    version = settings_version(connection, account_id)
    if known is not None and known.version == version:
        return known
    account = schema.account
    row = connection.execute(select(account).where(account.c.id == account_id)).one()
    table = schema.key_rebuild
    of_account = select(table.c.progress).where(table.c.account_id == account_id)
    rebuild = connection.execute(of_account).first()
    return AccountSettings(
        account_id=account_id,
        version=version,
        name=row.name,
        time_zone=row.time_zone,
        currency=row.currency,
        users=tuple(_users(connection, account_id)),
        statuses=tuple(_statuses(connection, account_id)),
        sources=tuple(_sources(connection, account_id)),
        fields=tuple(_fields(connection, account_id)),
        placeholder_texts=_placeholder_texts(row.placeholders),
        deciding=_deciding(row.deciding),
        payload_days=row.payload_days or 0,
        sessions=_sessions(row.session_s, row.session_idle_s),
        members_import=bool(row.members_import),
        deleted={one.id: one for one in _deleted(connection, account_id)},
        are_keys_stale=rebuild is not None and rebuild.progress is not None,
        may_have_old_keys=rebuild is not None,
    )


def _placeholder_texts(stored: str | None) -> tuple[str, ...]:
    return DEFAULT_PLACEHOLDERS if stored is None else tuple(msgspec.json.decode(stored))


def _deciding(stored: str | None) -> Deciding:
    return OVERWRITE_ALL if stored is None else msgspec.json.decode(stored, type=Deciding)


def _sessions(total_s: int | None, idle_s: int | None) -> SessionLifetimes:
    return SessionLifetimes(total_s or USUAL.total_s, idle_s or USUAL.idle_s)


def _deleted(connection: Connection, account_id: int) -> Iterable[DeletedReference]:
    table = schema.deleted_setting
    for row in _rows(connection, table, account_id, table.c.id):
        yield DeletedReference(row.id, row.resource, row.name, row.definition_id, row.date)


def _rows(
    connection: Connection, table: Table, account_id: int, *order: ColumnElement[Any]
) -> Iterable[Any]:
    where = table.c.account_id == account_id
    return connection.execute(select(table).where(where).order_by(*order))


def _users(connection: Connection, account_id: int) -> Iterable[User]:
    for row in _rows(connection, schema.user, account_id, schema.user.c.id):
        yield User(row.id, row.name, row.email, Role(row.role), row.is_active)


def _statuses(connection: Connection, account_id: int) -> Iterable[LeadStatus]:
    for row in _rows(connection, schema.lead_status, account_id, schema.lead_status.c.rank):
        yield LeadStatus(row.id, row.name, row.is_default)


def _sources(connection: Connection, account_id: int) -> Iterable[CustomerSource]:
    table = schema.customer_source
    for row in _rows(connection, table, account_id, table.c.rank):
        yield CustomerSource(row.id, row.name)


def _fields(connection: Connection, account_id: int) -> Iterable[CustomField]:
    table = schema.custom_field_option
    options: dict[int, list[Option]] = defaultdict(list)
    for row in _rows(connection, table, account_id, table.c.rank):
        options[row.custom_field_id].append(Option(row.id, row.name))
    for row in _rows(connection, schema.custom_field, account_id, schema.custom_field.c.id):
        yield CustomField(
            id=row.id,
            name=row.name,
            data_type=DataType(row.data_type),
            canonical_name=row.canonical_name,
            available_on=tuple(filter(None, row.available_on.split(","))),
            is_filterable=row.is_filterable,
            options=tuple(options[row.id]),
            currency=row.currency,
            index_state=IndexState(row.index_state),
            index_generation=row.index_generation,
        )


def save_plan(
    connection: Connection, account_id: int, write: SettingsWrite, plan: SettingsPlan
) -> None:
    """Write what a planned change says, while the lane is held."""
    if plan.saved_field is not None:
        progress = _progress_so_far(connection, account_id, plan.saved_field)
        _delete_field(connection, account_id, plan.saved_field.id)
        _insert_field(connection, account_id, plan.saved_field, progress)
    elif write.resource is Resource.CUSTOM_FIELD_DEFINITION:
        assert plan.resource_id is not None
        _delete_field(connection, account_id, plan.resource_id)
    if plan.saved_account is not None:
        where = schema.account.c.id == account_id
        values = _account_columns(plan.saved_account)
        connection.execute(update(schema.account).where(where).values(values))
    if plan.saved_statuses is not None:
        insert_statuses(connection, account_id, plan.saved_statuses)
    if plan.saved_sources is not None:
        insert_sources(connection, account_id, plan.saved_sources)


def _account_columns(details: AccountDetails) -> dict[str, Any]:
    deciding = details.deciding
    return {
        "name": details.name,
        "time_zone": details.time_zone,
        "currency": details.currency,
        "placeholders": json_text(details.placeholders),
        "deciding": None if deciding == OVERWRITE_ALL else json_text(deciding),
        "payload_days": details.payload_days or None,
        # The usual time is not stored, so that it may change with a release.
        "session_s": None if details.session_s == USUAL.total_s else details.session_s,
        "session_idle_s": (
            None if details.session_idle_s == USUAL.idle_s else details.session_idle_s
        ),
        "members_import": details.members_import or None,
    }


def save_deleted(connection: Connection, account_id: int, plan: SettingsPlan, now: int) -> None:
    """Add what the plan deletes to the deleted references, and remove what it forgets."""
    table = schema.deleted_setting
    if plan.forgotten:
        where = (table.c.account_id == account_id) & table.c.id.in_(plan.forgotten)
        connection.execute(delete(table).where(where))
    rows = [{"account_id": account_id, "date": now, **one._asdict()} for one in plan.deleted]
    if rows:
        connection.execute(insert(table), rows)


def insert_statuses(
    connection: Connection, account_id: int, statuses: tuple[LeadStatus, ...]
) -> None:
    """Replace the account's lead statuses, in order."""
    _replace(
        connection,
        schema.lead_status,
        account_id,
        [{"id": s.id, "name": s.name, "is_default": s.is_default} for s in statuses],
    )


def insert_sources(
    connection: Connection, account_id: int, sources: tuple[CustomerSource, ...]
) -> None:
    """Replace the account's customer sources, in order."""
    _replace(
        connection,
        schema.customer_source,
        account_id,
        [{"id": source.id, "name": source.name} for source in sources],
    )


def _replace(
    connection: Connection, table: Table, account_id: int, rows: list[dict[str, Any]]
) -> None:
    connection.execute(delete(table).where(table.c.account_id == account_id))
    if rows:
        numbered = [{"account_id": account_id, "rank": n, **row} for n, row in enumerate(rows)]
        connection.execute(insert(table), numbered)


def _progress_so_far(connection: Connection, account_id: int, field: CustomField) -> int:
    """Return the progress of this generation's index, which a new name does not restart."""
    table = schema.custom_field
    where = (table.c.account_id == account_id) & (table.c.id == field.id)
    where &= table.c.index_generation == field.index_generation
    return connection.execute(select(table.c.index_progress).where(where)).scalar() or 0


def _delete_field(connection: Connection, account_id: int, field_id: int) -> None:
    option, field = schema.custom_field_option, schema.custom_field
    for table, column in ((option, option.c.custom_field_id), (field, field.c.id)):
        where = (table.c.account_id == account_id) & (column == field_id)
        connection.execute(delete(table).where(where))


def _insert_field(
    connection: Connection, account_id: int, field: CustomField, progress: int
) -> None:
    row = {
        "account_id": account_id,
        "id": field.id,
        "name": field.name,
        "canonical_name": field.canonical_name,
        "data_type": field.data_type.value,
        "available_on": ",".join(field.available_on),
        "is_filterable": field.is_filterable,
        "currency": field.currency,
        "index_state": field.index_state.value,
        "index_generation": field.index_generation,
        "index_progress": progress,
    }
    connection.execute(insert(schema.custom_field), row)
    options = [
        {"account_id": account_id, "custom_field_id": field.id, "rank": rank, "id": o.id}
        | {"name": o.name}
        for rank, o in enumerate(field.options)
    ]
    if options:
        connection.execute(insert(schema.custom_field_option), options)


def api_key_callers(connection: Connection, account_id: int) -> set[str]:
    """Return the account's API keys as callers, revoked ones included."""
    table = schema.api_key
    statement = select(table.c.id).where(table.c.account_id == account_id)
    return {caller_value(0, key_id) for key_id in connection.execute(statement).scalars()}


def count_using(connection: Connection, account_id: int, write: SettingsWrite) -> int:
    """Count the leads that use a lead status or customer source."""
    where = (schema.lead.c.account_id == account_id) & (
        _USED_IN[write.resource] == write.resource_id
    )
    statement = select(func.count()).select_from(schema.lead).where(where)
    return connection.execute(statement).scalar_one()


def leads_using(
    connection: Connection, account_id: int, resource: Resource, resource_id: int, *, limit: int
) -> Sequence[int]:
    """Return ids of leads that use a lead status or customer source."""
    used_in = _USED_IN[resource]
    # A range, in an order that only the index has: otherwise PostgreSQL would look through all
    # leads if many of them had the value at the last ANALYZE.
    statement = (
        select(schema.lead.c.id)
        .where(schema.lead.c.account_id == account_id)
        .where(used_in >= resource_id, used_in <= resource_id)
        .order_by(used_in)
        .limit(limit)
    )
    return connection.execute(statement).scalars().all()


def save_index_state(
    connection: Connection, account_id: int, field_id: int, state: IndexState, progress: int
) -> None:
    """Store the progress of a definition's index."""
    table = schema.custom_field
    where = (table.c.account_id == account_id) & (table.c.id == field_id)
    values = {"index_state": state.value, "index_progress": progress}
    connection.execute(update(table).where(where).values(values))
