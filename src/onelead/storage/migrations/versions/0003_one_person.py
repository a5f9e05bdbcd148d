"""One lead a person: placeholders, deleted settings, and what receipts say besides.

The match keys of existing leads were made under older rules, so that each account gets a row in
`key_rebuild`; the index work does the rest.

What was deleted before is read out of the ledger in one scan, which takes about two seconds for a
million ledger rows.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add columns and tables; `schema.py` says what they mean."""
    op.add_column("account", sa.Column("placeholders", sa.Text(), nullable=True))
    for name, kind in (
        ("ignored", sa.Text()),
        ("shares", sa.Text()),
        ("unread_bytes", sa.BigInteger()),
        ("key_rules", sa.BigInteger()),
    ):
        op.add_column("ledger", sa.Column(name, kind, nullable=True))
    _create_tables()
    # Without leads there is nothing to walk through.
    op.execute(
        "INSERT INTO key_rebuild (account_id, progress, checked_seq)"
        " SELECT account_id, CASE WHEN lead_count > 0 THEN 0 END, ledger_seq FROM lane"
    )
    fill_deleted_settings(op.get_bind())
    begin_to_count_what_is_sent(op.get_bind(), int(time.time()))


_DELETED_COLUMNS = ("account_id", "id", "resource", "name", "definition_id", "date")
#: How many of an account are kept.
_DELETED_MAX = 2_000
_SETTINGS_CHANGED = """
SELECT account_id, resource, resource_id, outcome, date, changes FROM ledger
WHERE resource <> 'lead' AND outcome IN ('updated', 'deleted') ORDER BY account_id, seq
"""


def fill_deleted_settings(connection: sa.Connection) -> None:
    """List what was deleted before, as far as the ledger tells."""
    found: dict[int, dict[int, tuple[Any, ...]]] = {}
    for row in connection.execute(sa.text(_SETTINGS_CHANGED)):
        known = found.setdefault(row.account_id, {})
        if row.outcome == "deleted":
            # A deleted definition stands for its options.
            for id_ in [id_ for id_, one in known.items() if one[4] == row.resource_id]:
                del known[id_]
        for id_, *more in _deleted_by(row.resource, row.resource_id, row.changes):
            known[id_] = (row.account_id, id_, *more, row.date)
    table = sa.table("deleted_setting", *map(sa.column, _DELETED_COLUMNS))
    for known in found.values():
        newest = sorted(known.values(), key=lambda one: (one[-1], one[1]))[-_DELETED_MAX:]
        if newest:
            rows = [dict(zip(_DELETED_COLUMNS, one, strict=True)) for one in newest]
            connection.execute(table.insert(), rows)


def _deleted_by(
    resource: str, resource_id: int, changes: str | None
) -> Iterator[tuple[int, str, str, int | None]]:
    """Yield what a change deleted: id, resource and name, and the definition of an option."""
    attributes = json.loads(changes or "{}")
    before, after = attributes.get("name", (None, None))
    if before is not None and after is None:
        yield resource_id, resource, before, None
        return
    before, after = attributes.get("options", (None, None))
    kept = {option["id"] for option in after or ()}
    for option in before or ():
        if option["id"] not in kept:
            yield option["id"], "custom_field_option", option["name"], resource_id


def begin_to_count_what_is_sent(connection: sa.Connection, now: int) -> None:
    """Mark the day since which it is counted who sends a setting; `now` is Unix seconds."""
    statement = sa.text(
        "INSERT INTO hour_figure (account_id, grouping, value, hour, deliveries)"
        " SELECT account_id, 'sent', '', CAST(:day AS BIGINT), 0 FROM lane WHERE ledger_seq > 0"
    )
    connection.execute(statement, {"day": now // 86_400 * 86_400})


def _create_tables() -> None:
    op.create_table(
        "deleted_setting",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("definition_id", sa.BigInteger(), nullable=True),
        sa.Column("date", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id"),
    )
    op.create_table(
        "key_rebuild",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("progress", sa.BigInteger(), nullable=True),
        sa.Column("checked_seq", sa.BigInteger(), nullable=False),
        sa.Column("date_done", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "name_figure",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("lead_id", sa.BigInteger(), nullable=False),
        sa.Column("name", _BYTEWISE, nullable=False),
        sa.Column("deliveries", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "hour", "lead_id", "name"),
        sqlite_with_rowid=False,
    )
