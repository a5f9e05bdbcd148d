"""Reads a body of JSON Lines as it arrives: bounded in the size of a line, not in their number.

A line that is too long is left out, but for its beginning and its size. The client has to send a
whole line in the time that it has for a whole body anywhere else.
"""

from __future__ import annotations

import asyncio
import json
from codecs import BOM_UTF8
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, ClassVar

import msgspec
from msgspec import Struct
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from onelead.domain.errors import (
    BodyMalformed,
    BodyTooLarge,
    BodyTooSlow,
    ServiceStopping,
)
from onelead.domain.limits import (
    BULK_ENDLESS_BYTES_MAX,
    BULK_LINE_BYTES_MAX,
    BULK_PIECE_BYTES_MAX,
    BULK_PIECE_WRITES_MAX,
    REQUEST_BODY_TIMEOUT_S,
    RETRY_AFTER_S,
    UNREAD_BYTES_MAX,
)
from onelead.incoming.content_coding import decoded_pieces
from onelead.incoming.json_body import Received, TextMalformed, decode_json, decode_object

#: The media type of lines of JSON.
JSON_LINES = "application/x-ndjson"


_encode = msgspec.json.Encoder().encode


class Line(Struct, frozen=True):
    """A line that has something in it."""

    #: Counted from 1; empty lines count.
    number: int
    #: Without its end; of one that is too long, the beginning.
    text: bytes
    #: The size of one that is too long.
    too_long_bytes: int | None = None

    def decoded(self) -> dict[str, Any]:
        """Return its JSON object. Raises BodyMalformed, BodyTooLarge."""
        if self.too_long_bytes is not None:
            raise BodyTooLarge(f"The line is larger than {BULK_LINE_BYTES_MAX} bytes")
        try:
            return decode_object(self.text)
        except BodyMalformed as error:
            raise BodyMalformed(error.message.replace("the body", "the line", 1)) from None

    def received(self) -> Received:
        """Return how it begins and how large it is, for the ledger."""
        received = Received()
        received.add(self.text)
        if self.too_long_bytes is not None:
            received.size_bytes = self.too_long_bytes
        return received


def lines_in_array(body: bytes) -> list[Line]:
    """Return the items of a JSON array as lines; one that cannot be stored fails alone, as a line.

    The array can also be the member `leads` of an object. Raises BodyMalformed.
    """
    encode: Callable[[Any], bytes] = _encode
    try:
        items = decode_json(body)
    except TextMalformed as error:
        items, encode = error.value, _slowly_encoded
    if isinstance(items, dict) and items.keys() == {"leads"}:
        items = items["leads"]
    if not isinstance(items, list):
        raise BodyMalformed(_NO_ARRAY)
    return [Line(number, encode(item)) for number, item in enumerate(items, 1)]


def _slowly_encoded(item: Any) -> bytes:
    """Spell what the fast encoder cannot: half of a surrogate pair."""
    return json.dumps(item).encode()


_NO_ARRAY = (
    'Invalid input: the body must be a JSON array of upserts, or {"leads": [...]}; '
    f"lines are sent as {JSON_LINES}"
)


class Lines:
    """Makes lines of pieces."""

    def __init__(self) -> None:
        #: How many lines have ended.
        self.ended = 0
        #: The line under way, or its beginning, and its size.
        self._begun = bytearray()
        self._size_bytes = 0

    def add(self, piece: bytes) -> list[Line]:
        """Return the lines that end in the piece, without the empty ones."""
        *ends, rest = piece.split(b"\n")
        lines: list[Line] = []
        for end in ends:
            # A few compressed bytes can be millions of empty lines.
            if not self._begun and (not end or end.isspace()):
                self.ended += 1
            elif (line := self._line(end)) is not None:
                lines.append(line)
        self._add(rest)
        return lines

    def end(self) -> list[Line]:
        """Return the last line, if nothing has ended it."""
        line = self._line(b"") if self._begun else None
        return [] if line is None else [line]

    def _add(self, text: bytes) -> None:
        self._begun += text
        self._size_bytes += len(text)
        if self._size_bytes > BULK_LINE_BYTES_MAX:
            del self._begun[UNREAD_BYTES_MAX:]

    def _line(self, end: bytes) -> Line | None:
        self._add(end)
        self.ended += 1
        text, size_bytes = bytes(self._begun), self._size_bytes
        self._begun.clear()
        self._size_bytes = 0
        if size_bytes > BULK_LINE_BYTES_MAX:
            return Line(self.ended, text, size_bytes)
        text = (text.removeprefix(BOM_UTF8) if self.ended == 1 else text).strip()
        return Line(self.ended, text) if text else None


class ArrivingLines:
    """The lines of a request, in pieces."""

    timeout_s: ClassVar[float] = REQUEST_BODY_TIMEOUT_S

    def __init__(self, request: Request, received: Received, ends: asyncio.Event) -> None:
        """Read until the end of the body, or until `ends`; `received` follows.

        Raises BodyEncodingUnknown.
        """
        self._receive = request.receive
        self._received = received
        self._ends = ends
        headers = request.scope["headers"]
        encodings = [value for name, value in headers if name == b"content-encoding"]
        self._pieces = decoded_pieces(self._messages(), encodings)
        self._lines = Lines()
        self._ready: deque[Line] = deque()
        #: Whether the client has nothing more to send.
        self.have_arrived = False
        self._is_whole = False
        self._left_s = self.timeout_s
        #: Grows while the client takes part.
        self._progress = 0

    @property
    def next_number(self) -> int:
        """The number of the first line that `piece` has not returned."""
        return self._ready[0].number if self._ready else self._lines.ended + 1

    @property
    def progress(self) -> int:
        """A number that grows with every line, and with every piece of the answer."""
        return self._progress

    def note_progress(self) -> None:
        """Note that the client has taken a piece of the answer, so that it has time again."""
        self._progress += 1
        self._left_s = self.timeout_s

    async def piece(self) -> list[Line]:
        """Return the lines that have arrived, a bounded number; none at the end of the body.

        Raises BodyMalformed, BodyTooLarge, BodyTooSlow, ServiceStopping and ClientDisconnect.
        """
        endless_bytes = 0
        while not self._ready and not self._is_whole:
            if endless_bytes > BULK_ENDLESS_BYTES_MAX:
                raise BodyTooLarge(f"{BULK_ENDLESS_BYTES_MAX} bytes came without a line")
            part = await anext(self._pieces, None)
            endless_bytes += len(part or b"")
            if self._ends.is_set():
                break
            self._is_whole = part is None
            lines = self._lines.end() if part is None else self._lines.add(part)
            if lines:
                self._ready.extend(lines)
                self.note_progress()
        if self._ends.is_set():
            raise ServiceStopping(retry_after_s=RETRY_AFTER_S)
        piece: list[Line] = []
        size_bytes = 0
        while self._ready and len(piece) < BULK_PIECE_WRITES_MAX:
            piece.append(self._ready.popleft())
            size_bytes += len(piece[-1].text)
            if size_bytes >= BULK_PIECE_BYTES_MAX:
                break
        return piece

    async def _messages(self) -> AsyncIterator[bytes]:
        while not self.have_arrived:
            message = await self._message()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            self.have_arrived = not message.get("more_body", False)
            if part := message.get("body", b""):
                self._received.add(part)
                yield part

    async def _message(self) -> Message:
        receiving = asyncio.ensure_future(self._receive())
        ending = asyncio.ensure_future(self._ends.wait())
        try:
            while not (receiving.done() or ending.done()):
                await self._wait(receiving, ending)
            if receiving.done():
                return receiving.result()
            raise ServiceStopping(retry_after_s=RETRY_AFTER_S)
        finally:
            ending.cancel()
            receiving.cancel()

    async def _wait(self, *what: asyncio.Future[Any]) -> None:
        """Wait for one of them. Raises BodyTooSlow if the client does nothing meanwhile."""
        clock, seen = asyncio.get_running_loop().time, self._progress
        began_s = clock()
        done, _ = await asyncio.wait(
            what, timeout=max(self._left_s, 0), return_when=asyncio.FIRST_COMPLETED
        )
        if self._progress == seen:
            self._left_s -= clock() - began_s
            if not done:
                raise BodyTooSlow(f"A line took longer than {self.timeout_s:g} seconds")
