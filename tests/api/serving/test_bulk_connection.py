"""A bulk upsert on a real connection, which writes and reads at the same time."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.support.api.service import Service, credentials_of
from tests.support.api.sockets import DEADLINE_S, Connected, served, serving


def head(service: Service, *headers: str) -> bytes:
    lines = [
        "PUT /developer_api/v1/leads/bulk_upsert HTTP/1.1",
        "Host: onelead.test",
        "Content-Type: application/x-ndjson",
        *(f"{name}: {value}" for name, value in credentials_of(service.account).items()),
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def line(name: str) -> bytes:
    match = {"field_name": "name", "field_value": name}
    return json.dumps({"properties": {"name": name}, "match": match}).encode() + b"\n"


def as_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def receipt(connected: Connected) -> Any:
    """Read one chunk of the answer, with one receipt."""
    size = int(await connected.reader.readline(), 16)
    data = await connected.reader.readexactly(size + 2)
    return json.loads(data)


async def test_a_client_that_waits_for_each_receipt_has_it(service: Service) -> None:
    chunked = head(service, "Transfer-Encoding: chunked", "Expect: 100-continue")
    async with asyncio.timeout(DEADLINE_S), served(service) as address:
        connected = Connected(*await asyncio.open_connection(*address))
        connected.writer.write(chunked)
        assert b" 100 " in await connected.reader.readuntil(b"\r\n\r\n")
        for number, name in enumerate(("Nora Field", "Sam Roe", "Nora Field"), 1):
            connected.writer.write(as_chunk(line(name)))
            if number == 1:
                start = await connected.reader.readuntil(b"\r\n\r\n")
                assert start.startswith(b"HTTP/1.1 200 ")
                assert b"lead-batch: " in start
            found = await receipt(connected)
            assert found["line"] == number
            assert found["outcome"] == ("created" if number < 3 else "unchanged")
        # The connection stays, and the next request may come with the end of the body.
        get = b"GET /healthz HTTP/1.1\r\nHost: onelead.test\r\n\r\n"
        connected.writer.write(as_chunk(b"") + get)
        assert await connected.reader.readexactly(5) == b"0\r\n\r\n"
        assert (await connected.answer()).status == 200
        # Pipelined behind one with a length, which holds its body back.
        body = line("Sam Roe") * 3
        connected.writer.write(head(service, f"Content-Length: {len(body)}") + body + get)
        await connected.reader.readuntil(b"\r\n\r\n")
        text = await connected.reader.readuntil(b"0\r\n\r\n")
        assert text.count(b'"unchanged"') == 3
        assert (await connected.answer()).status == 200
        connected.writer.close()


async def test_a_stop_is_the_last_line_and_the_end_of_the_connection(service: Service) -> None:
    async with asyncio.timeout(DEADLINE_S), serving(service) as server:
        connected = Connected(*await asyncio.open_connection(*server.address))
        connected.writer.write(head(service, "Transfer-Encoding: chunked"))
        connected.writer.write(as_chunk(line("Nora Field")))
        await connected.reader.readuntil(b"\r\n\r\n")
        assert (await receipt(connected))["outcome"] == "created"
        service.runtime.stop_waiting()
        server.uvicorn.should_exit = True
        last = await receipt(connected)
        assert (last["line"], last["outcome"]) == (2, "not_written")
        connected.writer.write(as_chunk(line("Sam Roe")) + as_chunk(b""))
        assert await connected.reader.readexactly(5) == b"0\r\n\r\n"
        assert await connected.is_closed()
        connected.writer.close()
