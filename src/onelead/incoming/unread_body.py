"""Discards the unread body of a request that was refused early.

A server that closes a connection while bytes are still arriving resets it, and most clients read
the answer only after they have sent everything: they would see a broken connection and never learn
why. So the answer is sent immediately, and the rest of the body is discarded.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from onelead.domain.limits import REQUEST_BODY_TIMEOUT_S


class Arriving:
    """A request's body as it arrives; all readers read it through `receive`."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._is_complete = False

    async def receive(self) -> Message:
        """Receive the next piece, as in ASGI."""
        message = await self._receive()
        self._is_complete = not message.get("more_body", False)
        return message

    async def discard(self) -> None:
        """Discard the rest of the body, for as long as a body may take."""
        try:
            async with asyncio.timeout(REQUEST_BODY_TIMEOUT_S):
                while not self._is_complete:
                    await self.receive()
        except TimeoutError:
            pass


async def send_answer(response: Response, body: Arriving, scope: Scope, send: Send) -> None:
    """Send an answer; after a refusal, discard the rest of the body."""
    if response.status_code < HTTPStatus.BAD_REQUEST:
        await response(scope, body.receive, send)
        return
    if "expect" in Headers(scope=scope):
        # A client that waits for leave to send its body may send it now, or not.
        response.headers["Connection"] = "close"
    if response.headers.get("Connection") == "close":
        await response(scope, body.receive, send)
        return

    async def send_and_discard(message: Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
            return
        # The answer is complete for the client, but not for the server, which goes on reading.
        await send({**message, "more_body": True})
        await body.discard()
        await send({"type": "http.response.body"})

    await response(scope, body.receive, send_and_discard)
