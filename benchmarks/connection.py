"""A keep-alive connection of one client in a race, small enough for 64 to keep a server busy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Self

from benchmarks.processes import Failed

_TIMEOUT_S = 60


class Connection:
    """One connection, opened when it is first needed and again after it was lost."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._close()

    def _close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def call(
        self, method: str, path: str, headers: Mapping[str, str], body: Any = None
    ) -> tuple[int, bytes]:
        """Return the status and the content of the answer; status 0 if the connection was lost."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await self._call(method, path, headers, body)
        except (OSError, EOFError, TimeoutError):
            self._close()
            return 0, b""

    async def _call(
        self, method: str, path: str, headers: Mapping[str, str], body: Any
    ) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        content = b"" if body is None else json.dumps(body).encode()
        lines = [
            f"{method} {path} HTTP/1.1",
            "Host: 127.0.0.1",
            "Content-Type: application/json",
            f"Content-Length: {len(content)}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
        status_line, *answered = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        length = _length(answered)
        answer = await (_chunks(reader) if length is None else reader.readexactly(length))
        return int(status_line.split()[1]), answer


def _length(headers: list[str]) -> int | None:
    """Return the length of the answer; None for one in chunks."""
    for header in headers:
        name, _, value = header.lower().partition(":")
        if name == "content-length":
            return int(value)
        if name == "transfer-encoding" and value.strip() == "chunked":
            return None
    raise Failed("an answer does not give its length")


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    found = bytearray()
    while size := int(await reader.readline(), 16):
        found += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return bytes(found)
