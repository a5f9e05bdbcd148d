"""A server process whose engine has no lane, which a proof must find broken.

Run by its path instead of `onelead serve`; its configuration comes from the environment. The lane
is taken only after reading, or released before writing, so two processes can both find no lead.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from psycopg.pq.abc import PGresult

from onelead.commands.cli import main
from onelead.storage.postgresql import batch as postgresql_batch
from onelead.storage.postgresql.store import PostgresqlStore
from onelead.storage.postgresql.trips import Command, Trips
from onelead.storage.sqlite import store as sqlite
from onelead.storage.sqlite.batch import write_batch
from onelead.storage.sqlite.store import SqliteStore

#: Without a transaction around the batch, its first round trip is one, and lets go of the lane.
_NO_LANE = {
    "_BEGIN": "SELECT",
    "_TAKE_LANE": "UPDATE lane SET ledger_seq = ledger_seq + $2, last_id = last_id + $2"
    " WHERE account_id = $1 RETURNING ledger_seq, last_id - $2, settings_version",
    "_SAVE_LEADS": "UPDATE lane SET lead_count = lead_count + $3"
    " WHERE account_id = $1 AND last_id >= $2",
}

#: Between reading and writing, so that the batches of two processes always overlap.
_PAUSE_S = 0.03


class _EarlierReads:
    """A driver whose reads see the state before its transaction."""

    def __init__(self, driver: sqlite3.Connection, earlier: sqlite3.Connection) -> None:
        self._driver = driver
        self._earlier = earlier

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        driver = self._earlier if sql.startswith("SELECT") else self._driver
        return driver.execute(sql, parameters)

    def executemany(self, sql: str, rows: Any) -> sqlite3.Cursor:
        return self._driver.executemany(sql, rows)


class LanelessSqliteStore(SqliteStore):
    """Looks for matches before it takes the write lock."""

    def __init__(self, path: Path, clock: Callable[[], int], *, serving: bool) -> None:  # noqa: ARG002
        # Here several processes serve the file.
        super().__init__(path, clock)
        self._file = path

    async def _begin_batch(self, driver: sqlite3.Connection) -> None:
        global earlier  # noqa: PLW0603 - one transaction at a time
        earlier = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False)
        earlier.execute("BEGIN")
        earlier.execute("SELECT count(*) FROM lane").fetchall()
        await asyncio.sleep(_PAUSE_S)
        await super()._begin_batch(driver)


earlier: sqlite3.Connection


def _write_batch(driver: sqlite3.Connection, *rest: Any) -> Any:
    with closing(earlier):
        return write_batch(_EarlierReads(driver, earlier), *rest)  # type: ignore[arg-type]


class _LateTrips(Trips):
    """Round trips that wait a moment before they write."""

    async def make(self, commands: Sequence[Command]) -> list[PGresult]:
        if any("INTO ledger" in sql for sql, _parameters in commands):
            await asyncio.sleep(_PAUSE_S)
        return await super().make(commands)


if __name__ == "__main__":
    vars(sqlite).update(write_batch=_write_batch, SqliteStore=LanelessSqliteStore)
    vars(postgresql_batch).update(_NO_LANE)
    PostgresqlStore.trips_class = _LateTrips
    sys.argv[1:] = ["serve"]
    main()
