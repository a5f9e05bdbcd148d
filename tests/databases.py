"""The databases that tests run against: a fresh one of one engine for each test.

An engine joins the contract suite by a class here and a line in `ENGINES`.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import create_engine
from tests.faults import Faults, FaultySqliteStore

from onelead.storage.access import create_account
from onelead.storage.migrate import migrate
from onelead.storage.sqlite import SqliteStore
from onelead.store import NewAccount, Store

EMAIL = "dana@shop.example"


class Database(Protocol):
    """A fresh database with one account, and what tests do to it behind the store's back."""

    #: The first account of the database.
    account: NewAccount
    #: Where another process finds the database: for `open_at`.
    address: str

    async def open(self, clock: Callable[[], int], *, busy_timeout_s: float = 20) -> Store:
        """Open one more store, as another process would."""

    async def open_faulty(self, clock: Callable[[], int], faults: Faults) -> Store:
        """Open a store that fails as `faults` says."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Read committed rows."""

    def execute(self, sql: str) -> None:
        """Change the database in a transaction."""

    def refuse(self, change: str, table: str, *, when: str = "1 = 1") -> None:
        """Let a change (INSERT, UPDATE, DELETE) of rows fail; `when` may name NEW and OLD."""

    def allow(self) -> None:
        """End all refusals."""

    def busy(self) -> AbstractContextManager[None]:
        """Hold what every write waits for, as a transaction of another process does."""


class SqliteDatabase:
    """A copy of a migrated file."""

    def __init__(self, folder: Path) -> None:
        content, self.account = _template()
        self.path = folder / "onelead.db"
        self.path.write_bytes(content)
        self.address = f"sqlite:{self.path}"
        self._refusals: list[str] = []

    async def open(self, clock: Callable[[], int], *, busy_timeout_s: float = 20) -> Store:
        return SqliteStore(self.path, clock, busy_timeout_s=busy_timeout_s)

    async def open_faulty(self, clock: Callable[[], int], faults: Faults) -> Store:
        return FaultySqliteStore(self.path, clock, faults)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(sql)

    def refuse(self, change: str, table: str, *, when: str = "1 = 1") -> None:
        name = f"refusal_{len(self._refusals)}"
        self._refusals.append(name)
        self.execute(
            f'CREATE TRIGGER {name} BEFORE {change} ON "{table}" WHEN {when}'
            " BEGIN SELECT RAISE(ABORT, 'refused by a test'); END"
        )

    def allow(self) -> None:
        while self._refusals:
            self.execute(f"DROP TRIGGER {self._refusals.pop()}")

    @contextmanager
    def busy(self) -> Iterator[None]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")


async def open_at(address: str, clock: Callable[[], int]) -> Store:
    """Open a store on the database of another process."""
    engine, _, place = address.partition(":")
    assert engine == "sqlite"
    return SqliteStore(Path(place), clock)


@cache
def _template() -> tuple[bytes, NewAccount]:
    """Migrate a file and create its account once a process: copying it is much faster."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        engine = create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            migrate(connection)
            account = create_account(connection, "Shop Ltd", EMAIL, 1_700_000_000)
        engine.dispose()
        return path.read_bytes(), account


#: By the name that the suite shows.
ENGINES: dict[str, Callable[[Path], Database]] = {"sqlite": SqliteDatabase}
