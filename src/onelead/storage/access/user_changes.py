"""Changes of users, and when their keys were used. Portable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, insert, update

from onelead.contract.access import ApiKeyUse
from onelead.domain.access import UserChange, changed_user
from onelead.domain.account import User
from onelead.domain.audit import COMMAND_LINE, AuditEntry, AuditEvent, Requester
from onelead.domain.errors import ResourceNotFound
from onelead.storage import schema
from onelead.storage.access.accounts import user_with_email
from onelead.storage.access.audit import record
from onelead.storage.access.links import end_links
from onelead.storage.access.sign_in import delete_sessions
from onelead.storage.lane import next_settings_version, take_lane
from onelead.storage.settings.rows import load_settings


def change_user(
    connection: Connection,
    now: int,
    account_id: int,
    user_id: int,
    change: UserChange,
    *,
    by: Requester = COMMAND_LINE,
) -> User:
    """Change a user; deactivating one signs the user out everywhere."""
    take_lane(connection, account_id, 0)
    settings = load_settings(connection, account_id)
    before = settings.users_by_id.get(user_id)
    if before is None:
        raise ResourceNotFound
    after = changed_user(before, change, settings.users, by=by.user_id)
    if after == before:
        return after
    table = schema.user
    where = (table.c.account_id == account_id) & (table.c.id == user_id)
    values = {"name": after.name, "role": after.role.value, "is_active": after.is_active}
    connection.execute(update(table).where(where).values(values))
    if not after.is_active:
        delete_sessions(connection, account_id, user_id)
        end_links(connection, account_id, user_id)
    next_settings_version(connection, account_id)
    for entry in _entries(before, after, by):
        record(connection, now, account_id, entry)
    return after


def _entries(before: User, after: User, by: Requester) -> Iterator[AuditEntry]:
    changes: dict[str, tuple[Any, Any]] = {
        name: (getattr(before, name), getattr(after, name))
        for name in ("name", "role")
        if getattr(before, name) != getattr(after, name)
    }
    if changes:
        yield AuditEntry(AuditEvent.USER_CHANGED, by, after.id, changes=changes)
    if before.is_active and not after.is_active:
        yield AuditEntry(AuditEvent.USER_DEACTIVATED, by, after.id)
    elif after.is_active and not before.is_active:
        yield AuditEntry(AuditEvent.USER_REACTIVATED, by, after.id)


def deactivate_user(
    connection: Connection,
    now: int,
    account_id: int,
    email: str,
    *,
    by: Requester = COMMAND_LINE,
) -> User:
    """Deactivate the user with an e-mail."""
    take_lane(connection, account_id, 0)
    user_id = user_with_email(connection, account_id, email).id
    change = UserChange(is_active=False)
    return change_user(connection, now, account_id, user_id, change, by=by)


def record_api_key_uses(connection: Connection, account_id: int, uses: Sequence[ApiKeyUse]) -> None:
    """Store the last use of API keys, unless a later one is already stored."""
    # While the lane is held, no other process inserts the same row.
    take_lane(connection, account_id, 0)
    table = schema.api_key_use
    for use in uses:
        of_key = (table.c.account_id == account_id) & (table.c.api_key_id == use.api_key_id)
        values = {"date_last_used": use.date, "last_address": use.address}
        known = connection.execute(table.select().where(of_key)).first()
        if known is None:
            key = {"account_id": account_id, "api_key_id": use.api_key_id}
            connection.execute(insert(table), key | values)
        elif known.date_last_used <= use.date:
            connection.execute(update(table).where(of_key).values(values))
