"""Codes from an app (TOTP) and recovery codes. Portable.

The secret of the codes is stored as it is, because checking a code needs it; recovery codes are
stored as hashes.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs
from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from onelead.contract.access import KnownSession
from onelead.contract.credentials import CodeProof, FirstCode, PendingKind, StoredCodes
from onelead.domain.audit import AuditEntry, AuditEvent, Requester
from onelead.domain.errors import NotPossible
from onelead.storage.access.accounts import active_user
from onelead.storage.access.audit import record
from onelead.storage.access.pending import pending, take_pending
from onelead.storage.access.sign_in import create_session
from onelead.storage.lane import take_lane
from onelead.storage.schema import recovery_code, totp


def codes(connection: Connection, account_id: int, user_id: int) -> StoredCodes | None:
    """Return a user's codes."""
    row = connection.execute(select(totp).where(_of_user(account_id, user_id))).first()
    if row is None:
        return None
    unused = recovery_code.c.date_used.is_(None)
    where = _recovery_of_user(account_id, user_id) & unused
    left = connection.execute(select(func.count()).select_from(recovery_code).where(where))
    return StoredCodes(row.secret, row.date_confirmed, row.last_step, left.scalar_one())


def _of_user(account_id: int, user_id: int) -> ColumnElement[bool]:
    return (totp.c.account_id == account_id) & (totp.c.user_id == user_id)


def _recovery_of_user(account_id: int, user_id: int) -> ColumnElement[bool]:
    table = recovery_code
    return (table.c.account_id == account_id) & (table.c.user_id == user_id)


def begin_codes(
    connection: Connection, now: int, account_id: int, user_id: int, secret: str
) -> None:
    """Store the secret of codes that are not asked for yet."""
    take_lane(connection, account_id, 0)
    active_user(connection, account_id, user_id)
    where = _of_user(account_id, user_id)
    connection.execute(delete(totp).where(where, totp.c.date_confirmed.is_(None)))
    if codes(connection, account_id, user_id) is not None:
        raise NotPossible("codes are already on; turn them off first")
    row = {"account_id": account_id, "user_id": user_id, "secret": secret, "date_created": now}
    connection.execute(insert(totp), row | {"date_confirmed": None, "last_step": 0})


def turn_on_codes(
    connection: Connection,
    now: int,
    account_id: int,
    user_id: int,
    first: FirstCode,
    by: Requester,
) -> bool:
    """Ask for codes from now on; False when they were on, or nobody has begun."""
    take_lane(connection, account_id, 0)
    where = _of_user(account_id, user_id) & totp.c.date_confirmed.is_(None)
    values = {"date_confirmed": now, "last_step": first.step}
    if not connection.execute(update(totp).where(where).values(values)).rowcount:
        return False
    _replace_recovery_codes(connection, account_id, user_id, first.recovery_hashes)
    record(connection, now, account_id, AuditEntry(AuditEvent.CODES_TURNED_ON, by, user_id))
    return True


def _replace_recovery_codes(
    connection: Connection, account_id: int, user_id: int, hashes: Sequence[str]
) -> None:
    connection.execute(delete(recovery_code).where(_recovery_of_user(account_id, user_id)))
    whose = {"account_id": account_id, "user_id": user_id, "date_used": None}
    connection.execute(insert(recovery_code), [{**whose, "code_hash": one} for one in hashes])


def turn_off_codes(
    connection: Connection, now: int, account_id: int, user_id: int, by: Requester
) -> None:
    """Forget a user's codes and recovery codes."""
    take_lane(connection, account_id, 0)
    forget_codes(connection, now, account_id, user_id, by)


def forget_codes(
    connection: Connection, now: int, account_id: int, user_id: int, by: Requester
) -> None:
    """Do the same while the lane is held."""
    known = codes(connection, account_id, user_id)
    connection.execute(delete(totp).where(_of_user(account_id, user_id)))
    connection.execute(delete(recovery_code).where(_recovery_of_user(account_id, user_id)))
    if known is not None and known.are_on:
        record(connection, now, account_id, AuditEntry(AuditEvent.CODES_TURNED_OFF, by, user_id))


def renew_recovery_codes(
    connection: Connection,
    now: int,
    account_id: int,
    user_id: int,
    recovery_hashes: Sequence[str],
    by: Requester,
) -> None:
    """Replace a user's recovery codes."""
    take_lane(connection, account_id, 0)
    known = codes(connection, account_id, user_id)
    if known is None or not known.are_on:
        raise NotPossible("codes are off")
    _replace_recovery_codes(connection, account_id, user_id, recovery_hashes)
    record(connection, now, account_id, AuditEntry(AuditEvent.RECOVERY_CODES_MADE, by, user_id))


def sign_in_with_code(
    connection: Connection,
    now: int,
    pending_hash: str,
    proof: CodeProof,
    new: KnownSession,
    by: Requester,
) -> bool:
    """Use up a half-done sign-in and a code, and create a session."""
    session = new.session
    take_lane(connection, session.account_id, 0)
    found = pending(connection, now, pending_hash, PendingKind.CODE)
    whose = (session.account_id, session.user_id)
    if found is None or (found.account_id, found.user_id) != whose:
        return False
    active_user(connection, *whose)
    if not _use_code(connection, now, *whose, proof):
        return False
    take_pending(connection, now, pending_hash, PendingKind.CODE)
    create_session(connection, new.token_hash, session)
    by = structs.replace(by, user_id=session.user_id)
    way = "code" if proof.step is not None else "recovery code"
    changes = {"way": (None, f"password and {way}")}
    entry = AuditEntry(AuditEvent.SIGNED_IN, by, session.user_id, changes=changes)
    record(connection, now, session.account_id, entry)
    return True


def _use_code(
    connection: Connection, now: int, account_id: int, user_id: int, proof: CodeProof
) -> bool:
    """Note that a code was used; False when it, or a later one, was used before."""
    if proof.step is not None:
        where = _of_user(account_id, user_id) & totp.c.date_confirmed.is_not(None)
        is_later = totp.c.last_step < proof.step
        statement = update(totp).where(where, is_later).values(last_step=proof.step)
    else:
        table = recovery_code
        where = _recovery_of_user(account_id, user_id) & table.c.date_used.is_(None)
        is_it = table.c.code_hash == proof.recovery_hash
        statement = update(table).where(where, is_it).values(date_used=now)
    return bool(connection.execute(statement).rowcount)
