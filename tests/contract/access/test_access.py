"""Accounts, users and API keys."""

from __future__ import annotations

import pytest
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import EMAIL, Database

from onelead.contract.store import Store
from onelead.domain.account import ApiKey, Caller, Role, User
from onelead.domain.errors import NotPossible, ResourceNotFound
from onelead.storage.access.accounts import key_hash

OTHER = "omar@shop.example"


async def test_a_new_account_has_an_admin_with_a_key_that_works(store: Store) -> None:
    made = await store.create_account("Other Ltd", "Omar@Other.example")
    assert made.email == "Omar@Other.example"
    caller = await store.caller(key_hash(made.api_key))
    assert caller is not None
    assert (caller.account_id, caller.user_id) == (made.account_id, made.user_id)
    assert caller.email == made.email
    (user,) = (await store.settings(made.account_id)).users
    assert user == User(made.user_id, "Omar", made.email, Role.ADMIN)


async def test_accounts_are_listed_ascending(store: Store) -> None:
    for _ in range(3):
        await store.create_account("Other Ltd", "omar@other.example")
    assert list(await store.account_ids()) == [1, 2, 3, 4]


async def test_keys_are_stored_as_hashes_only(database: Database, store: Store) -> None:
    made = await store.create_account("Other Ltd", "omar@other.example")
    _key, secret = await store.create_api_key(1, EMAIL, "import")
    columns = [str(column) for row in database.rows("SELECT * FROM api_key") for column in row]
    assert key_hash(secret) in columns
    assert {secret, made.api_key, database.account.api_key}.isdisjoint(columns)


@pytest.mark.parametrize("hashed", ["", "0" * 64, "ol_0"])
async def test_an_unknown_key_belongs_to_nobody(store: Store, hashed: str) -> None:
    assert await store.caller(hashed) is None


async def test_a_key_is_created_for_the_user_with_the_email(
    account: AccountStore, clock: Clock
) -> None:
    key, secret = await account.store.create_api_key(account.account_id, EMAIL.upper(), "import")
    user_id = account.database.account.user_id
    assert key == ApiKey(key.id, user_id, EMAIL, "import", clock.now)
    caller = await account.store.caller(key_hash(secret))
    assert caller == Caller(account.account_id, user_id, EMAIL, key.id)


async def test_a_key_for_an_unknown_user_is_not_created(account: AccountStore) -> None:
    with pytest.raises(ResourceNotFound, match="omar@shop"):
        await account.store.create_api_key(account.account_id, OTHER, "import")
    assert len(await account.store.api_keys(account.account_id)) == 1


async def test_keys_are_listed_ascending_also_revoked_ones(
    account: AccountStore, clock: Clock
) -> None:
    store, account_id = account.store, account.account_id
    second, _ = await store.create_api_key(account_id, EMAIL, "second")
    third, _ = await store.create_api_key(account_id, EMAIL, "third")
    clock.advance(60)
    revoked = await store.revoke_api_key(account_id, second.id)
    assert attributes(revoked) == attributes(second) | {"date_revoked": clock.now}
    first, *others = await store.api_keys(account_id)
    assert others == [revoked, third]
    assert first.id < second.id


def attributes(key: ApiKey) -> dict[str, object]:
    return {name: getattr(key, name) for name in key.__struct_fields__}


async def test_a_revoked_key_stops_working_and_the_others_do_not(account: AccountStore) -> None:
    store, account_id = account.store, account.account_id
    key, secret = await store.create_api_key(account_id, EMAIL, "import")
    await store.revoke_api_key(account_id, key.id)
    assert await store.caller(key_hash(secret)) is None
    assert await store.caller(key_hash(account.database.account.api_key)) is not None


async def test_revoking_a_key_again_changes_nothing(account: AccountStore, clock: Clock) -> None:
    store, account_id = account.store, account.account_id
    key, _ = await store.create_api_key(account_id, EMAIL, "import")
    first = await store.revoke_api_key(account_id, key.id)
    clock.advance(60)
    assert await store.revoke_api_key(account_id, key.id) == first


async def test_an_unknown_key_cannot_be_revoked(account: AccountStore) -> None:
    other = await account.store.create_account("Other Ltd", "omar@other.example")
    (theirs,) = await account.store.api_keys(other.account_id)
    for key_id in (77, theirs.id):
        with pytest.raises(ResourceNotFound, match=str(key_id)):
            await account.store.revoke_api_key(account.account_id, key_id)
    assert await account.store.caller(key_hash(other.api_key)) is not None


@pytest.mark.parametrize(("name", "shown"), [("Omar Haddad", "Omar Haddad"), ("", "omar")])
async def test_a_new_user_is_in_the_settings_at_once(
    account: AccountStore, elsewhere: AccountStore, name: str, shown: str
) -> None:
    before = await elsewhere.settings()
    user = await account.store.create_user(account.account_id, OTHER, name, Role.MEMBER)
    assert user == User(user.id, shown, OTHER, Role.MEMBER)
    after = await elsewhere.settings()
    assert after.version > before.version
    assert after.users[-1] == user


async def test_one_email_has_one_user_in_an_account(account: AccountStore) -> None:
    with pytest.raises(NotPossible, match="exists already"):
        await account.store.create_user(account.account_id, EMAIL.upper(), "", Role.MEMBER)
    assert len((await account.settings()).users) == 1
    other = await account.store.create_account("Other Ltd", EMAIL)
    assert other.account_id == 2


async def test_the_keys_of_a_deactivated_user_stop_working(account: AccountStore) -> None:
    store, account_id = account.store, account.account_id
    await store.create_user(account_id, OTHER, "Omar Haddad", Role.MEMBER)
    _key, secret = await store.create_api_key(account_id, OTHER, "import")
    assert await store.caller(key_hash(secret)) is not None
    user = await store.deactivate_user(account_id, OTHER.upper())
    assert not user.is_active
    assert await store.caller(key_hash(secret)) is None
    assert (await account.settings()).users_by_id[user.id] == user
    with pytest.raises(NotPossible, match="deactivated"):
        await store.create_api_key(account_id, OTHER, "import")


async def test_the_only_admin_cannot_be_deactivated(account: AccountStore) -> None:
    with pytest.raises(NotPossible, match="only active admin"):
        await account.store.deactivate_user(account.account_id, EMAIL)
    assert (await account.settings()).users[0].is_active


async def test_an_unknown_user_cannot_be_deactivated(account: AccountStore) -> None:
    await account.store.create_account("Other Ltd", "omar@other.example")
    with pytest.raises(ResourceNotFound, match="omar@other"):
        await account.store.deactivate_user(account.account_id, "omar@other.example")
