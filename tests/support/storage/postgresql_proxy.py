"""A proxy between the application and PostgreSQL that fails where a test says so.

It understands just enough of PostgreSQL's protocol (version 3: the startup, and messages of a
type and a length) to know which statement is on its way, and whether its answer is.
"""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from struct import Struct, pack
from typing import Any, NamedTuple

_LENGTH = Struct("!i")
_CANCEL_REQUEST = pack("!i", 80877102)
#: Asked before the startup: can the connection be encrypted? The proxy says no.
_ENCRYPTION_REQUESTS = (pack("!i", 80877103), pack("!i", 80877104))
#: What the application asks a new connection first.
PREPARATION = "SELECT set_config"
_QUERY, _PARSE, _BIND, _SYNC, _READY = b"Q", b"P", b"B", b"S", b"Z"


class Action(StrEnum):
    """What happens to the connection."""

    CUT = "cut"
    #: Nothing moves until the test lets it.
    DELAY = "delay"
    #: Everything from here on is swallowed, both ways, on a connection that stays open.
    DROP = "drop"
    #: The application's side is cut, and what it has sent arrives when the test lets it.
    LATE = "late"


class Moment(StrEnum):
    """When it happens, relative to a statement."""

    #: The statement has not gone to the server.
    BEFORE = "before"
    #: It has, with everything that the application sends along with it; the outcome is unknown.
    SENT = "sent"
    #: The server has run it, and its answer has not arrived.
    DONE = "done"


class Point(NamedTuple):
    """A moment of a statement, which is recognised by how its text begins."""

    moment: Moment
    sql: str


@dataclass
class Fault:
    """What happens at a point, once."""

    point: Point
    action: Action
    #: How many connections pass the point before it happens.
    after: int = 0
    #: How long a delay lasts at most.
    lasts_s: float | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    def let_go(self) -> None:
        """End a delay, also of what arrives late."""
        self._over.set()

    def let_go_after(self, seconds: float) -> None:
        """Let a delay end on its own."""
        self.lasts_s = seconds

    async def delay(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), self.lasts_s)


class _Cut(Exception):
    """The connection has to be cut."""


class Proxy:
    """A proxy of one server, on a port of its own."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._listener: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], _Connection] = {}
        self._faults: list[Fault] = []
        self.port = 0
        #: New connections are accepted and never answered, and the old ones go silent.
        self.is_silent = False

    async def open(self) -> None:
        """Accept connections, also again after `refuse`, on the same port."""
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Cut all connections and refuse new ones until `open`."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        await self.cut_all()

    async def cut_all(self) -> None:
        """Cut every connection."""
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def connections(self) -> int:
        """The number of connections."""
        return len(self._connections)

    def plan(self, action: Action, point: Point, *, after: int = 0) -> Fault:
        """Make something happen once, to the first connection or after some others."""
        fault = Fault(point, action, after)
        self._faults.append(fault)
        return fault

    @property
    def planned(self) -> int:
        """The number of faults that have not happened yet."""
        return len(self._faults)

    def forget_faults(self) -> None:
        """Cancel everything that was planned."""
        self._faults.clear()

    def take(self, sql: str) -> Fault | None:
        """Return what has to happen to a statement."""
        come_to = [fault for fault in self._faults if sql.startswith(fault.point.sql)]
        for fault in come_to:
            if fault.after == 0:
                self._faults.remove(fault)
                return fault
            fault.after -= 1
        return None

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connection = self._connections[task] = _Connection(self, reader, writer)
        try:
            await connection.run(self._server)
        except asyncio.CancelledError:
            pass  # The test cut it, and nothing waits for the task of a connection.
        finally:
            del self._connections[task]


class _Connection:
    """A connection of the application, and its counterpart to the server."""

    def __init__(self, proxy: Proxy, reader: StreamReader, writer: StreamWriter) -> None:
        self._proxy = proxy
        self._reader, self._writer = reader, writer
        self._is_dropped = False
        self._is_prepared = False
        self._statements: dict[bytes, str] = {}
        #: What happens when the application has sent everything that belongs together.
        self._after_sync: Fault | None = None
        #: What happens when the server is ready for the n-th time; its answers are held until then.
        self._when_ready: tuple[int, Fault] | None = None
        #: The startup counts, too: the server answers it by being ready.
        self._syncs = 1
        self._readies = 0

    async def run(self, server: tuple[str, int]) -> None:
        server_writer: StreamWriter | None = None
        try:
            startup = await self._startup()
            server_reader, server_writer = await asyncio.open_connection(*server)
            server_writer.write(startup)
            if startup[4:8] == _CANCEL_REQUEST:
                await server_reader.read()
                return
            await _first_to_end(
                self._send_requests(server_writer), self._send_answers(server_reader)
            )
        except (OSError, asyncio.IncompleteReadError, _Cut):
            pass
        finally:
            # The server has to read what it was sent before it finds the connection closed.
            await _closed(server_writer)
            self._writer.transport.abort()
            await _closed(self._writer)

    async def _startup(self) -> bytes:
        while True:
            head = await self._reader.readexactly(4)
            content = await self._reader.readexactly(_LENGTH.unpack(head)[0] - 4)
            if self._proxy.is_silent:
                await self._reader.read()
                raise _Cut
            if content not in _ENCRYPTION_REQUESTS:
                return head + content
            self._writer.write(b"N")

    async def _send_requests(self, server: StreamWriter) -> None:
        while True:
            kind, message = await _message(self._reader)
            after_this = await self._look_at(kind, message)
            if not self._is_swallowed():
                server.write(message)
                await server.drain()
            if after_this is not None:
                await self._let_happen(after_this)

    async def _look_at(self, kind: bytes, message: bytes) -> Fault | None:
        """Do what is planned before a message, and return what is planned after it."""
        sql = self._begun_by(kind, message)
        fault = None
        if sql is not None and not self._is_swallowed():
            fault = self._planned_for(sql)
        if fault is not None:
            match fault.point.moment:
                case Moment.BEFORE:
                    await self._let_happen(fault)
                case Moment.SENT:
                    self._after_sync = fault
                case Moment.DONE:
                    self._when_ready = (self._syncs + 1, fault)
        if kind not in (_SYNC, _QUERY):
            return None
        self._syncs += 1
        due, self._after_sync = self._after_sync, None
        return due

    def _planned_for(self, sql: str) -> Fault | None:
        # A new connection is set up in a transaction, whose BEGIN no test means.
        is_preparation = not self._is_prepared and not sql.startswith(PREPARATION)
        self._is_prepared = self._is_prepared or sql.startswith("COMMIT")
        return None if is_preparation else self._proxy.take(sql)

    def _begun_by(self, kind: bytes, message: bytes) -> str | None:
        """Return the statement that a message starts."""
        content = message[5:]
        if kind == _QUERY:
            return content.rstrip(b"\0").decode()
        if kind == _PARSE:
            name, sql, _ = content.split(b"\0", 2)
            self._statements[name] = sql.decode()
        if kind == _BIND:
            _portal, name, _ = content.split(b"\0", 2)
            return self._statements[name]
        return None

    async def _send_answers(self, server: StreamReader) -> None:
        held = b""
        while True:
            kind, message = await _message(server)
            self._readies += kind == _READY
            held += message
            if self._when_ready is not None:
                ready, fault = self._when_ready
                if self._readies < ready:
                    continue
                self._when_ready = None
                await self._let_happen(fault)
            if not self._is_swallowed():
                self._writer.write(held)
                await self._writer.drain()
            held = b""

    def _is_swallowed(self) -> bool:
        return self._is_dropped or self._proxy.is_silent

    async def _let_happen(self, fault: Fault) -> None:
        fault.reached.set()
        match fault.action:
            case Action.CUT:
                raise _Cut
            case Action.DELAY:
                await fault.delay()
            case Action.DROP:
                self._is_dropped = True
            case Action.LATE:
                self._writer.transport.abort()
                await fault.delay()


async def _message(reader: StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(5)
    content = await reader.readexactly(_LENGTH.unpack(head[1:])[0] - 4)
    return head[:1], head + content


async def _first_to_end(*directions: Coroutine[Any, Any, None]) -> None:
    """Run both directions of a connection until one ends, and end the other one."""
    tasks = [asyncio.create_task(one) for one in directions]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


async def _closed(writer: StreamWriter | None) -> None:
    if writer is not None:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def proxy_to(host: str, port: int) -> AsyncIterator[Proxy]:
    """Open a proxy of a server while the block runs."""
    proxy = Proxy((host, port))
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.refuse()
