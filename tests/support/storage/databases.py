"""The databases that tests run against: each test has a fresh one of one engine.

An engine joins the contract suite with a class here and a line in `ENGINES`. A database is a copy
of one that is migrated once per process, which is much faster than migrating each.
"""

from __future__ import annotations

import atexit
import itertools
import os
import secrets
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol

import psycopg
from sqlalchemy import Engine, create_engine
from tests.support.storage.faults import Faults, FaultySqliteStore, faulty_postgresql_store
from tests.support.storage.postgresql_server import administration_url, url_of_database

from onelead.contract.access import NewAccount
from onelead.contract.store import Store
from onelead.storage.access.accounts import create_account
from onelead.storage.migrate import migrate
from onelead.storage.postgresql.store import PostgresqlStore
from onelead.storage.sqlite.store import SqliteStore

EMAIL = "dana@shop.example"


class Database(Protocol):
    """A fresh database with one account, and what tests do to it behind the store's back."""

    #: The first account of the database.
    account: NewAccount
    #: Where another process finds the database, for `open_at`.
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
        """Make a change (INSERT, UPDATE, DELETE) of rows fail; `when` can name NEW and OLD."""

    def allow(self) -> None:
        """End all refusals."""

    def busy(self) -> AbstractContextManager[None]:
        """Hold what every write waits for, as a transaction of another process does."""

    def close(self) -> None:
        """Remove the database."""


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

    def close(self) -> None:
        """Leave the file to the folder of the test."""


class PostgresqlDatabase:
    """A copy of a migrated database on the server of the tests."""

    def __init__(self, _folder: Path | None = None) -> None:
        template, self.account = _postgresql_template()
        self.name = _new_name()
        _administer(f"CREATE DATABASE {self.name} TEMPLATE {template}{_copy_strategy()}")
        self.address = url_of_database(self.name)
        self._connection: psycopg.Connection | None = None
        self._refusals: list[tuple[str, str]] = []

    async def open(self, clock: Callable[[], int], *, busy_timeout_s: float = 20) -> Store:
        store = PostgresqlStore(self.address, clock, timeout_s=busy_timeout_s)
        await store.open()
        return store

    async def open_faulty(self, clock: Callable[[], int], faults: Faults) -> Store:
        store = faulty_postgresql_store(self.address, clock, faults)
        await store.open()
        return store

    def connect(self) -> psycopg.Connection:
        """Return the test's own connection, which commits each statement."""
        if self._connection is None:
            self._connection = psycopg.connect(self.address, autocommit=True)
        return self._connection

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connect().execute(sql.encode()).fetchall()

    def execute(self, sql: str) -> None:
        self.connect().execute(sql.encode())

    def refuse(self, change: str, table: str, *, when: str = "1 = 1") -> None:
        name = f"refusal_{len(self._refusals)}"
        self._refusals.append((name, table))
        self.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'refused by a test'; END $$;"
            f' CREATE TRIGGER {name} BEFORE {change} ON "{table}"'
            f" FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {name}()"
        )

    def allow(self) -> None:
        while self._refusals:
            name, table = self._refusals.pop()
            self.execute(f'DROP TRIGGER {name} ON "{table}"; DROP FUNCTION {name}()')

    @contextmanager
    def busy(self) -> Iterator[None]:
        with closing(psycopg.connect(self.address)) as connection:
            # Transactions that only read go on.
            connection.execute("LOCK TABLE lane IN EXCLUSIVE MODE")
            yield

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        _drop_soon(self.name)


async def open_at(address: str, clock: Callable[[], int]) -> Store:
    """Open a store on the database of another process."""
    if address.startswith("sqlite:"):
        return SqliteStore(Path(address.removeprefix("sqlite:")), clock)
    store = PostgresqlStore(address, clock)
    await store.open()
    return store


@cache
def _template() -> tuple[bytes, NewAccount]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        account = _fill_template(create_engine(f"sqlite:///{path}"))
        return path.read_bytes(), account


@cache
def _postgresql_template() -> tuple[str, NewAccount]:
    name = _new_name()
    _administer(f"CREATE DATABASE {name}")
    atexit.register(_administer, f"DROP DATABASE {name}")
    url = url_of_database(name)
    connect = partial(psycopg.connect, url)
    return name, _fill_template(create_engine("postgresql+psycopg://", creator=connect))


def _fill_template(engine: Engine) -> NewAccount:
    with engine.begin() as connection:
        migrate(connection)
        account = create_account(connection, 1_700_000_000, "Shop Ltd", EMAIL)
    engine.dispose()
    return account


def _copy_strategy() -> str:
    # The faster strategy where commits do not wait for a disk; PostgreSQL 14 has no other.
    is_named = _administration().info.server_version >= 15_00_00
    return " STRATEGY file_copy" if is_named else ""


_numbers = itertools.count(1)


def _new_name() -> str:
    return f"onelead_test_{os.getpid()}_{next(_numbers)}_{secrets.token_hex(4)}"


def _administer(sql: str) -> None:
    _administration().execute(sql.encode())


def _drop_soon(name: str) -> None:
    """Drop a database beside the next tests: the server sleeps until its connections have ended."""
    _dropping().submit(_drop, name)


def _drop(name: str) -> None:
    _dropping_connection().execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@cache
def _dropping() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1)


@cache
def _dropping_connection() -> psycopg.Connection:
    return _connection_to_the_end()


@cache
def _administration() -> psycopg.Connection:
    return _connection_to_the_end()


def _connection_to_the_end() -> psycopg.Connection:
    connection = psycopg.connect(administration_url(), autocommit=True)
    atexit.register(connection.close)
    return connection


#: By the name that the suite shows.
ENGINES: dict[str, Callable[[Path], Database]] = {
    "sqlite": SqliteDatabase,
    "postgresql": PostgresqlDatabase,
}
