"""The statistics of the tables that SQLite's planner is given.

Without them it assumes that an account has ten leads, and reads all of them where an index would
find the right one. Measured numbers would change plans as the data grows; these say what is
always true: one account has many leads, and a key finds few of them.
"""

from __future__ import annotations

from sqlalchemy import Connection

_LEADS = 1_000_000
_KEYS = 6 * _LEADS
#: By table and index: the rows, then how many of them share the first column, the first two, and
#: so on (the form of `sqlite_stat1`).
_STATISTICS = (
    ("lead", "sqlite_autoindex_lead_1", f"{_LEADS} {_LEADS} 1"),
    ("lead", "lead_by_name", f"{_LEADS} {_LEADS} 2 1"),
    ("lead", "lead_by_last_name", f"{_LEADS} {_LEADS} 10 1"),
    ("lead", "lead_by_company_name", f"{_LEADS} {_LEADS} 20 1"),
    ("lead", "lead_by_date_created", f"{_LEADS} {_LEADS} 10 1"),
    ("lead", "lead_by_status", f"{_LEADS} {_LEADS} {_LEADS // 4}"),
    ("lead", "lead_by_customer_source", f"{_LEADS} {_LEADS} {_LEADS // 10}"),
    ("lead", "lead_by_assignee", f"{_LEADS} {_LEADS} {_LEADS // 20}"),
    ("lead", "lead_by_city", f"{_LEADS} {_LEADS} {_LEADS // 1000}"),
    ("lead", "lead_by_state", f"{_LEADS} {_LEADS} {_LEADS // 50}"),
    ("lead", "lead_by_postal_code", f"{_LEADS} {_LEADS} 100"),
    ("match_key", "sqlite_autoindex_match_key_1", f"{_KEYS} {_KEYS} {_LEADS} 2 1"),
    ("ledger", "sqlite_autoindex_ledger_1", f"{_LEADS} {_LEADS} 1"),
    ("ledger", "ledger_by_resource", f"{_LEADS} {_LEADS} 3 1"),
    ("ledger", "ledger_by_change", f"{_LEADS} {_LEADS} 10 1"),
    ("ledger", "ledger_by_restoration", "100 100 2"),
)


def add_statistics(connection: Connection) -> None:
    """Store the statistics that are missing, in the connection's transaction."""
    # This costs nothing on a table of few rows, and creates the table of statistics.
    connection.exec_driver_sql("ANALYZE account")
    known = set(connection.exec_driver_sql("SELECT idx FROM sqlite_stat1").scalars())
    unknown = [row for row in _STATISTICS if row[1] not in known]
    for row in unknown:
        connection.exec_driver_sql("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", row)
    if unknown:
        connection.exec_driver_sql("ANALYZE sqlite_schema")
