"""Forms can be sent only once, whichever process gets them and whether or not a commit succeeds."""

from __future__ import annotations

import asyncio

from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import Database
from tests.support.storage.faults import Faults, disk_error

from onelead.contract.store import Store
from onelead.domain.limits import SENT_FORM_S


async def test_only_one_of_several_simultaneous_sends_is_the_first(
    account: AccountStore, elsewhere: AccountStore
) -> None:
    stores = (account.store, elsewhere.store) * 5
    found = await asyncio.gather(
        *(store.begin_form(account.account_id, "form") for store in stores)
    )
    assert sorted(found, key=str) == [""] * 9 + [None]


async def test_a_form_that_was_sent_says_where_it_led_to(account: AccountStore) -> None:
    store, id_ = account.store, account.account_id
    assert await store.begin_form(id_, "form") is None
    assert await store.begin_form(id_, "form") == ""
    await store.finish_form(id_, "form", "/leads/7")
    assert await store.begin_form(id_, "form") == "/leads/7"
    assert await store.begin_form(id_, "another") is None


async def test_a_form_that_did_nothing_can_be_sent_again(account: AccountStore) -> None:
    store, id_ = account.store, account.account_id
    assert await store.begin_form(id_, "form") is None
    await store.finish_form(id_, "form", None)
    assert await store.begin_form(id_, "form") is None


async def test_forms_are_forgotten_after_a_time(account: AccountStore, clock: Clock) -> None:
    store, id_ = account.store, account.account_id
    await store.begin_form(id_, "form")
    clock.advance(SENT_FORM_S - 1)
    assert await store.begin_form(id_, "form") == ""
    clock.advance(1)
    assert await store.begin_form(id_, "form") is None


async def test_another_account_has_forms_of_its_own(account: AccountStore, store: Store) -> None:
    other = await store.create_account("Other Ltd", "omar@other.example")
    await store.begin_form(account.account_id, "form")
    await store.finish_form(other.account_id, "form", "/theirs")
    assert await store.begin_form(other.account_id, "form") is None
    assert await store.begin_form(account.account_id, "form") == ""


async def test_a_commit_in_doubt_does_not_take_the_first_for_the_second(
    database: Database, clock: Clock
) -> None:
    faults = Faults()
    store = await database.open_faulty(clock, faults)
    faults.after_commit = disk_error
    assert await store.begin_form(database.account.account_id, "form") is None
    assert await store.begin_form(database.account.account_id, "form") == ""
    await store.close()
