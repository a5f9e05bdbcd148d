"""Imports of files: the import, its uploaded file, what a dry run says, saved mappings.

Only additions. A process of the version before takes the source of an import for an API key that
nobody has used, and knows no imports.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add a column and tables; `schema.py` says what they mean."""
    op.add_column("account", sa.Column("members_import", sa.Boolean()))
    _create_imports()
    _create_parts()
    _create_rows()
    _create_mappings()


def _integer(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _bytewise(name: str) -> sa.Column[str]:
    return sa.Column(name, _BYTEWISE, nullable=False)


def _create_imports() -> None:
    op.create_table(
        "file_import",
        _integer("account_id"),
        _integer("number"),
        _bytewise("batch_id"),
        _integer("api_key_id", nullable=True),
        _text("state"),
        _integer("date"),
        _integer("date_done", nullable=True),
        _integer("user_id", nullable=True),
        _text("name"),
        _text("path", nullable=True),
        _integer("size_bytes"),
        _text("digest"),
        _text("choices"),
        _text("findings", nullable=True),
        _text("counts"),
        _integer("row_count", nullable=True),
        _integer("line"),
        _text("message", nullable=True),
        _text("holder", nullable=True),
        _integer("held_until", nullable=True),
        sa.PrimaryKeyConstraint("account_id", "number"),
    )
    op.create_index("file_import_by_batch", "file_import", ["account_id", "batch_id"], unique=True)


def _create_parts() -> None:
    op.create_table(
        "file_import_part",
        _integer("account_id"),
        _integer("number"),
        _integer("part"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "number", "part"),
    )


def _create_rows() -> None:
    op.create_table(
        "file_import_row",
        _integer("account_id"),
        _integer("number"),
        _integer("line"),
        _bytewise("outcome"),
        _text("content"),
        sa.PrimaryKeyConstraint("account_id", "number", "line"),
    )
    op.create_index(
        "file_import_row_by_outcome",
        "file_import_row",
        ["account_id", "number", "outcome", "line"],
    )


def _create_mappings() -> None:
    op.create_table(
        "import_mapping",
        _integer("account_id"),
        _bytewise("name_key"),
        _text("name"),
        _bytewise("headers_hash"),
        _text("mapping"),
        _integer("date"),
        _integer("user_id", nullable=True),
        sa.PrimaryKeyConstraint("account_id", "name_key"),
    )
    op.create_index("import_mapping_by_headers", "import_mapping", ["account_id", "headers_hash"])
