"""Files that a page sends while they are made, so that no memory holds them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import AbstractContextManager, aclosing
from datetime import UTC, datetime

import structlog
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from onelead.domain.limits import DOWNLOAD_STALLED_S, LIVE_SESSION_CHECK_S
from onelead.incoming.cut_off import cut_off
from onelead.web.frame.sessions import signed_in
from onelead.web.frame.visit import Visit

log = structlog.get_logger(__name__)


async def download(
    visit: Visit, pieces: AsyncGenerator[bytes, None], name: str, media_type: str
) -> Response:
    """Send a file under a name with today's date; what fails before its first piece is a page."""
    stem, _, ending = name.partition(".")
    file_name = f"onelead-{stem}-{datetime.fromtimestamp(visit.now, UTC):%Y-%m-%d}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{file_name}"'}
    if visit.request.method == "HEAD":
        return Response(headers=headers, media_type=media_type)
    first = await anext(pieces, b"")
    return Download(_all(visit, first, pieces), headers=headers, media_type=media_type)


async def _all(
    visit: Visit, first: bytes, rest: AsyncGenerator[bytes, None]
) -> AsyncIterator[bytes]:
    clock, is_admin = visit.runtime.monotonic, visit.signed_in.is_admin
    # A browser that goes away ends it between two pieces.
    async with aclosing(rest):
        yield first
        checked_s = clock()
        async for piece in rest:
            if clock() - checked_s >= LIVE_SESSION_CHECK_S:
                checked_s = clock()
                found = await signed_in(visit.runtime, visit.request, counts_as_use=False)
                if found is None or found.is_admin < is_admin:
                    raise _CutOff
            yield piece


class _CutOff(Exception):
    """The browser reads nothing, or its user may not have the rest."""


class Download(StreamingResponse):
    """An answer that is cut off when nobody reads it, or nobody may any more."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, piece by piece."""

        async def send_in_time(message: Message) -> None:
            sending = asyncio.ensure_future(send(message))
            if not (await asyncio.wait([sending], timeout=DOWNLOAD_STALLED_S))[0]:
                sending.cancel()
                raise _CutOff
            sending.result()

        try:
            await super().__call__(scope, receive, send_in_time)
        except _CutOff:
            log.info("a download was cut off: nobody reads it, or its user may not any more")
            await cut_off(scope, receive)


async def from_thread(
    pieces: Generator[bytes, None, None], turn: AbstractContextManager[None]
) -> AsyncGenerator[bytes, None]:
    """Yield pieces that block, each made in a thread when the one before is sent.

    Raises NotPossible when there is no turn.
    """
    with turn:
        try:
            while piece := await asyncio.to_thread(next, pieces, b""):
                yield piece
        finally:
            await asyncio.to_thread(pieces.close)
