"""A long outage of the database: clear refusals in bounded time, then all works again."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from tests.support.api.service import client_of
from tests.support.domain.lead_writes import create
from tests.support.storage.faulty_network import IMPATIENT_S, Network
from tests.support.storage.postgresql_proxy import Proxy

from onelead.domain.errors import StoreUnavailable
from onelead.process.metrics import Metrics
from onelead.process.runtime import Runtime
from onelead.process.writer import BatchingWriter

pytestmark = pytest.mark.slow

RETRY_S = 0.3
READY_URL = "http://onelead.test/readyz"
#: No caller waits longer: for the connection, the silence until it is noticed, and the retries,
#: which take some seconds, and as long again on a machine that stands still.
BOUND_S = 30
UPSERT = {
    "properties": {"name": "Nora Field"},
    "match": {"field_name": "email", "field_value": "nora@field.example"},
}


@pytest.fixture
async def runtime(network: Network, proxy: Proxy) -> AsyncIterator[Runtime]:
    """A service behind the proxy."""
    store = await network.store(proxy, timeout_s=IMPATIENT_S, retry_s=RETRY_S)
    metrics = Metrics()
    numbers = itertools.count(1)
    writer = BatchingWriter(store, observer=metrics)
    yield Runtime(
        store=store,
        writer=writer,
        clock=network.clock,
        monotonic=network.clock.monotonic,
        new_request_id=lambda: f"request-{next(numbers)}",
        metrics=metrics,
    )
    await writer.drain()


@pytest.fixture
async def client(runtime: Runtime, network: Network) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(runtime, network.database.account) as client:
        yield client


async def answered(call: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Ask until it is not refused: on a busy machine a working database may be too slow."""
    async with asyncio.timeout(BOUND_S):
        while (answer := await call()).status_code == 503:
            pass
    assert answer.status_code == 200
    return answer


async def assert_unavailable(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(BOUND_S):
        answers = await asyncio.gather(
            client.put("/leads/upsert", json=UPSERT),
            client.get("/leads/7"),
            client.post("/leads/search", json={}),
            client.get("/account"),
            client.post("/custom_field_definitions", json={"name": "A", "data_type": "String"}),
        )
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.headers["Retry-After"] for answer in answers} == {"1"}
    # test_readiness.py shows without a clock how soon this is reported.
    async with asyncio.timeout(BOUND_S):
        assert (await client.get(READY_URL)).status_code == 503


@pytest.mark.parametrize("is_silent", [False, True])
async def test_a_service_says_so_while_its_database_is_away_and_goes_on_afterwards(
    client: httpx.AsyncClient, runtime: Runtime, proxy: Proxy, *, is_silent: bool
) -> None:
    def upsert() -> Awaitable[httpx.Response]:
        return client.put("/leads/upsert", json=UPSERT)

    def is_ready() -> Awaitable[httpx.Response]:
        return client.get(READY_URL)

    lead = (await answered(upsert)).json()
    for _ in range(1 if is_silent else 3):
        await answered(is_ready)
        if is_silent:
            proxy.is_silent = True
        else:
            await proxy.refuse()
        await assert_unavailable(client)
        if is_silent:
            proxy.is_silent = False
            await proxy.cut_all()
        else:
            await proxy.open()
        # Callers that wait for the pool find out soon, as the first answers show.
        await answered(is_ready)
        assert (await answered(upsert)).headers["Lead-Outcome"] == "unchanged"
        assert (await answered(lambda: client.get(f"/leads/{lead['id']}"))).json() == lead
    assert runtime.store.pool_use().in_use == 0


async def test_many_writes_meet_the_outage_and_none_is_lost_or_doubled(
    network: Network, proxy: Proxy
) -> None:
    account = await network.account(proxy, retry_s=RETRY_S)
    writer = BatchingWriter(account.store, batch_writes_max=8)
    writes = [create(name=f"Nora Field {number}") for number in range(200)]
    async with asyncio.timeout(2 * BOUND_S):
        tasks = [asyncio.create_task(writer.write(account.account_id, one)) for one in writes]
        await asyncio.wait([tasks[20]])
        await proxy.refuse()
        await asyncio.wait([tasks[60]])
        await proxy.open()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    rows = {request_id: seq for seq, request_id in account.ledger("seq, request_id")}
    for write, answer in zip(writes, answers, strict=True):
        if isinstance(answer, BaseException):
            assert isinstance(answer, StoreUnavailable)
        else:
            assert rows[write.delivery.request_id] == answer.seq
    assert await account.unexplained() == []


async def test_a_pool_that_was_refused_many_times_has_lost_no_connection(
    network: Network, proxy: Proxy
) -> None:
    account = await network.account(proxy, retry_s=0.05)
    settings = await account.settings()
    await proxy.refuse()
    store, account_id = account.store, account.account_id
    for _ in range(20):
        failed = await asyncio.gather(
            account.write(create(name="Nora Field"), settings=settings),
            store.lead(account_id, 7),
            store.settings(account_id),
            return_exceptions=True,
        )
        assert {type(one) for one in failed} == {StoreUnavailable}
    assert store.pool_use().in_use == 0
    await proxy.open()
    assert await store.is_ready()
    receipts = await asyncio.gather(
        *(account.write(create(name="Nora Field"), settings=settings) for _ in range(30))
    )
    assert sorted(receipt.first_seq for receipt in receipts) == list(range(1, 31))
    assert store.pool_use().in_use == 0
