"""Two services that have done the same, one with the short way and one without."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.support.api.service import Service, a_service, database_in
from tests.support.api.sockets import Connected, Server, connected, serving

_DATE = re.compile(rb"(?im)^date: [^\r\n]*")


@dataclass
class Side:
    """One of the two."""

    folder: Path
    service: Service
    server: Server
    #: What the calls of `take` said, of the short way.
    taken: list[bool] = field(default_factory=list)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Read committed rows."""
        return database_in(self.folder).rows(sql)


@dataclass
class BothWays:
    """The two services, and what is sent to both."""

    short: Side
    long: Side

    @property
    def sides(self) -> tuple[Side, Side]:
        """The two."""
        return self.short, self.long

    async def answers(self, pieces: Callable[[Service], Sequence[bytes]], count: int) -> bytes:
        """Send pieces on a new connection to each, and return the bytes that both answer.

        `count` is the number of answers; 0 is to read until the connection ends.
        """
        raws = [await _exchange(side, pieces(side.service), count) for side in self.sides]
        assert raws[0] == raws[1]
        return raws[0]


async def _exchange(side: Side, pieces: Sequence[bytes], count: int) -> bytes:
    async with connected(side.server.address) as connection:
        for piece in pieces:
            connection.writer.write(piece)
            await connection.writer.drain()
            # The server reads each piece by itself.
            await asyncio.sleep(0.001)
        raw = b"".join([await raw_answer(connection) for _ in range(count)])
        if not count:
            raw = await connection.reader.read()
    return undated(raw)


def undated(raw: bytes) -> bytes:
    """Leave out what depends on the moment."""
    return _DATE.sub(b"date: -", raw)


async def raw_answer(connection: Connected) -> bytes:
    """Read the bytes of one answer that has a body."""
    head = await connection.reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return head + await connection.reader.readexactly(int(length[1]) if length else 0)


@asynccontextmanager
async def both_ways(folder: Path, proxies: Sequence[str] = ()) -> AsyncIterator[BothWays]:
    """Run the two services on fresh databases in a folder."""
    async with AsyncExitStack() as stack:
        sides = []
        for is_short in (True, False):
            place = folder / ("short" if is_short else "long")
            place.mkdir()
            service = await stack.enter_async_context(a_service(place))
            # A request that turns out to need the long way has had a number by then.
            service.runtime = replace(service.runtime, new_request_id=lambda: "request")
            server = await stack.enter_async_context(
                serving(service, by_short_way=is_short, proxies=proxies)
            )
            sides.append(side := Side(place, service, server))
            _spy(side)
        yield BothWays(*sides)


def _spy(side: Side) -> None:
    short_way = side.server.api.short_way
    take = short_way.take

    def taking(*arguments: Any) -> bool:
        side.taken.append(take(*arguments))
        return side.taken[-1]

    short_way.take = taking  # type: ignore[assignment, method-assign]
