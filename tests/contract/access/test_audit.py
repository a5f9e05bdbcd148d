"""The audit: every change of access leaves an entry in the same transaction."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import EMAIL, Database
from tests.support.web.open_session import open_session

from onelead.contract.access import LinkPurpose, StoredPassword, WebSession
from onelead.contract.audit import AuditSearch
from onelead.contract.store import Store
from onelead.domain.access import UserChange
from onelead.domain.account import Role
from onelead.domain.api_keys.purposes import KeyPurpose, KeyScope
from onelead.domain.audit import (
    COMMAND_LINE,
    AuditEntry,
    AuditEvent,
    AuditRow,
    Channel,
    Requester,
)
from onelead.domain.errors import InputInvalid, NotPossible, ResourceNotFound
from onelead.domain.limits import SIGN_IN_ACCOUNTS_MAX
from onelead.storage.access.accounts import key_hash

BY = Requester(Channel.PAGE, 77, request_id="request-1", address="192.0.2.7")


async def audit(store: Store, account_id: int = 1, **search: Any) -> list[AuditRow]:
    return list(await store.search_audit(account_id, AuditSearch(**search)))


async def newest(store: Store) -> AuditEntry:
    return (await audit(store))[0].entry


def a_session(user_id: int, clock: Clock, account_id: int = 1) -> WebSession:
    return WebSession(account_id, user_id, clock.now, clock.now, "192.0.2.7", "curl/8")


@pytest.fixture
def dana(database: Database) -> int:
    """The id of the account's first admin."""
    return database.account.user_id


async def test_a_new_account_begins_with_its_user_and_its_key(store: Store, clock: Clock) -> None:
    made = await store.create_account("Other Ltd", "omar@other.example")
    key, user = await audit(store, made.account_id)
    assert [(row.seq, row.date) for row in (user, key)] == [(1, clock.now), (2, clock.now)]
    assert user.entry.event is AuditEvent.USER_CREATED
    assert key.entry.event is AuditEvent.KEY_CREATED
    assert {row.entry.by for row in (user, key)} == {COMMAND_LINE}


async def test_a_user_is_made_changed_deactivated_and_reactivated(store: Store) -> None:
    mia = await store.create_user(1, "mia@shop.example", "Mia Roe", Role.MEMBER, by=BY)
    assert await newest(store) == AuditEntry(
        AuditEvent.USER_CREATED,
        BY,
        mia.id,
        changes={
            "name": (None, "Mia Roe"),
            "email": (None, "mia@shop.example"),
            "role": (None, "member"),
        },
    )
    await store.change_user(1, mia.id, UserChange(name="Mia R", role=Role.ADMIN), by=BY)
    changes = {"name": ("Mia Roe", "Mia R"), "role": ("member", "admin")}
    assert await newest(store) == AuditEntry(AuditEvent.USER_CHANGED, BY, mia.id, changes=changes)
    await store.deactivate_user(1, mia.email, by=BY)
    assert await newest(store) == AuditEntry(AuditEvent.USER_DEACTIVATED, BY, mia.id)
    await store.change_user(1, mia.id, UserChange(is_active=True), by=BY)
    assert await newest(store) == AuditEntry(AuditEvent.USER_REACTIVATED, BY, mia.id)


async def test_a_key_names_who_made_it_and_who_has_it(store: Store, dana: int) -> None:
    purpose = KeyPurpose(KeyScope.DELIVER, networks=("10.0.0.0/8",))
    key, secret = await store.create_api_key(1, EMAIL, "Web form", purpose, by=BY)
    entry = await newest(store)
    assert (entry.event, entry.by) == (AuditEvent.KEY_CREATED, BY)
    assert (entry.subject_user_id, entry.subject_key_id) == (dana, key.id)
    assert entry.changes == {
        "label": (None, "Web form"),
        "scope": (None, "deliver"),
        "networks": (None, "10.0.0.0/8"),
    }
    assert secret not in str(entry)
    (stored,) = [one for one in await store.api_keys(1) if one.id == key.id]
    assert stored == key
    assert stored.created_by_id == BY.user_id
    for _ in range(2):
        await store.revoke_api_key(1, key.id, by=BY)
    first, second, *_ = await audit(store)
    assert first.entry == AuditEntry(AuditEvent.KEY_REVOKED, BY, dana, key.id)
    assert second.entry.event is AuditEvent.KEY_CREATED


async def test_a_link_and_the_password_that_it_sets(store: Store, dana: int, clock: Clock) -> None:
    token = await store.create_link(1, dana, LinkPurpose.LOST_PASSWORD, by=BY)
    changes = {"purpose": (None, "lost_password")}
    assert await newest(store) == AuditEntry(AuditEvent.LINK_CREATED, BY, dana, changes=changes)
    visitor = Requester(Channel.PAGE, address="192.0.2.9")
    session = a_session(dana, clock)
    assert await store.set_password(key_hash(token), "hash", "token", session, by=visitor)
    signed_in, password_set, *_ = await audit(store)
    own = Requester(Channel.PAGE, dana, address="192.0.2.9")
    assert signed_in.entry == AuditEntry(AuditEvent.SIGNED_IN, own, dana)
    assert password_set.entry == AuditEntry(AuditEvent.PASSWORD_SET, own, dana, changes=changes)
    assert not await store.set_password(key_hash(token), "hash", "again", session, by=visitor)
    assert (await newest(store)) == signed_in.entry
    text = str(await audit(store))
    assert not {"hash", "token", token} & set(text.split("'"))


async def test_signing_in_and_out(store: Store, dana: int, clock: Clock) -> None:
    token = await store.create_link(1, dana, LinkPurpose.INVITATION)
    await store.set_password(key_hash(token), "hash", "first", a_session(dana, clock))
    (stored,) = await store.passwords(EMAIL)
    visitor = Requester(Channel.PAGE, address="192.0.2.9")
    own = Requester(Channel.PAGE, dana, address="192.0.2.9")
    assert await store.sign_in(stored, "second", a_session(dana, clock), by=visitor)
    assert await newest(store) == AuditEntry(AuditEvent.SIGNED_IN, own, dana)
    await store.change_password(1, dana, "new", keep="second", by=own)
    assert await newest(store) == AuditEntry(AuditEvent.PASSWORD_CHANGED, own, dana)
    outdated = StoredPassword(EMAIL, 1, dana, "Shop Ltd", "hash")
    assert not await store.sign_in(outdated, "third", a_session(dana, clock), by=visitor)
    for _ in range(2):
        await store.end_session("second", by=own)
    first, second, *_ = await audit(store)
    assert first.entry == AuditEntry(
        AuditEvent.SIGNED_OUT, own, dana, changes={"session_address": ("192.0.2.7", None)}
    )
    assert second.entry.event is AuditEvent.PASSWORD_CHANGED
    await open_session(store, "fourth", a_session(dana, clock))
    for _ in range(2):
        await store.end_sessions(1, dana, by=own)
    first, second, *_ = await audit(store)
    assert first.entry.event is AuditEvent.SESSIONS_ENDED
    assert first.entry.changes == {"sessions": (1, None)}
    assert second.entry.event is AuditEvent.SIGNED_IN


async def test_what_is_refused_leaves_no_entry(store: Store, dana: int) -> None:
    before = await audit(store)
    calls = [
        store.create_user(1, EMAIL, "", Role.ADMIN, by=BY),
        store.create_api_key(1, "nobody@shop.example", "x", by=BY),
        store.create_api_key(1, EMAIL, "x", KeyPurpose(networks=("x",)), by=BY),
        store.change_user(1, dana, UserChange(is_active=False), by=BY),
        store.revoke_api_key(1, 7, by=BY),
        store.create_link(1, 7, LinkPurpose.INVITATION, by=BY),
    ]
    for call in calls:
        with pytest.raises((InputInvalid, NotPossible, ResourceNotFound)):
            await call
    await store.change_user(1, dana, UserChange(name="dana"), by=BY)
    await store.end_session("unknown", by=BY)
    assert await audit(store) == before


@pytest.mark.parametrize("table", ["audit"])
async def test_a_change_whose_entry_cannot_be_written_is_not_made(
    store: Store, database: Database, dana: int, table: str
) -> None:
    database.refuse("INSERT", table)
    users, keys = (await store.settings(1)).users, await store.api_keys(1)
    for change in (
        lambda: store.create_user(1, "mia@shop.example", "", Role.ADMIN, by=BY),
        lambda: store.change_user(1, dana, UserChange(name="Dana"), by=BY),
        lambda: store.create_api_key(1, EMAIL, "x", by=BY),
        lambda: store.revoke_api_key(1, keys[0].id, by=BY),
    ):
        with pytest.raises(Exception):  # noqa: B017, PT011 - each engine has its own
            await change()
    database.allow()
    assert (await store.settings(1)).users == users
    assert await store.api_keys(1) == keys


async def test_two_stores_number_the_entries_without_a_gap(
    store: Store, other_store: Store
) -> None:
    stores = (store, other_store) * 10
    await asyncio.gather(
        *(
            one.create_user(1, f"user{number}@shop.example", "", Role.MEMBER, by=BY)
            for number, one in enumerate(stores)
        )
    )
    rows = await audit(store)
    assert [row.seq for row in rows] == list(range(len(rows), 0, -1))


async def test_the_conditions_of_a_search(store: Store, dana: int, clock: Clock) -> None:
    mia = await store.create_user(1, "mia@shop.example", "", Role.MEMBER)
    key, _secret = await store.create_api_key(1, mia.email, "x", by=Requester(Channel.PAGE, dana))
    clock.advance(100)
    refused = AuditEntry(AuditEvent.SIGN_IN_REFUSED, BY, mia.id, email_hash="abc")
    await store.record_audit(1, refused)
    by_key = Requester(Channel.API, dana, api_key_id=key.id)
    await store.record_audit(1, AuditEntry(AuditEvent.CONFIRMED, by_key))
    assert [row.entry.by for row in await audit(store, api_key_id=key.id)] == [
        *(by_key, Requester(Channel.PAGE, dana)),
    ]
    assert len(await audit(store, user_id=mia.id)) == 3
    assert [row.entry for row in await audit(store, user_id=77)] == [refused]
    assert [row.entry for row in await audit(store, address="192.0.2.7")] == [refused]
    events = frozenset({AuditEvent.SIGN_IN_REFUSED, AuditEvent.SIGNED_IN})
    assert [row.entry for row in await audit(store, events=events)] == [refused]
    assert len(await audit(store, from_date=clock.now)) == 2
    assert len(await audit(store, until_date=clock.now)) == len(await audit(store)) - 2
    first, second, *_ = await audit(store, limit=2)
    assert [row.seq for row in await audit(store, before=second.seq, limit=1)] == [first.seq - 2]
    assert await audit(store, account_id=2) == []


async def test_an_account_sees_its_own_entries_only(store: Store) -> None:
    other = await store.create_account("Other Ltd", "omar@other.example")
    before = await audit(store)
    await store.create_user(other.account_id, "olga@other.example", "", Role.ADMIN)
    assert await audit(store) == before
    assert await audit(store, other.account_id, user_id=before[0].entry.subject_user_id) == []


async def test_the_active_users_of_an_email(account: AccountStore) -> None:
    store = account.store
    mine = (1, account.database.account.user_id)
    other = await store.create_account("Other Ltd", EMAIL.upper())
    assert await store.active_users(EMAIL) == [mine, (other.account_id, other.user_id)]
    await store.create_user(other.account_id, "olga@other.example", "", Role.ADMIN)
    await store.deactivate_user(other.account_id, EMAIL)
    assert await store.active_users(EMAIL) == [mine]
    assert await store.active_users("nobody@shop.example") == []
    for _ in range(SIGN_IN_ACCOUNTS_MAX):
        await store.create_account("Other Ltd", EMAIL)
    assert len(await store.active_users(EMAIL)) == SIGN_IN_ACCOUNTS_MAX


async def test_the_hash_of_an_email_is_the_same_in_every_process(
    store: Store, other_store: Store
) -> None:
    hashed = await store.email_hash("Nora@Field.example")
    assert hashed == await other_store.email_hash("nora@field.example")
    assert hashed != await store.email_hash("omar@field.example")
    assert len(hashed) == 24
