"""Reading what people decided about ledger rows and leads."""

from __future__ import annotations

from tests.support.domain.act_writes import separate, undo
from tests.support.domain.lead_writes import update
from tests.support.storage.account_store import AccountStore

from onelead.contract.acts import DistinctPair
from onelead.domain.acts.facts import undo_of


async def test_the_rows_about_rows_are_found(account: AccountStore) -> None:
    lead = await account.created()
    changed = (await account.write(update(lead.id, title="Buyer"))).first_seq
    undone = (await account.write(undo(changed))).first_seq
    again = (await account.write(undo(undone))).first_seq
    acts = await account.store.acts_about(account.account_id, [1, changed])
    assert {about: [act.seq for act in found] for about, found in acts.items()} == {
        changed: [undone],
        undone: [again],
    }
    assert (undo_of(acts, changed), undo_of(acts, undone)) == (None, again)
    assert await account.store.acts_about(account.account_id, []) == {}
    assert await account.store.acts_about(account.account_id + 1, [changed]) == {}


async def test_two_persons_are_found_until_that_is_taken_back(account: AccountStore) -> None:
    first, second, third = [await account.created() for _ in range(3)]
    seq = (await account.write(separate(second.id, first.id))).first_seq
    ids = [first.id, second.id, third.id]
    pairs = await account.store.distinct_pairs(account.account_id, ids)
    assert pairs == [DistinctPair(first.id, second.id, seq)]
    assert await account.store.distinct_pairs(account.account_id, ids[1:]) == []
    assert await account.store.distinct_pairs(account.account_id + 1, ids) == []
    await account.write(undo(seq))
    assert await account.store.distinct_pairs(account.account_id, ids) == []
