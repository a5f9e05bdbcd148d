"""Connections to PostgreSQL: opening them, and setting them up before their first use."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

from psycopg import AsyncConnection, OperationalError, ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from onelead.domain.errors import DatabaseUnusable
from onelead.domain.limits import ABANDONED_TRANSACTION_S, DATABASE_CONNECT_TIMEOUT_S
from onelead.storage.postgresql.failures import is_connection_lost
from onelead.storage.postgresql.trips import Trips

Connect: TypeAlias = Callable[[], Awaitable[AsyncConnection[Any]]]
Watch: TypeAlias = Callable[[AsyncConnection[Any]], asyncio.TimerHandle]

#: Of new accounts. Any numbers will do, as long as every process uses the same ones.
ACCOUNTS_LOCK = 7_311_002
_NOTHING: Mapping[str, str] = {}
#: The defaults for libpq, unless the URL says otherwise. A network that swallows everything is
#: noticed after about as long as a statement may take.
_DEFAULTS = {
    "connect_timeout": str(DATABASE_CONNECT_TIMEOUT_S),
    "application_name": "onelead",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}


def connector(
    url: str,
    *,
    timeout_s: float,
    connection_class: type[AsyncConnection[Any]],
    session: Mapping[str, str] = _NOTHING,
) -> Connect:
    """Return a function that opens a connection whose statements end after `timeout_s`.

    `session` has further server settings for the connection.

    The URL goes to libpq as it is, so its parameters, environment variables and files work as
    its documentation says. Raises DatabaseUnusable.
    """
    conninfo = with_defaults(url)

    async def connect() -> AsyncConnection[Any]:
        connection = await connection_class.connect(conninfo)
        watch = asyncio.get_running_loop().call_later(timeout_s, cut, connection)
        try:
            await _prepare(connection, timeout_s, session)
        except BaseException:
            await connection.close()
            raise
        finally:
            watch.cancel()
        return connection

    return connect


#: The statements of a batch use keys, whatever the statistics say. A plan that was made while the
#: tables were small, or before an ANALYZE of what was loaded into them, would read all of a table
#: for every batch, and a prepared statement keeps its plan.
BY_KEYS = {
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    # A plan for one particular account takes an account without statistics for empty, and any
    # index for as good as the key. A cluster distributed by account has to leave this out.
    "plan_cache_mode": "force_generic_plan",
}


def create_engine(connect: Connect, size: int, *, pool_timeout_s: float) -> AsyncEngine:
    """Return a pool of up to `size` connections, opened on demand."""

    async def creator(*_arguments: Any, **_options: Any) -> AsyncConnection[Any]:
        return await connect()

    return create_async_engine(
        URL.create("postgresql+psycopg"),
        async_creator=creator,
        # Whatever the server's default: after waiting for the lane, a statement must see what the
        # transaction before has committed.
        isolation_level="READ COMMITTED",
        pool_size=size,
        max_overflow=0,
        pool_timeout=pool_timeout_s,
        # So that connections left over from a peak stay idle, and the server may close them.
        pool_use_lifo=True,
        # The parameters of a failed statement are a lead; only the statement is logged.
        hide_parameters=True,
    )


class BatchConnections:
    """The connections for batches, opened on demand and given out in turn."""

    def __init__(self, connect: Connect, trips_class: type[Trips], size: int) -> None:
        self._connect = connect
        self._trips_class = trips_class
        self._turns = asyncio.Semaphore(size)
        self._idle: list[Trips] = []
        #: How many are in use now.
        self.in_use = 0

    @asynccontextmanager
    async def one(self, watch: Watch) -> AsyncIterator[Trips]:
        """Take a connection; what is not committed at the end is rolled back.

        `watch` ends it when that takes too long.
        """
        async with self._turns:
            self.in_use += 1
            watching = None
            try:
                trips = self._idle.pop() if self._idle else self._trips_class(await self._connect())
                watching = watch(trips.connection)
                async with self._given_out(trips):
                    yield trips
            finally:
                if watching is not None:
                    watching.cancel()
                self.in_use -= 1

    @asynccontextmanager
    async def _given_out(self, trips: Trips) -> AsyncIterator[None]:
        try:
            yield
            if trips.is_in_transaction:
                await trips.connection.rollback()
        except BaseException as error:
            # The server rolls the transaction back.
            await trips.connection.close()
            if isinstance(error, Exception) and is_connection_lost(error):
                # The idle ones have probably been lost with it.
                await self.close()
            raise
        self._idle.append(trips)

    async def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            await self._idle.pop().connection.close()


def with_defaults(url: str) -> str:
    """Return the connection string for a URL. Raises DatabaseUnusable."""
    try:
        given = set(conninfo_to_dict(url))
    except ProgrammingError:
        # Its message repeats the URL, and with it the password.
        raise DatabaseUnusable("the database's URL is not one that libpq can read") from None
    # What the environment sets, as with PGCONNECT_TIMEOUT.
    given |= {
        option.keyword.decode()
        for option in Conninfo.get_defaults()
        if option.val is not None and option.val != option.compiled
    }
    options = {name: value for name, value in _DEFAULTS.items() if name not in given}
    return make_conninfo(url, **options)


async def _prepare(
    connection: AsyncConnection[Any], timeout_s: float, session: Mapping[str, str]
) -> None:
    settings = {
        "statement_timeout": str(round(timeout_s * 1000)),
        # A process that vanishes or hangs in the middle of a transaction holds a lane no longer.
        "idle_in_transaction_session_timeout": str(ABANDONED_TRANSACTION_S * 1000),
        **session,
    }
    # Set here and not when connecting: a connection pooler refuses such parameters.
    await connection.execute(
        "SELECT set_config(name, value, false)"
        " FROM unnest(%s::text[], %s::text[]) AS given (name, value)"
        # `local` and the stricter values are somebody's choice, and keep what is answered.
        " WHERE name <> 'synchronous_commit' OR current_setting(name) = 'off'",
        (list(settings), list(settings.values())),
    )
    await connection.commit()


def cut(connection: AsyncConnection[Any]) -> None:
    """End a connection that does not answer, so that what waits for it gets an error.

    Cancelling would ask the same silent server to stop, and wait for its answer.
    """
    with (
        suppress(OSError, OperationalError),
        socket.socket(fileno=os.dup(connection.fileno())) as duplicate,
    ):
        duplicate.shutdown(socket.SHUT_RDWR)
