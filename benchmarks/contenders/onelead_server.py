"""onelead itself: `onelead serve` without further options, on PostgreSQL or on SQLite."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from msgspec import Struct

from benchmarks.contenders.contender import HttpContender
from benchmarks.postgresql import PostgresqlServer
from benchmarks.processes import free_port, running, wait_until_listening
from benchmarks.seeding import SeededAccount

BASE_PATH = "/developer_api/v1"
PATH = f"{BASE_PATH}/leads/upsert"
_EMAILS = "SELECT email_key FROM lead WHERE email_key LIKE '%{}'"


class ServedDatabase(Struct, frozen=True):
    """A seeded database for one server."""

    url: str
    accounts: Sequence[SeededAccount]
    #: How many people with a name of their own it has.
    people: int
    emails: Callable[[str], list[str]]
    postgresql_pid: int | None = None

    @property
    def account(self) -> SeededAccount:
        """The first account."""
        return self.accounts[0]


def on_sqlite(file: Path, accounts: Sequence[SeededAccount], people: int) -> ServedDatabase:
    """Describe a seeded file."""

    def emails(ending: str) -> list[str]:
        with closing(sqlite3.connect(file)) as connection:
            return [email for (email,) in connection.execute(_EMAILS.format(ending))]

    return ServedDatabase(f"sqlite:///{file.resolve()}", accounts, people, emails)


def on_postgresql(
    server: PostgresqlServer, name: str, accounts: Sequence[SeededAccount], people: int
) -> ServedDatabase:
    """Describe a seeded database of a PostgreSQL server."""

    def emails(ending: str) -> list[str]:
        return [email for (email,) in server.rows(_EMAILS.format(ending), database=name)]

    return ServedDatabase(server.url(name), accounts, people, emails, server.pid)


def headers_of(account: SeededAccount) -> dict[str, str]:
    """Return the headers of every call."""
    return {
        "X-PW-AccessToken": account.api_key,
        "X-PW-Application": "developer_api",
        "X-PW-UserEmail": account.email,
    }


def serve_command(module: str, database: ServedDatabase, port: int) -> list[str]:
    """Return the command that serves a database."""
    address = ("--port", str(port), "--database", database.url)
    return [sys.executable, "-m", module, "serve", *address]


@contextmanager
def onelead_serving(
    name: str, database: ServedDatabase, log: Path, *, module: str = "onelead"
) -> Iterator[HttpContender]:
    """Serve a database while the block runs."""
    port = free_port()
    with running(serve_command(module, database, port), log) as process:
        wait_until_listening(process, port, log)
        yield HttpContender(
            name=name,
            port=port,
            pid=process.pid,
            script="upsert.lua",
            path=PATH,
            values={
                "keys": ",".join(account.api_key for account in database.accounts),
                "email": database.account.email,
                "people": database.people,
            },
            headers=headers_of(database.account),
            emails=database.emails,
            database_pid=database.postgresql_pid,
        )
