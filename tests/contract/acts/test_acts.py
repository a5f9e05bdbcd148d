"""Acts on leads go through the lane like any other write, and are remembered by every engine."""

from __future__ import annotations

from msgspec import structs
from tests.support.domain.act_writes import (
    dismiss,
    edit,
    keyed,
    merge,
    reopen,
    replay,
    rule,
    separate,
    undo,
)
from tests.support.domain.lead_writes import create, delete, update, upsert
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore

from onelead.domain.errors import ClaimTaken, InputInvalid, LeadMerged, MatchAmbiguous
from onelead.domain.matching import Match
from onelead.domain.writes import Outcome
from onelead.storage.leads.rows import lead_row


async def test_a_delivery_by_a_losers_value_finds_the_survivor(account: AccountStore) -> None:
    nora = await account.created(email="n@field.example")
    other = await account.created(email="nora@field.example", title="Buyer")
    merged = await account.result(merge(nora.id, other.id))
    assert (merged.outcome, merged.lead and merged.lead.title) == (Outcome.MERGED, "Buyer")
    found = await account.result(upsert("email", "nora@field.example", tags=["vip"]))
    assert (found.outcome, found.lead and found.lead.id) == (Outcome.UPDATED, nora.id)
    assert [lead.id for lead in await account.leads()] == [nora.id]


async def test_an_old_id_leads_to_the_survivor(account: AccountStore) -> None:
    nora, other = await account.created(), await account.created(email="b@field.example")
    await account.result(merge(nora.id, other.id))
    changed = await account.result(update(other.id, title="Buyer"))
    assert changed.lead is not None
    assert changed.details is not None
    assert (changed.lead.id, changed.details.via_id) == (nora.id, other.id)
    assert isinstance((await account.result(delete(other.id))).refusal, LeadMerged)


async def test_an_undo_of_a_number_that_is_not_given_yet_is_refused_and_ends(
    account: AccountStore,
) -> None:
    """It may be its own, and two of them may be about each other."""
    seq = (await account.write(create(name="Nora"))).first_seq
    for about in (seq + 1, seq + 3, seq + 2, seq + 1, seq + 2, seq + 3):
        refused = await account.result(undo(about))
        assert refused.outcome is Outcome.REFUSED
        assert await account.store.acts_about(account.account_id, [about]) is not None


async def test_an_undone_merge_lets_the_losers_stand_again(account: AccountStore) -> None:
    nora = await account.created(email="n@field.example")
    other = await account.created(email="nora@field.example", title="Buyer")
    receipt = await account.write(merge(nora.id, other.id))
    undone = await account.write(undo(receipt.first_seq))
    assert undone.results[0].outcome is Outcome.RESTORED
    first, second = await account.leads()
    assert structs.replace(first, version=1, date_modified=0) == structs.replace(
        nora, date_modified=0
    )
    assert structs.replace(second, version=1, date_modified=0) == structs.replace(
        other, date_modified=0
    )
    again = await account.write(undo(undone.first_seq))
    assert again.results[0].outcome is Outcome.MERGED
    assert [lead.id for lead in await account.leads()] == [nora.id]


async def test_a_ruling_decides_an_ambiguous_value(account: AccountStore) -> None:
    first, second = await account.created(), await account.created()
    by_name = upsert("name", first.name, title="Buyer")
    assert isinstance((await account.result(by_name)).refusal, MatchAmbiguous)
    await account.result(rule(second.id, "name", first.name))
    decided = await account.result(by_name)
    assert decided.lead is not None
    assert decided.match is not None
    assert (decided.lead.id, decided.match.by) == (second.id, "ruling")
    taken = await account.result(rule(first.id, "name", first.name))
    assert isinstance(taken.refusal, ClaimTaken)


async def test_a_refused_delivery_is_applied_to_the_lead_that_is_meant(
    account: AccountStore,
) -> None:
    first, second = await account.created(), await account.created()
    delivery = upsert("name", first.name, title="Buyer")
    refused = await account.write(delivery)
    written = await account.write(replay(delivery, refused.first_seq, second.id))
    applied, applied_seq = written.results[0], written.first_seq
    assert applied.lead is not None
    assert (applied.outcome, applied.lead.id) == (Outcome.UPDATED, second.id)
    assert (await account.result(dismiss(refused.first_seq))).outcome is Outcome.UNCHANGED
    await account.result(undo(applied_seq))
    assert (await account.result(dismiss(refused.first_seq))).outcome is Outcome.DECIDED
    assert (await account.result(dismiss(refused.first_seq))).outcome is Outcome.UNCHANGED
    assert (await account.result(reopen(refused.first_seq))).outcome is Outcome.DECIDED


async def test_a_write_with_a_key_is_done_once(account: AccountStore) -> None:
    write = keyed(create(name="Nora Field", email="n@field.example"), "1" * 64)
    first, twin = await account.results(write, write)
    assert (first.outcome, twin.outcome, twin.replayed_seq) == (Outcome.CREATED, first.outcome, 1)
    assert first.lead is not None
    await account.result(delete(first.lead.id))
    again = await account.write(write, create(name="Sam Roe"))
    assert (again.results[0].replayed_seq, again.results[0].lead) == (1, first.lead)
    assert again.results[0].changes == first.changes
    assert again.seqs == [1, 3]
    assert account.ledger("seq") == [(1,), (2,), (3,)]


async def test_all_values_of_a_step_have_to_match(account: AccountStore) -> None:
    await account.created(name="Nora Field", email="a@field.example")
    meant = await account.created(name="Nora Field", email="b@field.example")
    steps = ((Match("name", "Nora Field"), Match("email", "b@field.example")),)
    write = structs.replace(upsert("name", "x", title="Buyer"), match=None, match_steps=steps)
    found = await account.result(write)
    assert found.lead is not None
    assert (found.outcome, found.lead.id) == (Outcome.UPDATED, meant.id)


async def test_two_persons_are_remembered_until_that_is_undone(account: AccountStore) -> None:
    first, second = await account.created(), await account.created()
    said = await account.write(separate(second.id, first.id))
    assert said.results[0].outcome is Outcome.DECIDED
    assert (await account.result(separate(first.id, second.id))).outcome is Outcome.UNCHANGED
    assert (await account.result(undo(said.first_seq))).outcome is Outcome.DECIDED
    assert (await account.result(separate(first.id, second.id))).outcome is Outcome.DECIDED


async def test_the_pairs_of_a_batch_are_not_taken_for_one_another(account: AccountStore) -> None:
    one, two, three, four = [
        (await account.created(email=f"n{number}@field.example")).id for number in range(4)
    ]
    await account.write(separate(one, four), separate(two, three))
    decided = await account.results(separate(one, two), separate(three, four), separate(one, four))
    assert [result.outcome for result in decided] == [
        *(Outcome.DECIDED, Outcome.DECIDED, Outcome.UNCHANGED)
    ]
    assert await account.unexplained() == []


async def test_the_ledger_explains_all_acts(account: AccountStore) -> None:
    first, second, third = [await account.created(email=f"{n}@x.example") for n in "abc"]
    delivery = upsert("name", first.name, title="Buyer")
    refused = (await account.write(delivery)).first_seq
    await account.result(rule(third.id, "name", first.name))
    await account.result(replay(delivery, refused))
    inner = (await account.write(merge(second.id, third.id))).first_seq
    outer = (await account.write(merge(first.id, second.id))).first_seq
    await account.result(keyed(update(third.id, title="Owner"), "2" * 64))
    await account.result(separate(first.id, second.id))
    assert (await account.result(undo(inner))).outcome is Outcome.REFUSED
    await account.result(undo(outer))
    await account.write(undo(inner), dismiss(refused), delete(first.id))
    assert await account.unexplained() == []


async def test_a_refused_delivery_is_applied_once(account: AccountStore) -> None:
    first, second = await account.created(), await account.created()
    delivery = upsert("name", first.name, title="Buyer")
    refused = (await account.write(delivery)).first_seq
    applied = await account.write(
        replay(delivery, refused, second.id), replay(delivery, refused, first.id)
    )
    twin = applied.results[1]
    assert (twin.outcome, twin.replayed_seq, applied.seqs) == (Outcome.UNCHANGED, 4, [4, 4])
    assert [row.seq for row in await account.history(first.id)] == [1]
    await account.result(undo(4))
    again = await account.result(replay(delivery, refused, first.id))
    assert again.outcome is Outcome.UPDATED
    for decision in (dismiss(refused), reopen(refused), replay(delivery, refused, second.id)):
        assert (await account.result(decision)).outcome is Outcome.UNCHANGED


async def test_what_was_not_refused_is_not_applied(account: AccountStore) -> None:
    lead = await account.created()
    result = await account.result(replay(create(name="Sam Roe"), 1))
    assert isinstance(result.refusal, InputInvalid)
    # To a lead that it did not reach, such as one that stands again, it is.
    applied = await account.result(replay(upsert("name", "x", title="Buyer"), 1, lead.id))
    assert applied.outcome is Outcome.UPDATED


async def test_a_delivery_by_an_old_id_is_no_part_of_the_merged_leads_history(
    account: AccountStore,
) -> None:
    nora, other = await account.created(), await account.created()
    await account.result(merge(nora.id, other.id))
    await account.result(delete(other.id))
    assert [row.seq for row in await account.history(other.id)] == [3, 2]
    assert [row.seq for row in await account.history(nora.id)] == [4, 3, 2, 1]
    store, account_id = account.store, account.account_id
    page = await store.lead_ledger(account_id, other.id, before=3, limit=5)
    assert [row.seq for row in page.rows] == [2]
    # What a page folds into the row of the merge is left out.
    page = await store.lead_ledger(account_id, nora.id, limit=2)
    assert ([row.seq for row in page.rows], page.next_before) == ([3, 1], None)


async def test_a_field_that_does_not_exist_is_not_pinned(account: AccountStore) -> None:
    lead, field = await account.created(), await account.field()
    for name in ("titel", "custom_fields.7"):
        assert isinstance((await account.result(edit(lead.id, pin=(name,)))).refusal, InputInvalid)
    pinned = await account.result(edit(lead.id, pin=("title", f"custom_fields.{field.id}")))
    assert pinned.lead is not None
    assert pinned.lead.pins == (f"custom_fields.{field.id}", "title")
    # What is gone can be let go.
    released = await account.result(edit(lead.id, unpin=("custom_fields.7",)))
    assert released.outcome is Outcome.UNCHANGED


async def test_what_a_merge_adds_up_is_searched_by(account: AccountStore, clock: Clock) -> None:
    older = await account.created(email="b@field.example")
    clock.advance(60)
    nora = await account.created(name=older.name)
    merged = (await account.result(merge(nora.id, older.id))).lead
    assert merged is not None
    assert merged.date_created == older.date_created
    rows = await account.store.account_rows(account.account_id)
    assert rows.leads == [lead_row(account.account_id, merged)]
