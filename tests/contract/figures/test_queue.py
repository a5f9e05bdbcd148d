"""The queue of refused deliveries follows the ledger: every one is open until somebody decides."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from msgspec import structs
from tests.support.domain.act_writes import dismiss, keyed, merge, reopen, replay, rule, undo
from tests.support.domain.lead_writes import create, update, upsert
from tests.support.storage.account_store import AccountStore

from onelead.contract.queue import OpenGroup
from onelead.domain.acts.facts import APPLIED, DISMISSED, OPEN
from onelead.domain.limits import QUEUE_CHUNK_ROWS
from onelead.domain.writes import LeadWrite, Outcome
from onelead.storage.figures import queue_fold


async def fold_all(account: AccountStore) -> None:
    """Fold the whole ledger."""
    while await account.store.fold_ledger(account.account_id):
        pass


async def state(account: AccountStore, seq: int) -> tuple[str, int | None]:
    """Return the state of a delivery and the row that says so."""
    await fold_all(account)
    found = (await account.store.refused_deliveries(account.account_id, [seq]))[seq]
    return found.state, found.state_seq


async def groups(account: AccountStore) -> list[OpenGroup]:
    """Return all groups, newest first, after a comparison with the table of deliveries."""
    await fold_all(account)
    found = await account.store.open_groups(account.account_id, limit=1_000)
    rows = account.database.rows(
        "SELECT group_key, caller, seq FROM refused_delivery"
        f" WHERE account_id = {account.account_id} AND state = 'open'"
    )
    assert await account.store.open_deliveries(account.account_id) == len(rows)
    newest: dict[str, int] = {}
    for key, _caller, seq in rows:
        newest[key] = max(seq, newest.get(key, 0))
    counts = Counter(key for key, _caller, _seq in rows)
    callers = Counter((key, caller) for key, caller, _seq in rows)
    expected = sorted(((newest[key], key, counts[key]) for key in counts), reverse=True)
    assert [(one.newest_seq, one.key, one.deliveries) for one in found.groups] == expected
    told = {(one.key, caller): n for one in found.groups for caller, n in one.callers}
    assert told == callers
    return list(found.groups)


async def an_ambiguous_upsert(account: AccountStore, **properties: object) -> tuple[LeadWrite, int]:
    """Let two leads have one e-mail, and return an upsert by it with its ledger number."""
    if not await account.leads():
        await account.created(email="nora@field.example")
        await account.created(email="nora@field.example")
    write = upsert("email", "nora@field.example", **properties)
    return write, (await account.write(write)).first_seq


async def test_deliveries_with_one_answer_are_one_group(account: AccountStore) -> None:
    _write, first = await an_ambiguous_upsert(account)
    second = (await account.write(upsert("email", " NORA@field.example"))).first_seq
    blank = (await account.write(create(title="Buyer"), create(title="Owner"))).first_seq
    reasons, ambiguous = await groups(account)
    assert (ambiguous.key, ambiguous.deliveries) == ("match email nora@field.example", 2)
    assert (reasons.key, reasons.deliveries) == ("reason Name: can't be blank", 2)
    assert reasons.newest_seq == blank + 1
    found = await account.store.deliveries_of_group(account.account_id, ambiguous.key, limit=9)
    assert [row.seq for row in found] == [first, second]
    assert all(row.payload for row in found)
    after = await account.store.deliveries_of_group(
        account.account_id, ambiguous.key, after=first, until=second, limit=9
    )
    assert [row.seq for row in after] == [second]
    beside = await account.store.beside_group(account.account_id, second)
    assert beside == (blank + 1, None)
    page = await account.store.open_groups(account.account_id, before=blank + 1, limit=1)
    assert ([one.key for one in page.groups], page.next_before) == ([ambiguous.key], None)


async def test_an_applied_delivery_is_open_again_when_that_is_undone(
    account: AccountStore,
) -> None:
    write, seq = await an_ambiguous_upsert(account, title="Buyer")
    lead = (await account.leads())[0]
    applied = await account.write(replay(write, seq, lead.id))
    assert applied.results[0].outcome is Outcome.UPDATED
    assert await state(account, seq) == (APPLIED, applied.first_seq)
    assert await groups(account) == []
    undone = await account.write(undo(applied.first_seq))
    assert await state(account, seq) == (OPEN, None)
    assert len(await groups(account)) == 1
    await account.write(undo(undone.first_seq))
    assert (await state(account, seq))[0] == APPLIED
    assert await groups(account) == []


async def test_dismissed_reopened_and_back(account: AccountStore) -> None:
    _write, seq = await an_ambiguous_upsert(account)
    dismissed = (await account.write(dismiss(seq))).first_seq
    assert await state(account, seq) == (DISMISSED, dismissed)
    reopened = (await account.write(reopen(seq))).first_seq
    assert await state(account, seq) == (OPEN, reopened)
    undone = (await account.write(undo(reopened))).first_seq
    assert await state(account, seq) == (DISMISSED, dismissed)
    await account.write(undo(undone))
    assert await state(account, seq) == (OPEN, reopened)
    assert len(await groups(account)) == 1


async def test_an_accepted_delivery_replaces_those_refused_with_its_key(
    account: AccountStore,
) -> None:
    first = (await account.write(keyed(create(title="Buyer"), "one"))).first_seq
    other = (await account.write(keyed(create(title="Buyer"), "two"))).first_seq
    await fold_all(account)
    second = (await account.write(keyed(create(title="Owner"), "one"))).first_seq
    good = (await account.write(keyed(create(name="Nora Field"), "one"))).first_seq
    assert await state(account, first) == (APPLIED, good)
    assert await state(account, second) == (APPLIED, good)
    assert await state(account, other) == (OPEN, None)
    await groups(account)
    # Nothing that is decided about it afterwards lets it wait again.
    await account.write(undo((await account.write(dismiss(first))).first_seq))
    assert await state(account, first) == (APPLIED, good)
    assert len(await groups(account)) == 1
    # And nobody who applies it overwrites what was accepted.
    late = await account.write(replay(create(name="N. F.", title="Buyer"), first))
    assert (late.results[0].outcome, late.results[0].replayed_seq) == (Outcome.UNCHANGED, good)


async def test_an_act_that_is_refused_is_not_in_the_queue(account: AccountStore) -> None:
    write, seq = await an_ambiguous_upsert(account)
    again = replay(upsert("email", "nora@field.example"), seq)
    assert (await account.result(again)).outcome is Outcome.REFUSED
    assert (await account.result(merge(1, 2))).outcome is Outcome.REFUSED
    (group,) = await groups(account)
    assert (group.deliveries, group.newest_seq) == (1, seq)
    assert not await account.store.refused_deliveries(account.account_id, [seq + 1])
    lead = (await account.leads())[0]
    await account.write(rule(lead.id, "email", "nora@field.example"))
    assert (await account.result(structs.replace(write, about_seq=seq))).refusal is None
    assert await groups(account) == []


async def test_the_queue_takes_in_a_ledger_that_was_folded_before(account: AccountStore) -> None:
    write, seq = await an_ambiguous_upsert(account)
    await account.write(*(create(title="Buyer") for _ in range(5)))
    applied = await account.write(replay(write, seq, (await account.leads())[0].id))
    await fold_all(account)
    before = await groups(account)
    for table in ("queue_progress", "refused_delivery", "open_group", "open_group_caller"):
        account.database.execute(f"DELETE FROM {table}")
    assert await account.store.open_deliveries(account.account_id) == 0
    assert await account.store.accounts_behind() == [account.account_id]
    assert await groups(account) == before
    assert await state(account, seq) == (APPLIED, applied.first_seq)


async def test_a_group_by_its_key(account: AccountStore) -> None:
    await an_ambiguous_upsert(account)
    store, account_id = account.store, account.account_id
    assert await store.queue_rows_behind(account_id) == 3
    (group,) = await groups(account)
    assert await store.queue_rows_behind(account_id) == 0
    assert await store.open_group(account_id, group.key) == group
    assert await store.open_group(account_id, "match email omar@reed.example") is None
    assert await store.open_group(account_id + 1, group.key) is None
    (row,) = await store.first_of_group(account_id, group.key, limit=5)
    assert (row.seq, row.payload) == (group.newest_seq, None)


async def test_processes_that_fold_at_the_same_time_count_once(
    account: AccountStore, elsewhere: AccountStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_fold, "QUEUE_CHUNK_ROWS", 3)
    await an_ambiguous_upsert(account)
    for _ in range(4):
        await account.write(create(title="Buyer"), upsert("email", "nora@field.example"))
    await asyncio.gather(*(fold_all(one) for one in (account, elsewhere)))
    assert sorted(group.deliveries for group in await groups(account)) == [4, 5]


async def test_the_rows_of_a_batch(account: AccountStore) -> None:
    lead = await account.created()
    writes = []
    for title in ("a", "b", "c"):
        write = update(lead.id, title=title)
        delivery = structs.replace(write.delivery, batch_id="batch")
        writes.append(structs.replace(write, delivery=delivery))
    first = (await account.write(*writes)).first_seq
    store, account_id = account.store, account.account_id
    rows = await store.rows_of_batch(account_id, "batch", limit=2)
    assert [row.seq for row in rows] == [first + 2, first + 1]
    rows = await store.rows_of_batch(account_id, "batch", before=first + 1, limit=2)
    assert [row.seq for row in rows] == [first]
    assert await store.rows_of_batch(account_id + 1, "batch", limit=2) == []


@pytest.mark.parametrize("seed", range(3))
async def test_the_queue_is_the_same_in_however_many_steps(
    account: AccountStore, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(seed)
    monkeypatch.setattr(queue_fold, "QUEUE_CHUNK_ROWS", draw.randint(1, 9))
    write, seq = await an_ambiguous_upsert(account)
    lead = (await account.leads())[0]
    seqs = [seq]
    for _ in range(40):
        about = draw.choice(seqs)
        chosen = draw.choice(
            [
                create(title="Buyer"),
                upsert("email", "nora@field.example"),
                dismiss(about),
                reopen(about),
                replay(write, about, lead.id),
                undo(about, force=True),
                keyed(create(title="Buyer"), "key"),
                keyed(create(name="Omar"), "key"),
            ]
        )
        seqs.append((await account.write(chosen)).seqs[0])
        if draw.random() < 0.3:
            await groups(account)
    await groups(account)
    table = "SELECT * FROM refused_delivery ORDER BY seq"
    found = account.database.rows(table)
    for name in ("queue_progress", "refused_delivery", "open_group", "open_group_caller"):
        account.database.execute(f"DELETE FROM {name}")
    monkeypatch.setattr(queue_fold, "QUEUE_CHUNK_ROWS", QUEUE_CHUNK_ROWS)
    await groups(account)
    assert account.database.rows(table) == found


async def test_nothing_is_applied_twice(account: AccountStore) -> None:
    write, seq = await an_ambiguous_upsert(account, title="Buyer")
    lead = (await account.leads())[0]
    again = [replay(write, seq, lead.id), replay(write, seq, lead.id)]
    first, second = await account.results(*again)
    assert first.outcome is Outcome.UPDATED
    assert second.replayed_seq == seq + 1
    assert await state(account, seq) == (APPLIED, seq + 1)


async def test_a_delivery_that_changed_nothing_waits_again_after_an_undo(
    account: AccountStore,
) -> None:
    write, seq = await an_ambiguous_upsert(account)
    lead = (await account.leads())[0]
    applied = await account.write(replay(write, seq, lead.id))
    assert applied.results[0].outcome is Outcome.UNCHANGED
    assert (await state(account, seq))[0] == APPLIED
    undone = await account.write(undo(applied.first_seq))
    assert undone.results[0].outcome is Outcome.DECIDED
    assert await state(account, seq) == (OPEN, None)
    await account.write(undo(undone.first_seq))
    assert (await state(account, seq))[0] == APPLIED
