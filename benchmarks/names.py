"""The names of the contenders, in the results and on the page."""

from __future__ import annotations

from enum import StrEnum


class Name(StrEnum):
    """A contender."""

    POSTGRESQL = "onelead on PostgreSQL"
    SQLITE = "onelead on SQLite"
    ONE_EACH_POSTGRESQL = "one transaction per request, PostgreSQL"
    ONE_EACH_SQLITE = "one transaction per request, SQLite"
    PGBENCH = "pgbench, one PL/pgSQL upsert a transaction"
    FASTAPI = "FastAPI + SQLAlchemy ORM"
    FASTAPI_SERIALIZABLE = "FastAPI + SQLAlchemy ORM, SERIALIZABLE"
    POCKETBASE_SEARCH = "PocketBase, searched and then written"
    POCKETBASE_BATCH = "PocketBase, batch PUT of one"
    POCKETBASE_SEARCH_FULL = "PocketBase, searched and then written, every commit synced"
    POCKETBASE_BATCH_FULL = "PocketBase, batch PUT of one, every commit synced"
    NULL = "null handler"


ONELEAD = {"postgresql": Name.POSTGRESQL, "sqlite": Name.SQLITE}
ONE_EACH = {"postgresql": Name.ONE_EACH_POSTGRESQL, "sqlite": Name.ONE_EACH_SQLITE}
ENGINE_TITLES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}
