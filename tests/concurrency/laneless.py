"""An application process whose engine has no lane: what a proof must find broken.

Run by its path instead of `onelead serve`; it takes the settings from the environment. Matches
are read before the turn on the lane comes, so two processes can both find nobody.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, RootTransaction

from onelead import app
from onelead.cli import main
from onelead.storage import postgresql_batch, sqlite
from onelead.storage.sqlite import SqliteStore
from onelead.storage.sqlite_batch import write_batch

#: Makes room for the numbers of a batch without waiting for anybody.
SEQUENCE = "CREATE SEQUENCE laneless START 1000 INCREMENT 1000"
_TAKE_NO_LANE = (
    "SELECT number + $2, account_id * 1000000000 + number, settings_version"
    " FROM lane, nextval('laneless') AS number WHERE account_id = $1"
)


class _EarlierReads:
    """A driver whose reads see the state from before its transaction."""

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
        # Several processes are to serve the file.
        super().__init__(path, clock)
        self._file = path

    async def _begin_batch(self, connection: Connection) -> RootTransaction:
        global earlier  # noqa: PLW0603 - one transaction at a time
        earlier = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False)
        earlier.execute("BEGIN")
        earlier.execute("SELECT count(*) FROM lane").fetchall()
        return await super()._begin_batch(connection)


earlier: sqlite3.Connection


def _write_batch(driver: sqlite3.Connection, *rest: Any) -> Any:
    with closing(earlier):
        return write_batch(_EarlierReads(driver, earlier), *rest)  # type: ignore[arg-type]


if __name__ == "__main__":
    vars(sqlite).update(write_batch=_write_batch)
    vars(postgresql_batch).update(_TAKE_LANE=_TAKE_NO_LANE)
    vars(app).update(SqliteStore=LanelessSqliteStore)
    sys.argv[1:] = ["serve"]
    main()
