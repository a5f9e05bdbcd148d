"""A database that fails when a test says so: a real commit that reports an error."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.pq.abc import PGresult
from sqlalchemy import event

from onelead.storage.postgresql.store import PostgresqlStore
from onelead.storage.postgresql.trips import Command, Trips
from onelead.storage.sqlite.store import SqliteStore

Step = Callable[[], None]


class Faults:
    """What happens next on the connections of a store, each once."""

    def __init__(self) -> None:
        self.before_commit: Step | None = None
        self.after_commit: Step | None = None
        #: Before the next statement of any connection, except ROLLBACK.
        self.before_statement: Step | None = None
        #: Says what is executed instead of a statement.
        self.rewrite: Callable[[str], str] = lambda sql: sql
        #: The connections that were opened, of the engine's driver.
        self.connections: list[Any] = []

    def take(self, name: str) -> None:
        """Do what was planned for this moment."""
        planned: Step | None = getattr(self, name)
        if planned is not None:
            setattr(self, name, None)
            planned()


class _DiskFailsNow(Exception):
    """What each engine does in its own way."""


def disk_error() -> None:
    """Fail as the engine does when the disk fails; a commit that happened reports an error.

    SQLite reports an error in every case. PostgreSQL refuses the statement or the commit; once
    the commit has happened, only the connection can be lost.
    """
    raise _DiskFailsNow


class _FaultyCursor(sqlite3.Cursor):
    faults: Faults

    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        if sql == "COMMIT":
            self.connection.commit()
            return self
        if sql != "ROLLBACK":
            _take_as_sqlite(self.faults, "before_statement")
        return super().execute(self.faults.rewrite(sql), parameters)


def _take_as_sqlite(faults: Faults, name: str) -> None:
    try:
        faults.take(name)
    except _DiskFailsNow:
        raise sqlite3.OperationalError("disk I/O error") from None


class _FaultyConnection(sqlite3.Connection):
    faults: Faults

    def cursor(self, _factory: Any = None) -> Any:
        made = super().cursor(_FaultyCursor)
        made.faults = self.faults
        return made

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        made: sqlite3.Cursor = self.cursor().execute(sql, parameters)
        return made

    def commit(self) -> None:
        _take_as_sqlite(self.faults, "before_commit")
        super().commit()
        _take_as_sqlite(self.faults, "after_commit")


class FaultySqliteStore(SqliteStore):
    """The embedded engine on connections that fail as `faults` says."""

    def __init__(self, path: Path, clock: Callable[[], int], faults: Faults) -> None:
        super().__init__(path, clock)

        def connection(*arguments: Any, **options: Any) -> sqlite3.Connection:
            made = _FaultyConnection(*arguments, **options)
            made.faults = faults
            faults.connections.append(made)
            return made

        @event.listens_for(self._engine, "do_connect")
        def _connect(
            _dialect: object, _record: object, _arguments: object, options: dict[str, Any]
        ) -> None:
            options["factory"] = connection

        # The connections that are already open never fail.
        self._engine.dispose()


_FULL_DISK = b"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$"


class _FaultyPostgresqlCursor(AsyncCursor[Any]):
    async def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
        faults = _faults_of(self.connection)
        try:
            await _take_in_a_thread(faults, "before_statement")
        except _DiskFailsNow:
            # So that the server refuses it, even in the middle of a pipeline.
            return await super().execute(_FULL_DISK)
        sql = faults.rewrite(query) if isinstance(query, str) else query
        return await super().execute(sql, *arguments, **options)


class _FaultyPostgresqlConnection(AsyncConnection[Any]):
    faults: ClassVar[Faults]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.cursor_factory = _FaultyPostgresqlCursor
        self.faults.connections.append(self)
        self._is_prepared = False

    async def commit(self) -> None:
        if not self._is_prepared:
            # What a store sets on a new connection is not a write of a test.
            self._is_prepared = True
            await super().commit()
            return
        try:
            await _take_in_a_thread(self.faults, "before_commit")
        except _DiskFailsNow:
            await self._refuse_to_commit()
        await super().commit()
        try:
            await _take_in_a_thread(self.faults, "after_commit")
        except _DiskFailsNow:
            await self.close()
            raise psycopg.OperationalError("the connection is lost") from None

    async def _refuse_to_commit(self) -> None:
        try:
            await AsyncCursor(self).execute(_FULL_DISK)
        finally:
            # A commit that fails ends its transaction.
            await self.rollback()


_REFUSED: Command = (_FULL_DISK.decode(), ())


class _FaultyTrips(Trips):
    async def make(self, commands: Sequence[Command]) -> list[PGresult]:
        faults = _faults_of(self.connection)
        try:
            await _take_in_a_thread(faults, "before_statement")
        except _DiskFailsNow:
            # So that the server refuses it.
            return await super().make([_REFUSED])
        commands = [(faults.rewrite(sql), parameters) for sql, parameters in commands]
        if commands[-1][0] == "COMMIT":
            return await self._commit(faults, commands)
        return await super().make(commands)

    async def _commit(self, faults: Faults, commands: list[Command]) -> list[PGresult]:
        try:
            await _take_in_a_thread(faults, "before_commit")
        except _DiskFailsNow:
            commands.insert(-1, _REFUSED)
        results = await super().make(commands)
        try:
            await _take_in_a_thread(faults, "after_commit")
        except _DiskFailsNow:
            await self.connection.close()
            raise psycopg.OperationalError("the connection is lost") from None
        return results


def _faults_of(connection: object) -> Faults:
    assert isinstance(connection, _FaultyPostgresqlConnection)
    return connection.faults


async def _take_in_a_thread(faults: Faults, name: str) -> None:
    """Do what was planned, in a thread, because it may wait."""
    if getattr(faults, name) is not None:
        await asyncio.to_thread(faults.take, name)


def faulty_postgresql_store(
    url: str, clock: Callable[[], int], faults: Faults, **options: Any
) -> PostgresqlStore:
    """Return the engine for many processes on connections that fail as `faults` says."""

    class Connection(_FaultyPostgresqlConnection):
        pass

    class Store(PostgresqlStore):
        connection_class = Connection
        trips_class = _FaultyTrips

    Connection.faults = faults
    return Store(url, clock, **options)
