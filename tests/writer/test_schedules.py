"""Seeded schedules: writes, failures and departures in random order, and what must always hold."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from tests.support.domain.builders import a_field, a_settings
from tests.support.domain.lead_writes import create, upsert, upsert_custom
from tests.support.domain.payloads import with_payload
from tests.support.process.fakes import MemoryStore, settle

from onelead.domain.errors import ServiceStopping, StoreUnavailable, WriteQueueFull
from onelead.domain.writes import LeadWrite
from onelead.process.writer import BatchingWriter, Receipt

ACCOUNTS = (1, 2, 3)
BATCH_WRITES_MAX = 4
QUEUE_WRITES_MAX = 12
QUEUE_BYTES_MAX = 5_000

Answer = Receipt | BaseException


class Schedule:
    """A writer under random load, and all its answers."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.store = MemoryStore(*(a_settings(account_id=one) for one in ACCOUNTS))
        self.writer = BatchingWriter(
            self.store,
            batch_writes_max=BATCH_WRITES_MAX,
            queue_writes_max=QUEUE_WRITES_MAX,
            queue_bytes_max=QUEUE_BYTES_MAX,
        )
        #: The calls, with the request ids that each delivers.
        self.tasks: dict[asyncio.Task[None], list[str]] = {}
        #: By request id, in the order of arrival.
        self.answers: dict[str, list[Answer]] = {}
        self.account_of: dict[str, int] = {}
        self.gone: set[str] = set()
        self.poison: set[str] = set()
        self.versions: Counter[int] = Counter()
        self.unavailable = 0

    async def run(self, steps: int) -> None:
        actions = {
            self.send: 50,
            self.leave: 5,
            self.release: 25,
            self.hold: 5,
            self.fail: 4,
            self.change_settings: 4,
        }
        self.store.hold()
        for _ in range(steps):
            self.chance.choices(list(actions), list(actions.values()))[0]()
            for _ in range(self.chance.choice((0, 0, 1, 3, 20))):
                await asyncio.sleep(0)
        self.store.let_all_pass()
        await self.writer.drain()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def send(self) -> None:
        account_id = self.chance.choice(ACCOUNTS)
        writes = [self._write() for _ in range(self.chance.choice((1, 1, 1, 2, 5)))]
        for write in writes:
            request_id = write.delivery.request_id
            self.account_of[request_id] = account_id
            self.answers[request_id] = []
            if self.chance.random() < 0.03:
                self.poison.add(request_id)
                self.store.poison.add(request_id)
        request_ids = [write.delivery.request_id for write in writes]
        self.tasks[asyncio.create_task(self._deliver(account_id, writes))] = request_ids

    def _write(self) -> LeadWrite:
        chance = self.chance
        person = chance.randrange(4)
        write = chance.choice(
            (
                create(name=f"Nora Field {person}"),
                create(email="nameless@field.example"),
                upsert("email", f"n{person}@field.example", name="Nora Field"),
                upsert_custom(4101, f"C-{person}", name="Nora Field"),
            )
        )
        return with_payload(write, chance.choice((2, 100, 900)))

    async def _deliver(self, account_id: int, writes: list[LeadWrite]) -> None:
        request_ids = [write.delivery.request_id for write in writes]
        answers: list[Answer]
        try:
            if len(writes) == 1:
                answers = [await self.writer.write(account_id, writes[0])]
            else:
                answers = list(await self.writer.write_many(account_id, writes))
        except Exception as error:  # noqa: BLE001 - whatever the answer is, it is kept
            answers = [error] * len(writes)
        for request_id, answer in zip(request_ids, answers, strict=True):
            self.answers[request_id].append(answer)
            if isinstance(answer, Receipt):
                assert request_id in self.store.committed, "answered before its commit"

    def leave(self) -> None:
        waiting = [task for task in self.tasks if not task.done()]
        if waiting:
            task = self.chance.choice(waiting)
            task.cancel()
            self.gone.update(self.tasks[task])

    def release(self) -> None:
        if self.store.is_held:
            self.store.release(self.chance.choice((1, 1, 2, 5)))

    def hold(self) -> None:
        self.store.let_all_pass()
        self.store.hold()

    def fail(self) -> None:
        error = self.chance.choice((StoreUnavailable(), RuntimeError("defect"), None))
        self.unavailable += isinstance(error, StoreUnavailable)
        self.store.failures.append(error)

    def change_settings(self) -> None:
        account_id = self.chance.choice(ACCOUNTS)
        self.versions[account_id] += 1
        fields = (a_field(is_filterable=True),) if self.chance.random() < 0.5 else ()
        version = 1 + self.versions[account_id]
        self.store.change_settings(
            a_settings(account_id=account_id, version=version, fields=fields)
        )


@pytest.mark.parametrize("seed", range(25))
async def test_every_accepted_write_is_answered_once_and_written_once(seed: int) -> None:
    schedule = Schedule(seed)
    await schedule.run(steps=150)
    store, committed = schedule.store, Counter(schedule.store.committed)
    assert schedule.writer.waiting_writes == 0
    assert not committed or max(committed.values()) == 1, f"seed {seed}: written twice"
    for request_id, answers in schedule.answers.items():
        if request_id in schedule.gone:
            assert answers == []
            continue
        (answer,) = answers
        if isinstance(answer, Receipt):
            ledger = store.accounts[schedule.account_of[request_id]].ledger
            assert ledger[answer.seq - 1] == request_id, f"seed {seed}"
        elif isinstance(answer, WriteQueueFull | ServiceStopping):
            assert request_id not in committed, f"seed {seed}: refused and written"
        else:
            assert isinstance(answer, StoreUnavailable | RuntimeError), f"seed {seed}: {answer!r}"
    assert not schedule.poison & committed.keys()


@pytest.mark.parametrize("seed", range(25))
async def test_the_order_of_arrival_is_the_order_of_the_ledger(seed: int) -> None:
    schedule = Schedule(seed)
    await schedule.run(steps=150)
    arrival = list(schedule.answers)
    for account_id in ACCOUNTS:
        places = [arrival.index(one) for one in schedule.store.accounts[account_id].ledger]
        assert places == sorted(places), f"seed {seed}"


@pytest.mark.parametrize("seed", range(25))
async def test_no_batch_and_no_queue_is_larger_than_allowed(seed: int) -> None:
    schedule = Schedule(seed)
    waiting = []

    async def watch() -> None:
        while True:
            waiting.append(schedule.writer.waiting_writes)
            await asyncio.sleep(0)

    watching = asyncio.create_task(watch())
    await schedule.run(steps=150)
    watching.cancel()
    await settle()
    sizes = [len(batch.writes) for batch in schedule.store.batches]
    assert max(sizes) <= BATCH_WRITES_MAX
    assert max(waiting) <= QUEUE_WRITES_MAX


async def test_the_schedules_cover_what_they_are_for() -> None:
    kinds: Counter[str] = Counter()
    for seed in range(40):
        schedule = Schedule(seed)
        await schedule.run(steps=150)
        kinds["gone"] += len(schedule.gone)
        for answers in schedule.answers.values():
            kinds.update(type(answer).__name__ for answer in answers)
    assert all(
        kinds[kind] > 20
        for kind in ("Receipt", "WriteQueueFull", "StoreUnavailable", "RuntimeError", "gone")
    ), kinds
