"""A scratch database for a rehearsal: real tables, the real write path, and no file of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Insert, StaticPool, Table, create_engine, insert
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect

from onelead.contract.imports import Known, RehearsalStart, TableRow
from onelead.contract.leads import Batch, BatchReceipt
from onelead.domain.account import AccountSettings
from onelead.storage import schema
from onelead.storage.sqlite.batch import write_batch
from onelead.storage.sqlite.temporary import CACHE_KIB, temporary_database

_DIALECT = sqlite_dialect(paramstyle="qmark")
#: The tables that writes of leads read and write.
_TABLES = (
    *(schema.lane, schema.lead, schema.match_key, schema.ledger, schema.ledger_detail),
    *(schema.idempotency_key, schema.merged_lead, schema.distinct_pair),
)


def _insert(table: Table, verb: str = "OR IGNORE") -> str:
    statement: Insert = insert(table).prefix_with(verb)
    return str(statement.compile(dialect=_DIALECT))


_INSERT = {table.name: _insert(table) for table in _TABLES}
_HAS_LEAD = "SELECT 1 FROM lead WHERE account_id = ? AND id = ?"
_LEAD_ID = [column.name for column in schema.match_key.c].index("lead_id")


class Scratch:
    """The stored leads that a rehearsal has met, and what it would have written to them.

    May be used by one thread at a time, not always the same.
    """

    def __init__(self, start: RehearsalStart) -> None:
        self._settings = start.settings
        self._driver = temporary_database()
        self._driver.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            f"PRAGMA cache_size = -{CACHE_KIB};"
            "CREATE TEMP TABLE asked (field TEXT, value TEXT, PRIMARY KEY (field, value))"
            " WITHOUT ROWID"
        )
        engine = create_engine("sqlite://", creator=lambda: self._driver, poolclass=StaticPool)
        schema.metadata.create_all(engine, tables=_TABLES)
        account_id = start.settings.account_id
        lane = (account_id, start.ledger_seq, start.last_id, start.settings.version, 0)
        self._driver.execute(_INSERT["lane"], lane)

    def close(self) -> None:
        """Forget everything."""
        self._driver.close()

    def unknown(self, keys: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the match keys that were not asked for before; from now on they were."""
        add = "INSERT OR IGNORE INTO asked VALUES (?, ?)"
        return [key for key in keys if self._driver.execute(add, key).rowcount]

    def learn(self, known: Known) -> None:
        """Take stored rows in; a lead that is here already stays as the rehearsal has left it."""
        account_id = self._settings.account_id
        new = {
            row[1]: row
            for row in known.leads
            if self._driver.execute(_HAS_LEAD, (account_id, row[1])).fetchone() is None
        }
        self._driver.execute("BEGIN")
        self._add(schema.lead, list(new.values()))
        self._add(schema.match_key, [row for row in known.match_keys if row[_LEAD_ID] in new])
        self._add(schema.ledger, known.ledger)
        self._add(schema.ledger_detail, known.details)
        self._add(schema.idempotency_key, known.idempotency_keys)
        self._driver.execute("COMMIT")

    def _add(self, table: Table, rows: Sequence[TableRow]) -> None:
        self._driver.executemany(_INSERT[table.name], rows)

    def write(self, batch: Batch, now: int) -> BatchReceipt:
        """Write a batch as it would be written."""
        self._driver.execute("BEGIN")
        receipt = write_batch(self._driver, batch, now, self._own_settings)
        self._driver.execute("COMMIT")
        return receipt

    def _own_settings(self) -> AccountSettings:
        return self._settings
