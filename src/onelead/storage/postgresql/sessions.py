"""The sessions on a PostgreSQL database, for a proof that ends them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from psycopg import AsyncConnection, OperationalError

from onelead.domain.errors import StoreUnavailable
from onelead.domain.limits import DATABASE_CONNECT_TIMEOUT_S, RETRY_AFTER_S

_OTHERS = (
    " FROM pg_stat_activity WHERE datname = current_database()"
    " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
#: One that is in the middle of something before one that waits for work.
_ANY = f"SELECT pid, usename, datname{_OTHERS} ORDER BY state = 'idle', random() LIMIT 1"
_END = f"SELECT count(pg_terminate_backend(pid)){_OTHERS}"
_COMES_BACK = "SELECT current_setting('restart_after_crash')::boolean"


class Session(NamedTuple):
    """A session of somebody else: its process on the database's machine, and whose it is."""

    pid: int
    user: str
    database: str


class Sessions:
    """The sessions of others on a database. What it does raises StoreUnavailable."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def any(self) -> Session | None:
        """Return one of them, preferably one that is at work."""
        async with self._connection() as connection:
            row = await (await connection.execute(_ANY)).fetchone()
        return Session(*row) if row else None

    async def comes_back(self) -> bool:
        """Return whether the server goes on by itself when one of its processes has crashed."""
        async with self._connection() as connection:
            row = await (await connection.execute(_COMES_BACK)).fetchone()
        return bool(row and row[0])

    async def end_all(self) -> int:
        """End all of them, those of this user at least, and return how many there were."""
        async with self._connection() as connection:
            row = await (await connection.execute(_END)).fetchone()
        return int(row[0]) if row else 0

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        try:
            connection = await AsyncConnection.connect(
                self._url, autocommit=True, connect_timeout=DATABASE_CONNECT_TIMEOUT_S
            )
            async with connection:
                yield connection
        except OperationalError as error:
            # It may be recovering from the crash before.
            raise StoreUnavailable(retry_after_s=RETRY_AFTER_S) from error
