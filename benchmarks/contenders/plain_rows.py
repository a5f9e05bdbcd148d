"""The rows that an import has written, taken in again without any rule: COPY, or its like.

They are read from a database into which onelead has imported the file, and written into the same
tables with the same indexes, in one transaction: by COPY on PostgreSQL, from text that is ready,
and by executemany on SQLite, as the product's connections are set.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing

import psycopg
from msgspec import Struct

from benchmarks.contenders.onelead_server import ServedDatabase
from onelead.storage import schema

#: The tables that an import writes, and the column by which its rows are told from those before.
_TABLES = (
    *((schema.lead, "id"), (schema.match_key, "lead_id"), (schema.ledger, "seq")),
    *((schema.ledger_detail, "seq"), (schema.idempotency_key, "seq")),
)
_ENDS = "SELECT last_id, ledger_seq FROM lane"


class PlainRows(Struct, frozen=True):
    """Rows by table, and the way to write them into a database."""

    rows: int
    write: Callable[[ServedDatabase], float]


def plain_rows(before: ServedDatabase, after: ServedDatabase, rows: int) -> PlainRows:
    """Return what an import of `rows` rows has written; `write` returns the seconds it takes."""
    if before.postgresql_pid is None:
        return _of_sqlite(before, after, rows)
    return _of_postgresql(before, after, rows)


def _conditions(last_id: int, last_seq: int) -> Sequence[str]:
    last = {"id": last_id, "lead_id": last_id, "seq": last_seq}
    return [f"{table.name} WHERE {column} > {last[column]}" for table, column in _TABLES]


def _of_postgresql(before: ServedDatabase, after: ServedDatabase, rows: int) -> PlainRows:
    with psycopg.connect(before.url) as connection:
        ((last_id, last_seq),) = connection.execute(_ENDS).fetchall()
    texts: list[tuple[str, list[bytes]]] = []
    with psycopg.connect(after.url) as connection, connection.cursor() as cursor:
        for (table, _column), where in zip(_TABLES, _conditions(last_id, last_seq), strict=True):
            query = f"COPY (SELECT * FROM {where}) TO STDOUT"
            with cursor.copy(query.encode()) as copy:
                texts.append((table.name, [bytes(piece) for piece in copy]))

    def write(target: ServedDatabase) -> float:
        with psycopg.connect(target.url) as connection, connection.cursor() as cursor:
            began = time.perf_counter()
            for name, pieces in texts:
                with cursor.copy(f"COPY {name} FROM STDIN".encode()) as copy:
                    for piece in pieces:
                        copy.write(piece)
            connection.commit()
            return time.perf_counter() - began

    return PlainRows(rows, write)


def _of_sqlite(before: ServedDatabase, after: ServedDatabase, rows: int) -> PlainRows:
    with closing(_opened(before)) as connection:
        last_id, last_seq = connection.execute(_ENDS).fetchone()
    found = []
    with closing(_opened(after)) as connection:
        for (table, _column), where in zip(_TABLES, _conditions(last_id, last_seq), strict=True):
            places = ", ".join("?" * len(table.columns))
            statement = f"INSERT INTO {table.name} VALUES ({places})"
            found.append((statement, connection.execute(f"SELECT * FROM {where}").fetchall()))

    def write(target: ServedDatabase) -> float:
        with closing(_opened(target)) as connection:
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -65536"):
                connection.execute(f"PRAGMA {pragma}")
            began = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            for statement, its_rows in found:
                connection.executemany(statement, its_rows)
            connection.execute("COMMIT")
            return time.perf_counter() - began

    return PlainRows(rows, write)


def _opened(database: ServedDatabase) -> sqlite3.Connection:
    return sqlite3.connect(database.url.removeprefix("sqlite:///"), isolation_level=None)
