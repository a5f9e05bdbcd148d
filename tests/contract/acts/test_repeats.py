"""Requests with idempotency keys, from two processes at the same moment: each is done once."""

from __future__ import annotations

import asyncio
import random
from itertools import chain

import pytest
from msgspec import structs
from tests.support.domain.act_writes import keyed, merge
from tests.support.domain.lead_writes import create, delete, update, upsert
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.tiers import slow_after

from onelead.contract.leads import BatchReceipt
from onelead.domain.errors import IdempotencyKeyReused
from onelead.domain.writes import LeadWrite, Outcome, WriteResult


class Requests:
    """Writes on a few leads; some have a key, and are sent again and again."""

    def __init__(self, seed: int, first_id: int) -> None:
        self._random = random.Random(seed)
        self._ids = range(first_id, first_id + 8)
        self._keyed: list[LeadWrite] = []

    def batch(self) -> list[LeadWrite]:
        return [self._request() for _ in range(self._random.randint(1, 6))]

    def _request(self) -> LeadWrite:
        if self._keyed and self._random.random() < 0.5:
            # Each attempt is a request of its own.
            write = self._random.choice(self._keyed[-4:])
            delivery = structs.replace(write.delivery, request_id=self._random.randbytes(8).hex())
            return structs.replace(write, delivery=delivery)
        write = self._new()
        if self._random.random() < 0.6:
            write = keyed(write, f"{len(self._keyed):064d}", str(len(self._keyed)))
            self._keyed.append(write)
        return write

    def _new(self) -> LeadWrite:
        name, lead_id = self._random.choice(["Nora", "Sam", "Ann"]), self._random.choice(self._ids)
        title = self._random.choice(["Buyer", "Owner"])
        kinds = [
            lambda: create(name=name, email=f"{name}@field.example"),
            lambda: upsert("name", name, title=title),
            lambda: update(lead_id, title=title),
            lambda: delete(lead_id),
            lambda: merge(lead_id, self._random.choice(self._ids)),
        ]
        return self._random.choice(kinds)()


class Answers:
    """What was answered first to each key, and how many ledger rows there have to be."""

    def __init__(self) -> None:
        self.rows = 0
        self.replays = 0
        self._done: dict[str, tuple[int, WriteResult]] = {}

    def note(self, batch: list[LeadWrite], receipt: BatchReceipt) -> None:
        """Check a batch against all before it in the order of the lane."""
        for write, result, seq in zip(batch, receipt.results, receipt.seqs, strict=True):
            key = write.delivery.idempotency
            done = self._done.get(key.key_hash) if key else None
            if done is not None:
                assert (seq, result.replayed_seq) == (done[0], done[0])
                assert structs.replace(result, replayed_seq=None) == done[1]
                self.replays += 1
                continue
            assert result.replayed_seq is None
            self.rows += 1
            if key is not None and result.refusal is None:
                self._done[key.key_hash] = (seq, result)


@pytest.mark.parametrize("seed", slow_after(2, range(8)))
async def test_a_request_is_done_once_however_often_it_is_sent(
    account: AccountStore, elsewhere: AccountStore, clock: Clock, seed: int
) -> None:
    lead = await account.created(name="Nora")
    requests, answers = Requests(seed, lead.id), Answers()
    answers.rows = 1
    for _ in range(15):
        clock.advance(1)
        batches = [requests.batch() for _ in range(4)]
        stores = (account, elsewhere, account, elsewhere)
        receipts = await asyncio.gather(
            *(store.write(*batch) for store, batch in zip(stores, batches, strict=True))
        )
        # The lane has put them in the order of their new rows; one without any comes last.
        pairs = sorted(zip(batches, receipts, strict=True), key=lambda pair: _place(pair[1]))
        for batch, receipt in pairs:
            answers.note(batch, receipt)
    seqs = [*chain(*account.ledger("seq"))]
    assert seqs == [*range(1, answers.rows + 1)], f"seed {seed}"
    assert answers.replays > 5


def _place(receipt: BatchReceipt) -> float:
    new = [
        seq
        for result, seq in zip(receipt.results, receipt.seqs, strict=True)
        if result.replayed_seq is None
    ]
    return min(new, default=float("inf"))


async def test_a_plan_tells_a_repeated_request_and_writes_nothing(account: AccountStore) -> None:
    write = keyed(create(name="Nora Field"), "1" * 64)
    planned = await account.store.plan_writes(account.account_id, [write, write])
    outcomes = [(one.outcome, one.replayed_seq is None) for one in planned.results]
    assert outcomes == [(Outcome.CREATED, True), (Outcome.CREATED, False)]
    assert account.ledger("seq") == []
    first = await account.result(write)
    planned = await account.store.plan_writes(account.account_id, [write, delete(7)])
    assert structs.replace(planned.results[0], replayed_seq=None) == first
    other = keyed(create(name="Sam Roe"), "1" * 64, "another body")
    check = await account.store.plan_write(account.account_id, other)
    assert isinstance(check.result.refusal, IdempotencyKeyReused)


async def test_each_planned_write_sees_those_before_it(account: AccountStore) -> None:
    writes = [
        create(name="Nora Field", email="nora@field.example"),
        upsert("email", "nora@field.example", title="Buyer"),
        upsert("email", "nora@field.example", title="Buyer"),
    ]
    planned = await account.store.plan_writes(account.account_id, writes)
    results = await account.results(*writes)
    assert [*planned.results] == results
    assert [one.outcome for one in results] == ["created", "updated", "unchanged"]
