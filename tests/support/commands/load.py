"""Clients that keep upserting new people into a server process until it ends."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from tests.support.commands.process import DEADLINE_S

_CLIENTS = 20
#: More than are sent in all the time that a server has to stop.
_LEADS_MAX = 500_000


@dataclass
class Load:
    """What was sent and answered."""

    credentials: dict[str, str]
    #: The lead of each answer with status 200, by e-mail.
    answered: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: The number of other answers, by status.
    refused: Counter[int] = field(default_factory=Counter)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _progress: asyncio.Condition = field(default_factory=asyncio.Condition)

    @asynccontextmanager
    async def on(self, base_url: str) -> AsyncIterator[None]:
        """Send while the block runs; every client stops when its connection fails."""
        limits = httpx.Limits(max_connections=_CLIENTS, max_keepalive_connections=_CLIENTS)
        async with (
            httpx.AsyncClient(
                base_url=base_url, headers=self.credentials, limits=limits, timeout=DEADLINE_S
            ) as client,
            asyncio.TaskGroup() as clients,
        ):
            for _ in range(_CLIENTS):
                clients.create_task(self._send(client))
            yield

    async def reach(self, answers: int) -> None:
        """Wait until this many leads are answered."""
        async with asyncio.timeout(DEADLINE_S), self._progress:
            await self._progress.wait_for(lambda: len(self.answered) >= answers)

    async def _send(self, client: httpx.AsyncClient) -> None:
        for number in self._numbers:
            assert number < _LEADS_MAX, "the server was to go away"
            email = f"person-{number}@load.example"
            body = {
                "properties": {"name": f"Person {number}", "email": {"email": email}},
                "match": {"field_name": "email", "field_value": email},
            }
            try:
                response = await client.put("/leads/upsert", json=body)
            except httpx.TransportError:
                return
            if response.status_code == httpx.codes.OK:
                self.answered[email] = response.json()
            else:
                self.refused[response.status_code] += 1
            async with self._progress:
                self._progress.notify_all()


def stored_emails(database: Path) -> list[str]:
    """Return the e-mails of all leads of a database that is not being served, sorted."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT email_key FROM lead ORDER BY email_key")
        return [email for (email,) in rows]
