"""The batching writer: every lead write goes through it and is answered after its commit.

Each account has a lane: a queue, and at most one batch in flight. A write for an idle account is
sent immediately; writes that arrive while a batch is in flight form the next one, in order of
arrival. Accounts take turns, because each has at most one batch waiting for the store. The queues
are bounded: a write that finds no room is refused immediately (WriteQueueFull), and not written.

Bulk writes, those of an import or of a stream of lines, have a queue of their own in the lane. They
wait for room instead of being refused, take no room of single writes, and fill at most half of a
batch while single writes wait (`BulkShare`).

Log lines about a batch name its account, the request id of its first write and the number of its
writes.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol, Self

from msgspec import Struct
from structlog.contextvars import bound_contextvars

from onelead.contract.leads import Batch, BatchReceipt
from onelead.domain.account import AccountSettings
from onelead.domain.errors import OneleadError, ServiceStopping, WriteQueueFull
from onelead.domain.fold import checked_write
from onelead.domain.limits import (
    BATCH_BYTES_MAX,
    BATCH_WRITES_MAX,
    BULK_ALONE_BATCH_MS_MAX,
    BULK_CHECKED_AT_ONCE_MAX,
    BULK_QUEUE_BYTES_MAX,
    BULK_QUEUE_WRITES_MAX,
    QUEUE_BYTES_MAX,
    QUEUE_READY_BYTES_MAX,
    QUEUE_READY_WRITES_MAX,
    QUEUE_WRITES_MAX,
    RETRY_AFTER_S,
)
from onelead.domain.writes import CheckedWrite, CheckedWrites, LeadWrite, WriteResult
from onelead.process.bulk_share import BulkShare


class WriterStore(Protocol):
    """What the writer needs of a store."""

    async def write_leads(self, batch: Batch) -> BatchReceipt:
        """See `contract.leads.LeadStore`."""

    async def settings(self, account_id: int) -> AccountSettings:
        """See `SettingsStore`."""


class WriterObserver:
    """Receives what the writer does, on the write path; the base class ignores it."""

    def batch_committed(self, results: Sequence[WriteResult], seconds: float) -> None:
        """A batch is committed; `seconds` is its transaction with all waiting."""

    def batch_failed(self, seconds: float) -> None:
        """A batch's transaction failed after `seconds`."""

    def turned_away(self, writes: int, error: OneleadError) -> None:
        """A call of `writes` writes was refused: the queue is full, or the writer is stopping."""


class Receipt(Struct, frozen=True, gc=False):
    """The result of one write after its commit, and what explains it to the caller."""

    result: WriteResult
    #: The settings that the write was planned under, to show the lead by.
    settings: AccountSettings
    #: The ledger number of the write.
    seq: int


class Answer(Protocol):
    """Where what became of one write goes, such as a future. No method may raise."""

    def done(self) -> bool:
        """Return whether nobody waits any more."""

    def set_result(self, receipt: Receipt, /) -> None:
        """Take what the write did, after its commit."""

    def set_exception(self, error: Exception, /) -> None:
        """Take why it is not known to be written."""


class _Waiting(Struct):
    write: LeadWrite
    answer: Answer
    size_bytes: int
    is_bulk: bool = False
    #: The write as checked under some settings; None before the account's settings are known.
    checked: CheckedWrite | None = None
    settings_version: int = 0

    def checked_under(self, settings: AccountSettings) -> CheckedWrite:
        """Return the checked write, checking it again if the settings have changed."""
        if self.checked is None or self.settings_version != settings.version:
            self.checked = checked_write(self.write, settings)
            self.settings_version = settings.version
        return self.checked


class _Lane:
    """One account's queues in this process, and the settings it was last written under."""

    def __init__(self, account_id: int) -> None:
        self.account_id = account_id
        self.settings: AccountSettings | None = None
        self.waiting: deque[_Waiting] = deque()
        self.bulk: deque[_Waiting] = deque()
        #: How many bulk writes are waiting or in flight, and the bytes of their payloads.
        self.bulk_writes = 0
        self.bulk_bytes = 0
        #: Calls with bulk writes come in one after another.
        self.bulk_turn = asyncio.Lock()
        self.bulk_room = asyncio.Event()
        #: The last ledger number that this process has written; None before it has.
        self.last_seq: int | None = None
        self.task: asyncio.Task[None] | None = None


class BatchingWriter:
    """Accepts the writes of this process, for all accounts."""

    def __init__(
        self,
        store: WriterStore,
        *,
        batch_writes_max: int = BATCH_WRITES_MAX,
        queue_writes_max: int = QUEUE_WRITES_MAX,
        queue_bytes_max: int = QUEUE_BYTES_MAX,
        observer: WriterObserver | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._observer = observer or WriterObserver()
        self._monotonic = monotonic
        self._batch_writes_max = batch_writes_max
        self._queue_writes_max = queue_writes_max
        self._queue_bytes_max = queue_bytes_max
        self._bulk_share = BulkShare(batch_writes_max)
        self._lanes: dict[int, _Lane] = {}
        #: How many writes are waiting or in flight, and how many bytes their payloads have.
        self.waiting_writes = 0
        self.waiting_bytes = 0
        #: How many bulk writes are; each account has room for its own.
        self.waiting_bulk_writes = 0
        #: Set when no more bulk writes are accepted, because the process stops.
        self.ends_bulk = asyncio.Event()
        self._stopping = False

    @classmethod
    def alone(cls, store: WriterStore) -> Self:
        """Return the writer of a process that does nothing else: its batches may be long."""
        writer = cls(store)
        writer._bulk_share = BulkShare(batch_ms_max=BULK_ALONE_BATCH_MS_MAX)
        return writer

    @property
    def is_below_high_water(self) -> bool:
        """Whether there is room for new clients besides the peaks of the current ones."""
        return (
            self.waiting_writes < QUEUE_READY_WRITES_MAX
            and self.waiting_bytes < QUEUE_READY_BYTES_MAX
        )

    @property
    def is_busy(self) -> bool:
        """Whether any write is waiting or in flight."""
        return self.waiting_writes > 0 or self.waiting_bulk_writes > 0

    async def write(self, account_id: int, write: LeadWrite) -> Receipt:
        """Write and wait for the commit.

        Raises WriteQueueFull and ServiceStopping when nothing was written, and StoreUnavailable.
        """
        answer: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self.submit(account_id, write, answer)
        return await answer

    def submit(self, account_id: int, write: LeadWrite, answer: Answer) -> None:
        """Accept a write; the answer is given what `write` returns or raises after the commit.

        Raises WriteQueueFull and ServiceStopping when nothing was written.
        """
        self._submit(account_id, [_Waiting(write, answer, _size_bytes(write))])

    async def write_many(self, account_id: int, writes: Sequence[LeadWrite]) -> list[Receipt]:
        """Write several leads in order; all are accepted or none, and each has its own result."""
        accepted, answers = _waiting_for(writes)
        self._submit(account_id, accepted)
        return await _all(answers)

    async def write_bulk(self, account_id: int, writes: Sequence[LeadWrite]) -> list[Receipt]:
        """Write a piece of an import in order, as `accept_bulk` does, and wait for the commits.

        Raises ServiceStopping when nothing was written, and StoreUnavailable; then some of the
        writes may have been written.
        """
        return await _all(await self.accept_bulk(account_id, writes))

    async def accept_bulk(
        self, account_id: int, writes: Sequence[LeadWrite] | CheckedWrites
    ) -> list[asyncio.Future[Receipt]]:
        """Accept a piece of an import or of a stream; each write is answered after its commit.

        It waits for room, and is never refused for want of it. Pieces for one account are written
        in the order in which these calls began, so a caller that begins the next one before this
        one is answered keeps the writer busy. Raises ServiceStopping when nothing was written.
        """
        accepted, answers = _waiting_for(writes, is_bulk=True)
        size_bytes = sum(waiting.size_bytes for waiting in accepted)
        lane = self._lane(account_id)
        async with lane.bulk_turn:
            await self._check_bulk(lane, accepted)
            while not self._has_bulk_room(lane, len(accepted), size_bytes):
                lane.bulk_room.clear()
                await lane.bulk_room.wait()
            if self.ends_bulk.is_set():
                raise self._turned_away(accepted, ServiceStopping(retry_after_s=RETRY_AFTER_S))
            lane.bulk.extend(accepted)
            self.waiting_bulk_writes += len(accepted)
            lane.bulk_writes += len(accepted)
            lane.bulk_bytes += size_bytes
            self._see_to(lane)
        return answers

    async def _check_bulk(self, lane: _Lane, accepted: Sequence[_Waiting]) -> None:
        """Check the writes on arrival, a few at a time, so that nobody waits for all of them."""
        for number, waiting in enumerate(accepted, 1):
            if lane.settings is None:
                return
            waiting.checked_under(lane.settings)
            if number % BULK_CHECKED_AT_ONCE_MAX == 0:
                await asyncio.sleep(0)

    def _has_bulk_room(self, lane: _Lane, writes: int, size_bytes: int) -> bool:
        """Return whether so many may join the queue, or find out now that they never will."""
        if self.ends_bulk.is_set() or not lane.bulk_writes:
            return True
        return (
            lane.bulk_writes + writes <= BULK_QUEUE_WRITES_MAX
            and lane.bulk_bytes + size_bytes <= BULK_QUEUE_BYTES_MAX
        )

    def _submit(self, account_id: int, accepted: Sequence[_Waiting]) -> None:
        """Accept all or none, and see to it that the lane is drained."""
        if self._stopping:
            raise self._turned_away(accepted, ServiceStopping(retry_after_s=RETRY_AFTER_S))
        size_bytes = sum(waiting.size_bytes for waiting in accepted)
        has_room = (
            self.waiting_writes + len(accepted) <= self._queue_writes_max
            and self.waiting_bytes + size_bytes <= self._queue_bytes_max
        )
        if not has_room:
            raise self._turned_away(accepted, WriteQueueFull(retry_after_s=RETRY_AFTER_S))
        lane = self._lane(account_id)
        if lane.settings is not None:
            # Checked on arrival, while the batch before is being written.
            for waiting in accepted:
                waiting.checked_under(lane.settings)
        lane.waiting.extend(accepted)
        self.waiting_writes += len(accepted)
        self.waiting_bytes += size_bytes
        self._see_to(lane)

    def _lane(self, account_id: int) -> _Lane:
        lane = self._lanes.get(account_id)
        if lane is None:
            lane = self._lanes[account_id] = _Lane(account_id)
        return lane

    def _see_to(self, lane: _Lane) -> None:
        if lane.task is None:
            # Not in the context of the request that happens to come first.
            lane.task = asyncio.get_running_loop().create_task(
                self._drain(lane), context=contextvars.Context()
            )

    def _turned_away(self, refused: Sequence[_Waiting], error: OneleadError) -> OneleadError:
        self._observer.turned_away(len(refused), error)
        return error

    async def _drain(self, lane: _Lane) -> None:
        while lane.waiting or lane.bulk:
            if not lane.waiting and (rest_s := self._bulk_share.rest_s(self._monotonic())):
                await asyncio.sleep(rest_s)
            await self._commit(lane, self._next_batch(lane))
        lane.task = None

    def _next_batch(self, lane: _Lane) -> list[_Waiting]:
        """Return the single writes that waited, and then as many bulk writes as may join them."""
        if not lane.waiting:
            return _taken(lane.bulk, self._bulk_share.alone(self._monotonic()), BATCH_BYTES_MAX)
        bulk_writes = min(len(lane.bulk), self._bulk_share.beside(len(lane.waiting)))
        bulk = _taken(lane.bulk, bulk_writes, BATCH_BYTES_MAX // 2)
        bulk_bytes = sum(waiting.size_bytes for waiting in bulk)
        most = self._batch_writes_max - len(bulk)
        return _taken(lane.waiting, most, BATCH_BYTES_MAX - bulk_bytes) + bulk

    async def _commit(self, lane: _Lane, batch: list[_Waiting]) -> None:
        """Commit a batch and answer it; if a defect makes it fail, try its writes one by one."""
        try:
            if lane.settings is None:
                lane.settings = await self._store.settings(lane.account_id)
            # The settings may have changed while a write waited.
            writes = [waiting.checked_under(lane.settings) for waiting in batch]
            bulk = sum(waiting.is_bulk for waiting in batch)
            receipt = await self._write_batch(Batch(lane.settings, writes), bulk)
        except OneleadError as error:
            self._refuse(lane, batch, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, every caller gets an answer
            if len(batch) == 1:
                self._refuse(lane, batch, error)
                return
            for waiting in batch:
                await self._commit(lane, [waiting])
        else:
            lane.settings = receipt.settings
            self._look_for_others(lane, receipt)
            self._answer(lane, batch, receipt)

    async def _write_batch(self, batch: Batch, bulk: int) -> BatchReceipt:
        with bound_contextvars(
            account_id=batch.settings.account_id,
            request_id=batch.writes[0].write.delivery.request_id,
            batch_writes=len(batch.writes),
        ):
            began = self._monotonic()
            try:
                receipt = await self._store.write_leads(batch)
            except Exception:
                self._observer.batch_failed(self._monotonic() - began)
                raise
            now_s = self._monotonic()
            self._observer.batch_committed(receipt.results, now_s - began)
            self._bulk_share.took(len(batch.writes) - bulk, bulk, now_s - began, now_s)
        return receipt

    def _look_for_others(self, lane: _Lane, receipt: BatchReceipt) -> None:
        """Notice by the ledger numbers whether another process has written meanwhile."""
        seqs = receipt.seqs_written
        if seqs:
            if lane.last_seq is not None and seqs[0] > lane.last_seq + 1:
                self._bulk_share.met_others(self._monotonic())
            lane.last_seq = seqs[-1]

    def _answer(self, lane: _Lane, batch: list[_Waiting], receipt: BatchReceipt) -> None:
        self._forget(lane, batch)
        for waiting, result, seq in zip(batch, receipt.results, receipt.seqs, strict=True):
            if not waiting.answer.done():
                waiting.answer.set_result(Receipt(result, receipt.settings, seq))

    def _refuse(self, lane: _Lane, batch: list[_Waiting], error: Exception) -> None:
        self._forget(lane, batch)
        for waiting in batch:
            if not waiting.answer.done():
                waiting.answer.set_exception(error)

    def _forget(self, lane: _Lane, batch: list[_Waiting]) -> None:
        bulk = [waiting for waiting in batch if waiting.is_bulk]
        bulk_bytes = sum(waiting.size_bytes for waiting in bulk)
        self.waiting_writes -= len(batch) - len(bulk)
        self.waiting_bytes -= sum(waiting.size_bytes for waiting in batch) - bulk_bytes
        if bulk:
            self.waiting_bulk_writes -= len(bulk)
            lane.bulk_writes -= len(bulk)
            lane.bulk_bytes -= bulk_bytes
            lane.bulk_room.set()

    def end_bulk(self) -> None:
        """Accept no more bulk writes, and let those who wait to send some know."""
        self.ends_bulk.set()
        for lane in self._lanes.values():
            lane.bulk_room.set()

    async def drain(self) -> None:
        """Accept no more writes, and wait until all accepted ones are answered."""
        self._stopping = True
        self.end_bulk()
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        await asyncio.gather(*tasks)


def _waiting_for(
    writes: Sequence[LeadWrite] | CheckedWrites, *, is_bulk: bool = False
) -> tuple[list[_Waiting], list[asyncio.Future[Receipt]]]:
    accepted: list[tuple[LeadWrite, CheckedWrite | None, int]]
    if isinstance(writes, CheckedWrites):
        accepted = [(one.write, one, writes.settings_version) for one in writes.writes]
    else:
        accepted = [(one, None, 0) for one in writes]
    loop = asyncio.get_running_loop()
    answers: list[asyncio.Future[Receipt]] = [loop.create_future() for _ in accepted]
    waiting = [
        _Waiting(write, answer, _size_bytes(write), is_bulk, checked, version)
        for (write, checked, version), answer in zip(accepted, answers, strict=True)
    ]
    return waiting, answers


async def _all(answers: Sequence[asyncio.Future[Receipt]]) -> list[Receipt]:
    # All answers are collected first, so that every failure is retrieved.
    done = await asyncio.gather(*answers, return_exceptions=True)
    receipts = []
    for answer in done:
        if isinstance(answer, BaseException):
            raise answer
        receipts.append(answer)
    return receipts


def _taken(queue: deque[_Waiting], most: int, bytes_max: int) -> list[_Waiting]:
    """Take the first writes from a queue, at least one if `most` allows any."""
    taken: list[_Waiting] = []
    size_bytes = 0
    while queue and len(taken) < most:
        size_bytes += queue[0].size_bytes
        if taken and size_bytes > bytes_max:
            break
        taken.append(queue.popleft())
    return taken


def _size_bytes(write: LeadWrite) -> int:
    payload = write.delivery.payload
    return len(payload) if payload.isascii() else len(payload.encode())
