"""Clients that keep upserting new people into a server process until it ends."""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support.commands.process import DEADLINE_S

from onelead.incoming.api_calls import BASE_PATH
from onelead.prove.drive.http_connection import HttpConnection

_CLIENTS = 20
#: More than are sent in all the time that a server has to stop.
_LEADS_MAX = 500_000


@dataclass
class Load:
    """What was sent and answered."""

    credentials: dict[str, str]
    #: What a client waits after an answer. Without it, they send as fast as the server answers.
    pause_s: float = 0
    #: The lead of each answer with status 200, by e-mail.
    answered: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: The number of other answers, by status.
    refused: Counter[int] = field(default_factory=Counter)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _progress: asyncio.Condition = field(default_factory=asyncio.Condition)

    @asynccontextmanager
    async def on(self, base_url: str) -> AsyncIterator[None]:
        """Send while the block runs; every client stops when its connection fails."""
        async with asyncio.TaskGroup() as clients:
            for _ in range(_CLIENTS):
                clients.create_task(self._send(await connected(base_url)))
            yield

    async def reach(self, answers: int) -> None:
        """Wait until this many leads are answered."""
        async with asyncio.timeout(DEADLINE_S), self._progress:
            await self._progress.wait_for(lambda: len(self.answered) >= answers)

    async def _send(self, connection: HttpConnection) -> None:
        for number in self._numbers:
            assert number < _LEADS_MAX, "the server was to go away"
            email = f"person-{number}@load.example"
            body = {
                "properties": {"name": f"Person {number}", "email": {"email": email}},
                "match": {"field_name": "email", "field_value": email},
            }
            try:
                response = await connection.send(upsert(self.credentials, body), DEADLINE_S)
            except ConnectionError:
                return
            if response.status == HTTPStatus.OK:
                self.answered[email] = json.loads(response.body)
            else:
                self.refused[response.status] += 1
            async with self._progress:
                self._progress.notify_all()
            await asyncio.sleep(self.pause_s)


async def connected(base_url: str) -> HttpConnection:
    """Connect to a server, as cheaply as hundreds of clients have to. Raises OSError."""
    address = urlsplit(base_url)
    assert address.hostname is not None
    return await HttpConnection.open(address.hostname, address.port or 80)


def upsert(credentials: dict[str, str], body: dict[str, Any]) -> bytes:
    """Return the bytes of an upsert."""
    content = json.dumps(body).encode()
    lines = (
        *(f"PUT {BASE_PATH}/leads/upsert HTTP/1.1", "host: 127.0.0.1"),
        *(f"{name}: {value}" for name, value in credentials.items()),
        *("content-type: application/json", f"content-length: {len(content)}", "\r\n"),
    )
    return "\r\n".join(lines).encode() + content


def stored_emails(database: Path) -> list[str]:
    """Return the e-mails of all leads of a database that is not being served, sorted."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT email_key FROM lead ORDER BY email_key")
        return [email for (email,) in rows]
