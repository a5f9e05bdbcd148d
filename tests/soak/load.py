"""The load of a soak: writes and reads of the API, acts, pages, and requests that are refused.

The requests are drawn at a bounded rate, each goes to a free connection, and what is not answered
because a process was killed is not sent again.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec
from tests.support.web.open_session import open_session

from onelead import app
from onelead.configuration import Configuration
from onelead.contract.access import NewAccount, WebSession
from onelead.domain.settings.change import Resource, SettingsWrite
from onelead.domain.writes import Action, Delivery
from onelead.prove.drive.acts import WITHOUT_LEAD
from onelead.prove.drive.clients import Clients
from onelead.prove.drive.http_connection import HttpConnection, Response
from onelead.prove.drive.people import DEFINITIONS, People
from onelead.prove.drive.processes import ServerProcess
from onelead.prove.drive.requests import Request
from onelead.prove.operations import read_lead_body
from onelead.web.frame.sessions import token_hash

CONNECTIONS = 40
TIMEOUT_S = 30.0
PEOPLE = 200
_RECONNECT_S = 0.1
_TOKEN = "soak-" + "0" * 38
#: The shares of pages and of requests that are refused; the rest are calls of the API.
_PAGES, _BAD = 0.08, 0.08
PAGES = (
    *("/", "/leads", "/leads?q=nora", "/leads/new", "/queue", "/deliveries", "/try"),
    *("/profile", "/settings/users", "/settings/matching", "/nowhere"),
)
_HOST = b"Host: soak\r\n"
BAD = (
    b"GET /developer_api/v1/leads/1 HTTP/1.1\r\n" + _HOST + b"X-PW-AccessToken: no\r\n\r\n",
    b"GET /developer_api/v1/nothing HTTP/1.1\r\n" + _HOST + b"\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"NONSENSE\r\n\r\n",
    b"CONNECT soak:443 HTTP/1.1\r\n" + _HOST + b"\r\n",
    b"GET / HTTP/1.1\r\n" + _HOST + b"X-Long: " + b"x" * 70_000 + b"\r\n\r\n",
    b"PUT /developer_api/v1/leads/upsert HTTP/1.1\r\n" + _HOST + b"Content-Length: 9\r\n\r\nhalf",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"POST /login HTTP/1.1\r\n" + _HOST + b"Content-Length: 3\r\n\r\na=b",
)
_BAD_CALLS = (b"{", b"[]", b'{"properties": 7}', b'{"match": {"field_name": "moon"}}', b"\xff")
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass(frozen=True)
class Account:
    """The account that the load is about."""

    made: NewAccount
    definition_ids: tuple[int, ...]


async def prepared(configuration: Configuration) -> Account:
    """Make the database, an account with definitions, and a session of its admin."""
    now = int(time.time())
    async with app.open_store(configuration, serving=False) as store:
        made = await store.create_account("Soak", "soak@example.com")
        for definition in DEFINITIONS:
            body = {**definition, "available_on": ["lead"], "is_filterable": True}
            delivery = Delivery("", made.user_id, None, msgspec.json.encode(body).decode())
            resource = Resource.CUSTOM_FIELD_DEFINITION
            write = SettingsWrite(resource, Action.CREATE, delivery, None, body)
            await store.change_settings(made.account_id, write)
        session = WebSession(made.account_id, made.user_id, now, now, address="", user_agent="")
        await open_session(store, token_hash(_TOKEN), session)
        settings = await store.settings(made.account_id)
    return Account(made, tuple(one.id for one in settings.fields))


@dataclass
class Load:
    """What was asked, and how it was answered."""

    account: Account
    rate: float
    chance: random.Random
    statuses: Counter[int] = field(default_factory=Counter)
    #: Failures of the server; at most a few are kept.
    unexpected: list[str] = field(default_factory=list)
    broken: int = 0
    #: Requests for which no connection was free.
    left_out: int = 0

    def __post_init__(self) -> None:
        self._people = People(self.chance, PEOPLE, self.account.definition_ids)
        self._clients = Clients((), self._people, self.account.made)
        self._free: asyncio.Queue[_Connection] = asyncio.Queue()

    def summary(self) -> str:
        """Say what happened, in one line."""
        counts = ", ".join(f"{number} {status}" for status, number in sorted(self.statuses.items()))
        return f"answers: {counts}; {self.broken} broken, {self.left_out} left out"

    async def run(self, server: ServerProcess, ends: float) -> None:
        """Send requests at the rate until the end."""
        for _ in range(CONNECTIONS):
            self._free.put_nowait(_Connection(server))
        asked: set[asyncio.Task[None]] = set()
        while time.monotonic() < ends:
            await asyncio.sleep(self.chance.expovariate(self.rate))
            if self._free.empty():
                self.left_out += 1
                continue
            task = asyncio.create_task(self._ask(self._free.get_nowait()))
            asked.add(task)
            task.add_done_callback(asked.discard)
        if asked:
            await asyncio.wait(asked)
        while not self._free.empty():
            self._free.get_nowait().close()

    async def _ask(self, connection: _Connection) -> None:
        place = self.chance.random()
        request = None
        if place < _PAGES:
            raw = self._page()
        elif place < _PAGES + _BAD:
            raw = self._bad()
        else:
            request = self._people.draw()
            raw = self._clients.head(request)
        try:
            response = await connection.send(raw)
        except (ConnectionError, OSError):
            self.broken += 1
        else:
            self._note(request, raw, response)
        finally:
            self._free.put_nowait(connection)

    def _page(self) -> bytes:
        path = self.chance.choice(PAGES)
        cookie = f"Cookie: onelead_session={_TOKEN}"
        return f"GET {path} HTTP/1.1\r\nHost: soak\r\n{cookie}\r\n\r\n".encode()

    def _bad(self) -> bytes:
        if self.chance.random() < 0.5:
            return self.chance.choice(BAD)
        body = self.chance.choice(_BAD_CALLS)
        request = Request(0, "bad", "PUT", "/leads/upsert", body, ())
        return self._clients.head(request)

    def _note(self, request: Request | None, raw: bytes, response: Response) -> None:
        self.statuses[response.status] += 1
        is_failure = response.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        is_unexpected = is_failure and response.status != HTTPStatus.SERVICE_UNAVAILABLE
        if is_unexpected and len(self.unexpected) < 10:
            self.unexpected.append(f"{raw[:60]!r} was answered with {response.status}")
        if request is not None and not request.reads and response.status == HTTPStatus.OK:
            self._learn(request, response)

    def _learn(self, request: Request, response: Response) -> None:
        people = self._people
        if not request.is_bulk and (row := response.headers.get(b"ledger-row")):
            people.acts.learn(request, int(row), is_refused=False)
        if request.kind in WITHOUT_LEAD or request.is_bulk:
            return
        lead_id = read_lead_body(response.body).id
        if lead_id is not None:
            people.learn(request, lead_id)


class _Connection:
    """One connection, opened when it is needed."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server
        self._open: HttpConnection | None = None

    async def send(self, raw: bytes) -> Response:
        """Send a request. Raises OSError, ConnectionError."""
        if self._open is None or not self._open.is_open:
            await asyncio.sleep(_RECONNECT_S)
            self._open = await HttpConnection.open(*await self._server.address())
        return await self._open.send(raw, TIMEOUT_S)

    def close(self) -> None:
        """Close it."""
        with contextlib.suppress(ConnectionError):
            if self._open is not None:
                self._open.close()
