"""PostgreSQL's settings for sessions that the store has to live with."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from tests.support.commands.process import wait_until
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import PostgresqlDatabase

_OTHERS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


@pytest.fixture
def database() -> Iterator[PostgresqlDatabase]:
    """A fresh database that soon ends idle sessions, except the test's own.

    Not so soon that a session ends while a busy machine lets its process wait.
    """
    fresh = PostgresqlDatabase()
    fresh.connect()
    fresh.execute(f"ALTER DATABASE {fresh.name} SET idle_session_timeout = '250ms'")
    yield fresh
    fresh.close()


async def test_a_session_that_is_ended_because_it_was_idle_costs_no_request(
    database: PostgresqlDatabase, clock: Clock
) -> None:
    async def until_all_are_ended() -> None:
        await asyncio.to_thread(wait_until, lambda: not database.rows(_OTHERS))

    store = await database.open(clock)
    try:
        account = await AccountStore.of(store, database.account.account_id, database)
        await until_all_are_ended()
        lead = await account.created(name="Nora Field")
        await until_all_are_ended()
        assert await account.leads() == [lead]
        await until_all_are_ended()
        assert (await account.field()).name == "Customer number"
        await until_all_are_ended()
        assert await store.is_ready()
    finally:
        await store.close()
