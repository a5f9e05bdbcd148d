"""The tables of users, their API keys, passwords and sessions."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from onelead.storage.columns import bytewise, id_column, metadata

user = Table(
    "user",
    metadata,
    id_column("account_id"),
    id_column("id"),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("email_key", bytewise(), nullable=False),
    Column("role", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("date_created", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "id"),
    UniqueConstraint("account_id", "email_key", name="user_by_email"),
)

#: Looked up by its hash alone, before the account is known.
api_key = Table(
    "api_key",
    metadata,
    Column("key_hash", bytewise(), primary_key=True),
    id_column("account_id"),
    id_column("id"),
    id_column("user_id"),
    Column("label", Text, nullable=False),
    Column("date_created", BigInteger, nullable=False),
    Column("date_revoked", BigInteger),
)
Index("api_key_by_account", api_key.c.account_id, api_key.c.id)

#: When an API key was last used, and from where; written a little later.
api_key_use = Table(
    "api_key_use",
    metadata,
    id_column("account_id"),
    id_column("api_key_id"),
    Column("date_last_used", BigInteger, nullable=False),
    Column("last_address", Text, nullable=False),
    PrimaryKeyConstraint("account_id", "api_key_id"),
)

#: Looked up by the e-mail alone: signing in names no account.
password = Table(
    "password",
    metadata,
    Column("email_key", bytewise(), nullable=False),
    id_column("account_id"),
    id_column("user_id"),
    #: Argon2id, with its salt and parameters.
    Column("password_hash", Text, nullable=False),
    Column("date_changed", BigInteger, nullable=False),
    #: When the user last signed in, by any means.
    Column("date_last_sign_in", BigInteger),
    PrimaryKeyConstraint("email_key", "account_id"),
)

#: A browser that is signed in. Looked up by the hash of its token alone.
web_session = Table(
    "web_session",
    metadata,
    Column("token_hash", bytewise(), primary_key=True),
    id_column("account_id"),
    id_column("user_id"),
    Column("date_created", BigInteger, nullable=False),
    Column("date_last_used", BigInteger, nullable=False),
    Column("address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
)
Index("web_session_by_user", web_session.c.account_id, web_session.c.user_id)

#: A link with which a user signs in once, to set a password. Looked up by its token's hash alone.
one_time_link = Table(
    "one_time_link",
    metadata,
    Column("token_hash", bytewise(), primary_key=True),
    id_column("account_id"),
    id_column("user_id"),
    #: What it is for: the first sign-in, an invitation, a lost password.
    Column("purpose", Text, nullable=False),
    Column("date_created", BigInteger, nullable=False),
    Column("date_expires", BigInteger, nullable=False),
    Column("date_used", BigInteger),
)
Index("one_time_link_by_user", one_time_link.c.account_id, one_time_link.c.user_id)
