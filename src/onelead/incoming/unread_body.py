"""What becomes of a body that nobody reads, because its request was refused early.

A server that closes a connection on which bytes are still coming in resets it, and most clients
look for an answer only when they have sent everything: they would see a broken connection and
never learn why. So the answer goes out at once, and the rest of the body is thrown away.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from onelead.domain.limits import REQUEST_BODY_TIMEOUT_S


class Arriving:
    """A request's body as it comes in; whoever reads it reads it through `receive`."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._is_complete = False

    async def receive(self) -> Message:
        """Receive the next piece, as in ASGI."""
        message = await self._receive()
        self._is_complete = not message.get("more_body", False)
        return message

    async def discard(self) -> None:
        """Throw away what is still to come, as long as a body may take."""
        try:
            async with asyncio.timeout(REQUEST_BODY_TIMEOUT_S):
                while not self._is_complete:
                    await self.receive()
        except TimeoutError:
            pass


async def send_answer(response: Response, body: Arriving, scope: Scope, send: Send) -> None:
    """Send an answer; behind a refusal the rest of the body is thrown away."""
    if response.status_code < HTTPStatus.BAD_REQUEST:
        await response(scope, body.receive, send)
        return
    if "expect" in Headers(scope=scope):
        # A client that asked before sending its body may send it now, or not.
        response.headers["Connection"] = "close"
    if response.headers.get("Connection") == "close":
        await response(scope, body.receive, send)
        return

    async def send_and_discard(message: Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
            return
        # The answer is whole for the client, but not yet for the server, which goes on reading.
        await send({**message, "more_body": True})
        await body.discard()
        await send({"type": "http.response.body"})

    await response(scope, body.receive, send_and_discard)
