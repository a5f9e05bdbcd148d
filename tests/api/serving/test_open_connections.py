"""Connections of strangers over real sockets: whatever they do, a good caller is served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from tests.support.api.service import Service
from tests.support.api.sockets import Connected, Server, connected, head, serving, sized

from onelead.serving.connection import Connection
from onelead.serving.open_connections import OpenConnections

#: Not the address that programs on this machine use by themselves, so it has a bound.
STRANGER, CALLER = "127.0.0.2", "127.0.0.3"
GET = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"

#: What a stranger may send without ever being answered.
IDLE = {
    "nothing": b"",
    "half a head": GET[:-2] + b"X-Slow: a",
    "a body without an end": b"PUT /sign-in HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na",
    "a refused body without an end": (
        b"PUT /developer_api/v1/leads/upsert HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na"
    ),
    "no HTTP": b"\x16\x03\x01",
}


@asynccontextmanager
async def small(
    service: Service, *, connections_max: int = 1_000, address_max: int = 1_000
) -> AsyncIterator[Server]:
    """Serve with small bounds."""
    connections = OpenConnections(
        service.runtime.metrics, connections_max=connections_max, address_max=address_max
    )
    async with serving(service, connections=connections) as server:
        yield server


async def many(
    stack: AsyncExitStack, server: Server, count: int, data: bytes, *, spread: bool = False
) -> list[Connected]:
    """Open connections one after the other, from one address or from as many as there are."""
    found = []
    for number in range(count):
        come_from = f"127.0.1.{number + 1}" if spread else STRANGER
        one = await stack.enter_async_context(connected(server.address, come_from))
        one.writer.write(data)
        await one.writer.drain()
        found.append(one)
    return found


async def is_served(service: Service, server: Server, come_from: str = CALLER) -> bool:
    """Say whether a call on a new connection is answered."""
    async with connected(server.address, come_from) as connection:
        connection.writer.write(head(service, "GET /users/me"))
        return (await connection.answer()).status == 200


async def ended(connections: list[Connected]) -> None:
    """Wait until the server has closed them."""
    for connection in connections:
        while not await connection.is_closed():
            # What had been answered before.
            pass


@pytest.mark.parametrize("data", IDLE.values(), ids=IDLE)
async def test_a_stranger_keeps_no_more_connections_than_its_bound(
    service: Service, data: bytes
) -> None:
    async with small(service, address_max=5) as server, AsyncExitStack() as stack:
        async with connected(server.address, CALLER) as calling:
            strangers = await many(stack, server, 12, data)
            await ended(strangers[:7])
            calling.writer.write(head(service, "GET /users/me"))
            assert (await calling.answer()).status == 200
        assert await is_served(service, server)
        # Its own next call gets in, too.
        assert await is_served(service, server, STRANGER)
        assert len(server.uvicorn.server_state.connections) <= 7


@pytest.mark.parametrize("data", IDLE.values(), ids=IDLE)
async def test_a_full_server_lets_a_good_caller_in(service: Service, data: bytes) -> None:
    async with small(service, connections_max=9) as server, AsyncExitStack() as stack:
        strangers = await many(stack, server, 20, data, spread=True)
        await ended(strangers[:11])
        for _ in range(3):
            assert await is_served(service, server)


async def test_what_reads_no_answer_makes_room(service: Service) -> None:
    pausing = asyncio.Event()
    before = Connection.pause_writing

    def paused(connection: Connection) -> None:
        before(connection)
        pausing.set()

    async with small(service, connections_max=1) as server, AsyncExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Connection, "pause_writing", paused)
            (deaf,) = await many(stack, server, 1, b"")
            document = b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: a\r\n\r\n"
            for _ in range(200):
                deaf.writer.write(document)
            await pausing.wait()
            assert await is_served(service, server)


async def test_a_request_under_way_keeps_its_connection(service: Service) -> None:
    async with (
        small(service, connections_max=3) as server,
        AsyncExitStack() as stack,
        connected(server.address, STRANGER) as waiting,
    ):
        waiting.writer.write(head(service, "GET /ledger?after=0&wait=20"))
        while not server.uvicorn.server_state.tasks:  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0)
        await many(stack, server, 9, b"")
        assert await is_served(service, server)
        await service.lead()
        assert (await waiting.answer()).status == 200


async def test_when_no_connection_is_idle_a_new_one_is_refused_in_words(service: Service) -> None:
    waiting = head(service, "GET /ledger?after=0&wait=20")
    async with small(service, connections_max=2) as server, AsyncExitStack() as stack:
        busy = await many(stack, server, 2, waiting)
        while len(server.uvicorn.server_state.tasks) < 2:  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0)
        for request in (head(service, "GET /users/me"), sized(service, "POST /leads", b"{}")):
            async with connected(server.address, CALLER) as connection:
                connection.writer.write(request)
                refused = await connection.answer()
                assert (refused.status, refused.headers["retry-after"]) == (503, "1")
                assert await connection.is_closed()
        await service.lead()
        for connection in busy:
            assert (await connection.answer()).status == 200
        assert await is_served(service, server)
        page = service.runtime.metrics.page().decode()
        assert 'onelead_connections_refused_total{reason="full"} 2.0' in page


async def test_a_connection_that_goes_on_is_not_the_longest_idle_one(service: Service) -> None:
    requests = (head(service, "GET /users/me"), sized(service, "POST /leads", b"{}"))
    async with (
        small(service, connections_max=4) as server,
        AsyncExitStack() as stack,
        connected(server.address, CALLER) as calling,
    ):
        for _ in range(10):
            for request in requests:
                calling.writer.write(request)
                assert (await calling.answer()).status in (200, 422)
            await many(stack, server, 2, b"", spread=True)
