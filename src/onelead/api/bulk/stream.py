"""An answer of JSON Lines that is sent while the lines it answers still arrive.

Three tasks hand on to each other. One reads lines and has them accepted, one waits for what became
of each, in order, and one sends that. Between them are bounded buffers, so a client that does not
read its answers is not read from, either, and no line is read faster than batches are committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

import structlog
from msgspec import Struct
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from onelead.api.answers import SAFE_HEADERS
from onelead.domain.errors import BodyMalformed, OneleadError
from onelead.domain.limits import BULK_ANSWER_BYTES_MAX, BULK_END_S
from onelead.incoming.cut_off import cut_off
from onelead.incoming.json_lines import JSON_LINES, ArrivingLines, Line

#: What is sent at a time.
_PART_BYTES = 65_536
#: A proxy that buffers would hold the receipts back.
_HEADERS = {**SAFE_HEADERS, "X-Accel-Buffering": "no"}

log = structlog.get_logger(__name__)


class LinesTaker(Protocol):
    """What does the lines."""

    async def take(self, lines: Sequence[Line]) -> Sequence[asyncio.Future[Any]]:
        """Wait for room, and return what will have become of each. Raises OneleadError."""

    def receipt(self, line: Line, done: Any) -> bytes:
        """Return the receipt of a line as JSON, with what the future gave."""

    def last_line(self, number: int, error: OneleadError) -> bytes:
        """Return the last line of an answer that ends early, at this line."""


class _Taken(Struct, frozen=True):
    lines: Sequence[Line]
    answers: Sequence[asyncio.Future[Any]]


class _Early(Struct, frozen=True):
    """Why the lines from this one on are not done."""

    number: int
    error: OneleadError


class _Stalled(Exception):
    """The client neither reads nor sends."""


class LineStream(StreamingResponse):
    """The answer to a body of JSON Lines. Until it is sent, `begin` has to have been called."""

    def __init__(self, lines: ArrivingLines, taker: LinesTaker, on_end: Callable[[], None]) -> None:
        super().__init__((), headers=_HEADERS, media_type=JSON_LINES)
        self._lines = lines
        self._taker = taker
        self._on_end = on_end
        #: None after the last lines.
        self._taken: asyncio.Queue[_Taken | _Early | None] = asyncio.Queue(1)
        self._outbox = _Outbox()
        self._ended_early = False

    async def begin(self) -> bool:
        """Do the first lines; return whether there are any.

        What fails so early is the answer to the whole call. Raises OneleadError.
        """
        try:
            lines = await self._lines.piece()
        except ClientDisconnect:
            text = "The connection was closed before the first line was complete"
            raise BodyMalformed(text) from None
        if lines:
            taken = await self._take(lines)
            await taken.answers[0]
            self._taken.put_nowait(taken)
        return bool(lines)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the receipts as lines are done, and read on."""
        self._reading = asyncio.ensure_future(self._read())
        others = [asyncio.ensure_future(work) for work in (self._answer(), self._send(send))]
        tasks = [self._reading, *others]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            self._on_end()
        fault = next((one for one in ends if isinstance(one, Exception)), None)
        if fault is None:
            await self._end(receive, send)
        elif not isinstance(fault, ClientDisconnect):
            if isinstance(fault, _Stalled):
                log.info("a bulk upsert was cut off: its client neither sends nor reads")
            else:
                log.error("a bulk upsert was cut off by a defect", exc_info=fault)
            await cut_off(scope, receive)

    async def _read(self) -> None:
        """Have the lines accepted as they arrive, no faster than they are answered."""
        number = self._lines.next_number
        try:
            while lines := await self._lines.piece():
                number = lines[0].number
                await self._taken.put(await self._take(lines))
                number = self._lines.next_number
        except OneleadError as error:
            await self._taken.put(_Early(number, error))
        else:
            await self._taken.put(None)

    async def _take(self, lines: Sequence[Line]) -> _Taken:
        answers = await self._taker.take(lines)
        for answer in answers:
            # The client may be gone before an answer is looked at.
            answer.add_done_callback(_retrieve)
        return _Taken(lines, answers)

    async def _answer(self) -> None:
        """Put the receipts in the outbox as soon as they are known, in order."""
        early: _Early | None = None
        while early is None and (taken := await self._taken.get()) is not None:
            early = await self._answer_lines(taken) if isinstance(taken, _Taken) else taken
        if early is not None:
            self._ended_early = True
            self._reading.cancel()
            log.info("a bulk upsert ended early", line=early.number, error=early.error.code)
            await self._outbox.put(self._taker.last_line(early.number, early.error) + b"\n")
        self._outbox.close()

    async def _answer_lines(self, taken: _Taken) -> _Early | None:
        known: list[bytes] = []
        for line, answer in zip(taken.lines, taken.answers, strict=True):
            if not answer.done():
                await self._outbox.put(b"".join(known))
                known.clear()
            try:
                done = await answer
            except OneleadError as error:
                await self._outbox.put(b"".join(known))
                return _Early(line.number, error)
            known += (self._taker.receipt(line, done), b"\n")
        await self._outbox.put(b"".join(known))
        return None

    async def _send(self, send: Send) -> None:
        """Send what is in the outbox. Raises _Stalled when the client does nothing for long."""
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        while part := await self._outbox.take():
            body = {"type": "http.response.body", "body": part, "more_body": True}
            sending = asyncio.ensure_future(send(body))
            try:
                while not sending.done():
                    seen = self._lines.progress
                    await asyncio.wait((sending,), timeout=self._lines.timeout_s)
                    if not sending.done() and self._lines.progress == seen:
                        raise _Stalled
            finally:
                sending.cancel()
            sending.result()
            self._lines.note_progress()

    async def _end(self, receive: Receive, send: Send) -> None:
        if self._ended_early and not self._lines.have_arrived:
            # A client that is still sending has to find the last line before the end.
            with suppress(TimeoutError):
                async with asyncio.timeout(BULK_END_S):
                    while (await receive()).get("more_body", False):
                        pass
        await send({"type": "http.response.body"})


class _Outbox:
    """What is to be sent: about BULK_ANSWER_BYTES_MAX, and then what comes next waits."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._is_closed = False
        self._changed = asyncio.Event()

    async def put(self, receipts: bytes) -> None:
        """Add receipts, and wait until there is room for more."""
        self._held += receipts
        self._change()
        while len(self._held) > BULK_ANSWER_BYTES_MAX:
            await self._changed.wait()

    async def take(self) -> bytes:
        """Wait for receipts and take some; none after the last ones."""
        while not self._held and not self._is_closed:
            await self._changed.wait()
        part = bytes(self._held[:_PART_BYTES])
        del self._held[:_PART_BYTES]
        self._change()
        return part

    def close(self) -> None:
        """Say that no more will come."""
        self._is_closed = True
        self._change()

    def _change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _retrieve(answer: asyncio.Future[Any]) -> None:
    if not answer.cancelled():
        answer.exception()
