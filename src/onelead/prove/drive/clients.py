"""The clients of a proof: each sends a request, waits for the answer, records both and goes on.

A client that gets no answer or a 503 sends the same delivery again, as real clients do. The first
attempt may or may not have happened, so the history has both. Some deliveries are sent twice on
purpose: after the answer, or at the same moment on another connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from math import inf

import msgspec
from msgspec import Struct

from onelead.contract.access import NewAccount
from onelead.incoming.api_calls import BASE_PATH, call_headers
from onelead.prove.drive.acts import WITHOUT_LEAD
from onelead.prove.drive.http_connection import HttpConnection, Response
from onelead.prove.drive.people import People
from onelead.prove.drive.processes import ServerProcess
from onelead.prove.drive.requests import Request, Twice
from onelead.prove.operations import Answer, Operation, Read, read_lead_body

REQUEST_TIMEOUT_S = 45.0
#: A broken connection is opened again after this time.
_RECONNECT_S = 0.02
_HEADERS = (
    *(b"x-request-id", b"lead-changed", b"lead-match", b"etag"),
    *(b"lead-ignored", b"lead-shares", b"lead-kept", b"lead-merged-into", b"ledger-row"),
)

_items = msgspec.json.Decoder(list[msgspec.Raw])


class Attempt(Struct, frozen=True, gc=False):
    """One request that was sent, and what came back."""

    request: Request
    client: int
    sent: float
    #: None when the connection broke.
    response: Response | None

    @property
    def answer(self) -> Response | None:
        """The response if it says what happened; a 503 does not."""
        if self.response and self.response.status != HTTPStatus.SERVICE_UNAVAILABLE:
            return self.response
        return None


@dataclass
class Recorded:
    """Everything that was sent and answered."""

    attempts: list[Attempt] = field(default_factory=list)
    #: How often a delivery was sent again, because of a broken connection or a 503.
    broken: int = 0
    unavailable: int = 0
    #: How often a delivery was sent twice on purpose.
    repeated: int = 0
    doubled: int = 0

    def operations(self) -> list[Operation]:
        """Return the history, in the order of sending."""
        found: list[Operation] = []
        for attempt in self.attempts:
            found += _operations(attempt, len(found))
        return found

    def reads(self) -> list[Read]:
        """Return what was read, in the order of sending."""
        answered = [(one, one.answer) for one in self.attempts if one.request.reads]
        found = [_read(attempt, answer) for attempt, answer in answered if answer]
        return sorted(found, key=lambda read: read.sent)


def _read(attempt: Attempt, response: Response) -> Read:
    assert attempt.request.reads is not None
    total, etag, merged_into = (
        _text(response.headers.get(name)) for name in (b"x-pw-total", b"etag", b"lead-merged-into")
    )
    return Read(
        kind=attempt.request.reads,
        about=attempt.request.about,
        client=attempt.client,
        sent=attempt.sent,
        answered=response.answered,
        status=response.status,
        body=response.body,
        total=total,
        etag=etag,
        merged_into=merged_into,
    )


def _operations(attempt: Attempt, first_number: int) -> list[Operation]:
    response, request = attempt.answer, attempt.request
    if request.reads:
        return []
    answers = _answers(request, response) if response else [None] * len(request.items)
    return [
        Operation(
            number=first_number + place,
            client=attempt.client,
            resource=item.resource,
            action=item.action,
            resource_id=item.resource_id,
            payload=item.payload,
            sent=attempt.sent,
            answered=response.answered if response else inf,
            answer=answer,
            item=place if request.is_bulk else None,
            about_seq=item.about_seq,
            key=request.key,
            is_about_acts=request.is_about_acts,
        )
        for place, (item, answer) in enumerate(zip(request.items, answers, strict=True))
    ]


def _answers(request: Request, response: Response) -> Sequence[Answer | None]:
    outcome = outcome_header(response)
    request_id, *receipt = (_text(response.headers.get(name)) for name in _HEADERS)
    if not request.is_bulk or response.status != HTTPStatus.OK:
        changed, match, etag, *rest = receipt
        ignored, shares, kept, merged_into, row = rest
        answer = Answer(
            *(response.status, request_id or "", outcome, changed, match, etag, response.body),
            *(ignored, shares, kept, merged_into, row),
            is_replayed=b"idempotency-replayed" in response.headers,
        )
        return [answer] * len(request.items)
    outcomes, rows = outcome.split(", "), (receipt[-1] or "").split(", ")
    bodies = _items.decode(response.body)
    return [
        Answer(response.status, request_id or "", one, None, None, None, bytes(body), row=row)
        for one, body, row in zip(outcomes, bodies, rows, strict=True)
    ]


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode()


def outcome_header(response: Response) -> str:
    """Return the outcomes of a response as its header lists them; empty if it has none."""
    headers = response.headers
    return headers.get(b"lead-outcome", headers.get(b"setting-outcome", b"")).decode()


@dataclass
class Clients:
    """All clients of a proof, spread over its processes."""

    processes: Sequence[ServerProcess]
    people: People
    account: NewAccount
    recorded: Recorded = field(default_factory=Recorded)
    #: Set when no new deliveries are to be sent.
    ending: bool = False

    async def run(self, number: int) -> None:
        """Deliver as one client until the end."""
        with contextlib.closing(_Client(self, number)) as client:
            while not self.ending:
                response = await client.deliver(self.people.draw)
                if response.headers.get(b"retry-after"):
                    # The index of a definition is still being built.
                    await _rest(response)

    async def switch(self, number: int) -> None:
        """Switch a definition out of filters and back in, until the end."""
        chance = self.people.chance
        is_filterable = True
        with contextlib.closing(_Client(self, number)) as client:
            while not self.ending:
                await asyncio.sleep(chance.random() * (1.0 if is_filterable else 0.4))
                is_filterable = not is_filterable
                await client.deliver(lambda: self.people.switch(is_filterable=is_filterable))  # noqa: B023 - called immediately

    def head(self, request: Request) -> bytes:
        """Return the request as bytes, with its body."""
        lines = [f"{request.method} {BASE_PATH}{request.path} HTTP/1.1", *self._lines]
        if request.key is not None:
            lines.append(f"Idempotency-Key: {request.key}")
        lines.append(f"content-length: {len(request.body)}\r\n\r\n")
        return "\r\n".join(lines).encode() + request.body

    def __post_init__(self) -> None:
        headers = {"Host": "prove", **call_headers(self.account.email, self.account.api_key)}
        self._lines = [f"{name}: {value}" for name, value in headers.items()]


class _Client:
    def __init__(self, clients: Clients, number: int) -> None:
        self._clients = clients
        self._first, self._second = (
            _Sender(clients, number, clients.processes[place % len(clients.processes)])
            for place in (number, number + 1)
        )

    async def deliver(self, draw: Callable[[], Request]) -> Response:
        """Send one delivery until it is answered; some are sent twice."""
        await self._first.connected()
        recorded = self._clients.recorded
        request = draw()
        if request.twice is Twice.AT_ONCE:
            recorded.doubled += 1
            await self._second.connected()
            response, _ = await asyncio.gather(
                self._first.send(request), self._second.send(request)
            )
            return response
        response = await self._first.send(request)
        if request.twice is Twice.AFTER_THE_ANSWER:
            recorded.repeated += 1
            response = await self._first.send(request)
        return response

    def close(self) -> None:
        """Close the connections."""
        self._first.close()
        self._second.close()


class _Sender:
    """One connection of a client; it is opened again when it breaks."""

    def __init__(self, clients: Clients, number: int, process: ServerProcess) -> None:
        self._clients = clients
        self._number = number
        self._process = process
        self._connection: HttpConnection | None = None

    async def connected(self) -> HttpConnection:
        """Return the open connection."""
        while self._connection is None or not self._connection.is_open:
            try:
                host, port = await self._process.address()
                self._connection = await HttpConnection.open(host, port)
            except OSError:
                await asyncio.sleep(_RECONNECT_S)
        return self._connection

    async def send(self, request: Request) -> Response:
        """Send a request until it is answered."""
        raw = self._clients.head(request)
        recorded = self._clients.recorded
        while True:
            connection = await self.connected()
            sent = time.monotonic()
            response = None
            with contextlib.suppress(ConnectionError):
                response = await connection.send(raw, REQUEST_TIMEOUT_S)
            attempt = Attempt(request, self._number, sent, response)
            recorded.attempts.append(attempt)
            if attempt.answer:
                self._learn(request, attempt.answer)
                return attempt.answer
            if response is None:
                recorded.broken += 1
            else:
                recorded.unavailable += 1
                await _rest(response)

    def _learn(self, request: Request, response: Response) -> None:
        """Remember the leads in the answer."""
        if request.family < 0:
            return
        if not request.is_bulk and (row := response.headers.get(b"ledger-row")):
            is_refused = response.status != HTTPStatus.OK
            self._clients.people.acts.learn(request, int(row), is_refused=is_refused)
        if request.kind in WITHOUT_LEAD:
            return
        if response.status != HTTPStatus.OK:
            if b'"ids":' in response.body:
                self._clients.people.learn_surplus(request, read_lead_body(response.body).ids)
            return
        if request.is_bulk:
            # The others are strangers, or already known.
            first = next(iter(_items.decode(response.body)), msgspec.Raw(b"{}"))
            lead_id = read_lead_body(first).id
        else:
            lead_id = read_lead_body(response.body).id
        if lead_id is not None:
            self._clients.people.learn(request, lead_id)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()


async def _rest(response: Response) -> None:
    """Wait as long as the answer asks."""
    await asyncio.sleep(float(response.headers.get(b"retry-after", b"1")))
