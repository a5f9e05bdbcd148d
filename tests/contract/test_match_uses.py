"""Who matched by a definition lately: counted by caller among the newest ledger rows."""

from __future__ import annotations

import msgspec
import pytest
from tests.account_store import AccountStore
from tests.clock import Clock
from tests.lead_writes import create, upsert, upsert_custom

from onelead.ledger_store import MatchUse, MatchUses
from onelead.storage import match_uses
from onelead.upsert import LeadWrite


def by(write: LeadWrite, user_id: int | None, api_key_id: int | None) -> LeadWrite:
    delivery = msgspec.structs.replace(write.delivery, user_id=user_id, api_key_id=api_key_id)
    return msgspec.structs.replace(write, delivery=delivery)


async def uses(account: AccountStore, definition_id: int) -> MatchUses:
    return await account.store.recent_matches(account.account_id, definition_id)


async def test_an_account_without_deliveries_has_no_uses(account: AccountStore) -> None:
    found = await uses(account, 7)
    assert found == MatchUses([], None)


async def test_uses_are_counted_by_caller_the_newest_first(
    account: AccountStore, clock: Clock
) -> None:
    began = clock.now
    field = await account.field()
    other = await account.field(name="Other")
    await account.results(
        by(upsert_custom(field.id, "C-1", name="Nora"), 1, 10),
        by(upsert_custom(field.id, "C-2", name="Nils"), 1, 10),
        by(upsert_custom(other.id, "C-2", name="Olga"), 1, 11),
        by(upsert("email", "nora@field.example", name="Nora"), 1, 12),
        by(create(name="Custom"), 1, 13),
    )
    clock.advance(60)
    await account.results(by(upsert_custom(field.id, "C-1", name="Nora"), 2, None))
    found = await uses(account, field.id)
    assert found.uses == [
        MatchUse(2, None, 1, last_seq=8, last_date=began + 60),
        MatchUse(1, 10, 2, last_seq=4, last_date=began),
    ]
    assert found.looked_back_to == began


async def test_refused_upserts_that_matched_count_and_malformed_ones_do_not(
    account: AccountStore,
) -> None:
    field = await account.field()
    for _ in range(2):
        await account.created(custom_fields={field.id: "C-1"})
    ambiguous = upsert_custom(field.id, "C-1", name="Nora")
    await account.results(by(ambiguous, 1, 10), by(upsert_custom(field.id, None), 1, 11))
    assert [use.api_key_id for use in (await uses(account, field.id)).uses] == [10]


async def test_a_value_that_looks_like_the_end_of_a_match_is_not_taken_for_it(
    account: AccountStore,
) -> None:
    field = await account.field()
    other = await account.field(name="Other")
    await account.results(
        upsert_custom(other.id, f'"definition_id":{field.id}}}', name="Nora"),
        upsert("name", f'"definition_id":{field.id}}}', name="Nora"),
    )
    assert (await uses(account, field.id)).uses == []


async def test_only_the_newest_rows_are_looked_at(
    account: AccountStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = await account.field()
    await account.results(upsert_custom(field.id, "C-1", name="Nora"))
    clock.advance(60)
    await account.results(*(create(name="Nils") for _ in range(3)))
    monkeypatch.setattr(match_uses, "LEDGER_EXAMINED_MAX", 3)
    assert await uses(account, field.id) == MatchUses([], clock.now)
    monkeypatch.setattr(match_uses, "LEDGER_EXAMINED_MAX", 4)
    assert len((await uses(account, field.id)).uses) == 1


async def test_the_uses_of_another_account_are_not_seen(account: AccountStore) -> None:
    field = await account.field()
    await account.results(upsert_custom(field.id, "C-1", name="Nora"))
    other = await account.store.create_account("Other Ltd", "omar@other.example")
    assert await account.store.recent_matches(other.account_id, field.id) == MatchUses([], None)
