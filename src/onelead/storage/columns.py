"""What the declarations of all tables share: the metadata, and columns of a kind."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, MetaData, Text
from sqlalchemy.types import TypeEngine

metadata = MetaData()


def bytewise() -> TypeEngine[str]:
    """Return the type of a text that compares by bytes."""
    # SQLite compares bytes by default; PostgreSQL must be told to.
    return Text().with_variant(Text(collation="C"), "postgresql")


def id_column(name: str, *, nullable: bool = False) -> Column[int]:
    """Declare a column of ids or ledger numbers."""
    return Column(name, BigInteger, nullable=nullable)
