"""The tables of users, their API keys, their ways to sign in, and the audit of access."""

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
    #: What the key is for (`KeyScope`); null for whatever its user may do.
    Column("scope", Text),
    #: When it stops working; null for never.
    Column("date_expires", BigInteger),
    #: The networks that it works from, separated by commas; null for everywhere.
    Column("networks", Text),
    #: The user who made it; null for the command line, and for keys from before revision 0006.
    id_column("created_by_id", nullable=True),
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
    #: When the user last proved who they are; null for when they signed in.
    Column("date_confirmed", BigInteger),
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

#: What happened to the account's users, keys, links, passwords and sign-ins. Append-only, gap-free,
#: in commit order, written with what it tells about.
audit = Table(
    "audit",
    metadata,
    id_column("account_id"),
    id_column("seq"),
    Column("date", BigInteger, nullable=False),
    #: `AuditEvent`.
    Column("event", Text, nullable=False),
    #: Who did it: a user, by a key or not; both null when nobody is known.
    id_column("user_id", nullable=True),
    id_column("api_key_id", nullable=True),
    #: `Channel`.
    Column("channel", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    #: Empty when unknown.
    Column("address", Text, nullable=False),
    #: Of a sign-in: the hash of the e-mail that was typed.
    Column("email_hash", Text),
    #: What it was done to.
    id_column("subject_user_id", nullable=True),
    id_column("subject_key_id", nullable=True),
    #: JSON: `{field: [old, new]}`.
    Column("changes", Text),
    PrimaryKeyConstraint("account_id", "seq"),
)
for _name, _column in (
    ("audit_by_user", audit.c.user_id),
    ("audit_by_subject_user", audit.c.subject_user_id),
):
    Index(
        *(_name, audit.c.account_id, _column, audit.c.seq),
        sqlite_where=_column.is_not(None),
        postgresql_where=_column.is_not(None),
    )

#: Attempts that are counted across processes and restarts.
attempt = Table(
    "attempt",
    metadata,
    #: The hash of what is counted and for whom.
    Column("who_hash", bytewise(), primary_key=True),
    #: When all attempts are back, in milliseconds.
    Column("full_at_ms", BigInteger, nullable=False),
)
Index("attempt_by_full_at_ms", attempt.c.full_at_ms)

#: A browser or an address from which an e-mail has signed in before (`Places`).
known_place = Table(
    "known_place",
    metadata,
    #: Of the e-mail with the browser's token or the address.
    Column("place_hash", bytewise(), primary_key=True),
    Column("email_hash", bytewise(), nullable=False),
    Column("date_last_used", BigInteger, nullable=False),
)
Index("known_place_by_email", known_place.c.email_hash, known_place.c.date_last_used)
Index("known_place_by_date", known_place.c.date_last_used)

#: A passkey (WebAuthn). Looked up by the id of the credential alone: signing in names no account.
passkey = Table(
    "passkey",
    metadata,
    #: Base64url, as the browser sends it.
    Column("credential_id", bytewise(), primary_key=True),
    id_column("account_id"),
    id_column("user_id"),
    #: COSE, as Base64url.
    Column("public_key", Text, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("label", Text, nullable=False),
    #: Separated by commas.
    Column("transports", Text, nullable=False),
    Column("date_created", BigInteger, nullable=False),
    Column("date_last_used", BigInteger),
)
Index("passkey_by_user", passkey.c.account_id, passkey.c.user_id)

#: A user's one-time codes from an app (TOTP).
totp = Table(
    "totp",
    metadata,
    id_column("account_id"),
    id_column("user_id"),
    #: Base32. Checking a code needs it as it is.
    Column("secret", Text, nullable=False),
    Column("date_created", BigInteger, nullable=False),
    #: When the first code was right; null until then, and no code is asked for.
    Column("date_confirmed", BigInteger),
    #: The time step of the last code that was taken; none counts twice.
    Column("last_step", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "user_id"),
)

#: A code that signs in once when the app with the others is lost.
recovery_code = Table(
    "recovery_code",
    metadata,
    id_column("account_id"),
    id_column("user_id"),
    Column("code_hash", bytewise(), nullable=False),
    Column("date_used", BigInteger),
    PrimaryKeyConstraint("account_id", "user_id", "code_hash"),
)

#: A sign-in that is half done: the second step of it, or its way back from the company's provider.
#: Looked up by its token's hash alone.
pending_sign_in = Table(
    "pending_sign_in",
    metadata,
    Column("token_hash", bytewise(), primary_key=True),
    #: `PendingKind`.
    Column("kind", Text, nullable=False),
    #: Null while the user is not known.
    id_column("account_id", nullable=True),
    id_column("user_id", nullable=True),
    #: JSON: what has to be known to finish it.
    Column("data", Text, nullable=False),
    Column("date_expires", BigInteger, nullable=False),
)
Index("pending_sign_in_by_date_expires", pending_sign_in.c.date_expires)

#: A user at the company's provider (OIDC). Looked up by what the provider says alone.
company_identity = Table(
    "company_identity",
    metadata,
    Column("issuer", bytewise(), nullable=False),
    Column("subject", bytewise(), nullable=False),
    id_column("account_id"),
    id_column("user_id"),
    Column("date_created", BigInteger, nullable=False),
    PrimaryKeyConstraint("issuer", "subject", "account_id"),
)
Index("company_identity_by_user", company_identity.c.account_id, company_identity.c.user_id)
