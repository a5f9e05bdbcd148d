"""The way out: merged leads, acts about ledger rows, idempotency keys, the queue of deliveries.

Only additions: processes of the version before go on beside this one, and their deliveries are like
any other. Deliveries that were refused before are put in the queue by the fold of the figures.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add columns and tables; `schema.py` says what they mean."""
    op.add_column("account", sa.Column("deciding", sa.Text(), nullable=True))
    op.add_column("account", sa.Column("payload_days", sa.BigInteger(), nullable=True))
    _create_ledger_tables()
    _create_lead_tables()
    _create_queue()
    _create_erasure()


def _id(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _create_ledger_tables() -> None:
    op.create_table(
        "ledger_detail",
        _id("account_id"),
        _id("seq"),
        _id("about_seq", nullable=True),
        sa.Column("batch_id", _BYTEWISE, nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "seq"),
    )
    for name, column in (
        ("ledger_detail_by_about_seq", "about_seq"),
        ("ledger_detail_by_batch", "batch_id"),
    ):
        is_there = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            *(name, "ledger_detail", ["account_id", column, "seq"]),
            sqlite_where=is_there,
            postgresql_where=is_there,
        )
    op.create_table(
        "idempotency_key",
        _id("account_id"),
        sa.Column("key_hash", _BYTEWISE, nullable=False),
        sa.Column("body_hash", _BYTEWISE, nullable=False),
        _id("seq"),
        sa.PrimaryKeyConstraint("account_id", "key_hash"),
    )
    op.create_index("idempotency_key_by_seq", "idempotency_key", ["account_id", "seq"])
    op.create_table(
        "batch_undo",
        _id("account_id"),
        sa.Column("batch_id", _BYTEWISE, nullable=False),
        sa.Column("about_batch_id", _BYTEWISE, nullable=False),
        sa.Column("force", sa.Boolean(), nullable=False),
        sa.Column("date", sa.BigInteger(), nullable=False),
        _id("user_id", nullable=True),
        _id("api_key_id", nullable=True),
        _id("until_seq"),
        _id("next_seq"),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("held_until", sa.BigInteger(), nullable=True),
        sa.Column("date_done", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "batch_id"),
    )
    op.create_index("batch_undo_by_about", "batch_undo", ["account_id", "about_batch_id"])
    is_open = sa.text("date_done IS NULL")
    op.create_index(
        *("batch_undo_open", "batch_undo", ["account_id"]),
        sqlite_where=is_open,
        postgresql_where=is_open,
    )


def _create_lead_tables() -> None:
    op.create_table(
        "merged_lead",
        *map(_id, ("account_id", "id", "lead_id", "into_id", "seq")),
        sa.PrimaryKeyConstraint("account_id", "id"),
    )
    op.create_index("merged_lead_by_lead", "merged_lead", ["account_id", "lead_id"])
    op.create_table(
        "distinct_pair",
        *map(_id, ("account_id", "first_id", "second_id", "seq")),
        sa.PrimaryKeyConstraint("account_id", "first_id", "second_id"),
    )
    op.create_index("distinct_pair_by_second", "distinct_pair", ["account_id", "second_id"])


def _create_queue() -> None:
    op.create_table(
        "queue_progress",
        sa.Column("account_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("open_deliveries", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "refused_delivery",
        _id("account_id"),
        _id("seq"),
        sa.Column("group_key", _BYTEWISE, nullable=False),
        sa.Column("state", _BYTEWISE, nullable=False),
        _id("state_seq", nullable=True),
        _id("replaced_seq", nullable=True),
        sa.Column("caller", _BYTEWISE, nullable=False),
        sa.Column("key_hash", _BYTEWISE, nullable=True),
        sa.PrimaryKeyConstraint("account_id", "seq"),
    )
    columns = ["account_id", "state", "group_key", "seq"]
    op.create_index("refused_delivery_by_group", "refused_delivery", columns)
    has_key = sa.text("key_hash IS NOT NULL")
    op.create_index(
        *("refused_delivery_by_key", "refused_delivery", ["account_id", "key_hash"]),
        sqlite_where=has_key,
        postgresql_where=has_key,
    )
    op.create_table(
        "open_group",
        _id("account_id"),
        sa.Column("group_key", _BYTEWISE, nullable=False),
        sa.Column("deliveries", sa.BigInteger(), nullable=False),
        _id("newest_seq"),
        sa.PrimaryKeyConstraint("account_id", "group_key"),
    )
    op.create_index("open_group_by_newest", "open_group", ["account_id", "newest_seq"])
    op.create_table(
        "open_group_caller",
        _id("account_id"),
        sa.Column("group_key", _BYTEWISE, nullable=False),
        sa.Column("caller", _BYTEWISE, nullable=False),
        sa.Column("deliveries", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "group_key", "caller"),
        sqlite_with_rowid=False,
    )


def _create_erasure() -> None:
    op.create_table(
        "erasure",
        _id("account_id"),
        _id("id"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("date", sa.BigInteger(), nullable=False),
        sa.Column("date_done", sa.BigInteger(), nullable=True),
        _id("user_id", nullable=True),
        _id("api_key_id", nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        _id("seq"),
        sa.Column("lead_ids", sa.Text(), nullable=False),
        sa.Column("merged_ids", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=True),
        _id("progress"),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id"),
    )
    op.create_table(
        "retention",
        sa.Column("account_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        _id("seq"),
        _id("cleaned_seq"),
        sa.Column("date_cleaned", sa.BigInteger(), nullable=False),
    )
