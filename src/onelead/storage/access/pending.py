"""Half-done sign-ins, and the sessions that they or a password lead to. Portable."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select

from onelead.contract.access import WebSession
from onelead.contract.credentials import PendingKind, PendingSignIn
from onelead.domain.limits import PENDING_SIGN_INS_MAX, SECOND_STEP_S
from onelead.storage.access.sign_in import create_session
from onelead.storage.schema import pending_sign_in, totp


def begin_session(connection: Connection, token_hash: str, session: WebSession) -> bool:
    """Store a new session; with codes a half-done sign-in in its place, and return False.

    All ways that begin with a password end here, so none of them passes the codes by.
    """
    is_on = (
        (totp.c.account_id == session.account_id)
        & (totp.c.user_id == session.user_id)
        & totp.c.date_confirmed.is_not(None)
    )
    if connection.execute(select(totp.c.user_id).where(is_on)).first() is None:
        create_session(connection, token_hash, session)
        return True
    now = session.date_created
    whose = (session.account_id, session.user_id)
    pending = PendingSignIn(PendingKind.CODE, now + SECOND_STEP_S, *whose)
    begin_pending(connection, now, token_hash, pending)
    return False


def begin_pending(
    connection: Connection, now: int, token_hash: str, pending: PendingSignIn
) -> None:
    """Store a half-done sign-in, and make room for it."""
    table = pending_sign_in
    connection.execute(delete(table).where(table.c.date_expires <= now))
    count = connection.execute(select(func.count()).select_from(table)).scalar_one()
    if count >= PENDING_SIGN_INS_MAX:
        in_order = select(table.c.token_hash).order_by(table.c.date_expires)
        oldest = in_order.limit(count - PENDING_SIGN_INS_MAX + 1)
        connection.execute(delete(table).where(table.c.token_hash.in_(oldest)))
    row = {
        "token_hash": token_hash,
        "kind": pending.kind.value,
        "account_id": pending.account_id,
        "user_id": pending.user_id,
        "data": msgspec.json.encode(pending.data).decode(),
        "date_expires": pending.date_expires,
    }
    connection.execute(insert(table), row)


def pending(
    connection: Connection, now: int, token_hash: str, kind: PendingKind
) -> PendingSignIn | None:
    """Return a half-done sign-in that can be finished now."""
    where = _works(now, token_hash, kind)
    row = connection.execute(select(pending_sign_in).where(where)).first()
    return None if row is None else _pending(row)


def take_pending(
    connection: Connection, now: int, token_hash: str, kind: PendingKind
) -> PendingSignIn | None:
    """Return it and use it up."""
    statement = delete(pending_sign_in).where(_works(now, token_hash, kind))
    row = connection.execute(statement.returning(*pending_sign_in.c)).first()
    return None if row is None else _pending(row)


def _works(now: int, token_hash: str, kind: PendingKind) -> ColumnElement[bool]:
    table = pending_sign_in
    return (
        (table.c.token_hash == token_hash)
        & (table.c.kind == kind.value)
        & (table.c.date_expires > now)
    )


def _pending(row: Row[Any]) -> PendingSignIn:
    return PendingSignIn(
        kind=PendingKind(row.kind),
        date_expires=row.date_expires,
        account_id=row.account_id,
        user_id=row.user_id,
        data=msgspec.json.decode(row.data),
    )
