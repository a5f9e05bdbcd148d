"""Leads in the order of their last change, found by the ledger instead of an index on the leads.

Nothing that an older process uses goes: without the index, its lists and searches by the date of
the last change read all leads of the account.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

#: Of them a test knows that older programs only read more leads.
only_slower_without = ("lead_by_date_modified",)

_IS_LEAD = "resource IN ('lead')"


def upgrade() -> None:
    """Replace an index; `schema.py` says what the new ones are for."""
    for name, columns, outcomes in (
        (
            "ledger_by_change",
            ["account_id", "date", "resource_id"],
            "'created', 'updated', 'merged', 'restored'",
        ),
        ("ledger_by_restoration", ["account_id", "date"], "'restored'"),
    ):
        where = text(f"{_IS_LEAD} AND outcome IN ({outcomes})")
        op.create_index(name, "ledger", columns, sqlite_where=where, postgresql_where=where)
    op.drop_index("lead_by_date_modified", "lead")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE lead SET (fillfactor = 75)")
