"""The ledger in order, for those who follow every write. Portable.

The lane numbers the rows without a gap, and a transaction gives up the lane only when its rows can
be read. So a reader that has read up to a number has missed nothing below it.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from onelead.contract.ledger import AccountLedgerRow, LedgerRun, LedgerSearch
from onelead.domain.limits import LEDGER_EXAMINED_MAX
from onelead.storage.ledger.search import criteria, newest_seq, row_as, run_between, select_rows
from onelead.storage.schema import lane, ledger


def follow_ledger(
    connection: Connection, account_id: int, search: LedgerSearch, *, after: int
) -> LedgerRun:
    """Return the first rows above a number that match, in order."""
    assert search.state is None
    top = min(newest_seq(connection, account_id), after + LEDGER_EXAMINED_MAX)
    found = connection.execute(
        select_rows(with_payload=False)
        .where(*run_between(account_id, after, top))
        .where(*criteria(account_id, search, is_folded=False))
        .order_by(ledger.c.seq)
        .limit(search.limit)
    ).all()
    last_seq = found[-1].seq if len(found) == search.limit else max(top, after)
    return LedgerRun([row_as(AccountLedgerRow, row) for row in found], last_seq)


def ledger_seq(connection: Connection, account_id: int) -> int:
    """Return the number of the newest row."""
    statement = select(lane.c.ledger_seq).where(lane.c.account_id == account_id)
    seq: int = connection.execute(statement).scalar_one()
    return seq
