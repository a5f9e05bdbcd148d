"""What a start looks at: the ends of each account. Portable.

It takes microseconds an account, however many leads there are. A lane that is behind would give
out the numbers of rows and leads a second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, func, inspect, select

from onelead.contract.checks import Finding
from onelead.domain.limits import QUICK_CHECK_ACCOUNTS_MAX
from onelead.storage.schema import account, figure_progress, lane, lead, ledger, metadata

_RESTORE = "restore a backup from before"


def quick_findings(connection: Connection) -> list[Finding]:
    """Compare the lanes with the newest lead and ledger row of each account."""
    of_account = account.c.id
    newest_row = select(func.max(ledger.c.seq)).where(ledger.c.account_id == of_account)
    newest_lead = select(func.max(lead.c.id)).where(lead.c.account_id == of_account)
    folded = select(figure_progress.c.seq).where(figure_progress.c.account_id == of_account)
    rows = connection.execute(
        select(
            *(account.c.id, lane.c.ledger_seq, lane.c.last_id),
            newest_row.scalar_subquery().label("newest_row"),
            newest_lead.scalar_subquery().label("newest_lead"),
            folded.scalar_subquery().label("folded"),
        )
        .select_from(account.outerjoin(lane, lane.c.account_id == account.c.id))
        .order_by(account.c.id)
        .limit(QUICK_CHECK_ACCOUNTS_MAX)
    )
    return [finding for row in rows for finding in _findings(row)]


def _findings(row: Any) -> Iterator[Finding]:
    where = f"account {row.id}, lane"
    if row.ledger_seq is None:
        yield Finding(where, "it does not exist", _RESTORE)
        return
    newest_row = row.newest_row or 0
    if newest_row != row.ledger_seq:
        what = f"its number is {row.ledger_seq}, and the newest ledger row has {newest_row}"
        yield Finding(where, what, _RESTORE)
    if (row.newest_lead or 0) > row.last_id:
        what = f"the last id is {row.last_id}, and lead {row.newest_lead} exists"
        yield Finding(where, what, _RESTORE)
    if (row.folded or 0) > row.ledger_seq:
        what = f"its number is {row.ledger_seq}, and row {row.folded} was counted"
        yield Finding(where, what, _RESTORE)


def table_findings(connection: Connection) -> Sequence[Finding]:
    """Look for all tables and indexes of this version."""
    found = inspect(connection)
    findings = []
    stored = found.get_multi_indexes()
    tables = {name for _schema, name in stored}
    indexes = {str(one["name"]) for ones in stored.values() for one in ones}
    for table in metadata.sorted_tables:
        if table.name not in tables:
            what = f"the table {table.name} is missing"
            findings.append(Finding("database", what, _RESTORE))
            continue
        for index in sorted({str(one.name) for one in table.indexes} - indexes):
            what = f"the index {index} is missing"
            findings.append(Finding("database", what, "restore a backup, or create it again"))
    return findings
