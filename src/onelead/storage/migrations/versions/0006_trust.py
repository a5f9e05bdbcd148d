"""Who did what with users and keys, and further ways to sign in.

Only additions. A key that a process of the version before makes has no scope, which means what all
keys meant there. Such a process knows no scope, end or network of a key, so a key that has one is
as narrow as it says only when no such process runs any more.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add columns and tables; `schema.py` says what they mean."""
    for table, column in (
        ("account", _integer("session_s", nullable=True)),
        ("account", _integer("session_idle_s", nullable=True)),
        ("api_key", _text("scope", nullable=True)),
        ("api_key", _integer("date_expires", nullable=True)),
        ("api_key", _text("networks", nullable=True)),
        ("api_key", _integer("created_by_id", nullable=True)),
        ("web_session", _integer("date_confirmed", nullable=True)),
    ):
        op.add_column(table, column)
    _create_audit()
    _create_attempts()
    _create_passkeys()
    _create_codes()
    _create_pending()


def _integer(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _bytewise(name: str) -> sa.Column[str]:
    return sa.Column(name, _BYTEWISE, nullable=False)


def _create_audit() -> None:
    op.create_table(
        "audit",
        _integer("account_id"),
        _integer("seq"),
        _integer("date"),
        _text("event"),
        _integer("user_id", nullable=True),
        _integer("api_key_id", nullable=True),
        _text("channel"),
        _text("request_id"),
        _text("address"),
        _text("email_hash", nullable=True),
        _integer("subject_user_id", nullable=True),
        _integer("subject_key_id", nullable=True),
        _text("changes", nullable=True),
        sa.PrimaryKeyConstraint("account_id", "seq"),
    )
    for name, column in (
        ("audit_by_user", "user_id"),
        ("audit_by_subject_user", "subject_user_id"),
    ):
        is_there = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            *(name, "audit", ["account_id", column, "seq"]),
            sqlite_where=is_there,
            postgresql_where=is_there,
        )


def _create_attempts() -> None:
    op.create_table(
        "attempt",
        _bytewise("who_hash"),
        _integer("full_at_ms"),
        sa.PrimaryKeyConstraint("who_hash"),
    )
    op.create_index("attempt_by_full_at_ms", "attempt", ["full_at_ms"])
    op.create_table(
        "known_place",
        _bytewise("place_hash"),
        _bytewise("email_hash"),
        _integer("date_last_used"),
        sa.PrimaryKeyConstraint("place_hash"),
    )
    op.create_index("known_place_by_email", "known_place", ["email_hash", "date_last_used"])
    op.create_index("known_place_by_date", "known_place", ["date_last_used"])


def _create_passkeys() -> None:
    op.create_table(
        "passkey",
        _bytewise("credential_id"),
        _integer("account_id"),
        _integer("user_id"),
        _text("public_key"),
        _integer("sign_count"),
        _text("label"),
        _text("transports"),
        _integer("date_created"),
        _integer("date_last_used", nullable=True),
        sa.PrimaryKeyConstraint("credential_id"),
    )
    op.create_index("passkey_by_user", "passkey", ["account_id", "user_id"])


def _create_codes() -> None:
    op.create_table(
        "totp",
        _integer("account_id"),
        _integer("user_id"),
        _text("secret"),
        _integer("date_created"),
        _integer("date_confirmed", nullable=True),
        _integer("last_step"),
        sa.PrimaryKeyConstraint("account_id", "user_id"),
    )
    op.create_table(
        "recovery_code",
        _integer("account_id"),
        _integer("user_id"),
        _bytewise("code_hash"),
        _integer("date_used", nullable=True),
        sa.PrimaryKeyConstraint("account_id", "user_id", "code_hash"),
    )


def _create_pending() -> None:
    op.create_table(
        "pending_sign_in",
        _bytewise("token_hash"),
        _text("kind"),
        _integer("account_id", nullable=True),
        _integer("user_id", nullable=True),
        _text("data"),
        _integer("date_expires"),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("pending_sign_in_by_date_expires", "pending_sign_in", ["date_expires"])
    op.create_table(
        "company_identity",
        _bytewise("issuer"),
        _bytewise("subject"),
        _integer("account_id"),
        _integer("user_id"),
        _integer("date_created"),
        sa.PrimaryKeyConstraint("issuer", "subject", "account_id"),
    )
    op.create_index("company_identity_by_user", "company_identity", ["account_id", "user_id"])
