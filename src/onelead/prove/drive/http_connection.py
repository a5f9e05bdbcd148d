"""One keep-alive HTTP/1.1 connection with one request at a time: as small as a client can be.

The clients of a proof share the machine with the processes they test, so requests must be cheap.
"""

from __future__ import annotations

import asyncio
import time
from typing import cast

import httptools
from msgspec import Struct


class Response(Struct, frozen=True, gc=False):
    """The answer, and the time at which its last byte was read."""

    status: int
    #: Names in lower case.
    headers: dict[bytes, bytes]
    body: bytes
    answered: float


class HttpConnection(asyncio.Protocol):
    """A connection to a server process; any failure closes it for good."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Response] | None = None
        self._start()

    @classmethod
    async def open(cls, host: str, port: int) -> HttpConnection:
        """Connect. Raises OSError."""
        _, protocol = await asyncio.get_running_loop().create_connection(cls, host, port)
        return protocol

    @property
    def is_open(self) -> bool:
        """Whether a request can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    async def send(self, request: bytes, timeout_s: float) -> Response:
        """Send a request and wait for its answer. Raises ConnectionError, TimeoutError."""
        assert self._waiting is None, "a connection carries one request at a time"
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        self._transport.write(request)
        timer = loop.call_later(timeout_s, self.close)
        try:
            return await self._waiting
        finally:
            timer.cancel()
            self._waiting = None

    def close(self) -> None:
        """Cut the connection; a request under way fails."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        # The transport of uvloop has these methods but is not an instance of the class.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as asyncio has it
        """See asyncio.Protocol."""
        self._transport = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionResetError("the connection broke"))

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def _start(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect what the parser found."""
        self._headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        """Collect what the parser found."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Hand over the answer."""
        response = Response(
            self._parser.get_status_code(), self._headers, b"".join(self._body), time.monotonic()
        )
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(response)
        self._start()
