"""What the writer reports to its observer, and what log lines say about a batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
import structlog
from structlog.contextvars import bound_contextvars, get_contextvars
from tests.support.domain.builders import a_settings
from tests.support.domain.lead_writes import create
from tests.support.domain.payloads import with_payload
from tests.support.process.fakes import MemoryStore, settle

from onelead.contract.leads import Batch, BatchReceipt
from onelead.domain.errors import OneleadError, ServiceStopping, StoreUnavailable, WriteQueueFull
from onelead.domain.limits import QUEUE_READY_BYTES_MAX
from onelead.domain.writes import LeadWrite, WriteResult
from onelead.process.writer import BatchingWriter, WriterObserver


@dataclass
class Seconds:
    """A clock that a test moves."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Recorder(WriterObserver):
    """An observer that records its calls."""

    committed: list[tuple[int, float]] = field(default_factory=list)
    failed: list[float] = field(default_factory=list)
    away: list[tuple[int, str]] = field(default_factory=list)

    def batch_committed(self, results: Sequence[WriteResult], seconds: float) -> None:
        self.committed.append((len(results), seconds))

    def batch_failed(self, seconds: float) -> None:
        self.failed.append(seconds)

    def turned_away(self, writes: int, error: OneleadError) -> None:
        self.away.append((writes, error.code))


class LoggingStore(MemoryStore):
    """A store that records what log lines would say about each batch."""

    def __init__(self) -> None:
        super().__init__(a_settings(account_id=1))
        self.contexts: list[dict[str, object]] = []

    async def write_leads(self, batch: Batch) -> BatchReceipt:
        self.contexts.append(get_contextvars())
        return await super().write_leads(batch)


def people(count: int) -> list[LeadWrite]:
    return [create(name=f"Nora Field {number}") for number in range(count)]


async def test_a_committed_batch_is_reported_with_its_duration() -> None:
    store, observer, clock = MemoryStore(a_settings(account_id=1)), Recorder(), Seconds()
    writer = BatchingWriter(store, observer=observer, monotonic=clock)
    store.hold()
    tasks = [asyncio.create_task(writer.write_many(1, people(3)))]
    await settle()
    clock.now += 2.5
    store.let_all_pass()
    await asyncio.gather(*tasks)
    assert observer.committed == [(3, 2.5)]
    assert (observer.failed, observer.away) == ([], [])


async def test_a_failed_transaction_is_reported_with_its_duration() -> None:
    store, observer, clock = MemoryStore(a_settings(account_id=1)), Recorder(), Seconds()
    writer = BatchingWriter(store, observer=observer, monotonic=clock)
    store.failures.append(StoreUnavailable())
    store.hold()
    task = asyncio.create_task(writer.write(1, create(name="Nora Field")))
    await settle()
    clock.now += 20
    store.let_all_pass()
    with pytest.raises(StoreUnavailable):
        await task
    assert (observer.committed, observer.failed) == ([], [20])


async def test_writes_that_are_not_accepted_are_reported_with_the_reason() -> None:
    store, observer = MemoryStore(a_settings(account_id=1)), Recorder()
    writer = BatchingWriter(store, queue_writes_max=2, observer=observer)
    with pytest.raises(WriteQueueFull):
        await writer.write_many(1, people(3))
    await writer.drain()
    with pytest.raises(ServiceStopping):
        await writer.write(1, create(name="Nora Field"))
    assert observer.away == [(3, "write_queue_full"), (1, "service_stopping")]


async def test_the_high_water_mark_counts_bytes_too() -> None:
    store = MemoryStore(a_settings(account_id=1))
    writer = BatchingWriter(store)
    store.hold()
    half = with_payload(create(name="Nora Field"), QUEUE_READY_BYTES_MAX // 2)
    tasks = []
    seen = [(writer.waiting_bytes, writer.is_below_high_water)]
    for _ in range(2):
        tasks.append(asyncio.create_task(writer.write(1, half)))
        await settle()
        seen.append((writer.waiting_bytes, writer.is_below_high_water))
    store.let_all_pass()
    await asyncio.gather(*tasks)
    seen.append((writer.waiting_bytes, writer.is_below_high_water))
    size = QUEUE_READY_BYTES_MAX
    assert seen == [(0, True), (size // 2, True), (size, False), (0, True)]


async def test_the_log_names_the_batch_and_not_the_first_request() -> None:
    structlog.contextvars.clear_contextvars()
    store = LoggingStore()
    writer = BatchingWriter(store)
    first, *others = (create(name=f"Nora Field {number}") for number in range(4))
    with bound_contextvars(request_id="somebody else's", caller="unknown"):
        tasks = [asyncio.create_task(writer.write(1, first))]
        await asyncio.sleep(0)
        tasks += [asyncio.create_task(writer.write(1, write)) for write in others]
        await asyncio.gather(*tasks)
    assert store.contexts == [
        {"account_id": 1, "request_id": first.delivery.request_id, "batch_writes": 1},
        {"account_id": 1, "request_id": others[0].delivery.request_id, "batch_writes": 3},
    ]
