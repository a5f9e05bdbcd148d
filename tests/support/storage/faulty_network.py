"""Processes of the application that reach one PostgreSQL database by ways of their own."""

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

#: No statement of a test takes so long, also on a busy machine.
TIMEOUT_S = 20.0
#: For a store that is to notice soon that its connection is silent.
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
    "before the writes": Point(Moment.BEFORE, "INSERT INTO lead"),
    "between the writes": Point(Moment.BEFORE, "INSERT INTO match_key"),
    "before the ledger": Point(Moment.BEFORE, "INSERT INTO ledger"),
    "writes sent": Point(Moment.SENT, "INSERT INTO ledger"),
    "writes done": Point(Moment.DONE, "INSERT INTO ledger"),
    "before COMMIT": Point(Moment.BEFORE, COMMIT),
    "COMMIT sent": Point(Moment.SENT, COMMIT),
    "COMMIT done": Point(Moment.DONE, COMMIT),
}
#: The same of a change of the field settings.
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
    """Let the others go on until something has come true."""
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
    """One database, and everything that is connected to it."""

    def __init__(self, database: PostgresqlDatabase) -> None:
        self.database = database
        self.clock = Clock()
        self.retries = Retries()
        self._open = AsyncExitStack()
        self._ways: list[Proxy] = []

    async def way(self) -> Proxy:
        """Build a way to the database."""
        server = conninfo_to_dict(self.database.address)
        host, port = str(server["host"]), int(server.get("port") or 5432)
        way = await self._open.enter_async_context(proxy_to(host, port))
        self._ways.append(way)
        return way

    def url(self, way: Proxy) -> str:
        """Return the database's URL by a way."""
        return make_conninfo(
            *(self.database.address,),
            host="127.0.0.1",
            port=way.port,
            sslmode="disable",
            gssencmode="disable",
            # The least that libpq takes for more than nothing.
            connect_timeout=2,
        )

    async def store(
        self, way: Proxy, *, timeout_s: float = TIMEOUT_S, retry_s: float = RETRY_S
    ) -> PostgresqlStore:
        """Open a store, as a process has one."""
        store = PostgresqlStore(
            *(self.url(way), self.clock),
            timeout_s=timeout_s,
            retry_s=retry_s,
            observer=self.retries,
        )
        await store.open()
        self._open.push_async_callback(store.close)
        return store

    async def account(
        self, way: Proxy, account_id: int | None = None, **options: float
    ) -> AccountStore:
        """Open a store, and return an account in it: the database's first one or another."""
        store = await self.store(way, **options)
        first = self.database.account.account_id
        return await AccountStore.of(store, account_id or first, self.database)

    async def more_accounts(self, count: int) -> list[int]:
        """Create further accounts."""
        store = await self.store(await self.way())
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
        # A test that has failed leaves nobody who waits for an answer.
        for way in self._ways:
            await way.refuse()
        await self._open.aclose()
