"""Processes of the application that reach one PostgreSQL database, each through its own proxy."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import PostgresqlDatabase
from tests.support.storage.postgresql_proxy import Moment, Point, Proxy, proxy_to

from onelead.contract.store import StoreObserver
from onelead.storage.postgresql.store import PostgresqlStore

#: No statement of a test takes this long, even on a busy machine.
TIMEOUT_S = 20.0
#: For a store that should soon notice that its connection is silent.
IMPATIENT_S = 1.0
RETRY_S = 20.0

LANE = "UPDATE lane SET ledger_seq"
_READS = "SELECT wanted.number"
COMMIT = "COMMIT"

#: Every moment of a batch's transaction that differs from the others, from its first to its last.
BATCH_POINTS = {
    "before BEGIN": Point(Moment.BEFORE, "BEGIN"),
    "before the lane": Point(Moment.BEFORE, LANE),
    "between the lane and the reads": Point(Moment.BEFORE, _READS),
    "lane and reads sent": Point(Moment.SENT, LANE),
    "lane and reads done": Point(Moment.DONE, _READS),
    "before the writes": Point(Moment.BEFORE, "INSERT INTO lead "),
    "between the writes": Point(Moment.BEFORE, "INSERT INTO match_key"),
    "before the ledger": Point(Moment.BEFORE, "INSERT INTO ledger "),
    "before COMMIT": Point(Moment.BEFORE, COMMIT),
    # The writes go with it.
    "COMMIT sent": Point(Moment.SENT, COMMIT),
    "COMMIT done": Point(Moment.DONE, COMMIT),
}
#: The same for a change of the field settings.
SETTINGS_POINTS = {
    "before BEGIN": Point(Moment.BEFORE, "BEGIN"),
    "before the lane": Point(Moment.BEFORE, LANE),
    "lane done": Point(Moment.DONE, LANE),
    "before the ledger": Point(Moment.BEFORE, "INSERT INTO ledger"),
    "writes done": Point(Moment.DONE, "INSERT INTO ledger"),
    "before COMMIT": Point(Moment.BEFORE, COMMIT),
    "COMMIT sent": Point(Moment.SENT, COMMIT),
    "COMMIT done": Point(Moment.DONE, COMMIT),
}


async def until(condition: Callable[[], bool]) -> None:
    """Let other tasks run until a condition is true."""
    async with asyncio.timeout(RETRY_S):
        while True:
            if condition():
                return
            await asyncio.sleep(0)


class Retries(StoreObserver):
    """Counts why transactions were tried again."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()

    def transaction_retried(self, reason: str) -> None:
        self.reasons[reason] += 1


class Network:
    """One database, and everything connected to it."""

    def __init__(self, database: PostgresqlDatabase) -> None:
        self.database = database
        self.clock = Clock()
        self.retries = Retries()
        self._open = AsyncExitStack()
        self._proxies: list[Proxy] = []

    async def proxy(self) -> Proxy:
        """Open a proxy of the database."""
        server = conninfo_to_dict(self.database.address)
        host, port = str(server["host"]), int(server.get("port") or 5432)
        proxy = await self._open.enter_async_context(proxy_to(host, port))
        self._proxies.append(proxy)
        return proxy

    def url(self, proxy: Proxy) -> str:
        """Return the database's URL through a proxy."""
        return make_conninfo(
            *(self.database.address,),
            host="127.0.0.1",
            port=proxy.port,
            sslmode="disable",
            gssencmode="disable",
            # The least that libpq knows: it takes 1 for 2, and 0 for no limit.
            connect_timeout=2,
        )

    async def store(
        self, proxy: Proxy, *, timeout_s: float = TIMEOUT_S, retry_s: float = RETRY_S
    ) -> PostgresqlStore:
        """Open a store, as a process does."""
        store = PostgresqlStore(
            *(self.url(proxy), self.clock),
            timeout_s=timeout_s,
            retry_s=retry_s,
            observer=self.retries,
        )
        await store.open()
        self._open.push_async_callback(store.close)
        return store

    async def account(
        self, proxy: Proxy, account_id: int | None = None, **options: float
    ) -> AccountStore:
        """Open a store, and return an account in it: the database's first one or another."""
        store = await self.store(proxy, **options)
        first = self.database.account.account_id
        return await AccountStore.of(store, account_id or first, self.database)

    async def more_accounts(self, count: int) -> list[int]:
        """Create more accounts."""
        store = await self.store(await self.proxy())
        made = [await store.create_account("Shop Ltd", "dana@shop.example") for _ in range(count)]
        return [account.account_id for account in made]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # After a failed test, nothing may be left waiting for an answer.
        for proxy in self._proxies:
            await proxy.refuse()
        await self._open.aclose()
