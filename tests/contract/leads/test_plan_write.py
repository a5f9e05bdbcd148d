"""A check reports what the write would do, in the same words, and writes nothing."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from tests.support.domain.lead_writes import create, delete, update, upsert, upsert_custom
from tests.support.domain.random_writes import RandomWrites
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.tiers import slow_after

from onelead.domain.errors import IdsExhausted, ResourceNotFound
from onelead.domain.limits import IDS_PER_ACCOUNT_MAX, INDEX_CHUNK_LEADS, MATCH_IDS_MAX
from onelead.domain.writes import LeadWrite, Outcome, WriteResult
from onelead.storage.schema import metadata

#: What no delivery can do.
OF_ACTS = {Outcome.MERGED, Outcome.RESTORED, Outcome.DECIDED}


def everything(account: AccountStore) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables."""
    return {
        table.name: sorted(account.database.rows(f'SELECT * FROM "{table.name}"'), key=repr)
        for table in metadata.sorted_tables
    }


def told(result: WriteResult) -> Any:
    """Return everything in a result, its refusal in the words that a client reads."""
    refusal = result.refusal and (type(result.refusal), result.refusal.message)
    return msgspec.structs.replace(result, refusal=None), refusal


async def checked_and_sent(account: AccountStore, write: LeadWrite) -> WriteResult:
    """Check a write, then send it, and compare the results."""
    before = everything(account)
    check = await account.store.plan_write(account.account_id, write)
    assert everything(account) == before
    receipt = await account.write(write)
    assert told(check.result) == told(receipt.results[0])
    assert check.settings == receipt.settings
    return receipt.results[0]


@pytest.mark.unmeasured
@pytest.mark.parametrize("seed", slow_after(1, range(2)))
async def test_a_check_foretells_what_any_write_does(
    account: AccountStore, clock: Clock, seed: int
) -> None:
    fields = [await account.field(), await account.field(data_type="MultiSelect")]
    writes = RandomWrites(random.Random(seed), fields, people=6)
    outcomes = set()
    for _ in range(60):
        clock.advance(1)
        result = await checked_and_sent(account, writes.next_write())
        writes.learn(result)
        outcomes.add(result.outcome)
    assert outcomes == set(Outcome) - OF_ACTS, f"seed {seed}"
    assert await account.unexplained() == []


async def test_a_match_that_names_30_leads_and_one_that_names_too_many(
    account: AccountStore,
) -> None:
    await account.results(*(create(name="Nora Field") for _ in range(MATCH_IDS_MAX)))
    result = await checked_and_sent(account, upsert("name", "Nora Field", title="Buyer"))
    assert result.match is not None
    assert len(result.match.ids) == MATCH_IDS_MAX
    await account.created()
    result = await checked_and_sent(account, upsert("name", "Nora Field", title="Buyer"))
    assert result.match is not None
    assert (result.match.matches, result.match.ids) == (MATCH_IDS_MAX + 1, ())


async def test_a_field_is_refused_until_it_is_included_in_filters(account: AccountStore) -> None:
    field = await account.field(is_filterable=False)
    write = upsert_custom(field.id, "C-1", name="Nora Field")
    result = await checked_and_sent(account, write)
    assert result.refusal is not None
    assert "is not included in filters" in result.refusal.message
    await account.changed_field(field, is_filterable=True)
    check = await account.store.plan_write(account.account_id, write)
    assert check.result.outcome is Outcome.CREATED


async def test_a_field_that_is_being_indexed_is_refused_with_a_time_to_try_again(
    account: AccountStore,
) -> None:
    field = await account.field(is_filterable=False)
    await account.results(*(create(name="Nora Field") for _ in range(INDEX_CHUNK_LEADS)))
    await account.changed_field(field, is_filterable=True)
    write = upsert_custom(field.id, "C-1", name="Nora Field")
    check = await account.store.plan_write(account.account_id, write)
    assert check.result.refusal is not None
    assert check.result.refusal.retry_after_s == 1
    await account.indexed()
    check = await account.store.plan_write(account.account_id, write)
    assert check.result.outcome is Outcome.CREATED


async def test_a_lead_of_another_account_is_not_seen(account: AccountStore) -> None:
    other = await account.store.create_account("Other Ltd", "omar@other.example")
    lead = await account.created(email="nora@field.example")
    for write in (update(lead.id, title="Buyer"), delete(lead.id)):
        check = await account.store.plan_write(other.account_id, write)
        assert isinstance(check.result.refusal, ResourceNotFound)
    by_email = upsert("email", "nora@field.example", name="Nora Field")
    check = await account.store.plan_write(other.account_id, by_email)
    assert check.result.outcome is Outcome.CREATED


async def test_an_account_without_ids_cannot_create_and_the_check_says_so(
    account: AccountStore,
) -> None:
    last_id = (account.account_id + 1) * IDS_PER_ACCOUNT_MAX - 1
    account.database.execute(f"UPDATE lane SET last_id = {last_id}")
    with pytest.raises(IdsExhausted):
        await account.store.plan_write(account.account_id, create(name="Nora Field"))
    with pytest.raises(IdsExhausted):
        await account.write(create(name="Nora Field"))


async def test_an_account_that_is_not_there_is_not_found(account: AccountStore) -> None:
    with pytest.raises(ResourceNotFound):
        await account.store.plan_write(999, create(name="Nora Field"))
