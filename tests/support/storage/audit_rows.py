"""What the audit of an account has, in its order."""

from __future__ import annotations

from typing import Any, cast

import msgspec
from sqlalchemy import Connection, select

from onelead.contract.store import Store
from onelead.domain.audit import AuditEntry, AuditEvent, Channel, Requester
from onelead.storage.schema import audit
from onelead.storage.transactions import Transactions


async def audit_of(store: Store, account_id: int, *events: AuditEvent) -> list[AuditEntry]:
    """Return the entries about these events, or about all."""

    def read(connection: Connection) -> list[AuditEntry]:
        statement = select(audit).where(audit.c.account_id == account_id).order_by(audit.c.seq)
        rows = connection.execute(statement).all()
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        return [_entry(row) for row in rows if not events or row.event in events]

    return await cast("Transactions", store)._read(read)  # noqa: SLF001 - only tests look this way


def _entry(row: Any) -> AuditEntry:
    changes = None
    if row.changes is not None:
        changes = msgspec.json.decode(row.changes, type=dict[str, tuple[Any, Any]])
    return AuditEntry(
        event=AuditEvent(row.event),
        by=Requester(
            *(Channel(row.channel), row.user_id, row.api_key_id, row.request_id, row.address)
        ),
        subject_user_id=row.subject_user_id,
        subject_key_id=row.subject_key_id,
        changes=changes,
        email_hash=row.email_hash,
    )
