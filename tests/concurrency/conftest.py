"""The database that the processes of a test share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import ENGINES, Database


@pytest.fixture(params=list(ENGINES))
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A fresh database of each engine in turn, with one account."""
    fresh = ENGINES[request.param](tmp_path)
    yield fresh
    fresh.close()


@pytest.fixture
async def account(database: Database) -> AsyncIterator[AccountStore]:
    """The account of the database, in the process of the test."""
    store = await database.open(Clock())
    yield await AccountStore.of(store, database.account.account_id, database)
    await store.close()
