"""Accounts, users and API keys. Portable.

A key's secret is shown once; only its SHA-256 is stored. A key holds 256 random bits, so a fast
hash is as good as a slow one.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from onelead.contract.access import NewAccount
from onelead.domain.access import require_new_user
from onelead.domain.account import (
    DEFAULT_CURRENCY,
    DEFAULT_CUSTOMER_SOURCES,
    DEFAULT_LEAD_STATUSES,
    DEFAULT_TIME_ZONE,
    ApiKey,
    Caller,
    CustomerSource,
    LeadStatus,
    Role,
    User,
)
from onelead.domain.api_keys.purposes import (
    ALL_PURPOSE,
    KeyPurpose,
    KeyScope,
    require_purpose,
)
from onelead.domain.api_keys.sources import require_source_name
from onelead.domain.api_keys.texts import SOURCE, has_no_key, new_key_text
from onelead.domain.audit import COMMAND_LINE, AuditEntry, AuditEvent, Requester
from onelead.domain.errors import NotPossible, ResourceNotFound
from onelead.domain.text import fold, fold_case
from onelead.storage import schema
from onelead.storage.access.audit import record
from onelead.storage.lane import first_id, next_settings_version, save_last_id, take_lane
from onelead.storage.settings.rows import insert_sources, insert_statuses


def key_hash(secret: str) -> str:
    """Return the hash of an API key or a token, which is all that is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def caller(connection: Connection, key_hash: str) -> Caller | None:
    """Return the caller of a key; None for an unknown or revoked key or inactive user."""
    table = schema.api_key
    row = connection.execute(select(table).where(table.c.key_hash == key_hash)).first()
    if row is None or row.date_revoked is not None:
        return None
    owner = user_row(connection, row.account_id, schema.user.c.id == row.user_id)
    if owner is None or not owner.is_active:
        return None
    return Caller(
        *(row.account_id, row.user_id, owner.email, row.id),
        scope=_scope(row),
        date_expires=row.date_expires,
        networks=tuple(map(ip_network, _networks(row))),
    )


def _scope(row: Row[Any]) -> KeyScope | None:
    return None if row.scope is None else KeyScope(row.scope)


def _networks(row: Row[Any]) -> tuple[str, ...]:
    return tuple(row.networks.split(",")) if row.networks else ()


def account_ids(connection: Connection) -> Sequence[int]:
    """Return the ids of all accounts, ascending."""
    return (
        connection.execute(select(schema.account.c.id).order_by(schema.account.c.id))
        .scalars()
        .all()
    )


def create_account(
    connection: Connection, now: int, name: str, email: str, scope: KeyScope | None = None
) -> NewAccount:
    """Create an account with its pick lists, first admin and key."""
    newest = connection.execute(select(func.max(schema.account.c.id))).scalar()
    account_id = (newest or 0) + 1
    row = {"id": account_id, "name": name, "date_created": now}
    defaults = {"time_zone": DEFAULT_TIME_ZONE, "currency": DEFAULT_CURRENCY}
    connection.execute(insert(schema.account), row | defaults)
    lane = {"account_id": account_id, "ledger_seq": 0, "settings_version": 1, "lead_count": 0}
    connection.execute(insert(schema.lane), lane | {"last_id": first_id(account_id)})
    _create_pick_lists(connection, account_id)
    user = create_user(connection, now, account_id, email, "", Role.ADMIN)
    purpose = KeyPurpose(scope)
    _key, secret = create_api_key(connection, now, account_id, email, "first key", purpose)
    return NewAccount(account_id, user.id, user.email, secret)


def _create_pick_lists(connection: Connection, account_id: int) -> None:
    last = take_lane(connection, account_id, 0).last_id
    statuses = tuple(
        LeadStatus(last + n, name, is_default=n == 1)
        for n, name in enumerate(DEFAULT_LEAD_STATUSES, 1)
    )
    last += len(statuses)
    sources = tuple(
        CustomerSource(last + n, name) for n, name in enumerate(DEFAULT_CUSTOMER_SOURCES, 1)
    )
    insert_statuses(connection, account_id, statuses)
    insert_sources(connection, account_id, sources)
    save_last_id(connection, account_id, last + len(sources))


def create_user(
    connection: Connection,
    now: int,
    account_id: int,
    email: str,
    name: str,
    role: Role,
    *,
    by: Requester = COMMAND_LINE,
) -> User:
    """Create a user, identified by the e-mail."""
    require_new_user(email, name)
    user_id = _next_id(connection, account_id)
    if user_row(connection, account_id, schema.user.c.email_key == fold_case(email)) is not None:
        raise NotPossible(f"a user with the e-mail {email} exists already")
    shown_name = name or email.partition("@")[0]
    row = {"account_id": account_id, "id": user_id, "name": shown_name, "email": email}
    rest = {
        "email_key": fold_case(email),
        "role": role.value,
        "is_active": True,
        "date_created": now,
    }
    connection.execute(insert(schema.user), row | rest)
    next_settings_version(connection, account_id)
    given = {"name": (None, shown_name), "email": (None, email), "role": (None, role.value)}
    entry = AuditEntry(AuditEvent.USER_CREATED, by, subject_user_id=user_id, changes=given)
    record(connection, now, account_id, entry)
    return User(user_id, shown_name, email, role)


def create_api_key(
    connection: Connection,
    now: int,
    account_id: int,
    email: str,
    label: str,
    purpose: KeyPurpose = ALL_PURPOSE,
    *,
    by: Requester = COMMAND_LINE,
) -> tuple[ApiKey, str]:
    """Create a key for an active user; returns it with its secret."""
    purpose = require_purpose(purpose, now)
    key_id = _next_id(connection, account_id)
    owner = user_with_email(connection, account_id, email)
    if not owner.is_active:
        raise NotPossible(f"the user {email} is deactivated")
    secret = new_key_text(purpose.scope, secrets.randbits(256))
    row = {"key_hash": key_hash(secret), "account_id": account_id, "id": key_id}
    rest = {"user_id": owner.id, "label": label, "date_created": now, "created_by_id": by.user_id}
    stored = {
        "scope": None if purpose.scope is None else purpose.scope.value,
        "date_expires": purpose.date_expires,
        "networks": ",".join(purpose.networks) or None,
    }
    connection.execute(insert(schema.api_key), row | rest | stored)
    entry = AuditEntry(
        *(AuditEvent.KEY_CREATED, by, owner.id, key_id),
        changes={"label": (None, label)}
        | {name: (None, value) for name, value in stored.items() if value is not None},
    )
    record(connection, now, account_id, entry)
    made = ApiKey(
        *(key_id, owner.id, owner.email, label, now),
        scope=purpose.scope,
        date_expires=purpose.date_expires,
        networks=purpose.networks,
        created_by_id=by.user_id,
    )
    return made, secret


def api_keys(connection: Connection, account_id: int) -> Sequence[ApiKey]:
    """Return all keys of an account, ascending by id."""
    key, user, use = schema.api_key, schema.user, schema.api_key_use
    of_owner = (user.c.account_id == key.c.account_id) & (user.c.id == key.c.user_id)
    of_key = (use.c.account_id == key.c.account_id) & (use.c.api_key_id == key.c.id)
    rows = connection.execute(
        select(key, user.c.email, use.c.date_last_used, use.c.last_address)
        .select_from(key.join(user, of_owner).outerjoin(use, of_key))
        .where(key.c.account_id == account_id, user.c.account_id == account_id)
        .order_by(key.c.id)
    )
    return [
        ApiKey(
            *(row.id, row.user_id, row.email, row.label, row.date_created, row.date_revoked),
            date_last_used=row.date_last_used,
            last_address=row.last_address or "",
            scope=_scope(row),
            date_expires=row.date_expires,
            networks=_networks(row),
            created_by_id=row.created_by_id,
            is_source=has_no_key(row.key_hash),
        )
        for row in rows
    ]


def import_source(
    connection: Connection, now: int, account_id: int, name: str, *, by: Requester
) -> ApiKey:
    """Return the source of imports with a name; the first import makes it."""
    name = require_source_name(name)
    stored_as = f"{SOURCE}{account_id}:{key_hash(fold(name))}"
    take_lane(connection, account_id, 0)
    table = schema.api_key
    found = connection.execute(select(table.c.id).where(table.c.key_hash == stored_as)).scalar()
    if found is None:
        found = _next_id(connection, account_id)
        made = {"key_hash": stored_as, "account_id": account_id, "id": found, "label": name}
        owner_id = by.user_id or _first_admin_id(connection, account_id)
        rest = {"user_id": owner_id, "date_created": now, "created_by_id": by.user_id}
        connection.execute(insert(table), made | rest)
    return next(key for key in api_keys(connection, account_id) if key.id == found)


def _first_admin_id(connection: Connection, account_id: int) -> int:
    user = schema.user
    of_account = (user.c.account_id == account_id, user.c.role == Role.ADMIN.value)
    first = select(user.c.id).where(*of_account).order_by(user.c.is_active.desc(), user.c.id)
    return int(connection.execute(first.limit(1)).scalar_one())


def revoke_api_key(
    connection: Connection,
    now: int,
    account_id: int,
    key_id: int,
    *,
    by: Requester = COMMAND_LINE,
) -> ApiKey:
    """Revoke a key; revoking it again changes nothing."""
    take_lane(connection, account_id, 0)
    table = schema.api_key
    of_key = (table.c.account_id == account_id) & (table.c.id == key_id)
    still_valid = of_key & table.c.date_revoked.is_(None)
    is_new = connection.execute(update(table).where(still_valid).values(date_revoked=now)).rowcount
    for key in api_keys(connection, account_id):
        if key.id == key_id:
            if is_new:
                entry = AuditEntry(AuditEvent.KEY_REVOKED, by, key.user_id, key_id)
                record(connection, now, account_id, entry)
            return key
    raise ResourceNotFound(f"API key {key_id} does not exist")


def _next_id(connection: Connection, account_id: int) -> int:
    new_id = take_lane(connection, account_id, 0).last_id + 1
    save_last_id(connection, account_id, new_id)
    return new_id


def user_with_email(connection: Connection, account_id: int, email: str) -> Row[Any]:
    """Return the row of the user with an e-mail. Raises ResourceNotFound."""
    row = user_row(connection, account_id, schema.user.c.email_key == fold_case(email))
    if row is None:
        raise ResourceNotFound(f"no user has the e-mail {email}")
    return row


def active_user(connection: Connection, account_id: int, user_id: int) -> Row[Any]:
    """Return the row of an active user. Raises ResourceNotFound and NotPossible."""
    row = user_row(connection, account_id, schema.user.c.id == user_id)
    if row is None:
        raise ResourceNotFound
    if not row.is_active:
        raise NotPossible(f"the user {row.email} is deactivated")
    return row


def user_row(
    connection: Connection, account_id: int, condition: ColumnElement[bool]
) -> Row[Any] | None:
    """Return the row of the account's user for whom a condition holds; None if there is none."""
    table = schema.user
    statement = select(table).where(table.c.account_id == account_id, condition)
    return connection.execute(statement).first()
