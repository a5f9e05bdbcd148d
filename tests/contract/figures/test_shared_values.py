"""Shared values: a walk in short steps finds all of them and counts correctly."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from tests.support.domain.lead_writes import create, delete
from tests.support.storage.account_store import AccountStore

from onelead.contract.store import Store


async def walk(account: AccountStore, key_field: str, limit: int) -> tuple[dict[str, int], int]:
    """Walk to the end; return every value found with its leads, and the number of keys passed."""
    found: dict[str, int] = {}
    passed, after = 0, ""
    while True:
        step = await account.store.shared_values(
            account.account_id, key_field, after=after, limit=limit
        )
        assert not found.keys() & {value for value, _leads in step.values}
        assert [value for value, _leads in step.values] == sorted(v for v, _leads in step.values)
        found |= dict(step.values)
        passed += step.passed
        if step.next_after is None:
            return found, passed
        assert step.next_after > after
        after = step.next_after


@pytest.mark.parametrize("limit", [2, 3, 7, 50])
async def test_a_walk_finds_every_shared_value(account: AccountStore, limit: int) -> None:
    chance = random.Random(limit)
    names = [f"Lead {chance.randrange(25):03}" for _ in range(40)]
    await account.results(*(create(name=name) for name in names))
    counts = Counter(name.casefold() for name in names)
    found, passed = await walk(account, "name", limit)
    assert found.keys() == {name for name, leads in counts.items() if leads > 1}
    for name, leads in found.items():
        # A step that one value fills looks no further.
        assert leads == min(counts[name], limit) or leads == counts[name]
    assert passed <= len(names)
    if limit > max(counts.values()):
        assert (found, passed) == ({n: c for n, c in counts.items() if c > 1}, len(names))


async def test_values_that_differ_only_in_case_are_one(account: AccountStore) -> None:
    await account.results(create(name="Nora Field"), create(name="NORA  field"))
    found, _ = await walk(account, "name", 10)
    assert found == {"nora field": 2}


async def test_each_field_is_walked_on_its_own(account: AccountStore) -> None:
    field = await account.field()
    for number in ("C-1", "C-2", "C-1"):
        await account.created(
            name=f"Nora {number}", email="n@field.example", custom_fields={field.id: number}
        )
    assert await walk(account, "email", 10) == ({"n@field.example": 3}, 3)
    assert await walk(account, field.key_field, 10) == ({"C-1": 2}, 3)
    assert await walk(account, "phone", 10) == ({}, 0)


async def test_a_value_that_one_lead_gave_up_is_shared_no_more(account: AccountStore) -> None:
    twin = await account.created(name="Nora Field")
    await account.created(name="Nora Field")
    await account.result(delete(twin.id))
    assert await walk(account, "name", 10) == ({}, 1)


async def test_the_leads_of_another_account_share_nothing_with_these(
    account: AccountStore, store: Store
) -> None:
    other = await store.create_account("Other Ltd", "omar@other.example")
    await account.results(create(name="Nora Field"), create(name="Nora Field"))
    step = await store.shared_values(other.account_id, "name", after="", limit=10)
    assert (step.values, step.next_after, step.passed) == ([], None, 0)
