"""Writing and reading the audit. Portable.

Entries are numbered without gaps under the account's lane, so the writer of one holds it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, func, insert, select

from onelead.contract.audit import AuditSearch
from onelead.domain.audit import AuditEntry, AuditEvent, AuditRow, Channel, Requester
from onelead.domain.limits import SIGN_IN_ACCOUNTS_MAX
from onelead.domain.text import fold_case
from onelead.storage.lane import take_lane
from onelead.storage.schema import api_key, audit, user


def record(connection: Connection, now: int, account_id: int, entry: AuditEntry) -> None:
    """Append an entry, while the lane is held."""
    newest = select(func.max(audit.c.seq)).where(audit.c.account_id == account_id)
    by = entry.by
    row = {
        "account_id": account_id,
        "seq": (connection.execute(newest).scalar() or 0) + 1,
        "date": now,
        "event": entry.event.value,
        "user_id": by.user_id,
        "api_key_id": by.api_key_id,
        "channel": by.channel.value,
        "request_id": by.request_id,
        "address": by.address,
        "email_hash": entry.email_hash,
        "subject_user_id": entry.subject_user_id,
        "subject_key_id": entry.subject_key_id,
        "changes": None if entry.changes is None else msgspec.json.encode(entry.changes).decode(),
    }
    connection.execute(insert(audit), row)


def record_audit(connection: Connection, now: int, account_id: int, entry: AuditEntry) -> None:
    """Take the lane, and append an entry."""
    take_lane(connection, account_id, 0)
    record(connection, now, account_id, entry)


def search_audit(
    connection: Connection, account_id: int, search: AuditSearch
) -> Sequence[AuditRow]:
    """Return entries, the newest first."""
    statement = select(audit).where(audit.c.account_id == account_id, *_conditions(search))
    in_order = statement.order_by(audit.c.seq.desc()).limit(search.limit)
    return [_row(row) for row in connection.execute(in_order)]


def _conditions(search: AuditSearch) -> list[ColumnElement[bool]]:
    table = audit.c
    found: list[ColumnElement[bool]] = []
    if search.user_id is not None:
        is_subject = table.subject_user_id == search.user_id
        found.append((table.user_id == search.user_id) | is_subject)
    if search.api_key_id is not None:
        is_subject = table.subject_key_id == search.api_key_id
        found.append((table.api_key_id == search.api_key_id) | is_subject)
    if search.events:
        found.append(table.event.in_(sorted(search.events)))
    if search.address is not None:
        found.append(table.address == search.address)
    if search.from_date is not None:
        found.append(table.date >= search.from_date)
    if search.until_date is not None:
        found.append(table.date < search.until_date)
    if search.before is not None:
        found.append(table.seq < search.before)
    return found


def _row(row: Row[tuple[object, ...]]) -> AuditRow:
    by = Requester(
        channel=Channel(row.channel),
        user_id=row.user_id,
        api_key_id=row.api_key_id,
        request_id=row.request_id,
        address=row.address,
    )
    entry = AuditEntry(
        event=AuditEvent(row.event),
        by=by,
        subject_user_id=row.subject_user_id,
        subject_key_id=row.subject_key_id,
        changes=None if row.changes is None else _changes(row.changes),
        email_hash=row.email_hash,
    )
    return AuditRow(row.seq, row.date, entry)


def _changes(text: str) -> dict[str, tuple[object, object]]:
    return msgspec.json.decode(text, type=dict[str, tuple[object, object]])


def active_users(connection: Connection, email: str) -> Sequence[tuple[int, int]]:
    """Return the account and the id of the active users with an e-mail, ascending."""
    is_meant = (user.c.email_key == fold_case(email)) & user.c.is_active
    statement = select(user.c.account_id, user.c.id).where(is_meant).order_by(user.c.account_id)
    rows = connection.execute(statement.limit(SIGN_IN_ACCOUNTS_MAX))
    return [(row.account_id, row.id) for row in rows]


def database_secret(connection: Connection) -> str:
    """Return what only who has the database knows, and what stays: the first API key's hash."""
    first = select(api_key.c.key_hash).order_by(api_key.c.account_id, api_key.c.id).limit(1)
    return connection.execute(first).scalar() or ""
