"""Writing and reading the audit. Portable.

Entries are numbered without gaps under the account's lane, so the writer of one holds it.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, func, insert, select

from onelead.domain.audit import AuditEntry
from onelead.storage.lane import take_lane
from onelead.storage.schema import audit


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
