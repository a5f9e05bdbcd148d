"""What the web application needs: sign-in, the use of keys, and what is folded from the ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add tables and indexes; `schema.py` says what they mean."""
    _create_sign_in()
    op.create_index("lead_by_last_name", "lead", ["account_id", "last_name_key", "id"])
    op.create_index("lead_by_company_name", "lead", ["account_id", "company_name_key", "id"])
    _create_figures()


def _create_sign_in() -> None:
    op.create_table(
        "api_key_use",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("api_key_id", sa.BigInteger(), nullable=False),
        sa.Column("date_last_used", sa.BigInteger(), nullable=False),
        sa.Column("last_address", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "api_key_id"),
    )
    op.create_table(
        "password",
        sa.Column("email_key", _BYTEWISE, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("date_changed", sa.BigInteger(), nullable=False),
        sa.Column("date_last_sign_in", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("email_key", "account_id"),
    )
    op.create_table(
        "web_session",
        sa.Column("token_hash", _BYTEWISE, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("date_created", sa.BigInteger(), nullable=False),
        sa.Column("date_last_used", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("web_session_by_user", "web_session", ["account_id", "user_id"])
    op.create_table(
        "one_time_link",
        sa.Column("token_hash", _BYTEWISE, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("date_created", sa.BigInteger(), nullable=False),
        sa.Column("date_expires", sa.BigInteger(), nullable=False),
        sa.Column("date_used", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("one_time_link_by_user", "one_time_link", ["account_id", "user_id"])
    op.create_table(
        "sent_form",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("form_id", _BYTEWISE, nullable=False),
        sa.Column("date", sa.BigInteger(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "form_id"),
    )


def _create_figures() -> None:
    op.create_table(
        "figure_progress",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "delivery_figure",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("outcome", _BYTEWISE, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("api_key_id", sa.BigInteger(), nullable=False),
        sa.Column("deliveries", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "hour", "outcome", "user_id", "api_key_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "hour_figure",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("grouping", _BYTEWISE, nullable=False),
        sa.Column("value", _BYTEWISE, nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("deliveries", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "grouping", "value", "hour"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "caller_figure",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("api_key_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", _BYTEWISE, nullable=False),
        sa.Column("deliveries", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "day", "user_id", "api_key_id", "outcome"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lead_figure",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("field", _BYTEWISE, nullable=False),
        sa.Column("value", _BYTEWISE, nullable=False),
        sa.Column("leads", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "field", "value"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_candidate",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("lead_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "lead_id", "seq"),
        sqlite_with_rowid=False,
    )
