"""The users that identities at the company's provider sign in to. Portable."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs
from sqlalchemy import ColumnElement, Connection, delete, insert, select

from onelead.contract.access import WebSession
from onelead.domain.audit import AuditEntry, AuditEvent, Requester
from onelead.domain.errors import NotPossible
from onelead.domain.limits import SIGN_IN_ACCOUNTS_MAX
from onelead.domain.sign_in.company import CompanyIdentity, CompanyUser
from onelead.domain.text import fold_case
from onelead.storage.access.accounts import active_user
from onelead.storage.access.audit import record
from onelead.storage.access.sign_in import create_session
from onelead.storage.lane import take_lane
from onelead.storage.schema import account, company_identity, user


def company_users(
    connection: Connection, now: int, identity: CompanyIdentity, by: Requester
) -> Sequence[CompanyUser]:
    """Return the active users of an identity, ascending by account.

    Links it to the users who have its e-mail and no other identity of the issuer, once.
    """
    for account_id, user_id in _users_to_link(connection, identity):
        take_lane(connection, account_id, 0)
        # It may have been linked after it was read and before the lane was taken.
        if (account_id, user_id) in _users_to_link(connection, identity):
            # The owner of the identity does it; the browser may be signed in as another user.
            owner = structs.replace(by, user_id=user_id)
            _link(connection, now, account_id, user_id, identity, owner)
    return _linked(connection, identity)


def _users_to_link(connection: Connection, identity: CompanyIdentity) -> list[tuple[int, int]]:
    """Return the account and id of active users with the e-mail that nothing speaks against."""
    if not identity.email:
        return []
    of_issuer = _is_of_user() & (company_identity.c.issuer == identity.issuer)
    is_linked = select(company_identity.c.subject).where(of_issuer).exists()
    in_account = _is(identity) & (company_identity.c.account_id == user.c.account_id)
    is_used = select(company_identity.c.subject).where(in_account).exists()
    statement = (
        select(user.c.account_id, user.c.id)
        .where(user.c.email_key == fold_case(identity.email), user.c.is_active)
        .where(~is_linked, ~is_used)
        .order_by(user.c.account_id)
        .limit(SIGN_IN_ACCOUNTS_MAX)
    )
    return [(row.account_id, row.id) for row in connection.execute(statement)]


def sign_in_by_company(
    connection: Connection,
    identity: CompanyIdentity,
    token_hash: str,
    session: WebSession,
    by: Requester,
) -> bool:
    """Create a session if the user is still active and linked to the identity."""
    take_lane(connection, session.account_id, 0)
    users = {(one.account_id, one.user_id) for one in _linked(connection, identity)}
    if (session.account_id, session.user_id) not in users:
        return False
    create_session(connection, token_hash, session)
    by = structs.replace(by, user_id=session.user_id)
    changes = {"way": (None, "company")}
    entry = AuditEntry(AuditEvent.SIGNED_IN, by, session.user_id, changes=changes)
    record(connection, session.date_created, session.account_id, entry)
    return True


def link_company(
    connection: Connection,
    now: int,
    account_id: int,
    user_id: int,
    identity: CompanyIdentity,
    by: Requester,
) -> None:
    """Link an active user to an identity, in the place of the user's earlier one."""
    take_lane(connection, account_id, 0)
    active_user(connection, account_id, user_id)
    in_account = _is(identity) & (company_identity.c.account_id == account_id)
    found = connection.execute(select(company_identity.c.user_id).where(in_account)).scalar()
    if found == user_id:
        return
    if found is not None:
        raise NotPossible("this company sign-in already belongs to another user")
    _unlink(connection, account_id, user_id, identity.issuer)
    _link(connection, now, account_id, user_id, identity, by)


def unlink_company(
    connection: Connection, now: int, account_id: int, user_id: int, issuer: str, by: Requester
) -> None:
    """Let an issuer's identity no longer sign in to a user; doing it again changes nothing."""
    take_lane(connection, account_id, 0)
    if _unlink(connection, account_id, user_id, issuer):
        entry = AuditEntry(AuditEvent.COMPANY_SIGN_IN_UNLINKED, by, subject_user_id=user_id)
        record(connection, now, account_id, entry)


def company_link_date(
    connection: Connection, account_id: int, user_id: int, issuer: str
) -> int | None:
    """Return when a user was linked to an identity of the issuer; None if the user is not."""
    statement = select(company_identity.c.date_created)
    found: int | None = connection.execute(
        statement.where(_of_user(account_id, user_id, issuer))
    ).scalar()
    return found


def _linked(connection: Connection, identity: CompanyIdentity) -> Sequence[CompanyUser]:
    statement = (
        select(user.c.account_id, user.c.id, account.c.name)
        .join(company_identity, _is_of_user())
        .join(account, account.c.id == user.c.account_id)
        .where(_is(identity), user.c.is_active)
        .order_by(user.c.account_id)
        .limit(SIGN_IN_ACCOUNTS_MAX)
    )
    return [CompanyUser(*row) for row in connection.execute(statement)]


def _link(
    connection: Connection,
    now: int,
    account_id: int,
    user_id: int,
    identity: CompanyIdentity,
    by: Requester,
) -> None:
    row = {"issuer": identity.issuer, "subject": identity.subject, "date_created": now}
    whose = {"account_id": account_id, "user_id": user_id}
    connection.execute(insert(company_identity), row | whose)
    entry = AuditEntry(AuditEvent.COMPANY_SIGN_IN_LINKED, by, subject_user_id=user_id)
    record(connection, now, account_id, entry)


def _unlink(connection: Connection, account_id: int, user_id: int, issuer: str) -> bool:
    statement = delete(company_identity).where(_of_user(account_id, user_id, issuer))
    return connection.execute(statement).rowcount > 0


def _is(identity: CompanyIdentity) -> ColumnElement[bool]:
    table = company_identity
    return (table.c.issuer == identity.issuer) & (table.c.subject == identity.subject)


def _is_of_user() -> ColumnElement[bool]:
    table = company_identity
    return (table.c.account_id == user.c.account_id) & (table.c.user_id == user.c.id)


def _of_user(account_id: int, user_id: int, issuer: str) -> ColumnElement[bool]:
    table = company_identity
    of_user = (table.c.account_id == account_id) & (table.c.user_id == user_id)
    return of_user & (table.c.issuer == issuer)
