"""Two processes on one database: no duplicate, one order, and settings that both obey at once."""

from __future__ import annotations

import asyncio
import random

import pytest
from tests.support.domain.lead_writes import create, update, upsert, upsert_custom
from tests.support.domain.random_writes import RandomWrites
from tests.support.storage.account_store import AccountStore

from onelead.domain.errors import InputInvalid, ResourceNotFound
from onelead.domain.writes import LeadWrite, Outcome
from onelead.storage.access.accounts import key_hash


async def test_what_one_wrote_the_other_reads(
    account: AccountStore, elsewhere: AccountStore
) -> None:
    lead = await account.created(email="nora@field.example")
    assert await elsewhere.leads() == [lead]
    result = await elsewhere.result(upsert("email", "nora@field.example", title="Buyer"))
    assert result.outcome is Outcome.UPDATED
    assert (await account.store.lead(account.account_id, lead.id)).lead == result.lead


async def test_upserts_of_the_same_people_by_both_make_each_person_once(
    account: AccountStore, elsewhere: AccountStore
) -> None:
    writes = [
        one.write(upsert("email", f"n{person}@field.example", name="Nora Field"))
        for person in range(20)
        for one in (account, elsewhere, account, elsewhere)
    ]
    receipts = await asyncio.gather(*writes)
    assert len(await account.leads()) == 20
    outcomes = [receipt.results[0].outcome for receipt in receipts]
    assert outcomes.count(Outcome.CREATED) == 20
    assert sorted(receipt.first_seq for receipt in receipts) == list(range(1, 81))


async def test_upserts_that_would_match_each_other_through_different_fields_make_one_lead(
    account: AccountStore, elsewhere: AccountStore
) -> None:
    """One looks for the e-mail and brings the name, the other does the reverse."""
    writes = []
    for person in range(20):
        email, name = f"n{person}@field.example", f"Nora Field {person}"
        writes.append(account.write(upsert("email", email, name=name)))
        writes.append(elsewhere.write(upsert("name", name, email=email)))
    await asyncio.gather(*writes)
    assert len(await account.leads()) == 20
    assert await account.unexplained() == []


@pytest.mark.parametrize("seed", range(6))
async def test_random_batches_of_both_have_one_order(
    account: AccountStore, elsewhere: AccountStore, seed: int
) -> None:
    chance = random.Random(seed)
    fields = [await account.field(), await account.field(data_type="MultiSelect")]
    writes = RandomWrites(chance, fields)

    async def deliver(one: AccountStore) -> None:
        for _ in range(15):
            batch = [writes.next_write() for _ in range(chance.choice([1, 3, 10]))]
            for result in await one.results(*batch):
                writes.learn(result)

    await asyncio.gather(deliver(account), deliver(elsewhere), deliver(elsewhere))
    assert await account.unexplained() == [], f"seed {seed}"


async def test_a_switch_in_the_middle_is_obeyed_by_every_batch_after_it(
    account: AccountStore, elsewhere: AccountStore
) -> None:
    """The batches know the settings from before all the switches."""
    field = await account.field()
    old = await elsewhere.settings()

    async def deliver(one: AccountStore) -> None:
        for number in range(30):
            write: LeadWrite = upsert_custom(field.id, f"C-{number % 5}", name="Nora Field")
            await one.write(write, create(name="Sam Roe"), settings=old)

    async def switch() -> None:
        for number in range(10):
            await account.changed_field(field, is_filterable=number % 2 == 1)

    await asyncio.gather(deliver(account), switch(), deliver(elsewhere))
    assert await account.unexplained() == []
    outcomes = {outcome for (outcome,) in account.ledger("outcome")}
    assert outcomes >= {"created", "refused"}


async def test_a_switch_by_one_is_obeyed_by_the_very_next_batch_of_the_other(
    account: AccountStore, elsewhere: AccountStore
) -> None:
    field = await account.field()
    write = upsert_custom(field.id, "C-1", name="Nora Field")
    settings = (await elsewhere.write(write)).settings
    await account.changed_field(field, is_filterable=False)
    receipt = await elsewhere.write(write, settings=settings)
    assert isinstance(receipt.results[0].refusal, InputInvalid)
    await account.changed_field(field, is_filterable=True)
    receipt = await elsewhere.write(write, settings=receipt.settings)
    assert receipt.results[0].outcome is Outcome.UNCHANGED


async def test_settings_read_by_the_other_are_never_old(
    account: AccountStore, elsewhere: AccountStore
) -> None:
    for _ in range(3):
        await elsewhere.settings()
        field = await account.field()
        assert field in (await elsewhere.settings()).fields
        lead = await account.created(custom_fields={field.id: "C-1"})
        assert (await elsewhere.store.lead(account.account_id, lead.id)).settings.fields[
            -1
        ] == field


async def test_a_key_revoked_by_one_stops_working_for_the_other(
    account: AccountStore, elsewhere: AccountStore
) -> None:
    key, secret = await account.store.create_api_key(account.account_id, "dana@shop.example", "x")
    assert await elsewhere.store.caller(key_hash(secret)) is not None
    await account.store.revoke_api_key(account.account_id, key.id)
    assert await elsewhere.store.caller(key_hash(secret)) is None


async def test_accounts_created_by_both_are_two(
    account: AccountStore, elsewhere: AccountStore
) -> None:
    stores = (account.store, elsewhere.store, account.store)
    made = await asyncio.gather(
        *(store.create_account("Other Ltd", "omar@other.example") for store in stores)
    )
    assert sorted(one.account_id for one in made) == [2, 3, 4]
    assert await elsewhere.store.account_ids() == [1, 2, 3, 4]


async def test_an_account_lives_apart_from_the_others(account: AccountStore) -> None:
    """The same people and definitions, of which the other account sees nothing."""
    other = await account.store.create_account("Other Ltd", "omar@other.example")
    stranger = await AccountStore.of(account.store, other.account_id, account.database)
    mine, theirs = await account.field(), await stranger.field()
    lead = await account.created(email="nora@field.example", tags=["fair"])
    result = await stranger.result(upsert("email", "nora@field.example", name="Nora Field"))
    assert result.outcome is Outcome.CREATED
    assert await account.leads() == [lead]
    assert await stranger.leads() == [result.lead]
    for refused in await stranger.results(
        update(lead.id, title="Buyer"),
        create(name="Sam Roe", custom_fields={mine.id: "C-1"}),
        upsert_custom(mine.id, "C-1", name="Sam Roe"),
        create(name="Sam Roe", assignee_id=account.database.account.user_id),
        create(name="Sam Roe", status_id=(await account.settings()).statuses[0].id),
    ):
        assert refused.outcome is Outcome.REFUSED
    for call in (
        stranger.store.lead(other.account_id, lead.id),
        stranger.store.lead_history(other.account_id, lead.id, offset=0, limit=1),
    ):
        with pytest.raises(ResourceNotFound):
            await call
    assert (await account.settings()).fields == (mine,)
    assert (await stranger.settings()).fields == (theirs,)
    assert await account.unexplained() == []
    assert await stranger.unexplained() == []
