"""What a PostgreSQL server can say about the soundness of its files.

Only `amcheck` compares pages; it is an extension that a superuser installs. It is asked table by
table, a piece at a time, so that no statement holds a snapshot for long: the lanes would get slow.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import psycopg
from psycopg import sql

from onelead.contract.checks import Finding
from onelead.contract.exports import OnProgress
from onelead.contract.upkeep import FilesChecked
from onelead.domain.errors import DatabaseNewer, NotPossible
from onelead.storage.migrate import known_revisions
from onelead.storage.schema import REVISION, metadata

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

_PIECE_BLOCKS = 2_000
_RESTORE = "stop the servers, keep the files, and restore a backup from before"
_REINDEX = "run REINDEX INDEX CONCURRENTLY on it; if that fails, restore a backup from before"
#: What amcheck raises about a damaged page.
_DAMAGED = (psycopg.DataError, psycopg.InternalError)
_TABLES = sorted(table.name for table in metadata.tables.values())


def check_server(connection: Connection, on_progress: OnProgress) -> FilesChecked:
    """Ask for everything that can be asked. Raises NotPossible, DatabaseNewer."""
    require_current(connection)
    unchecked: list[str] = []
    findings = [*_checksums(connection, unchecked), *_invalid_indexes(connection)]
    has_amcheck = "SELECT count(*) FROM pg_extension WHERE extname = 'amcheck'"
    if not _one(connection, has_amcheck):
        unchecked.append(
            "the pages of tables and indexes: a superuser can add `CREATE EXTENSION amcheck`"
        )
        return FilesChecked(findings, unchecked)
    try:
        findings += _pages(connection, on_progress)
    except psycopg.errors.InsufficientPrivilege:
        unchecked.append(
            "the pages of tables and indexes: this role may not call amcheck's functions"
        )
    return FilesChecked(findings, unchecked)


def require_current(connection: Connection) -> None:
    """Raise NotPossible for a database of an earlier version, and DatabaseNewer."""
    if not _one(connection, "SELECT to_regclass('alembic_version') IS NOT NULL"):
        raise NotPossible("the database has no tables of onelead; `onelead migrate` makes them")
    revisions = {row[0] for row in connection.execute("SELECT version_num FROM alembic_version")}
    if revisions - known_revisions():
        raise DatabaseNewer
    if revisions != {REVISION}:
        raise NotPossible("the database is of an earlier version; run `onelead migrate` first")


def _one(connection: Connection, statement: str) -> Any:
    row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


def _checksums(connection: Connection, unchecked: list[str]) -> Iterator[Finding]:
    if _one(connection, "SHOW data_checksums") != "on":
        unchecked.append("checksums of pages: the server has none (data_checksums is off)")
        return
    failures = _one(
        connection,
        "SELECT coalesce(max(checksum_failures), 0) FROM pg_stat_database"
        " WHERE datname = current_database()",
    )
    if failures:
        what = f"the server has read {failures} pages with a wrong checksum"
        yield Finding("database", what, f"replace the disk, and {_RESTORE}")


def _invalid_indexes(connection: Connection) -> Iterator[Finding]:
    rows = connection.execute(
        "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indrelid"
        " WHERE NOT indisvalid AND relname = ANY(%s)",
        (_TABLES,),
    )
    for (index,) in rows:
        yield Finding(f"index {index}", "it is not valid", _REINDEX)


def _pages(connection: Connection, on_progress: OnProgress) -> Iterator[Finding]:
    for table in _TABLES:
        name = sql.Identifier(table).as_string(connection)
        blocks = connection.execute(
            "SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::int", (name,)
        ).fetchone()
        for start in range(0, blocks[0] if blocks else 0, _PIECE_BLOCKS):
            on_progress(f"looking through the table {table}, page {start:,}")
            yield from _table_piece(connection, name, start, blocks[0] if blocks else 0)
        indexes = connection.execute(
            "SELECT indexrelid::regclass::text FROM pg_index"
            " WHERE indrelid = %s::regclass AND indisvalid",
            (name,),
        ).fetchall()
        for (index,) in indexes:
            on_progress(f"looking through the index {index}")
            try:
                connection.execute("SELECT bt_index_check(%s::regclass)", (index,))
            except _DAMAGED:
                yield Finding(f"index {index}", "it is damaged", _REINDEX)


def _table_piece(connection: Connection, name: str, start: int, blocks: int) -> Iterator[Finding]:
    last = min(start + _PIECE_BLOCKS, blocks) - 1
    try:
        rows = connection.execute(
            "SELECT blkno, offnum, msg FROM verify_heapam(%s::regclass, startblock => %s,"
            " endblock => %s)",
            (name, start, last),
        ).fetchall()
    except _DAMAGED:
        yield Finding(f"table {name}", f"a page from {start} to {last} is damaged", _RESTORE)
        return
    for block, place, text in rows:
        yield Finding(f"table {name}", f"page {block}, row {place}: {text}", _RESTORE)
