"""What is left of texts in a database: its files, byte by byte, and a dump of every table."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from tests.support.storage.databases import Database, PostgresqlDatabase, SqliteDatabase

from onelead.storage.schema import metadata


def remains(database: Database, texts: list[str]) -> list[str]:
    """Return where which of the texts is, in any case; nothing when all are gone."""
    assert texts
    places = _places(database)
    return [
        f"{one!r} in {place}"
        for place, content in places.items()
        for one in texts
        if one.lower().encode() in content.lower()
    ]


def _places(database: Database) -> dict[str, bytes]:
    if isinstance(database, SqliteDatabase):
        with closing(sqlite3.connect(database.path)) as connection:
            dump = "\n".join(connection.iterdump()).encode()
        files = sorted(database.path.parent.glob(f"{database.path.name}*"))
        return {file.name: file.read_bytes() for file in files} | {"the dump": dump}
    assert isinstance(database, PostgresqlDatabase)
    return {table: _copied(database, table) for table in metadata.tables}


def _copied(database: PostgresqlDatabase, table: str) -> bytes:
    with database.connect().cursor().copy(f'COPY "{table}" TO STDOUT'.encode()) as rows:
        return b"".join(map(bytes, rows))
