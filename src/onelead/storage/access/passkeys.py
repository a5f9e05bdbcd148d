"""Passkeys, and confirming a session. Portable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import structs
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from onelead.contract.access import KnownSession
from onelead.contract.credentials import Passkey, SignInWays
from onelead.domain.audit import AuditEntry, AuditEvent, Requester
from onelead.domain.errors import NotPossible, ResourceNotFound
from onelead.domain.limits import PASSKEYS_PER_USER_MAX
from onelead.storage import schema
from onelead.storage.access.accounts import active_user, user_row
from onelead.storage.access.audit import record
from onelead.storage.access.codes import forget_codes
from onelead.storage.access.sign_in import create_session, end_sessions
from onelead.storage.lane import take_lane
from onelead.storage.schema import passkey as table
from onelead.storage.schema import totp, web_session

_WAY = "passkey"


def passkeys(connection: Connection, account_id: int, user_id: int) -> Sequence[Passkey]:
    """Return a user's passkeys in the order in which they were added."""
    where = (table.c.account_id == account_id) & (table.c.user_id == user_id)
    in_order = select(table).where(where).order_by(table.c.date_created, table.c.credential_id)
    return [_passkey(row) for row in connection.execute(in_order)]


def passkey(connection: Connection, credential_id: str) -> Passkey | None:
    """Return the passkey of an active user by its id alone."""
    row = connection.execute(select(table).where(table.c.credential_id == credential_id)).first()
    if row is None:
        return None
    owner = user_row(connection, row.account_id, schema.user.c.id == row.user_id)
    return _passkey(row) if owner is not None and owner.is_active else None


def _passkey(row: Row[Any]) -> Passkey:
    return Passkey(
        credential_id=row.credential_id,
        account_id=row.account_id,
        user_id=row.user_id,
        public_key=row.public_key,
        sign_count=row.sign_count,
        label=row.label,
        transports=tuple(filter(None, row.transports.split(","))),
        date_created=row.date_created,
        date_last_used=row.date_last_used,
    )


def add_passkey(connection: Connection, now: int, added: Passkey, by: Requester) -> None:
    """Add a passkey to an active user, unless it is known or the user has too many."""
    take_lane(connection, added.account_id, 0)
    active_user(connection, added.account_id, added.user_id)
    is_known = table.c.credential_id == added.credential_id
    if connection.execute(select(table.c.user_id).where(is_known)).first() is not None:
        raise NotPossible("this passkey was already added")
    if len(passkeys(connection, added.account_id, added.user_id)) >= PASSKEYS_PER_USER_MAX:
        raise NotPossible(
            f"a user can have {PASSKEYS_PER_USER_MAX} passkeys; remove one that is not used"
        )
    row = {
        "credential_id": added.credential_id,
        "account_id": added.account_id,
        "user_id": added.user_id,
        "public_key": added.public_key,
        "sign_count": added.sign_count,
        "label": added.label,
        "transports": ",".join(added.transports),
        "date_created": added.date_created,
        "date_last_used": None,
    }
    connection.execute(insert(table), row)
    changes = {"passkey": (None, added.label)}
    entry = AuditEntry(AuditEvent.PASSKEY_ADDED, by, added.user_id, changes=changes)
    record(connection, now, added.account_id, entry)


def remove_passkey(
    connection: Connection,
    now: int,
    account_id: int,
    user_id: int,
    credential_id: str,
    by: Requester,
) -> Passkey:
    """Remove a passkey of a user, and return it."""
    take_lane(connection, account_id, 0)
    for one in passkeys(connection, account_id, user_id):
        if one.credential_id == credential_id:
            connection.execute(delete(table).where(table.c.credential_id == credential_id))
            changes = {"passkey": (one.label, None)}
            entry = AuditEntry(AuditEvent.PASSKEY_REMOVED, by, user_id, changes=changes)
            record(connection, now, account_id, entry)
            return one
    raise ResourceNotFound


def sign_in_with_passkey(
    connection: Connection,
    now: int,
    used: Passkey,
    sign_count: int,
    new: KnownSession,
    by: Requester,
) -> bool:
    """Create a session if the passkey and its user are still as they were."""
    if not _note_use(connection, now, used, sign_count):
        return False
    create_session(connection, new.token_hash, new.session)
    by = structs.replace(by, user_id=used.user_id)
    changes = {"way": (None, _WAY)}
    entry = AuditEntry(AuditEvent.SIGNED_IN, by, used.user_id, changes=changes)
    record(connection, now, used.account_id, entry)
    return True


def confirm_with_passkey(
    connection: Connection,
    now: int,
    used: Passkey,
    sign_count: int,
    token_hash: str,
    by: Requester,
) -> bool:
    """Confirm a session if the passkey and its user are still as they were."""
    if not _note_use(connection, now, used, sign_count):
        return False
    confirm_session(connection, now, used.account_id, token_hash, _WAY, by)
    return True


def _note_use(connection: Connection, now: int, used: Passkey, sign_count: int) -> bool:
    """Store the last use of a passkey; False when it was used, removed or ended meanwhile."""
    take_lane(connection, used.account_id, 0)
    where = (
        (table.c.credential_id == used.credential_id)
        & (table.c.account_id == used.account_id)
        & (table.c.user_id == used.user_id)
        & (table.c.sign_count == used.sign_count)
    )
    owner = user_row(connection, used.account_id, schema.user.c.id == used.user_id)
    if owner is None or not owner.is_active:
        return False
    values = {"sign_count": sign_count, "date_last_used": now}
    return bool(connection.execute(update(table).where(where).values(values)).rowcount)


def confirm_session(
    connection: Connection, now: int, account_id: int, token_hash: str, way: str, by: Requester
) -> None:
    """Record that the user of a session proved just now who they are."""
    take_lane(connection, account_id, 0)
    session = web_session.c
    where = (session.token_hash == token_hash) & (session.account_id == account_id)
    connection.execute(update(web_session).where(where).values(date_confirmed=now))
    entry = AuditEntry(AuditEvent.CONFIRMED, by, by.user_id, changes={"way": (None, way)})
    record(connection, now, account_id, entry)


def sign_in_ways(connection: Connection, account_id: int) -> dict[int, SignInWays]:
    """Return the further ways to sign in of the users who have any."""
    of_account = table.c.account_id == account_id
    counted = select(table.c.user_id, func.count()).where(of_account).group_by(table.c.user_id)
    counts = {row[0]: row[1] for row in connection.execute(counted)}
    is_on = (totp.c.account_id == account_id) & totp.c.date_confirmed.is_not(None)
    with_codes = set(connection.execute(select(totp.c.user_id).where(is_on)).scalars())
    return {
        user_id: SignInWays(counts.get(user_id, 0), user_id in with_codes)
        for user_id in counts.keys() | with_codes
    }


def forget_credentials(
    connection: Connection, now: int, account_id: int, user_id: int, by: Requester
) -> None:
    """Remove a user's passkeys and codes, and sign the user out everywhere."""
    take_lane(connection, account_id, 0)
    if user_row(connection, account_id, schema.user.c.id == user_id) is None:
        raise ResourceNotFound
    for one in passkeys(connection, account_id, user_id):
        remove_passkey(connection, now, account_id, user_id, one.credential_id, by)
    forget_codes(connection, now, account_id, user_id, by)
    end_sessions(connection, now, account_id, user_id, by=by)
