"""An insert that can say what happens when a row already exists. Portable."""

from __future__ import annotations

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def engine_insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return the engine's own insert; both have the same methods."""
    is_sqlite = connection.dialect.name == "sqlite"
    return sqlite.insert(table) if is_sqlite else postgresql.insert(table)
