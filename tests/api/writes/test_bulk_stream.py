"""The stream of a bulk upsert, in both directions, with a client that does as a test says."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message
from tests.support.process.fakes import at_once, settle

from onelead.api.bulk.stream import LineStream
from onelead.domain.errors import OneleadError, ServiceStopping, StoreUnavailable
from onelead.domain.limits import BULK_ANSWER_BYTES_MAX, BULK_PIECE_WRITES_MAX
from onelead.incoming import json_lines
from onelead.incoming.json_body import ARRIVING, Received
from onelead.incoming.json_lines import ArrivingLines, Line, Lines


class Taker:
    """Does lines when the test says so, with receipts of a size."""

    def __init__(self, receipt_bytes: int = 100) -> None:
        self.taken: list[asyncio.Future[int]] = []
        self.does_at_once = True
        self.refusal: OneleadError | None = None
        self._receipt = b"x" * receipt_bytes

    async def take(self, lines: Sequence[Line]) -> Sequence[asyncio.Future[int]]:
        if self.refusal is not None:
            raise self.refusal
        answers: list[asyncio.Future[int]] = [asyncio.Future() for _ in lines]
        self.taken += answers
        if self.does_at_once:
            for answer in answers:
                answer.set_result(0)
        return answers

    def receipt(self, line: Line, done: Any) -> bytes:
        assert done == 0
        return b"%d " % line.number + self._receipt

    def last_line(self, number: int, error: OneleadError) -> bytes:
        return b"%d %s" % (number, error.code.encode())


class Transport:
    """The connection of a client that may be cut off."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def abort(self) -> None:
        self._client.is_cut_off = True
        self._client.arriving.put_nowait({"type": "http.disconnect"})


class Client:
    """A client of one call."""

    def __init__(self, taker: Taker, *headers: tuple[bytes, bytes]) -> None:
        self.taker = taker
        self.arriving: asyncio.Queue[Message] = asyncio.Queue()
        self.received_messages = 0
        #: What it has read; it reads while this is set.
        self.parts: list[bytes] = []
        self.reads = asyncio.Event()
        self.reads.set()
        #: Why the answer ends early.
        self.is_told = asyncio.Event()
        self.is_whole = self.is_cut_off = self.has_ended = False
        self.ends = asyncio.Event()
        #: As our server's cycle.
        self.transport = Transport(self)
        scope: dict[str, Any] = {"type": "http", "headers": headers, ARRIVING: lambda: self}
        lines = ArrivingLines(Request(scope, self._receive), Received(), self.ends)
        self.stream = LineStream(lines, taker, self._end)
        self.scope = scope

    def sends(self, body: bytes, *, more: bool = True) -> None:
        self.arriving.put_nowait({"type": "http.request", "body": body, "more_body": more})

    async def is_answered(self) -> list[str]:
        """Wait for the end of the answer, and return its lines."""
        await at_once(self.call())
        return b"".join(self.parts).decode().splitlines()

    async def call(self) -> None:
        await self.stream.begin()
        await self.stream(self.scope, self._receive, self._send)
        assert self.has_ended

    async def _receive(self) -> Message:
        message = await self.arriving.get()
        self.received_messages += 1
        return message

    async def _send(self, message: Message) -> None:
        await self.reads.wait()
        if message["type"] == "http.response.body":
            self.parts.append(message.get("body", b""))
            if b"body_too_slow" in self.parts[-1]:
                self.is_told.set()
            self.is_whole = not message.get("more_body", False)

    def _end(self) -> None:
        self.has_ended = True


def lines(count: int) -> bytes:
    return b"{}\n" * count


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give clients no time."""
    monkeypatch.setattr(ArrivingLines, "timeout_s", 0.01)


async def test_each_line_is_answered_as_soon_as_it_is_done() -> None:
    taker = Taker()
    taker.does_at_once = False
    client = Client(taker)
    client.sends(lines(3))
    calling = asyncio.create_task(client.call())
    await settle()
    for number in (1, 0, 2):
        taker.taken[number].set_result(0)
        await settle()
    answered = [part.split()[0] for part in client.parts]
    # The second waits for the first.
    assert b"".join(client.parts).count(b"\n") == 3
    assert answered == [b"1", b"3"]
    client.sends(lines(1), more=False)
    await settle()
    taker.taken[3].set_result(0)
    await at_once(calling)
    assert client.is_whole


async def test_no_more_is_read_than_is_done() -> None:
    taker = Taker()
    client = Client(taker)
    for _ in range(20):
        client.sends(lines(BULK_PIECE_WRITES_MAX))
    client.sends(b"", more=False)
    taker.does_at_once = False
    calling = asyncio.create_task(client.call())
    await settle()
    for answer in taker.taken:
        answer.set_result(0)
    await settle()
    waiting = [answer for answer in taker.taken if not answer.done()]
    assert len(waiting) == 3 * BULK_PIECE_WRITES_MAX
    assert client.received_messages <= 5
    taker.does_at_once = True
    for answer in waiting:
        answer.set_result(0)
    await at_once(calling)
    assert b"".join(client.parts).count(b"\n") == 20 * BULK_PIECE_WRITES_MAX


async def test_a_client_that_does_not_read_is_not_read_from() -> None:
    taker = Taker(receipt_bytes=10_000)
    client = Client(taker)
    for _ in range(12):
        client.sends(lines(BULK_PIECE_WRITES_MAX))
    client.sends(b"", more=False)
    client.reads.clear()
    calling = asyncio.create_task(client.call())
    client.reads.set()
    await settle()
    client.reads.clear()
    await settle()
    held = len(taker.taken) * 10_000 - sum(map(len, client.parts))
    assert held <= BULK_ANSWER_BYTES_MAX + 4 * BULK_PIECE_WRITES_MAX * 10_100
    seen = client.received_messages
    await settle()
    assert client.received_messages == seen < 12
    client.reads.set()
    await at_once(calling)
    assert b"".join(client.parts).count(b"\n") == 12 * BULK_PIECE_WRITES_MAX


@pytest.mark.parametrize(
    ("error", "code"),
    [(StoreUnavailable(), "store_unavailable"), (ServiceStopping(), "service_stopping")],
)
async def test_a_failure_in_the_middle_is_the_last_line(error: OneleadError, code: str) -> None:
    taker = Taker()
    taker.does_at_once = False
    client = Client(taker)
    client.sends(lines(4), more=False)
    answered = asyncio.create_task(client.is_answered())
    await settle()
    taker.taken[0].set_result(0)
    taker.taken[1].set_result(0)
    taker.taken[2].set_exception(error)
    assert [line.split()[0] for line in await answered] == ["1", "2", "3"]
    assert b"".join(client.parts).endswith(b"3 " + code.encode() + b"\n")
    assert client.is_whole


async def test_lines_that_find_no_writer_are_named_by_the_last_line() -> None:
    client = Client(Taker())
    client.sends(b"\n" + lines(1))
    answered = asyncio.create_task(client.is_answered())
    await settle()
    client.taker.refusal = ServiceStopping()
    client.sends(b"\n" + lines(1), more=False)
    assert [line.split()[0] for line in await answered] == ["2", "4"]


async def test_a_failure_of_the_first_line_is_the_answer_to_the_call() -> None:
    client = Client(Taker())
    client.taker.refusal = StoreUnavailable()
    client.sends(lines(1))
    with pytest.raises(StoreUnavailable):
        await client.stream.begin()


async def test_a_client_that_leaves_ends_the_call() -> None:
    client = Client(Taker())
    client.sends(lines(1))
    client.arriving.put_nowait({"type": "http.disconnect"})
    await at_once(client.call())
    assert not client.is_whole
    assert not client.is_cut_off


async def test_a_client_that_sends_no_line_is_told(hurry: None) -> None:
    client = Client(Taker())
    client.sends(lines(1) + b"{")
    client.arriving.put_nowait({"type": "http.request", "body": b" ", "more_body": True})

    async def leave() -> None:
        await client.is_told.wait()
        client.sends(b"", more=False)

    leaving = asyncio.create_task(leave())
    assert (await client.is_answered())[-1] == "2 body_too_slow"
    await leaving
    assert client.is_whole


async def test_bytes_without_a_line_end_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "BULK_ENDLESS_BYTES_MAX", 1_000)
    client = Client(Taker())
    client.sends(lines(1))
    for blank in (b" " * 900, b"\n" * 900, b"x"):
        client.sends(blank)
    calling = asyncio.create_task(client.call())
    await settle()
    client.sends(b"", more=False)
    await at_once(calling)
    assert b"".join(client.parts).decode().splitlines()[-1] == "2 body_too_large"


async def test_a_client_that_neither_sends_nor_reads_is_cut_off(hurry: None) -> None:
    taker = Taker(receipt_bytes=200_000)
    client = Client(taker)
    for _ in range(3):
        client.sends(lines(BULK_PIECE_WRITES_MAX))
    calling = asyncio.create_task(client.call())
    await settle()
    client.reads.clear()
    await at_once(calling)
    assert client.is_cut_off
    assert not client.is_whole


async def test_a_defect_cuts_the_answer_off() -> None:
    client = Client(Taker())
    client.sends(lines(1))
    calling = asyncio.create_task(client.call())
    await settle()
    client.taker.does_at_once = False
    client.sends(lines(1))
    await settle()
    client.taker.taken[-1].set_exception(RuntimeError("defect"))
    await at_once(calling)
    assert client.is_cut_off
    assert json.dumps(b"".join(client.parts).decode()).count("defect") == 0


async def test_a_stop_does_not_wait_for_what_is_packed_into_the_body(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Client(Taker(), (b"content-encoding", b"gzip"))
    client.sends(gzip.compress(b"\n" * 20_000_000), more=False)
    looked_at: list[int] = []

    def add(_lines: Lines, piece: bytes) -> list[Line]:
        looked_at.append(len(piece))
        client.ends.set()
        return []

    monkeypatch.setattr(Lines, "add", add)
    with pytest.raises(ServiceStopping):
        await client.stream.begin()
    assert len(looked_at) == 1


def test_empty_lines_count_wherever_they_are() -> None:
    lines = Lines()
    pieces = [b"\n\n", b"{}\n\n \n[", b"\n", b"\n]", b"\n\n", b"7"]
    found = [line for piece in pieces for line in lines.add(piece)] + lines.end()
    assert [(line.number, line.text) for line in found] == [
        *((3, b"{}"), (6, b"["), (8, b"]"), (10, b"7")),
    ]
