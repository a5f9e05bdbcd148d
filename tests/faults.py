"""A database that fails when a test says so: a real commit that reports an error."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import event

from onelead.storage.sqlite import SqliteStore

Step = Callable[[], None]


class Faults:
    """What happens next on the connections of a store, each once."""

    def __init__(self) -> None:
        self.before_commit: Step | None = None
        self.after_commit: Step | None = None
        #: Before the next statement of any connection, except ROLLBACK.
        self.before_statement: Step | None = None
        #: Names another connection to read a statement from.
        self.read_elsewhere: Callable[[str], sqlite3.Connection | None] = lambda _sql: None
        self.connections: list[sqlite3.Connection] = []

    def take(self, name: str) -> None:
        """Do what was planned for this moment."""
        planned: Step | None = getattr(self, name)
        if planned is not None:
            setattr(self, name, None)
            planned()


def disk_error() -> None:
    """Fail as SQLite does when the disk does."""
    raise sqlite3.OperationalError("disk I/O error")


class _FaultyCursor(sqlite3.Cursor):
    faults: Faults

    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        if sql == "COMMIT":
            self.connection.commit()
            return self
        if sql != "ROLLBACK":
            self.faults.take("before_statement")
        elsewhere = self.faults.read_elsewhere(sql)
        if elsewhere is not None:
            return elsewhere.execute(sql, parameters)
        return super().execute(sql, parameters)


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
        self.faults.take("before_commit")
        super().commit()
        self.faults.take("after_commit")


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

        # The connections that are open already know of no faults.
        self._engine.dispose()
