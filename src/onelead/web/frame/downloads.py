"""Files that a page sends while they are made, so that no memory holds them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import AbstractContextManager, aclosing
from datetime import UTC, datetime

from starlette.responses import Response, StreamingResponse

from onelead.web.frame.visit import Visit


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
    return StreamingResponse(_all(first, pieces), headers=headers, media_type=media_type)


async def _all(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    # A browser that goes away ends it between two pieces.
    async with aclosing(rest):
        yield first
        async for piece in rest:
            yield piece


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
