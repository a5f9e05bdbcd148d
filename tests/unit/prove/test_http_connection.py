"""The small HTTP client, against a server whose answers the test chooses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from onelead.prove.drive.http_connection import HttpConnection

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nLead-Outcome: created\r\n\r\n{}"
REQUEST = b"GET / HTTP/1.1\r\n\r\n"


@asynccontextmanager
async def connected(*answers: bytes) -> AsyncIterator[HttpConnection]:
    """Connect to a server that sends one of the answers to each request and then hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await reader.readuntil(b"\r\n\r\n")
            for at in range(0, len(answer), 7):
                writer.write(answer[at : at + 7])
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        connection = await HttpConnection.open(*server.sockets[0].getsockname())
        yield connection
        connection.close()


async def test_answers_come_one_after_the_other() -> None:
    async with connected(ANSWER, ANSWER.replace(b"200 OK", b"422 No")) as connection:
        first = await connection.send(REQUEST, 60)
        second = await connection.send(REQUEST, 60)
    assert (first.status, first.body, second.status) == (200, b"{}", 422)
    assert first.headers[b"lead-outcome"] == b"created"
    assert first.answered <= second.answered


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200", ANSWER[:-1], b"SMTP\r\n\r\n"])
async def test_half_an_answer_is_none(answer: bytes) -> None:
    async with connected(answer) as connection:
        with pytest.raises(ConnectionError):
            await connection.send(REQUEST, 60)
        assert not connection.is_open
        with pytest.raises(ConnectionError):
            await connection.send(REQUEST, 60)


async def test_an_answer_that_does_not_come_in_time_is_none() -> None:
    answered = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        answered.set()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        connection = await HttpConnection.open(*server.sockets[0].getsockname())
        with pytest.raises(ConnectionError):
            await connection.send(REQUEST, 0.01)
        await answered.wait()
