"""A database behind a network that fails, and the application on both sides of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import PostgresqlDatabase
from tests.support.storage.faulty_network import Network
from tests.support.storage.postgresql_proxy import Proxy


@pytest.fixture
def database(tmp_path: Path) -> Iterator[PostgresqlDatabase]:
    """A fresh database with one account."""
    made = PostgresqlDatabase(tmp_path)
    yield made
    made.close()


@pytest.fixture
async def network(database: PostgresqlDatabase) -> AsyncIterator[Network]:
    """Proxies of the database, and processes that use them."""
    async with Network(database) as made:
        yield made


@pytest.fixture
async def proxy(network: Network) -> Proxy:
    """The proxy between the application and the database."""
    return await network.proxy()


@pytest.fixture
async def account(network: Network, proxy: Proxy) -> AccountStore:
    """The account of the database, behind the proxy."""
    return await network.account(proxy)


@pytest.fixture
async def elsewhere(network: Network) -> AccountStore:
    """The same account in another process, whose proxy never fails."""
    return await network.account(await network.proxy())
