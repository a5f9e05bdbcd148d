"""Every accepted write is answered exactly once, after its commit, whatever goes wrong."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.domain.builders import a_field, a_settings
from tests.support.domain.lead_writes import create
from tests.support.process.fakes import MemoryStore, at_once, settle

from onelead.domain.custom_fields import DataType
from onelead.domain.errors import ServiceStopping, StoreUnavailable, WriteQueueFull
from onelead.domain.limits import RETRY_AFTER_S
from onelead.domain.writes import LeadWrite
from onelead.process.writer import BatchingWriter, Receipt

Tasks = list[asyncio.Task[Receipt]]


@pytest.fixture
async def store() -> MemoryStore:
    return MemoryStore(a_settings(account_id=1), a_settings(account_id=2))


def people(count: int) -> list[LeadWrite]:
    return [create(name=f"Nora Field {number}") for number in range(count)]


def ids(*writes: LeadWrite) -> list[str]:
    return [write.delivery.request_id for write in writes]


async def in_one_batch(writer: BatchingWriter, store: MemoryStore, *writes: LeadWrite) -> Tasks:
    """Send writes that wait together behind one in flight, whose commit is held."""
    store.hold()
    first = asyncio.create_task(writer.write(1, create(name="First")))
    await settle()
    tasks = [asyncio.create_task(writer.write(1, write)) for write in writes]
    await settle()
    store.release()
    await first
    await settle()
    assert store.request_ids()[-1] == ids(*writes)
    return tasks


async def test_no_write_is_answered_before_its_commit(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    writes = people(5)
    tasks = await in_one_batch(writer, store, *writes)
    assert not any(task.done() for task in tasks)
    assert not set(store.committed).intersection(ids(*writes))
    store.release()
    await settle()
    assert all(task.done() for task in tasks)
    assert store.committed[-5:] == ids(*writes)


class Noted:
    """An answer that notes what it is given; nobody waits for it any more once it is `gone`."""

    def __init__(self, *, gone: bool = False) -> None:
        self.gone = gone
        self.seqs: list[int] = []
        self.errors: list[Exception] = []

    def done(self) -> bool:
        return self.gone

    def set_result(self, receipt: Receipt) -> None:
        self.seqs.append(receipt.seq)

    def set_exception(self, error: Exception) -> None:
        self.errors.append(error)


async def test_an_answer_of_its_own_is_given_what_a_waiting_call_would_get(
    store: MemoryStore,
) -> None:
    writer = BatchingWriter(store)
    store.hold()
    answers = [Noted(), Noted(gone=True), Noted()]
    for answer, write in zip(answers, people(3), strict=True):
        writer.submit(1, write, answer)
    await settle()
    assert not any(answer.seqs for answer in answers)
    store.let_all_pass()
    await writer.write(1, create(name="Sam Roe"))
    assert [answer.seqs for answer in answers] == [[1], [], [3]]
    assert store.request_ids()[0] == store.committed[:3]
    store.failures.append(StoreUnavailable())
    failed = Noted()
    writer.submit(1, create(name="Pat Lake"), failed)
    await settle()
    assert [type(error) for error in failed.errors] == [StoreUnavailable]
    assert writer.waiting_writes == 0


async def test_an_answer_of_its_own_is_given_nothing_for_a_write_that_is_not_accepted(
    store: MemoryStore,
) -> None:
    writer = BatchingWriter(store, queue_writes_max=0)
    answer = Noted()
    with pytest.raises(WriteQueueFull):
        writer.submit(1, create(name="Nora Field"), answer)
    await writer.drain()
    with pytest.raises(ServiceStopping):
        writer.submit(1, create(name="Nora Field"), answer)
    assert not answer.seqs
    assert not answer.errors
    assert store.batches == []


async def test_many_writes_of_one_call_are_answered_when_the_last_is_committed(
    store: MemoryStore,
) -> None:
    writer = BatchingWriter(store, batch_writes_max=2)
    store.hold()
    task = asyncio.create_task(writer.write_many(1, people(5)))
    for committed in (2, 4):
        await settle()
        store.release()
        await settle()
        assert len(store.committed) == committed
        assert not task.done()
    store.release()
    assert len(await task) == 5


async def test_a_write_is_done_even_when_its_caller_has_gone(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    gone, *others = people(4)
    tasks = await in_one_batch(writer, store, gone, *others)
    tasks[0].cancel()
    await settle()
    store.let_all_pass()
    receipts = await asyncio.gather(*tasks[1:])
    assert [receipt.seq for receipt in receipts] == [3, 4, 5]
    assert store.committed[-4:] == ids(gone, *others)
    assert writer.waiting_writes == 0


async def test_a_call_that_is_cancelled_while_it_waits_does_not_disturb_the_others(
    store: MemoryStore,
) -> None:
    writer = BatchingWriter(store, batch_writes_max=2)
    store.hold()
    gone = asyncio.create_task(writer.write_many(1, people(3)))
    other = asyncio.create_task(writer.write_many(1, people(3)))
    await settle()
    gone.cancel()
    await settle()
    store.let_all_pass()
    assert [receipt.seq for receipt in await other] == [4, 5, 6]
    assert len(store.committed) == 6
    assert writer.waiting_writes == 0


async def test_an_unavailable_store_fails_the_whole_batch_and_is_not_asked_again(
    store: MemoryStore,
) -> None:
    """Whether the batch was written is unknown; the caller decides whether to write it again."""
    writer = BatchingWriter(store)
    tasks = await in_one_batch(writer, store, *people(3))
    store.failures.append(StoreUnavailable())
    store.let_all_pass()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreUnavailable] * 3
    assert len(store.batches) == 2
    assert writer.waiting_writes == 0


async def test_the_batch_after_a_failed_one_is_written(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    tasks = await in_one_batch(writer, store, *people(3))
    store.failures.append(StoreUnavailable())
    later = [asyncio.create_task(writer.write(1, write)) for write in people(2)]
    await settle()
    store.let_all_pass()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [receipt.seq for receipt in await asyncio.gather(*later)] == [2, 3]


async def test_a_poisonous_write_fails_alone(store: MemoryStore) -> None:
    """One write triggers a defect; the others are written, each once and in order."""
    writer = BatchingWriter(store)
    writes = people(5)
    tasks = await in_one_batch(writer, store, *writes)
    store.poison = set(ids(writes[2]))
    store.let_all_pass()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    seqs = [answer.seq if isinstance(answer, Receipt) else None for answer in answers]
    assert seqs == [2, 3, None, 4, 5]
    assert isinstance(answers[2], RuntimeError)
    assert store.committed[1:] == [*ids(*writes[:2]), *ids(*writes[3:])]


async def test_writes_that_arrive_while_a_batch_is_tried_one_by_one_come_after_it(
    store: MemoryStore,
) -> None:
    writer = BatchingWriter(store)
    writes, later = people(3), create(name="Sam Roe")
    tasks = await in_one_batch(writer, store, *writes)
    store.poison = set(ids(writes[1]))
    store.release()
    await settle()
    tasks.append(asyncio.create_task(writer.write(1, later)))
    await settle()
    store.let_all_pass()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert store.committed[1:] == ids(writes[0], writes[2], later)


async def test_a_passing_defect_fails_no_write(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    tasks = await in_one_batch(writer, store, *people(3))
    store.failures.append(RuntimeError("once"))
    store.let_all_pass()
    assert [receipt.seq for receipt in await asyncio.gather(*tasks)] == [2, 3, 4]


async def test_a_poisonous_write_of_a_call_is_reported_after_the_others_are_written(
    store: MemoryStore,
) -> None:
    writer = BatchingWriter(store)
    writes = people(3)
    store.poison = set(ids(writes[0]))
    with pytest.raises(RuntimeError, match="poison"):
        await writer.write_many(1, writes)
    assert store.committed == ids(*writes[1:])


async def test_a_write_that_cannot_be_checked_under_new_settings_fails_alone(
    store: MemoryStore,
) -> None:
    """The settings that change while it waits have a time zone that does not exist."""
    field = a_field(data_type=DataType.DATE)
    store.change_settings(a_settings(fields=(field,), version=1))
    writer = BatchingWriter(store)
    await writer.write(1, create(name="Pat Lake"))
    dated = create(name="Nora Field", custom_fields={field.id: "01/31/2024"})
    store.hold()
    tasks = [asyncio.create_task(writer.write(1, create(name="First")))]
    await settle()
    others = people(2)
    tasks += [asyncio.create_task(writer.write(1, one)) for one in (others[0], dated, others[1])]
    await settle()
    store.change_settings(a_settings(fields=(field,), version=2, time_zone="Nowhere/None"))
    store.let_all_pass()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Receipt, Receipt, type(answers[2]), Receipt]
    assert isinstance(answers[2], KeyError)
    assert (await writer.write(1, create(name="Sam Roe"))).seq == 5


async def test_draining_answers_everything_that_was_accepted(store: MemoryStore) -> None:
    writer = BatchingWriter(store, batch_writes_max=3)
    store.hold()
    calls = [asyncio.create_task(writer.write_many(one, people(10))) for one in (1, 2)]
    await settle()
    drain = asyncio.create_task(writer.drain())
    await settle()
    assert not drain.done()
    store.let_all_pass()
    await drain
    assert [len(await call) for call in calls] == [10, 10]
    assert writer.waiting_writes == 0


async def test_draining_accepts_nothing_more(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    store.hold()
    accepted = asyncio.create_task(writer.write(1, create(name="Nora Field")))
    await settle()
    drain = asyncio.create_task(writer.drain())
    await settle()
    for account_id in (1, 2):
        with pytest.raises(ServiceStopping) as refusal:
            await at_once(writer.write(account_id, create(name="Sam Roe")))
        assert refusal.value.retry_after_s == RETRY_AFTER_S
    store.let_all_pass()
    await drain
    with pytest.raises(ServiceStopping):
        await at_once(writer.write_many(1, people(2)))
    assert (await accepted).seq == 1
    assert len(store.committed) == 1


async def test_draining_answers_writes_that_still_wait_for_the_settings(
    store: MemoryStore,
) -> None:
    writer = BatchingWriter(store)
    store.settings_turns.append(9)
    accepted = asyncio.create_task(writer.write(1, create(name="Nora Field")))
    await asyncio.sleep(0)
    await writer.drain()
    assert (await accepted).seq == 1


async def test_draining_survives_a_store_that_does_not_answer(store: MemoryStore) -> None:
    writer = BatchingWriter(store)
    tasks = await in_one_batch(writer, store, *people(3))
    store.failures.append(StoreUnavailable())
    drain = asyncio.create_task(writer.drain())
    store.let_all_pass()
    await drain
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreUnavailable] * 3


async def test_draining_an_idle_writer_ends_immediately_and_may_be_repeated(
    store: MemoryStore,
) -> None:
    writer = BatchingWriter(store)
    await writer.drain()
    await writer.drain()
