"""How writes become batches: immediately when idle, else together, in order, within limits."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.domain.builders import a_field, a_settings
from tests.support.domain.lead_writes import create, update, upsert
from tests.support.domain.payloads import with_payload
from tests.support.process.fakes import MemoryStore, settle

from onelead.domain.errors import InputInvalid, ResourceNotFound, StoreUnavailable
from onelead.domain.limits import BATCH_BYTES_MAX, BATCH_WRITES_MAX
from onelead.domain.writes import LeadWrite, Outcome
from onelead.process.writer import BatchingWriter, Receipt


@pytest.fixture
async def store() -> MemoryStore:
    return MemoryStore(a_settings(account_id=1), a_settings(account_id=2))


def ids(*writes: LeadWrite) -> list[str]:
    return [write.delivery.request_id for write in writes]


def start(writer: BatchingWriter, *writes: LeadWrite, account_id: int = 1) -> Tasks:
    """Send each write as a separate caller, in order."""
    return [asyncio.create_task(writer.write(account_id, write)) for write in writes]


Tasks = list[asyncio.Task[Receipt]]


async def test_a_lone_write_is_sent_immediately_and_alone(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    write = create(name="Nora Field")
    receipt = await writer.write(1, write)
    assert store.request_ids() == [ids(write)]
    assert receipt.result.outcome is Outcome.CREATED
    assert receipt.seq == 1
    assert receipt.settings == a_settings(account_id=1)


async def test_writes_one_after_another_are_a_batch_each(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    writes = [create(name="Nora Field") for _ in range(3)]
    receipts = [await writer.write(1, write) for write in writes]
    assert store.request_ids() == [ids(write) for write in writes]
    assert [receipt.seq for receipt in receipts] == [1, 2, 3]


async def test_what_arrives_in_flight_forms_the_next_batch_in_order(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    store.hold()
    first, *others = [create(name=f"Nora Field {number}") for number in range(20)]
    tasks = start(writer, first)
    await settle()
    for write in others:
        tasks += start(writer, write)
        await settle()
    assert store.request_ids() == [ids(first)]
    store.release(2)
    receipts = await asyncio.gather(*tasks)
    assert store.request_ids() == [ids(first), ids(*others)]
    assert [receipt.seq for receipt in receipts] == list(range(1, 21))
    names = [receipt.result.lead.name for receipt in receipts if receipt.result.lead]
    assert names == [f"Nora Field {number}" for number in range(20)]


async def test_writes_of_one_person_in_one_batch_see_each_other(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    write = upsert("email", "n@field.example", name="Nora Field")
    receipts = await writer.write_many(1, [write] * 3)
    outcomes = [receipt.result.outcome for receipt in receipts]
    assert outcomes == [Outcome.CREATED, Outcome.UNCHANGED, Outcome.UNCHANGED]


async def test_the_order_of_arrival_holds_before_the_settings_are_known(
    store: MemoryStore,
) -> None:
    """Even when the first to ask for them is not the first to get them."""
    store.settings_turns.extend([9, 1, 5, 1])
    writer = BatchingWriter(store)
    writes = [create(name=f"Nora Field {number}") for number in range(5)]
    tasks: Tasks = []
    for write in writes:
        tasks += start(writer, write)
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert store.committed == ids(*writes)


async def test_a_batch_has_at_most_its_number_of_writes(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    store.hold()
    writes = [create(name="Nora Field") for _ in range(2 * BATCH_WRITES_MAX + 3)]
    tasks = start(writer, writes[0])
    await settle()
    tasks += start(writer, *writes[1:])
    store.let_all_pass()
    await asyncio.gather(*tasks)
    sizes = [len(batch.writes) for batch in store.batches]
    assert sizes == [1, BATCH_WRITES_MAX, BATCH_WRITES_MAX, 2]
    assert store.committed == ids(*writes)


async def test_a_batch_has_at_most_its_number_of_bytes(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    third = BATCH_BYTES_MAX // 3
    sizes = [1, third, third, third, third, 2 * third, third + 1, BATCH_BYTES_MAX, 1]
    writes = [with_payload(create(name="Nora Field"), size) for size in sizes]
    store.hold()
    tasks = start(writer, writes[0])
    await settle()
    tasks += start(writer, *writes[1:])
    store.let_all_pass()
    await asyncio.gather(*tasks)
    payloads = [
        [len(one.write.delivery.payload) for one in batch.writes] for batch in store.batches
    ]
    assert payloads == [
        [1],
        [third, third, third],
        [third, 2 * third],
        [third + 1],
        [BATCH_BYTES_MAX],
        [1],
    ]


async def test_bytes_are_counted_and_not_characters(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    writes = [with_payload(create(name="Nora Field"), BATCH_BYTES_MAX // 4, "界") for _ in range(3)]
    store.hold()
    tasks = start(writer, create(name="Sam Roe"))
    await settle()
    tasks += start(writer, *writes)
    store.let_all_pass()
    await asyncio.gather(*tasks)
    assert [len(batch.writes) for batch in store.batches] == [1, 1, 1, 1]


async def test_many_writes_of_one_call_keep_their_order_over_several_batches(
    store: MemoryStore,
) -> None:
    writer = BatchingWriter(store, batch_writes_max=2)
    writes = [create(name=f"Nora Field {number}") for number in range(5)]
    receipts = await writer.write_many(1, writes)
    assert [len(batch.writes) for batch in store.batches] == [2, 2, 1]
    assert [receipt.seq for receipt in receipts] == [1, 2, 3, 4, 5]


async def test_a_call_with_no_writes_is_answered(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    assert await writer.write_many(1, []) == []
    assert store.batches == []


async def test_a_refusal_is_an_answer_like_any_other(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    bad, good = create(email="nameless@field.example"), create(name="Nora Field")
    refused, created = await writer.write_many(1, [bad, good])
    assert isinstance(refused.result.refusal, InputInvalid)
    assert (refused.seq, created.seq) == (1, 2)


async def test_accounts_have_batches_of_their_own(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    store.hold()
    mine = start(writer, *(create(name="Nora Field") for _ in range(3)), account_id=1)
    theirs = start(writer, *(create(name="Sam Roe") for _ in range(3)), account_id=2)
    store.let_all_pass()
    await asyncio.gather(*mine, *theirs)
    for batch in store.batches:
        names = {write.write.patch.name for write in batch.writes if write.write.patch}
        assert names == {"Nora Field" if batch.settings.account_id == 1 else "Sam Roe"}
    assert [receipt.seq for receipt in await asyncio.gather(*theirs)] == [1, 2, 3]


async def test_accounts_take_turns(store: MemoryStore) -> None:
    """A write of the quiet account waits for one batch of the busy one, not for all."""
    writer = BatchingWriter(store, batch_writes_max=10)
    store.hold()
    busy = start(writer, *(create(name="Nora Field") for _ in range(100)), account_id=1)
    await settle()
    quiet = start(writer, create(name="Sam Roe"), account_id=2)
    await settle()
    store.release(2)
    await settle()
    assert quiet[0].done()
    assert sum(task.done() for task in busy) == 10
    store.let_all_pass()
    await asyncio.gather(*busy)


async def test_writes_that_waited_are_checked_under_the_new_settings(
    store: MemoryStore,
) -> None:
    """The batch in flight brings the change; the writes that wait behind it are checked again."""
    known = a_settings(fields=(a_field(),), version=1)
    store.change_settings(known)
    writer = BatchingWriter(store)
    await writer.write(1, create(name="Pat Lake"))
    store.hold()
    tasks = start(writer, create(name="Nora Field"))
    await settle()
    tasks += start(writer, create(name="Sam Roe", custom_fields={4101: "C-1"}))
    await settle()
    changed = a_settings(fields=(), version=2)
    store.change_settings(changed)
    store.let_all_pass()
    first, second = await asyncio.gather(*tasks)
    assert (first.settings, second.settings) == (changed, changed)
    assert isinstance(second.result.refusal, InputInvalid)
    assert [batch.settings.version for batch in store.batches] == [1, 1, 2]
    assert store.batches[-1].writes[0].refusal is not None


async def test_the_settings_of_the_last_batch_are_those_of_the_next(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    await writer.write(1, create(name="Nora Field"))
    store.change_settings(a_settings(account_id=1, version=7))
    for _ in range(2):
        await writer.write(1, create(name="Sam Roe"))
    assert [batch.settings.version for batch in store.batches] == [1, 1, 7]


async def test_an_unknown_account_is_reported(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    with pytest.raises(ResourceNotFound):
        await writer.write(77, create(name="Nora Field"))
    assert writer.waiting_writes == 0


async def test_settings_that_cannot_be_read_are_read_again_for_the_next_write(
    store: MemoryStore,
) -> None:
    writer = BatchingWriter(store)
    store.settings_failures.append(StoreUnavailable())
    with pytest.raises(StoreUnavailable):
        await writer.write(1, create(name="Nora Field"))
    assert (await writer.write(1, update(1, title="Buyer"))).seq == 1
