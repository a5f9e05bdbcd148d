"""An insert that may say what happens when a row is there already. Portable."""

from __future__ import annotations

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def engine_insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an insert in the words of the engine, which both engines read alike."""
    is_sqlite = connection.dialect.name == "sqlite"
    return sqlite.insert(table) if is_sqlite else postgresql.insert(table)
