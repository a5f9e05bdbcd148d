"""The service of `fastapi_app` on PostgreSQL: uvicorn with uvloop and httptools, two workers.

It has one worker more than onelead, as its documentation recommends one per core. In the race it
also runs with SERIALIZABLE transactions, the other way to keep duplicates out: a transaction that
would create one fails and is retried.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.contenders.contender import HttpContender
from benchmarks.contenders.fastapi_tables import Base, LeadRow
from benchmarks.contenders.onelead_server import PATH
from benchmarks.people import stored_people, with_own_name
from benchmarks.postgresql import PostgresqlServer
from benchmarks.processes import free_port, running, wait_until_listening
from benchmarks.seeding import copy_rows

_API_KEY = "bench-key"
_COLUMNS = (
    *("id", "version", "name", "email", "email_key", "email_category", "phone_numbers"),
    *("company_name", "title", "tags", "city", "country", "date_created", "date_modified"),
)


@contextmanager
def fastapi_serving(
    name: str,
    server: PostgresqlServer,
    database: str,
    people: int,
    log: Path,
    *,
    isolation: str = "READ COMMITTED",
) -> Iterator[HttpContender]:
    """Serve a filled database while the block runs."""
    port = free_port()
    application = ("--host", "127.0.0.1", "--port", str(port), "--workers", "2")
    options = ("--no-access-log", "--log-level", "warning", "--loop", "uvloop")
    command = [sys.executable, "-m", "uvicorn", "benchmarks.contenders.fastapi_app:app"]
    environment = {
        "BENCH_DATABASE": server.url(database).replace("postgresql:", "postgresql+asyncpg:"),
        "BENCH_ISOLATION": isolation,
        "BENCH_API_KEY": _API_KEY,
    }
    with running([*command, *application, *options], log, environment=environment) as process:
        wait_until_listening(process, port, log)
        yield HttpContender(
            name=name,
            port=port,
            pid=process.pid,
            script="upsert.lua",
            path=PATH,
            values={
                "keys": _API_KEY,
                "email": "bench@onelead.example",
                "people": with_own_name(people),
            },
            headers={"X-PW-AccessToken": _API_KEY},
            emails=lambda ending: _emails(server, database, ending),
            database_pid=server.pid,
        )


def _emails(server: PostgresqlServer, database: str, ending: str) -> list[str]:
    query = f"SELECT email_key FROM orm_lead WHERE email_key LIKE '%{ending}'"
    return [email for (email,) in server.rows(query, database=database)]


def fill_fastapi(server: PostgresqlServer, database: str, people: int) -> None:
    """Create the database of the service, with this many people."""
    server.execute(
        f"DROP DATABASE IF EXISTS {database} WITH (FORCE)", f"CREATE DATABASE {database}"
    )
    asyncio.run(_make_table(server.url(database).replace("postgresql:", "postgresql+asyncpg:")))
    _copy(server.url(database), people)
    server.execute(
        "SELECT setval(pg_get_serial_sequence('orm_lead', 'id'), max(id)) FROM orm_lead",
        "VACUUM ANALYZE orm_lead",
        database=database,
    )


async def _make_table(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()


def _copy(url: str, people: int) -> None:
    now = int(time.time())
    rows = (
        (
            *(person.number + 1, 1, person.name, person.email, person.email, "work"),
            json.dumps([{"number": person.phone, "category": "mobile"}]),
            *("Field Supplies", person.title, json.dumps([person.tag]), person.city, "US"),
            *(now, now),
        )
        for person in stored_people(people)
    )
    with psycopg.connect(url, autocommit=True) as connection:
        copy_rows(connection, LeadRow.__tablename__, _COLUMNS, rows)
