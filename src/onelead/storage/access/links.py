"""One-time links, through which a user signs in to set a password. Portable.

A link's token holds 256 random bits and is stored only as its SHA-256, as an API key is.
"""

from __future__ import annotations

import secrets

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from onelead.contract.access import LINK_SECONDS, LinkPurpose, OneTimeLink
from onelead.domain.account import Role
from onelead.domain.audit import COMMAND_LINE, AuditEntry, AuditEvent, Requester
from onelead.storage import schema
from onelead.storage.access.accounts import account_ids, active_user, key_hash
from onelead.storage.access.audit import record
from onelead.storage.lane import take_lane
from onelead.storage.schema import one_time_link, password


def create_link(
    connection: Connection,
    now: int,
    account_id: int,
    user_id: int,
    purpose: LinkPurpose,
    *,
    by: Requester = COMMAND_LINE,
) -> str:
    """Create a link for an active user and return its token; older ones stop working."""
    take_lane(connection, account_id, 0)
    active_user(connection, account_id, user_id)
    table = one_time_link
    is_choice = table.c.purpose == LinkPurpose.ACCOUNT_CHOICE.value
    # A link for choosing an account is no reason to end an invitation.
    same_sort = is_choice if purpose is LinkPurpose.ACCOUNT_CHOICE else ~is_choice
    connection.execute(delete(table).where(_of_user(account_id, user_id), same_sort))
    token = secrets.token_urlsafe(32)
    row = {"token_hash": key_hash(token), "account_id": account_id, "user_id": user_id}
    rest = {"purpose": purpose.value, "date_created": now}
    connection.execute(insert(table), row | rest | {"date_expires": now + LINK_SECONDS[purpose]})
    if purpose is not LinkPurpose.ACCOUNT_CHOICE:
        # That one is a step of signing in, which has an entry of its own.
        changes = {"purpose": (None, purpose.value)}
        entry = AuditEntry(AuditEvent.LINK_CREATED, by, subject_user_id=user_id, changes=changes)
        record(connection, now, account_id, entry)
    return token


def create_first_link(connection: Connection, now: int) -> str | None:
    """Create a link for the first account's first admin if no user there has a password."""
    known = account_ids(connection)
    if not known:
        return None
    account_id = known[0]
    take_lane(connection, account_id, 0)
    of_account = select(password.c.user_id).where(password.c.account_id == account_id)
    if connection.execute(of_account.limit(1)).first() is not None:
        return None
    user = schema.user
    admins = select(user.c.id).where(
        user.c.account_id == account_id, user.c.role == Role.ADMIN.value, user.c.is_active
    )
    admin_id: int | None = connection.execute(admins.order_by(user.c.id).limit(1)).scalar()
    if admin_id is None:
        return None
    return create_link(connection, now, account_id, admin_id, LinkPurpose.FIRST_SIGN_IN)


def link(connection: Connection, now: int, token_hash: str) -> OneTimeLink | None:
    """Return a link that works now and whose user is active."""
    table = one_time_link
    row = connection.execute(select(table).where(_works(token_hash, now))).first()
    if row is None:
        return None
    user = schema.user
    is_active = select(user.c.is_active).where(
        user.c.account_id == row.account_id, user.c.id == row.user_id
    )
    if not connection.execute(is_active).scalar():
        return None
    return OneTimeLink(row.account_id, row.user_id, LinkPurpose(row.purpose), row.date_expires)


def use_link(
    connection: Connection, now: int, token_hash: str, *, is_choice: bool
) -> OneTimeLink | None:
    """Take the lane of a link's account and use the link up; None when it does not work.

    A link for choosing an account sets no password, and no other link chooses an account.
    """
    found = link(connection, now, token_hash)
    if found is None or is_choice is not (found.purpose is LinkPurpose.ACCOUNT_CHOICE):
        return None
    take_lane(connection, found.account_id, 0)
    statement = update(one_time_link).where(_works(token_hash, now)).values(date_used=now)
    # It may have been used after it was read and before the lane was taken.
    return found if connection.execute(statement).rowcount else None


def end_links(connection: Connection, account_id: int, user_id: int) -> None:
    """Delete all links of a user."""
    connection.execute(delete(one_time_link).where(_of_user(account_id, user_id)))


def _works(token_hash: str, now: int) -> ColumnElement[bool]:
    table = one_time_link
    return (
        (table.c.token_hash == token_hash)
        & table.c.date_used.is_(None)
        & (table.c.date_expires > now)
    )


def _of_user(account_id: int, user_id: int) -> ColumnElement[bool]:
    table = one_time_link
    return (table.c.account_id == account_id) & (table.c.user_id == user_id)
