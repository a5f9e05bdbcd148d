"""The API on a real socket, and connections that send what no client library would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import NamedTuple

import uvicorn
from tests.support.api.service import Service

from onelead.api.application import Api
from onelead.serving.open_connections import OpenConnections
from onelead.serving.server import (
    Entrance,
    StopSignals,
    behind_proxies,
    client_behind,
    listening,
    run_server,
)

#: No test on a connection takes this long, even on a busy machine.
DEADLINE_S = 60.0
Address = tuple[str, int]


class Stop(StopSignals):
    """Stops the server after a test."""

    server: uvicorn.Server

    def hand_over(self, server: uvicorn.Server) -> None:
        self.server = server
        super().hand_over(server)


class Answer(NamedTuple):
    """An answer read from the wire."""

    status: int
    headers: dict[str, str]
    #: None when there is no body.
    body: object


class Connected(NamedTuple):
    """A connection to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def answer(self, *, has_body: bool = True) -> Answer:
        """Read one answer; one to HEAD has no body, and neither has a 204."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:-2])
        status = int(head[0].split()[1])
        if status == 204 or not has_body:
            return Answer(status, headers, None)
        body = await self.reader.readexactly(int(headers["content-length"]))
        return Answer(status, headers, json.loads(body))

    async def is_closed(self) -> bool:
        """Wait for the server to close the connection; nothing more may arrive."""
        try:
            return await self.reader.read() == b""
        except ConnectionError:
            return True


class Server(NamedTuple):
    """A server that listens."""

    address: Address
    api: Api
    uvicorn: uvicorn.Server

    def is_stopping(self) -> bool:
        """Say whether it listens no more."""
        return not any(server.is_serving() for server in self.uvicorn.servers)

    def has_no_client(self) -> bool:
        """Say whether every connection has ended."""
        return not self.uvicorn.server_state.connections


@asynccontextmanager
async def served(service: Service) -> AsyncIterator[Address]:
    """Serve the API on a free port; yields its address."""
    async with serving(service) as server:
        yield server.address


@asynccontextmanager
async def serving(
    service: Service,
    *,
    by_short_way: bool = True,
    proxies: Sequence[str] = (),
    connections: OpenConnections | None = None,
) -> AsyncIterator[Server]:
    """Serve the API on a free port, behind these proxies."""
    stop, started = Stop(), asyncio.Event()
    with listening("127.0.0.1", 0) as listener:
        api = Api(service.runtime, client_behind(proxies))
        application = behind_proxies(api, proxies)
        connections = connections or OpenConnections(service.runtime.metrics)
        short_way = api.short_way if by_short_way else None
        entrance = Entrance(application, connections, service.runtime.url, short_way)
        server = asyncio.create_task(run_server(entrance, listener, stop, started.set))
        await started.wait()
        host, port = listener.getsockname()
        yield Server((host, port), api, stop.server)
        stop.server.should_exit = stop.server.force_exit = True
        await server


@asynccontextmanager
async def connected(address: Address, come_from: str = "127.0.0.1") -> AsyncIterator[Connected]:
    """Connect to the service from an address of this machine."""
    async with asyncio.timeout(DEADLINE_S):
        reader, writer = await asyncio.open_connection(*address, local_addr=(come_from, 0))
        with closing(writer):
            yield Connected(reader, writer)


def head(service: Service, line: str, *more: str, key: str | None = None) -> bytes:
    """Spell the head of a request."""
    lines = [
        f"{line} HTTP/1.1",
        "Host: onelead.test",
        f"X-PW-AccessToken: {key or service.account.api_key}",
        "X-PW-Application: developer_api",
        f"X-PW-UserEmail: {service.account.email}",
        *more,
    ]
    return "\r\n".join([*lines, "\r\n"]).replace(" /", " /developer_api/v1/").encode()


def sized(service: Service, line: str, body: bytes, *more: str) -> bytes:
    """Spell a request with a body."""
    return head(service, line, f"Content-Length: {len(body)}", *more) + body


async def in_pieces(connection: Connected, request: bytes, size: int) -> None:
    """Send a request so that the server reads it in pieces."""
    for start in range(0, len(request), size):
        connection.writer.write(request[start : start + size])
        await connection.writer.drain()
        await asyncio.sleep(0)


def resident_bytes() -> int:
    """Return how much memory the process has now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096
