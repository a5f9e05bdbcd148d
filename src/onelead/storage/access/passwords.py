"""The passwords of users, as hashes. Portable.

Signing in takes an e-mail and no account, and the e-mail may have users in several. Each account
has its own password, so that the admins of one have no say in another.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs
from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from onelead.contract.access import SignInFacts, StoredPassword, WebSession
from onelead.domain.audit import COMMAND_LINE, AuditEntry, AuditEvent, Requester
from onelead.domain.limits import SIGN_IN_ACCOUNTS_MAX
from onelead.domain.text import fold_case
from onelead.storage import schema
from onelead.storage.access.accounts import active_user, user_row
from onelead.storage.access.audit import record
from onelead.storage.access.links import end_links, use_link
from onelead.storage.access.pending import begin_session
from onelead.storage.access.sign_in import delete_sessions
from onelead.storage.lane import take_lane
from onelead.storage.schema import account, password


def passwords(connection: Connection, email: str) -> Sequence[StoredPassword]:
    """Return the passwords of the active users with an e-mail, ascending by account."""
    statement = select(password).where(password.c.email_key == fold_case(email))
    in_order = statement.order_by(password.c.account_id).limit(SIGN_IN_ACCOUNTS_MAX)
    found = []
    for row in connection.execute(in_order).all():
        owner = user_row(connection, row.account_id, schema.user.c.id == row.user_id)
        if owner is not None and owner.is_active:
            name = select(account.c.name).where(account.c.id == row.account_id)
            found.append(
                StoredPassword(
                    email_key=row.email_key,
                    account_id=row.account_id,
                    user_id=row.user_id,
                    account_name=connection.execute(name).scalar_one(),
                    password_hash=row.password_hash,
                )
            )
    return found


def renew_password_hash(connection: Connection, stored: StoredPassword, password_hash: str) -> None:
    """Replace a hash with a new one of the same password."""
    statement = update(password).where(_is_unchanged(stored))
    connection.execute(statement.values(password_hash=password_hash))


def sign_in(
    connection: Connection,
    now: int,
    stored: StoredPassword,
    token_hash: str,
    session: WebSession,
    *,
    by: Requester = COMMAND_LINE,
) -> bool:
    """Begin a session if the password and the user are still the same."""
    take_lane(connection, stored.account_id, 0)
    unchanged = select(password.c.user_id).where(_is_unchanged(stored))
    owner = user_row(connection, stored.account_id, schema.user.c.id == stored.user_id)
    if connection.execute(unchanged).first() is None or owner is None or not owner.is_active:
        return False
    _enter(connection, now, token_hash, session, by)
    return True


def _enter(
    connection: Connection, now: int, token_hash: str, session: WebSession, by: Requester
) -> None:
    """Begin a session, and record that its user signed in, unless a code is still to come."""
    if not begin_session(connection, token_hash, session):
        return
    entry = AuditEntry(AuditEvent.SIGNED_IN, _self(session, by), session.user_id)
    record(connection, now, session.account_id, entry)


def _self(session: WebSession, by: Requester) -> Requester:
    """Return the requester as the user who signs in, who was not known before."""
    return structs.replace(by, user_id=session.user_id)


def _is_unchanged(stored: StoredPassword) -> ColumnElement[bool]:
    return (
        (password.c.email_key == stored.email_key)
        & (password.c.account_id == stored.account_id)
        & (password.c.password_hash == stored.password_hash)
    )


def change_password(
    connection: Connection,
    now: int,
    account_id: int,
    user_id: int,
    password_hash: str,
    *,
    keep: str,
    by: Requester = COMMAND_LINE,
) -> None:
    """Replace an active user's password, and end the user's other sessions and links."""
    take_lane(connection, account_id, 0)
    save_password(connection, now, account_id, user_id, password_hash)
    delete_sessions(connection, account_id, user_id, keep=keep)
    end_links(connection, account_id, user_id)
    record(connection, now, account_id, AuditEntry(AuditEvent.PASSWORD_CHANGED, by, user_id))


def set_password(
    connection: Connection,
    now: int,
    link_hash: str,
    password_hash: str,
    token_hash: str,
    session: WebSession,
    *,
    by: Requester = COMMAND_LINE,
) -> bool:
    """Use up a link to set a password, and begin a session; False if the link does not work."""
    link = use_link(connection, now, link_hash, is_choice=False)
    if link is None:
        return False
    assert (link.account_id, link.user_id) == (session.account_id, session.user_id)
    save_password(connection, now, link.account_id, link.user_id, password_hash)
    delete_sessions(connection, link.account_id, link.user_id)
    end_links(connection, link.account_id, link.user_id)
    entry = AuditEntry(
        *(AuditEvent.PASSWORD_SET, _self(session, by), link.user_id),
        changes={"purpose": (None, link.purpose.value)},
    )
    record(connection, now, link.account_id, entry)
    _enter(connection, now, token_hash, session, by)
    return True


def choose_account(
    connection: Connection,
    now: int,
    link_hash: str,
    token_hash: str,
    session: WebSession,
    *,
    by: Requester = COMMAND_LINE,
) -> bool:
    """Use up a link to choose an account, and begin a session; False as in `set_password`."""
    link = use_link(connection, now, link_hash, is_choice=True)
    if link is None:
        return False
    assert (link.account_id, link.user_id) == (session.account_id, session.user_id)
    _enter(connection, now, token_hash, session, by)
    return True


def save_password(
    connection: Connection, now: int, account_id: int, user_id: int, password_hash: str
) -> None:
    """Store the password of an active user, while the lane is held."""
    owner = active_user(connection, account_id, user_id)
    of_user = (password.c.email_key == owner.email_key) & (password.c.account_id == account_id)
    last = connection.execute(select(password.c.date_last_sign_in).where(of_user)).scalar()
    connection.execute(delete(password).where(of_user))
    row = {"email_key": owner.email_key, "account_id": account_id, "user_id": user_id}
    rest = {"password_hash": password_hash, "date_changed": now, "date_last_sign_in": last}
    connection.execute(insert(password), row | rest)


def sign_in_facts(connection: Connection, account_id: int) -> dict[int, SignInFacts]:
    """Return what is known about the users' sign-ins, by user id."""
    users = select(schema.user.c.id).where(schema.user.c.account_id == account_id)
    facts = {
        user_id: SignInFacts(has_password=False, date_last_sign_in=None)
        for user_id in connection.execute(users).scalars()
    }
    for row in connection.execute(select(password).where(password.c.account_id == account_id)):
        facts[row.user_id] = SignInFacts(has_password=True, date_last_sign_in=row.date_last_sign_in)
    return facts
