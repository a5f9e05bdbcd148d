"""The store that a contract test takes: every engine keeps the same promises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import ENGINES, Database

from onelead.contract.store import Store


@pytest.fixture(params=list(ENGINES))
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A fresh database of each engine in turn, with one account."""
    fresh = ENGINES[request.param](tmp_path)
    yield fresh
    fresh.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(database: Database, clock: Clock) -> AsyncIterator[Store]:
    """A store on the database."""
    opened = await database.open(clock)
    yield opened
    await opened.close()


@pytest.fixture
async def other_store(database: Database, clock: Clock) -> AsyncIterator[Store]:
    """A second store on the same database, as in another process."""
    opened = await database.open(clock)
    yield opened
    await opened.close()


@pytest.fixture
async def account(database: Database, store: Store) -> AccountStore:
    """The account of the database."""
    return await AccountStore.of(store, database.account.account_id, database)


@pytest.fixture
async def elsewhere(database: Database, other_store: Store) -> AccountStore:
    """The same account in the other process."""
    return await AccountStore.of(other_store, database.account.account_id, database)
