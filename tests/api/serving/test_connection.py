"""A connection that is slow, large or broken before there is a request, over a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from onelead.domain.limits import PIPELINED_REQUESTS_MAX
from onelead.incoming.own_host import OwnHost
from onelead.process.metrics import Metrics
from onelead.serving.connection import Connection
from onelead.serving.open_connections import OpenConnections

GET = b"GET / HTTP/1.1\r\nHost: onelead.test\r\n"
CHUNKED = b"PUT /body HTTP/1.1\r\nHost: onelead.test\r\nTransfer-Encoding: chunked\r\n\r\n"
DEADLINE_S = 60.0


class QuickConnection(Connection):
    """The connection, with a time limit that a test can reach."""

    #: It is long enough for a busy machine to hand over what was sent before.
    headers_timeout_s = 0.25


class SmallConnection(Connection):
    """The connection, with a size limit that a test can reach."""

    headers_bytes_max = 1_000


#: The paths of requests that were told that their client has gone.
told: set[str] = set()


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer `ok`, or `late` after a while, without looking at the body."""
    while scope["path"] == "/until-it-leaves" and "/until-it-leaves" not in told:
        if (await receive())["type"] == "http.disconnect":
            told.add(scope["path"])
    if scope["path"] == "/late":
        await asyncio.sleep(QuickConnection.headers_timeout_s * 3)
    if scope["path"] == "/body":
        while (await receive()).get("more_body"):
            pass
    body = b"late" if scope["path"] == "/late" else b"ok"
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def connected(
    protocol: type[Connection] = QuickConnection,
    open_connections: OpenConnections | None = None,
    **options: Any,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect to a server with that protocol."""
    config = uvicorn.Config(answer, ws="none", log_config=None, workers=1, **options)
    state = ServerState()
    bounds = OpenConnections(Metrics()) if open_connections is None else open_connections
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config, state, {}, open_connections=bounds, own_host=OwnHost(None)),
        "127.0.0.1",
        0,
    )
    async with server, asyncio.timeout(DEADLINE_S):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        with closing(writer):
            yield reader, writer
        for connection in list(state.connections):
            connection.transport.abort()
        await asyncio.gather(*state.tasks)


def refusal(raw: bytes) -> tuple[int, dict[str, Any]]:
    """Return the status and the standard body of an answer that closes the connection."""
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert "connection: close" in lines
    assert "content-type: application/json" in lines
    assert f"content-length: {len(body)}" in lines
    return int(lines[0].split()[1]), json.loads(body)


async def anything_from(reader: asyncio.StreamReader) -> bytes:
    """Read until the connection ends, even by a reset."""
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


async def test_a_request_is_answered() -> None:
    async with connected(Connection) as (reader, writer):
        writer.write(GET + b"\r\n")
        assert await reader.readuntil(b"\r\n\r\nok")
        writer.write(GET + b"\r\n" + GET + b"\r\n")
        assert await reader.readuntil(b"\r\n\r\nok")
        assert await reader.readuntil(b"\r\n\r\nok")


BODIES = {
    "none": GET + b"\r\n",
    "sized": GET.replace(b"GET /", b"PUT /body") + b"Content-Length: 8\r\n\r\n\r\n\r\n\r\n\r\n",
    "chunked": CHUNKED + b"8\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("body", BODIES)
async def test_pipelined_requests_are_answered_and_only_a_few_are_parsed_at_once(body: str) -> None:
    parsed = []

    class Counting(Connection):
        def on_headers_complete(self) -> None:
            super().on_headers_complete()
            parsed.append(len(self.pipeline))

    async with connected(Counting) as (reader, writer):
        writer.write(BODIES[body] * 2_000 + GET + b"Connection: close\r\n\r\n")
        answers = await reader.read()
    assert answers.count(b"HTTP/1.1 200 OK") == answers.count(b"\r\n\r\nok") == 2_001
    assert len(parsed) == 2_001
    assert max(parsed) <= PIPELINED_REQUESTS_MAX


async def test_a_body_with_many_blank_lines_is_read_to_its_end() -> None:
    size = 300_000
    put = GET.replace(b"GET /", b"PUT /body") + b"Content-Length: %d\r\n\r\n" % size
    async with connected(Connection) as (reader, writer):
        for _ in range(2):
            writer.write(put + b"\r\n" * (size // 2))
            assert await reader.readuntil(b"\r\n\r\nok")


async def test_an_offer_of_another_protocol_is_passed_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    offer = b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc"
    async with connected(Connection) as (reader, writer):
        for _ in range(2):
            writer.write(GET.replace(b" / ", b" /body ") + offer)
            assert await reader.readuntil(b"\r\n\r\nok")
    assert caplog.records == []


async def test_headers_that_dribble_in_are_cut_off() -> None:
    async with connected() as (reader, writer):
        writer.write(GET)
        status, body = refusal(await reader.read())
    assert status == 408
    assert body["status"] == 408
    assert body["success"] is False
    assert "headers took longer" in body["message"]


async def test_a_byte_now_and_then_does_not_help() -> None:
    async with connected() as (reader, writer):
        # A client that sends more to a closed connection may get a reset instead of the answer.
        reading = asyncio.create_task(anything_from(reader))
        # A header without an end.
        for byte in GET + b"X-Slow: " + b"a" * 10_000:
            writer.write(bytes([byte]))
            if (await asyncio.wait({reading}, timeout=0.005))[0]:
                break
        assert (await reading)[:12] in {b"HTTP/1.1 408", b""}


async def test_a_connection_without_a_byte_is_closed_without_a_word() -> None:
    async with connected() as (reader, _writer):
        assert await reader.read() == b""


async def test_the_next_headers_on_a_connection_may_not_dribble_either() -> None:
    async with connected() as (reader, writer):
        writer.write(GET + b"\r\n")
        await reader.readuntil(b"\r\n\r\nok")
        writer.write(GET)
        assert refusal(await reader.read())[0] == 408


async def test_empty_lines_do_not_keep_a_connection_open() -> None:
    async with connected() as (reader, writer):
        writer.write(GET + b"\r\n")
        await reader.readuntil(b"\r\n\r\nok")
        writer.write(b"\r\n\r\n")
        assert refusal(await reader.read())[0] == 408


async def test_an_answered_request_may_not_go_on_sending_its_body() -> None:
    async with connected() as (reader, writer):
        writer.write(GET + b"Content-Length: 100000000\r\n\r\nsome of it")
        await reader.readuntil(b"\r\n\r\nok")
        writer.write(b"some more")
        assert await reader.read() == b""


async def test_an_answer_may_take_longer_than_headers() -> None:
    async with connected() as (reader, writer):
        writer.write(GET.replace(b" / ", b" /late ") + b"\r\n")
        assert await reader.readuntil(b"\r\n\r\nlate")


async def test_an_idle_connection_stays_for_its_own_time() -> None:
    async with connected(timeout_keep_alive=3600) as (reader, writer):
        writer.write(GET + b"\r\n")
        await reader.readuntil(b"\r\n\r\nok")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), QuickConnection.headers_timeout_s * 3)
        writer.write(GET + b"\r\n")
        await reader.readuntil(b"\r\n\r\nok")


@pytest.mark.parametrize(
    ("start", "endless"),
    [
        (GET + b"X-Long: ", b"a"),
        (GET, b"X-Many: a\r\n"),
        (b"GET /", b"a"),
        (CHUNKED + b"1;", b"a"),
        (CHUNKED + b"1\r\na\r\n0\r\nX-Long: ", b"a"),
        (CHUNKED + b"1\r\na\r\n0\r\n", b"X-Many: a\r\n"),
    ],
    ids=["one header", "many headers", "path", "chunk extension", "one trailer", "many trailers"],
)
async def test_what_surrounds_a_body_is_bounded(start: bytes, endless: bytes) -> None:
    has_begun = asyncio.Event()

    class Begun(SmallConnection):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            has_begun.set()

    async with connected(Begun) as (reader, writer):
        writer.write(start)
        await has_begun.wait()
        writer.write(endless * 2_000)
        status, body = refusal(await reader.read())
    assert status == 431
    assert body["message"] == "The headers are larger than 1000 bytes"


async def test_a_large_body_is_not_taken_for_headers() -> None:
    async with connected(SmallConnection) as (reader, writer):
        size = 50_000
        writer.write(GET.replace(b" / ", b" /body ") + f"Content-Length: {size}\r\n\r\n".encode())
        for _ in range(0, size, 500):
            writer.write(b"a" * 500)
            await asyncio.sleep(0)
        assert await reader.readuntil(b"\r\n\r\nok")


async def test_what_is_no_http_gets_the_standard_body() -> None:
    async with connected() as (reader, writer):
        writer.write(b"EHLO onelead.test\r\n\r\n")
        status, body = refusal(await reader.read())
    assert status == 400
    assert body == {"success": False, "status": 400, "message": "Invalid HTTP request received."}


async def test_a_request_is_told_that_its_client_has_gone_even_with_others_behind_it() -> None:
    told.clear()
    async with connected(Connection) as (_reader, writer):
        writer.write(GET.replace(b" / ", b" /until-it-leaves ") + b"\r\n" + GET + b"\r\n")
        await writer.drain()
        writer.close()
        while not told:  # noqa: ASYNC110 - what happens in the server has no event for a test
            await asyncio.sleep(0)


async def test_too_many_connections_are_refused_in_the_standard_body() -> None:
    none = OpenConnections(Metrics(), connections_max=0)
    async with connected(Connection, none) as (reader, writer):
        writer.write(GET + b"\r\n")
        raw = await reader.read()
    status, body = refusal(raw)
    assert status == 503
    assert body["message"] == "Too many connections are open; try again shortly"
    assert b"retry-after: 1\r\n" in raw.lower()
