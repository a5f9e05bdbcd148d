"""Undoing a batch: newest first, each row once, whatever process stops and however many go on."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest
from msgspec import structs
from tests.support.domain.act_writes import merge
from tests.support.domain.lead_writes import create, delete, update, upsert
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore

from onelead.contract.batches import BatchUndo, UndoOrder
from onelead.domain.errors import (
    OneleadError,
    ResourceNotFound,
    ServiceStopping,
    UndoNotPossible,
)
from onelead.domain.limits import UNDO_CHUNK_ROWS, UNDO_HELD_S
from onelead.domain.writes import LeadWrite
from onelead.process import batch_undo_work
from onelead.process.batch_undo_work import BatchUndoer, BatchUndoWork, preview_undo
from onelead.process.writer import BatchingWriter, Receipt

MANY = UNDO_CHUNK_ROWS * 2 + 10


def of_batch(write: LeadWrite, batch_id: str = "b1") -> LeadWrite:
    return structs.replace(write, delivery=structs.replace(write.delivery, batch_id=batch_id))


def order(undo_id: str = "u1", about_id: str = "b1", *, force: bool = False) -> UndoOrder:
    return UndoOrder(undo_id, about_id, force, user_id=None, api_key_id=None)


class Process:
    """A process at work on undos, which can be stopped after some chunks."""

    def __init__(self, account: AccountStore, holder: str, chunks: int | None = None) -> None:
        self._account = account
        self._left = chunks
        self._writer = BatchingWriter(account.store)
        self._undoer = BatchUndoer(account.store, self, holder, self._goes_on)
        self.largest = 0

    async def write_bulk(self, account_id: int, writes: Sequence[LeadWrite]) -> list[Receipt]:
        self.largest = max(self.largest, len(writes))
        return await self._writer.write_bulk(account_id, writes)

    async def _goes_on(self) -> bool:
        if self._left is not None:
            self._left -= 1
            if not self._left:
                # As a kill would: what was written stays, and nothing else is noted.
                raise asyncio.CancelledError
        return True

    async def work(self) -> None:
        while await self._undoer.step(self._account.account_id):
            pass


async def undone(account: AccountStore, asked: UndoOrder) -> BatchUndo:
    await account.store.begin_undo(account.account_id, asked)
    await Process(account, "p1").work()
    return await account.store.begin_undo(account.account_id, asked)


async def outcomes(account: AccountStore, batch_id: str = "u1") -> dict[str, int]:
    return dict((await account.store.batch(account.account_id, batch_id)).outcomes)


async def test_everything_that_a_batch_did_is_taken_back(account: AccountStore) -> None:
    nora = await account.created(title="Buyer")
    gone = await account.created(name="Sam Roe")
    await account.results(
        of_batch(create(name="Ann Lee")),
        of_batch(update(nora.id, title="Head buyer")),
        of_batch(update(nora.id, title="Chief buyer")),
        of_batch(update(nora.id, title="Chief buyer")),
        of_batch(delete(gone.id)),
        of_batch(update(1, title="Nobody")),
    )
    undo = await undone(account, order())
    assert (undo.rows, undo.rows_done, undo.date_done is not None) == (6, 6, True)
    # The refused and the unchanged row have nothing to take back.
    assert await outcomes(account) == {"deleted": 1, "restored": 1, "updated": 2}
    assert [(lead.name, lead.title) for lead in await account.leads()] == [
        ("Nora Field", "Buyer"),
        ("Sam Roe", None),
    ]
    results = await account.store.batch_results(account.account_id, "u1", after=0, limit=10)
    assert [result.about_seq for result in results] == [7, 5, 4, 3]


async def test_an_undo_is_a_batch_that_can_be_undone(account: AccountStore) -> None:
    await account.results(*(of_batch(create(name=f"Nora {n}")) for n in range(3)))
    before = await account.leads()
    await undone(account, order())
    assert await account.leads() == []
    await undone(account, order("u2", "u1"))
    again = await account.leads()
    assert [(lead.id, lead.name) for lead in again] == [(lead.id, lead.name) for lead in before]
    # And the batch once more, because its undo was taken back.
    assert (await undone(account, order("u3", force=True))).id == "u3"
    assert await account.leads() == []


async def test_what_cannot_be_undone_is_refused_and_stops_nothing(account: AccountStore) -> None:
    first, _second = await account.results(
        of_batch(create(name="Ann Lee")), of_batch(create(name="Ben Lee"))
    )
    assert first.lead is not None
    await account.result(update(first.lead.id, title="Buyer"))
    await undone(account, order())
    assert await outcomes(account) == {"deleted": 1, "refused": 1}
    results = await account.store.batch_results(account.account_id, "u1", after=0, limit=10)
    refused = results[1]
    assert (refused.lead_id, refused.message) == (
        first.lead.id,
        f"Lead {first.lead.id} was changed once since, which would be lost; undo it with force",
    )
    # With something left, another undo begins.
    assert (await undone(account, order("u2", force=True))).id == "u2"
    assert await outcomes(account, "u2") == {"deleted": 1, "unchanged": 1}
    assert await account.leads() == []


async def test_the_same_order_finds_the_undo_under_way_and_done(account: AccountStore) -> None:
    await account.result(of_batch(create(name="Ann Lee")))
    store, account_id = account.store, account.account_id
    first = await store.begin_undo(account_id, order())
    assert (await store.begin_undo(account_id, order("u2"))).id == first.id == "u1"
    with pytest.raises(UndoNotPossible):
        await store.begin_undo(account_id, order("u3", "u1"))
    await Process(account, "p1").work()
    assert (await store.begin_undo(account_id, order("u2", force=True))).id == "u1"
    await store.begin_undo(account_id, order("u4", "u1"))
    with pytest.raises(UndoNotPossible):
        await store.begin_undo(account_id, order("u5"))


async def test_rows_that_came_after_an_undo_began_are_left_for_another(
    account: AccountStore,
) -> None:
    await account.result(of_batch(create(name="Ann Lee")))
    await account.store.begin_undo(account.account_id, order())
    await account.result(of_batch(create(name="Ben Lee")))
    await Process(account, "p1").work()
    assert [lead.name for lead in await account.leads()] == ["Ben Lee"]
    assert (await undone(account, order("u2"))).id == "u2"
    assert await account.leads() == []


async def test_an_undo_goes_on_where_a_process_was_killed(
    account: AccountStore, elsewhere: AccountStore, clock: Clock
) -> None:
    await account.results(*(of_batch(create(name=f"Nora {n}")) for n in range(MANY)))
    # One row is refused; it is not refused twice.
    newest = (await account.leads())[-1]
    await account.result(update(newest.id, title="Buyer"))
    await account.store.begin_undo(account.account_id, order())
    killed = Process(account, "p1", chunks=1)
    with pytest.raises(asyncio.CancelledError):
        await killed.work()
    assert killed.largest == UNDO_CHUNK_ROWS
    other = Process(elsewhere, "p2")
    await other.work()
    assert sum((await outcomes(account)).values()) == UNDO_CHUNK_ROWS
    clock.advance(UNDO_HELD_S)
    await other.work()
    assert await outcomes(account) == {"deleted": MANY - 1, "refused": 1}
    about = Counter(
        row[0]
        for row in account.database.rows(
            "SELECT about_seq FROM ledger_detail WHERE batch_id = 'u1'"
        )
    )
    assert set(about.values()) == {1}
    assert await account.store.accounts_undoing() == []


async def test_two_processes_at_the_same_undo_do_each_row_once(
    account: AccountStore, elsewhere: AccountStore
) -> None:
    await account.results(*(of_batch(create(name=f"Nora {n}")) for n in range(MANY)))
    await account.store.begin_undo(account.account_id, order())
    # With the same holder, neither leaves the work to the other.
    await asyncio.gather(Process(account, "p").work(), Process(elsewhere, "p").work())
    assert await outcomes(account) == {"deleted": MANY}
    assert len(account.ledger("seq")) == 2 * MANY
    assert await account.leads() == []


async def test_a_preview_plans_a_sample_and_writes_nothing(
    account: AccountStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_undo_work, "UNDO_SAMPLE_ROWS", 3)
    nora = await account.created()
    ann, _ben, _same, _title = await account.results(
        of_batch(create(name="Ann Lee")),
        of_batch(create(name="Ben Lee")),
        of_batch(update(nora.id, name="Nora Field")),
        of_batch(update(nora.id, title="Buyer")),
    )
    assert ann.lead is not None
    await account.results(update(ann.lead.id, title="Buyer"), update(nora.id, title="Boss"))
    before = account.ledger("seq")
    preview = await preview_undo(account.store, account.account_id, "b1", force=False)
    assert (preview.rows, preview.planned, preview.kept) == (3, 3, 1)
    assert preview.outcomes == {"unchanged": 1, "deleted": 1, "refused": 1}
    assert preview.refusals == {"undo_loses_changes": 1}
    forced = await preview_undo(account.store, account.account_id, "b1", force=True)
    assert forced.outcomes == {"unchanged": 1, "deleted": 2}
    assert account.ledger("seq") == before


async def test_a_batch_with_a_merge_since_names_what_to_undo_first(account: AccountStore) -> None:
    ann, ben = await account.results(
        of_batch(create(name="Ann Lee")), of_batch(create(name="Ben Lee"))
    )
    assert ann.lead is not None
    assert ben.lead is not None
    merged = await account.write(merge(ann.lead.id, ben.lead.id))
    await undone(account, order())
    results = await account.store.batch_results(account.account_id, "u1", after=0, limit=1)
    assert results[0].message == (
        f"Lead {ben.lead.id} was merged into lead {ann.lead.id}; undo row {merged.first_seq} first"
    )


async def test_a_batch_belongs_to_its_account(account: AccountStore) -> None:
    await account.result(of_batch(upsert("email", "n@field.example", name="Nora Field")))
    other = await account.store.create_account("Other Ltd", "omar@other.example")
    with pytest.raises(ResourceNotFound):
        await account.store.batch(other.account_id, "b1")
    with pytest.raises(ResourceNotFound):
        await account.store.begin_undo(other.account_id, order())
    assert await account.store.batch_results(other.account_id, "b1", after=0, limit=9) == []


class Busy:
    """A writer that stops at the first calls."""

    def __init__(self, account: AccountStore, *errors: OneleadError) -> None:
        self.writer = BatchingWriter(account.store)
        self._errors = list(errors)

    async def write_bulk(self, account_id: int, writes: Sequence[LeadWrite]) -> list[Receipt]:
        if self._errors:
            raise self._errors.pop(0)
        return await self.writer.write_bulk(account_id, writes)


async def all_undone(account: AccountStore, work: BatchUndoWork) -> None:
    work.wake()
    for _ in range(1_000):
        if not await account.store.accounts_undoing():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the work does not end")


async def test_a_stop_leaves_the_rest_to_the_next_process(account: AccountStore) -> None:
    await account.results(*(of_batch(create(name=f"Nora {n}")) for n in range(MANY)))
    await account.store.begin_undo(account.account_id, order())
    stopping = BatchUndoWork(account.store, Busy(account, ServiceStopping()), holder="p1")
    await stopping.stop()
    # The same holder need not wait until the first one lets go.
    work = BatchUndoWork(account.store, BatchingWriter(account.store), holder="p1")
    await all_undone(account, work)
    await work.stop()
    assert await outcomes(account) == {"deleted": MANY}


async def test_a_stop_in_the_middle_of_a_step_lets_go_of_it(
    account: AccountStore, elsewhere: AccountStore
) -> None:
    await account.results(*(of_batch(create(name=f"Nora {n}")) for n in range(MANY)))
    await account.store.begin_undo(account.account_id, order())

    async def stop() -> bool:
        return False

    undoer = BatchUndoer(account.store, BatchingWriter(account.store), "p1", stop)
    assert await undoer.step(account.account_id)
    assert await outcomes(account) == {"deleted": UNDO_CHUNK_ROWS}
    undo = await account.store.begin_undo(account.account_id, order())
    assert (undo.rows_done, undo.date_done) == (UNDO_CHUNK_ROWS, None)
    await Process(elsewhere, "p2").work()
    assert await outcomes(account) == {"deleted": MANY}
