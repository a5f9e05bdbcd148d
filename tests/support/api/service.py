"""A running service for tests: a fresh database, the real store and writer, and an API client."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher
from tests.support.api.documented_answers import require_documented
from tests.support.process.clock import Clock
from tests.support.storage.databases import ENGINES, Database

from onelead.api.application import Api
from onelead.contract.access import NewAccount
from onelead.contract.store import Store
from onelead.domain.account import Role
from onelead.process.metrics import Metrics
from onelead.process.password_hashes import PasswordHashes
from onelead.process.runtime import Runtime
from onelead.process.writer import BatchingWriter

BASE_URL = "http://onelead.test/developer_api/v1"
#: Tests have no real passwords to protect.
QUICK_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass
class Service:
    """One account's view of a service."""

    client: httpx.AsyncClient
    account: NewAccount
    store: Store
    writer: BatchingWriter
    clock: Clock
    runtime: Runtime

    async def lead(self, **properties: Any) -> dict[str, Any]:
        """Create a lead and return it as answered."""
        response = await self.client.post("/leads", json={"name": "Nora Field"} | properties)
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def field(self, **definition: Any) -> dict[str, Any]:
        """Create a definition on leads, included in filters, and return it as answered."""
        body = {
            "name": "Customer number",
            "data_type": "String",
            "available_on": ["lead"],
            "is_filterable": True,
        }
        if definition.get("data_type") in ("Dropdown", "MultiSelect"):
            body["options"] = [{"name": "Silver"}, {"name": "Gold"}]
        response = await self.client.post("/custom_field_definitions", json=body | definition)
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def upsert(
        self, properties: dict[str, Any], field_name: str, field_value: Any
    ) -> httpx.Response:
        """Send an upsert."""
        match = {"field_name": field_name, "field_value": field_value}
        body = {"properties": properties, "match": match}
        return await self.client.put("/leads/upsert", json=body)

    async def member(self) -> httpx.AsyncClient:
        """Create a member of the account, and return the member's client."""
        account_id, email = self.account.account_id, "mia@shop.example"
        user = await self.store.create_user(account_id, email, "Mia Roe", Role.MEMBER)
        _key, secret = await self.store.create_api_key(account_id, email, "test")
        return client_of(self.runtime, NewAccount(account_id, user.id, email, secret))

    async def other_account(self) -> httpx.AsyncClient:
        """Create another account in the same database and return its client."""
        account = await self.store.create_account("Other Ltd", "omar@other.example")
        return client_of(self.runtime, account)


def credentials_of(account: NewAccount) -> dict[str, str]:
    """Return the three headers of the account's first admin."""
    return {
        "X-PW-AccessToken": account.api_key,
        "X-PW-Application": "developer_api",
        "X-PW-UserEmail": account.email,
    }


def client_of(runtime: Runtime, account: NewAccount) -> httpx.AsyncClient:
    """Return a client with the account's credentials, which checks answers against the document."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(Api(runtime), raise_app_exceptions=True),
        base_url=BASE_URL,
        headers=credentials_of(account),
        event_hooks={"response": [require_documented]},
    )


@asynccontextmanager
async def a_service(folder: Path, engine: str = "sqlite") -> AsyncIterator[Service]:
    """Run a service on a fresh database of the engine; the folder says where to find it."""
    clock = Clock()
    database = ENGINES[engine](folder)
    _databases[folder] = database
    store, account = await database.open(clock), database.account
    metrics = Metrics()
    writer = BatchingWriter(store, observer=metrics)
    numbers = itertools.count(1)
    runtime = Runtime(
        store=store,
        writer=writer,
        clock=clock,
        monotonic=clock.monotonic,
        new_request_id=lambda: f"request-{next(numbers)}",
        metrics=metrics,
        passwords=PasswordHashes(QUICK_HASHER),
    )
    try:
        async with client_of(runtime, account) as client:
            yield Service(client, account, store, writer, clock, runtime)
    finally:
        await runtime.scans.stop()
        await writer.drain()
        await store.close()
        database.close()
        del _databases[folder]


#: By the folder of the test.
_databases: dict[Path, Database] = {}


def database_in(folder: Path) -> Database:
    """Return the database of the service that runs on the folder."""
    return _databases[folder]
