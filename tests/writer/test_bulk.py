"""Bulk writes: they wait for room, keep their order, and leave single writes their half."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import structs
from tests.support.domain.builders import a_settings
from tests.support.domain.lead_writes import create
from tests.support.domain.payloads import with_payload
from tests.support.process.fakes import MemoryStore, at_once, settle

from onelead.domain.errors import ServiceStopping, StoreUnavailable
from onelead.domain.fold import checked_write
from onelead.domain.limits import (
    BATCH_WRITES_MAX,
    BULK_ALONE_BATCH_MS_MAX,
    BULK_BATCH_MS_MAX,
    BULK_BATCH_WRITES_MIN,
    BULK_BESIDE_OTHERS_WRITES_MAX,
    BULK_QUEUE_BYTES_MAX,
    BULK_QUIET_S,
    BULK_REST_MS_MAX,
)
from onelead.domain.writes import CheckedWrites, LeadWrite, Outcome
from onelead.process.bulk_share import BulkShare
from onelead.process.writer import BatchingWriter, Receipt


@pytest.fixture
async def store() -> MemoryStore:
    return MemoryStore(a_settings(account_id=1), a_settings(account_id=2))


def people(count: int, name: str = "Nora Field") -> list[LeadWrite]:
    return [create(name=f"{name} {number}") for number in range(count)]


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> int:
    """Leave room for fewer bulk writes, which takes less time to fill."""
    monkeypatch.setattr("onelead.process.writer.BULK_QUEUE_WRITES_MAX", 60)
    return 60


def ids(writes: list[LeadWrite]) -> list[str]:
    return [write.delivery.request_id for write in writes]


def bulk(writer: BatchingWriter, writes: list[LeadWrite], account_id: int = 1) -> Task:
    return asyncio.create_task(writer.write_bulk(account_id, writes))


Task = asyncio.Task[list[Receipt]]


async def test_bulk_writes_are_answered_in_their_order(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    writes = [create(name="Nora Field"), create(email="nameless@field.example"), *people(30)]
    receipts = await writer.write_bulk(1, writes)
    assert [receipt.seq for receipt in receipts] == list(range(1, 33))
    outcomes = [receipt.result.outcome for receipt in receipts[:3]]
    assert outcomes == [Outcome.CREATED, Outcome.REFUSED, Outcome.CREATED]
    assert store.committed == ids(writes)
    assert writer.waiting_bulk_writes == 0
    assert not writer.is_busy


async def test_an_account_without_room_keeps_no_other_waiting(
    store: MemoryStore, room: int
) -> None:
    writer = BatchingWriter(store)
    store.hold()
    tasks = [bulk(writer, people(room)) for _ in range(2)]
    await settle()
    answers = await at_once(writer.accept_bulk(2, people(room)))
    assert not tasks[1].done()
    store.let_all_pass()
    await asyncio.gather(*tasks, *answers)


async def test_writes_that_come_checked_are_checked_again_under_newer_settings(
    store: MemoryStore,
) -> None:
    writer = BatchingWriter(store)
    settings = await store.settings(1)
    named, nameless = create(name="Nora Field"), create(email="nameless@field.example")
    for version, outcome in ((settings.version, "created"), (settings.version - 1, "refused")):
        # Another process, which let the second one pass, has checked them.
        checked = [
            checked_write(named, settings),
            structs.replace(checked_write(named, settings), write=nameless),
        ]
        answers = await writer.accept_bulk(1, CheckedWrites(checked, version))
        receipts = await asyncio.gather(*answers)
        assert [one.result.outcome for one in receipts] == ["created", outcome]


async def test_calls_are_written_in_the_order_in_which_they_began(
    store: MemoryStore, room: int
) -> None:
    writer = BatchingWriter(store)
    pieces = [people(room // 3, f"Nora {number}") for number in range(5)]
    store.hold()
    tasks = [bulk(writer, piece) for piece in pieces]
    await settle()
    assert writer.waiting_bulk_writes <= room
    store.let_all_pass()
    await asyncio.gather(*tasks)
    assert store.committed == [one for piece in pieces for one in ids(piece)]


async def test_bulk_writes_wait_for_room_and_take_none_of_single_ones(
    store: MemoryStore, room: int
) -> None:
    writer = BatchingWriter(store, queue_writes_max=1)
    store.hold()
    first = bulk(writer, people(room))
    await settle()
    second = bulk(writer, people(1))
    await settle()
    assert writer.waiting_bulk_writes == room
    assert writer.waiting_writes == 0
    single = asyncio.create_task(writer.write(1, create(name="Sam Roe")))
    await settle()
    store.let_all_pass()
    assert len(await first) == room
    assert len(await second) == 1
    await single


async def test_a_call_that_is_larger_than_the_room_goes_in_alone(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    half = BULK_QUEUE_BYTES_MAX // 2
    large = [with_payload(write, half + 1) for write in people(2)]
    assert len(await at_once(writer.write_bulk(1, large))) == 2
    store.hold()
    first = bulk(writer, large[:1])
    await settle()
    second = bulk(writer, large[1:])
    await settle()
    assert writer.waiting_bulk_writes == 1
    store.let_all_pass()
    await asyncio.gather(first, second)


async def test_a_single_write_waits_for_one_batch_and_has_its_part_of_the_next(
    store: MemoryStore,
) -> None:
    writer = BatchingWriter(store)
    store.hold()
    stream = bulk(writer, people(4 * BATCH_WRITES_MAX))
    await settle()
    in_flight = len(store.batches)
    singles = people(200, "Sam Roe")
    tasks = [asyncio.create_task(writer.write(1, write)) for write in singles]
    await settle()
    store.release(2)
    await settle()
    assert all(task.done() for task in tasks)
    mixed = [write.write.delivery.request_id for write in store.batches[in_flight].writes]
    assert mixed[:200] == ids(singles)
    assert 0 < len(mixed) - 200 <= 100
    store.let_all_pass()
    await stream


async def test_a_failure_of_the_store_answers_all_of_a_call(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    store.failures.append(StoreUnavailable())
    with pytest.raises(StoreUnavailable):
        await writer.write_bulk(1, people(BULK_BATCH_WRITES_MIN))
    assert not writer.is_busy


async def test_what_was_accepted_is_written_when_its_caller_leaves(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    store.hold()
    writes = people(3)
    task = bulk(writer, writes)
    await settle()
    task.cancel()
    await settle()
    store.let_all_pass()
    await writer.drain()
    assert store.committed == ids(writes)


async def test_a_failure_is_no_answer_to_a_caller_who_has_left(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    store.hold()
    store.failures.append(StoreUnavailable())
    stays = await writer.accept_bulk(1, people(2))
    stays[0].cancel()
    await settle()
    store.let_all_pass()
    with pytest.raises(StoreUnavailable):
        await stays[1]


async def test_a_stop_ends_bulk_writes_and_lets_single_ones_go_on(
    store: MemoryStore, room: int
) -> None:
    writer = BatchingWriter(store)
    store.hold()
    accepted = bulk(writer, people(room))
    await settle()
    waiting = bulk(writer, people(1))
    await settle()
    writer.end_bulk()
    with pytest.raises(ServiceStopping):
        await at_once(waiting)
    store.let_all_pass()
    assert (await writer.write(1, create(name="Sam Roe"))).result.outcome is Outcome.CREATED
    assert len(await accepted) == room
    await writer.drain()


async def test_writes_are_checked_on_arrival_a_few_at_a_time(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    await writer.write(1, create(name="Sam Roe"))
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await writer.accept_bulk(1, people(160))
    counting.cancel()
    assert turns >= 10
    await writer.drain()


def test_beside_single_writes_bulk_writes_are_at_most_half() -> None:
    share = BulkShare()
    for singles in range(1, 2 * BATCH_WRITES_MAX):
        assert 1 <= share.beside(singles) <= min(singles, BATCH_WRITES_MAX // 2)


def test_a_batch_of_bulk_writes_alone_grows_to_what_its_time_allows() -> None:
    share = BulkShare()
    for _ in range(20):
        writes = share.alone(0)
        share.took(0, writes, 0.002 + writes * 0.0004, 0)
    assert 0.002 + writes * 0.0004 == pytest.approx(BULK_BATCH_MS_MAX / 1000, rel=0.1)
    for _ in range(20):
        writes = share.alone(0)
        share.took(0, writes, 0.0, 0)
    assert writes == BATCH_WRITES_MAX


def test_it_is_short_while_single_writes_come_and_grows_when_they_stay_away() -> None:
    share = BulkShare()
    share.took(0, BATCH_WRITES_MAX, 0.1, 0)
    for now in range(20):
        share.took(10, 0, 0.016, now)
    beside = share.alone(19 + BULK_QUIET_S / 2)
    assert beside * 0.1 / BATCH_WRITES_MAX <= 0.016
    assert share.alone(19 + BULK_QUIET_S) > beside
    # One batch that met a pause changes little.
    share.took(10, 0, 5.0, 19)
    assert share.alone(19) <= 256
    share.took(0, 4, 5.0, 19)
    assert share.alone(19) == BULK_BATCH_WRITES_MIN


async def test_another_process_that_writes_is_noticed_and_left_room(store: MemoryStore) -> None:
    now = 0.0
    writer = BatchingWriter(store, monotonic=lambda: now)
    pieces = [people(250, name) for name in ("Nora", "Omar", "Ida", "Sam")]
    await writer.write_bulk(1, pieces[0])
    await writer.write_bulk(1, pieces[1])
    store.accounts[1].ledger.append("another process")
    await writer.write_bulk(1, pieces[2])
    noticed = len(store.batches)
    await writer.write_bulk(1, pieces[2])
    beside = [len(batch.writes) for batch in store.batches[noticed:]]
    assert max(beside) <= BULK_BESIDE_OTHERS_WRITES_MAX
    now = BULK_QUIET_S
    await writer.write_bulk(1, pieces[3])
    assert len(store.batches[-1].writes) > BULK_BESIDE_OTHERS_WRITES_MAX


def test_others_have_as_long_as_a_batch_took() -> None:
    share = BulkShare()
    share.took(0, 100, 0.004, 0)
    assert share.rest_s(0) == 0
    share.met_others(0)
    assert share.rest_s(BULK_QUIET_S / 2) == 0.008
    assert share.alone(BULK_QUIET_S / 2) == BULK_BESIDE_OTHERS_WRITES_MAX
    share.took(0, 100, 4, 0)
    assert share.rest_s(BULK_QUIET_S / 2) == BULK_REST_MS_MAX / 1000
    assert share.rest_s(BULK_QUIET_S) == 0


async def test_a_process_that_does_nothing_else_writes_longer_batches(store: MemoryStore) -> None:
    alone, share = BatchingWriter.alone(store), BulkShare(batch_ms_max=BULK_ALONE_BATCH_MS_MAX)
    await alone.write_bulk(1, people(3))
    assert store.committed
    share.took(0, 64, 0.05, 0)
    assert share.alone(0) == 128
    served = BulkShare()
    served.took(0, 64, 0.05, 0)
    assert served.alone(0) < 64
