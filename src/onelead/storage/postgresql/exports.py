"""Snapshots of a PostgreSQL database, and loading an account into it by COPY.

Both need as long as there are rows, so they have connections of their own, without the limits of
those that serve.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Connection, NullPool, Table, create_engine, text

from onelead.contract.exports import AccountLines, Loaded
from onelead.domain.errors import NotPossible
from onelead.domain.limits import SNAPSHOT_IDLE_S
from onelead.storage.exports.loading import load_account
from onelead.storage.postgresql.connections import ACCOUNTS_LOCK, with_defaults

_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


@contextmanager
def snapshot_of(url: str) -> Iterator[Connection]:
    """Open a transaction that sees one committed state for as long as it is read."""
    with _connected(url) as connection:
        connection.execute(text(_SNAPSHOT))
        # A reader that went to sleep keeps the server from freeing what is removed meanwhile.
        idle = f"SET LOCAL idle_in_transaction_session_timeout = '{SNAPSHOT_IDLE_S}s'"
        connection.execute(text(idle))
        # What it sees is decided by its first question.
        connection.execute(text("SELECT 1"))
        yield connection


def load_into(url: str, account: AccountLines, now: int) -> Loaded:
    """Load an account in one transaction. Raises NotPossible."""
    with _connected(url) as connection:
        # The file may be read from a slow disk.
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        connection.execute(text("SET LOCAL synchronous_commit = on"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": ACCOUNTS_LOCK})
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        loaded = load_account(connection, account, partial(_insert, driver), now)
        connection.commit()
    with psycopg.connect(with_defaults(url), autocommit=True) as own:
        # The planner knows nothing about the new rows yet.
        own.execute("ANALYZE")
    return loaded


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    connect = partial(psycopg.connect, with_defaults(url))
    engine = create_engine(
        "postgresql+psycopg://", creator=connect, poolclass=NullPool, hide_parameters=True
    )
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        yield connection


def _insert(
    driver: psycopg.Connection[Any],
    table: Table,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), names)
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except (psycopg.IntegrityError, psycopg.DataError) as error:
        raise NotPossible(
            f"the export has a row of {table.name} twice, or a part of one"
        ) from error
