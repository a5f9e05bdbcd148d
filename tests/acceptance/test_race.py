"""200 connections deliver 50 people 40 times each: 50 leads, and every answer is a 200."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.commands.load import connected, stored_emails, upsert
from tests.support.commands.process import DEADLINE_S, Server, credentials_of, run_json, serving

from onelead.prove.drive.http_connection import HttpConnection, Response

pytestmark = pytest.mark.slow

CONNECTIONS = 200
PEOPLE = 50
DELIVERIES_EACH = 40
SEED = 4711
#: A killed server is back well within this time.
RETRY_AFTER_S = 0.05
#: For all 2,000 deliveries, also on a busy machine.
RACE_S = 120.0


@dataclass
class Race:
    """The deliveries that are still to be made, and the answers."""

    deliveries: list[dict[str, Any]]
    #: By e-mail, the answer with the highest version, as (version, lead).
    last: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)

    async def run(self, base_url: str, credentials: dict[str, str]) -> None:
        async with asyncio.TaskGroup() as clients:
            for _ in range(CONNECTIONS):
                clients.create_task(self._deliver(base_url, credentials))

    async def _deliver(self, base_url: str, credentials: dict[str, str]) -> None:
        connection: HttpConnection | None = None
        while self.deliveries:
            body = self.deliveries.pop()
            request = upsert(credentials, body)
            response = None
            while response is None:
                try:
                    connection = connection or await connected(base_url)
                    response = await connection.send(request, DEADLINE_S)
                except OSError:
                    # The server was killed; a client without an answer sends again.
                    connection = None
                    await asyncio.sleep(RETRY_AFTER_S)
            self._note(body, response)

    def _note(self, body: dict[str, Any], response: Response) -> None:
        self.statuses[response.status] += 1
        self.outcomes[response.headers[b"lead-outcome"].decode()] += 1
        version = int(response.headers[b"etag"].strip(b'"'))
        email = body["match"]["field_value"].lower()
        if version >= self.last.get(email, (0, {}))[0]:
            self.last[email] = version, json.loads(response.body)


def deliveries() -> Iterable[dict[str, Any]]:
    """Yield every delivery of every person; each brings a different title."""
    for person in range(PEOPLE):
        for number in range(DELIVERIES_EACH):
            email = f"person-{person}@race.example"
            properties = {"name": f"Person {person}", "title": f"Title {number}"}
            # Sources spell the same e-mail differently.
            value = email.upper() if number % 2 else email
            match = {"field_name": "email", "field_value": value}
            yield {"properties": properties, "match": match}


def a_race() -> Race:
    shuffled = list(deliveries())
    random.Random(SEED).shuffle(shuffled)
    return Race(shuffled)


async def stored_leads(server: Server, credentials: dict[str, str]) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(
        base_url=server.base_url, headers=credentials, timeout=DEADLINE_S
    ) as client:
        response = await client.post("/leads/search", json={"page_size": 200})
        assert response.headers["X-PW-TOTAL"] == str(len(response.json()))
        return list(response.json())


def assert_won(race: Race, leads: list[dict[str, Any]]) -> None:
    """The lead of each person, as it was last answered."""
    assert dict(race.statuses) == {200: PEOPLE * DELIVERIES_EACH}
    assert sorted(race.last) == sorted(f"person-{person}@race.example" for person in range(PEOPLE))
    by_id = {lead["id"]: lead for lead in leads}
    assert len(leads) == len(by_id) == PEOPLE
    for _version, lead in race.last.values():
        assert by_id[lead["id"]] == lead


async def test_50_people_40_times_over_200_connections_are_50_leads(tmp_path: Path) -> None:
    made = run_json(tmp_path, "init", "--account", "Shop", "--email", "dana@shop.example")
    race = a_race()
    with serving(tmp_path) as server:
        await race.run(server.base_url, credentials_of(made))
        assert_won(race, await stored_leads(server, credentials_of(made)))
        assert server.stop() == 0
    assert race.outcomes["created"] == PEOPLE
    assert set(race.outcomes) <= {"created", "updated", "unchanged"}


@pytest.mark.disk
async def test_they_are_50_leads_even_if_the_server_is_killed_and_comes_back(
    tmp_path: Path,
) -> None:
    made = run_json(tmp_path, "init", "--account", "Shop", "--email", "dana@shop.example")
    race = a_race()
    all_of_them = len(race.deliveries)
    with serving(tmp_path) as server:
        port, base_url = server.port, server.base_url
        running = asyncio.create_task(race.run(base_url, credentials_of(made)))
        await until_left(race, running, all_of_them * 3 // 4)
        server.process.kill()
    with serving(tmp_path, port=port) as server:
        await until_left(race, running, all_of_them // 3)
        server.process.kill()
    with serving(tmp_path, port=port) as server:
        async with asyncio.timeout(RACE_S):
            await running
        assert_won(race, await stored_leads(server, credentials_of(made)))
        assert server.stop() == 0
    stored = stored_emails(tmp_path / "data" / "onelead.db")
    assert len(stored) == len(set(stored)) == PEOPLE


async def until_left(race: Race, running: asyncio.Task[None], number: int) -> None:
    """Wait until only this many deliveries are left."""
    async with asyncio.timeout(RACE_S):
        while len(race.deliveries) > number:
            assert not running.done()
            await asyncio.sleep(0.001)
