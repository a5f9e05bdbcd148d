"""Round trips to PostgreSQL: statements sent together, and their answers awaited together.

This is libpq's pipeline mode, used through `psycopg.pq`. psycopg's own cursors can use it, too,
but wait for the socket after every statement, which is half of a lone upsert's time.
Statements are prepared when a connection first uses them; their text never depends on data.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

from psycopg import AsyncConnection, OperationalError
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from onelead.domain.limits import DATABASE_LOOK_S
from onelead.storage.leads.act_reads import Reads

#: The SQL, and its parameters in the binary format, None for a null.
Command = tuple[str, Sequence[bytes | None]]

#: After these numbers of uses a statement is prepared again. The server keeps a plan until the next
#: ANALYZE, and one that was made while the tables were empty may use any index at all.
_PLANNED_AT = frozenset({0, 20, 200, 2_000, 20_000})

T = TypeVar("T")
_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]
_FAILED = (ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE)


class Trips:
    """A connection that one task at a time uses for round trips.

    After an error it cannot be used again: what the server has prepared is unknown.
    """

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self.connection = connection
        self._pgconn = connection.pgconn
        #: By SQL: the names of the prepared statements, and how often each was used.
        self._names: dict[str, bytes] = {}
        self._uses: Counter[str] = Counter()
        self._prepared = 0
        self._loop = asyncio.get_running_loop()
        self._looking: asyncio.TimerHandle | None = None
        #: Done when the socket can be read, or written to.
        self._ready: asyncio.Future[None] | None = None

    @property
    def is_in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._pgconn.transaction_status != TransactionStatus.IDLE

    async def make(self, commands: Sequence[Command]) -> list[PGresult]:
        """Send the commands and return their results, in order.

        Each begins when the one before has ended. When one fails, the rest are skipped and its
        `psycopg.Error` is raised.
        """
        pgconn = self._pgconn
        pgconn.enter_pipeline_mode()
        prepared = [self._send(sql, parameters) for sql, parameters in commands]
        pgconn.pipeline_sync()
        socket = pgconn.socket
        # Once for the whole trip, even while writing: a server whose answers are not read stops
        # reading.
        self._loop.add_reader(socket, self._wake)
        self._look_again()
        try:
            while pgconn.flush():
                await self._until_written(socket)
            results = []
            for is_prepared in prepared:
                if not is_prepared:
                    _checked(await self._answer())
                results.append(_checked(await self._answer()))
            await self._next()
        finally:
            self._loop.remove_reader(socket)
            if self._looking is not None:
                self._looking.cancel()
        pgconn.exit_pipeline_mode()
        return results

    async def answered(self, reads: Reads[T]) -> T:
        """Run the statements one by one, and return what their rows come to."""
        try:
            read = next(reads)
            while True:
                state = read.expanded(_DIALECT)
                cursor = await self.connection.execute(state.statement, state.parameters)
                read = reads.send(await cursor.fetchall())
        except StopIteration as done:
            result: T = done.value
            return result

    def _send(self, sql: str, parameters: Sequence[bytes | None]) -> bool:
        """Queue a command, and return whether its statement was already prepared."""
        uses = self._uses[sql]
        is_prepared = uses not in _PLANNED_AT
        if not is_prepared:
            self._prepared += 1
            self._names[sql] = f"onelead_{self._prepared}".encode()
            self._pgconn.send_prepare(self._names[sql], sql.encode())
        self._uses[sql] = uses + 1
        name = self._names[sql]
        formats = [Format.BINARY] * len(parameters)
        self._pgconn.send_query_prepared(name, parameters, formats, Format.BINARY)
        return is_prepared

    async def _answer(self) -> PGresult | None:
        result = await self._next()
        # Every answer is followed by None.
        await self._next()
        return result

    async def _next(self) -> PGresult | None:
        while self._pgconn.is_busy():
            await self._wait()
            self._pgconn.consume_input()
        return self._pgconn.get_result()

    async def _wait(self) -> None:
        self._ready = self._loop.create_future()
        await self._ready

    async def _until_written(self, socket: int) -> None:
        self._loop.add_writer(socket, self._wake)
        try:
            await self._wait()
        finally:
            self._loop.remove_writer(socket)
        self._pgconn.consume_input()

    def _look_again(self) -> None:
        """Wake what waits, now and then: its connection may be broken.

        uvloop reports that once, perhaps when nobody waits for it or before the last answer is
        read, and then forgets the socket. A write that missed it would wait forever.
        """
        self._looking = self._loop.call_later(DATABASE_LOOK_S, self._look_again)
        self._wake()

    def _wake(self) -> None:
        # What nobody waits for yet is reported again, unless the connection is broken.
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(None)


def _checked(result: PGresult | None) -> PGresult:
    if result is None:
        raise OperationalError("the connection was lost")
    if result.status in _FAILED:
        raise error_from_result(result)
    return result
