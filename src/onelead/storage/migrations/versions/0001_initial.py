"""The tables of the first release. `schema.py` says what they mean."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables in the order of `schema.py`."""
    _create_account()
    _create_users()
    _create_pick_lists()
    _create_custom_fields()
    _create_lead()
    _create_match_key()
    _create_ledger()


def _create_account() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("date_created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "lane",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ledger_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("settings_version", sa.BigInteger(), nullable=False),
        sa.Column("lead_count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
    )


def _create_users() -> None:
    op.create_table(
        "user",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", _BYTEWISE, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("date_created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id"),
        sa.UniqueConstraint("account_id", "email_key", name="user_by_email"),
    )
    op.create_table(
        "api_key",
        sa.Column("key_hash", _BYTEWISE, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("date_created", sa.BigInteger(), nullable=False),
        sa.Column("date_revoked", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key_hash"),
    )
    op.create_index("api_key_by_account", "api_key", ["account_id", "id"])


def _create_pick_lists() -> None:
    op.create_table(
        "lead_status",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id"),
    )
    op.create_table(
        "customer_source",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id"),
    )


def _create_custom_fields() -> None:
    op.create_table(
        "custom_field",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("canonical_name", sa.Text(), nullable=True),
        sa.Column("data_type", sa.Text(), nullable=False),
        sa.Column("available_on", sa.Text(), nullable=False),
        sa.Column("is_filterable", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("index_state", sa.Text(), nullable=False),
        sa.Column("index_generation", sa.Integer(), nullable=False),
        sa.Column("index_progress", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id"),
    )
    op.create_table(
        "custom_field_option",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("custom_field_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id"),
    )
    op.create_index(
        "custom_field_option_by_field", "custom_field_option", ["account_id", "custom_field_id"]
    )


def _create_lead() -> None:
    op.create_table(
        "lead",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("name_key", _BYTEWISE, nullable=False),
        sa.Column("first_name_key", _BYTEWISE, nullable=False),
        sa.Column("last_name_key", _BYTEWISE, nullable=False),
        sa.Column("middle_name_key", _BYTEWISE, nullable=False),
        sa.Column("company_name_key", _BYTEWISE, nullable=False),
        sa.Column("title_key", _BYTEWISE, nullable=False),
        sa.Column("email_key", _BYTEWISE, nullable=False),
        sa.Column("phone_key", _BYTEWISE, nullable=False),
        sa.Column("social_key", _BYTEWISE, nullable=False),
        sa.Column("city_key", _BYTEWISE, nullable=False),
        sa.Column("state_key", _BYTEWISE, nullable=False),
        sa.Column("postal_code_key", _BYTEWISE, nullable=False),
        sa.Column("country_key", _BYTEWISE, nullable=False),
        sa.Column("assignee_id", sa.BigInteger(), nullable=True),
        sa.Column("status_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_source_id", sa.BigInteger(), nullable=True),
        sa.Column("monetary_value", sa.Float(), nullable=True),
        sa.Column("interaction_count", sa.BigInteger(), nullable=False),
        sa.Column("date_created", sa.BigInteger(), nullable=False),
        sa.Column("date_modified", sa.BigInteger(), nullable=False),
        sa.Column("date_last_contacted", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id"),
    )
    op.create_index("lead_by_name", "lead", ["account_id", "name_key", "id"])
    op.create_index("lead_by_date_created", "lead", ["account_id", "date_created", "id"])
    op.create_index("lead_by_date_modified", "lead", ["account_id", "date_modified", "id"])
    op.create_index("lead_by_status", "lead", ["account_id", "status_id"])
    for column, is_there in (
        ("customer_source_id", "customer_source_id IS NOT NULL"),
        ("assignee_id", "assignee_id IS NOT NULL"),
        ("city_key", "city_key > ''"),
        ("state_key", "state_key > ''"),
        ("postal_code_key", "postal_code_key > ''"),
    ):
        name = f"lead_by_{column.removesuffix('_id').removesuffix('_key')}"
        where = sa.text(is_there)
        op.create_index(
            name, "lead", ["account_id", column], sqlite_where=where, postgresql_where=where
        )


def _create_match_key() -> None:
    op.create_table(
        "match_key",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("field", _BYTEWISE, nullable=False),
        sa.Column("value", _BYTEWISE, nullable=False),
        sa.Column("lead_id", sa.BigInteger(), nullable=False),
        sa.Column("label", _BYTEWISE, nullable=True),
        sa.PrimaryKeyConstraint("account_id", "field", "value", "lead_id"),
        sqlite_with_rowid=False,
    )


def _create_ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("date", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("api_key_id", sa.BigInteger(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("match", sa.Text(), nullable=True),
        sa.Column("changes", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "seq"),
    )
    op.create_index(
        "ledger_by_resource",
        "ledger",
        ["account_id", "resource_id", "seq"],
        sqlite_where=sa.text("resource_id IS NOT NULL"),
        postgresql_where=sa.text("resource_id IS NOT NULL"),
    )
