"""The queue is bounded by count and bytes; writes that find no room are refused immediately."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.domain.builders import a_settings
from tests.support.domain.lead_writes import create
from tests.support.domain.payloads import with_payload
from tests.support.process.fakes import MemoryStore, at_once, settle

from onelead.domain.errors import WriteQueueFull
from onelead.domain.limits import RETRY_AFTER_S
from onelead.domain.writes import LeadWrite
from onelead.process.writer import BatchingWriter


@pytest.fixture
async def store() -> MemoryStore:
    return MemoryStore(a_settings(account_id=1), a_settings(account_id=2))


def people(count: int) -> list[LeadWrite]:
    return [create(name=f"Nora Field {number}") for number in range(count)]


async def test_a_write_that_finds_the_queue_full_is_refused_and_not_written(
    store: MemoryStore,
) -> None:
    writer = BatchingWriter(store, queue_writes_max=5)
    store.hold()
    tasks = [asyncio.create_task(writer.write(1, write)) for write in people(5)]
    await settle()
    assert writer.waiting_writes == 5
    with pytest.raises(WriteQueueFull) as refusal:
        await at_once(writer.write(1, create(name="Sam Roe")))
    assert refusal.value.retry_after_s == RETRY_AFTER_S
    store.let_all_pass()
    await asyncio.gather(*tasks)
    assert len(store.committed) == 5


async def test_writes_in_flight_count_until_they_are_answered(store: MemoryStore) -> None:
    writer = BatchingWriter(store, queue_writes_max=1)
    store.hold()
    first = asyncio.create_task(writer.write(1, create(name="Nora Field")))
    await settle()
    assert len(store.batches) == 1
    with pytest.raises(WriteQueueFull):
        await at_once(writer.write(1, create(name="Sam Roe")))
    store.release()
    await first
    store.let_all_pass()
    assert (await writer.write(1, create(name="Sam Roe"))).seq == 2


async def test_the_queue_is_full_for_all_accounts(store: MemoryStore) -> None:
    """The limit is for the memory of the process, which all accounts share."""
    writer = BatchingWriter(store, queue_writes_max=5)
    store.hold()
    task = asyncio.create_task(writer.write_many(1, people(5)))
    await settle()
    with pytest.raises(WriteQueueFull):
        await at_once(writer.write(2, create(name="Sam Roe")))
    store.let_all_pass()
    await task
    assert (await writer.write(2, create(name="Sam Roe"))).seq == 1


@pytest.mark.parametrize(("character", "characters"), [("x", 600), ("界", 200)])
async def test_the_queue_is_full_by_bytes(
    store: MemoryStore, character: str, characters: int
) -> None:
    writer = BatchingWriter(store, queue_bytes_max=1_000)
    large = [with_payload(write, characters, character) for write in people(2)]
    store.hold()
    first = asyncio.create_task(writer.write(1, large[0]))
    await settle()
    with pytest.raises(WriteQueueFull):
        await at_once(writer.write(1, large[1]))
    small = asyncio.create_task(writer.write(1, with_payload(create(name="Sam Roe"), 400)))
    await settle()
    with pytest.raises(WriteQueueFull):
        await at_once(writer.write(1, with_payload(create(name="Sam Roe"), 1)))
    store.let_all_pass()
    await asyncio.gather(first, small)
    assert (await writer.write(1, large[1])).seq == 3


async def test_of_many_writes_all_are_accepted_or_none_is(store: MemoryStore) -> None:
    writer = BatchingWriter(store, queue_writes_max=5)
    store.hold()
    task = asyncio.create_task(writer.write_many(1, people(3)))
    await settle()
    with pytest.raises(WriteQueueFull):
        await at_once(writer.write_many(1, people(3)))
    assert writer.waiting_writes == 3
    fitting = asyncio.create_task(writer.write_many(1, people(2)))
    store.let_all_pass()
    await asyncio.gather(task, fitting)
    assert len(store.committed) == 5


async def test_the_queue_recovers_and_refuses_again_as_often_as_it_fills(
    store: MemoryStore,
) -> None:
    writer = BatchingWriter(store, queue_writes_max=4, batch_writes_max=2)
    for _ in range(5):
        store.hold()
        task = asyncio.create_task(writer.write_many(1, people(4)))
        await settle()
        with pytest.raises(WriteQueueFull):
            await at_once(writer.write(1, create(name="Sam Roe")))
        store.release()
        await settle()
        assert writer.waiting_writes == 2
        more = asyncio.create_task(writer.write_many(1, people(2)))
        await settle()
        with pytest.raises(WriteQueueFull):
            await at_once(writer.write(1, create(name="Sam Roe")))
        store.let_all_pass()
        await asyncio.gather(task, more)
        assert writer.waiting_writes == 0


async def test_writes_that_failed_make_room_too(store: MemoryStore) -> None:
    writer = BatchingWriter(store, queue_writes_max=4, queue_bytes_max=10_000)
    for _ in range(3):
        store.failures.append(RuntimeError("defect"))
        writes = people(4)
        store.poison = {writes[2].delivery.request_id}
        with pytest.raises(RuntimeError):
            await writer.write_many(1, writes)
        assert writer.waiting_writes == 0
    large = with_payload(create(name="Nora Field"), 10_000)
    assert (await writer.write(1, large)).seq == 10
