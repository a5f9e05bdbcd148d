"""Loading an account into a SQLite file that nobody else has open.

The journal of SQLite's older kind is used meanwhile: it keeps what was there before, which is
little, and new pages go straight into the file. The log of a served file would have each page as
often as it was written, which is many times for keys that come in no order. After a crash the next
process that opens the file finds the journal, and undoes the rest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import NullPool, Table, create_engine

from onelead.contract.exports import AccountLines, Loaded
from onelead.domain.errors import NotPossible
from onelead.storage.exports.loading import load_account
from onelead.storage.sqlite.copies import explained

_PAGES_KIB = 64 * 1024


def load_into(path: Path, account: AccountLines, now: int) -> Loaded:
    """Load an account in one transaction. Raises NotPossible."""
    what = f"{path} cannot be loaded into"
    with explained(what), closing(sqlite3.connect(path, isolation_level=None, timeout=1)) as driver:
        # SQLite does this only for one that is alone.
        driver.execute("PRAGMA journal_mode = DELETE").fetchone()
        for setting in (
            "synchronous = FULL",
            f"cache_size = -{_PAGES_KIB}",
            "secure_delete = ON",
            "temp_store = FILE",
        ):
            driver.execute(f"PRAGMA {setting}")
        engine = create_engine("sqlite://", creator=lambda: driver, poolclass=NullPool)
        # What is not committed at the end is rolled back.
        with engine.connect() as connection:
            # Not before: SQLAlchemy rolls back when it has looked at a new connection.
            driver.execute("BEGIN EXCLUSIVE")
            loaded = load_account(connection, account, partial(_insert, driver), now)
            driver.execute("COMMIT")
    with explained(what), closing(sqlite3.connect(path)) as driver:
        driver.execute("PRAGMA journal_mode = WAL").fetchone()
    return loaded


def _insert(
    driver: sqlite3.Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    places = ", ".join("?" * len(columns))
    try:
        driver.executemany(f'INSERT INTO "{table.name}" ({names}) VALUES ({places})', rows)  # noqa: S608 - names of ours
    except sqlite3.IntegrityError as error:
        raise NotPossible(
            f"the export has a row of {table.name} twice, or a part of one"
        ) from error
