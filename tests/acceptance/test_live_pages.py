"""Pages that show deliveries as they arrive, on a server process that stops without delay."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from tests.support.commands.process import DEADLINE_S, Server, serving
from tests.support.web.open_session import open_session

from onelead.contract.access import WebSession
from onelead.domain.limits import LIVE_HEARTBEAT_S
from onelead.storage.sqlite.store import SqliteStore
from onelead.web.frame.sessions import token_hash

pytestmark = pytest.mark.slow

STREAMS = 5
TOKEN = "a token of a test"


def sign_in(database: Path) -> None:
    """Give the first user a session."""

    async def create() -> None:
        now = int(time.time())
        store = SqliteStore(database, lambda: now)
        session = WebSession(1, user_id, now, now, "127.0.0.1", "test")
        await open_session(store, token_hash(TOKEN), session)
        await store.close()

    with closing(sqlite3.connect(database)) as connection:
        ((user_id,),) = connection.execute('SELECT id FROM "user"').fetchall()
    asyncio.run(create())


def test_a_delivery_appears_and_a_stop_ends_the_streams_at_once(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        sign_in(tmp_path / "data" / "onelead.db")
        asyncio.run(_watch_and_stop(server))
        assert server.process.wait(DEADLINE_S) == 0
    assert "clients are cut off" not in server.log
    assert "Traceback" not in server.log


async def _counted(client: httpx.AsyncClient, url: str) -> None:
    """Wait until the delivery is in the figures, which follow with a short delay."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            if ", with 1." in (await client.get(url)).text:
                return
            await asyncio.sleep(0.1)


async def _watch_and_stop(server: Server) -> None:
    url = f"http://127.0.0.1:{server.port}"
    async with httpx.AsyncClient(timeout=DEADLINE_S, cookies={"onelead_session": TOKEN}) as client:
        seen = [asyncio.Event() for _ in range(STREAMS)]

        async def watch(arrived: asyncio.Event) -> None:
            async with client.stream("GET", f"{url}/overview/live") as answer:
                assert answer.status_code == 200
                async for line in answer.aiter_lines():
                    if line == "id: 1":
                        arrived.set()

        streams = [asyncio.create_task(watch(arrived)) for arrived in seen]
        (await client.send(server.printed_request())).raise_for_status()
        await asyncio.wait_for(asyncio.gather(*(arrived.wait() for arrived in seen)), DEADLINE_S)
        await _counted(client, url)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        # Each ends like a complete answer, not like a lost connection.
        await asyncio.wait_for(asyncio.gather(*streams), DEADLINE_S)
        server.process.wait(DEADLINE_S)
        # Otherwise a stream notices a stop only with its next sign of life.
        assert time.monotonic() - began < LIVE_HEARTBEAT_S - 3
