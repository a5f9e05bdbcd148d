"""The sources of imports: callers with a name, and nobody can call with them."""

from __future__ import annotations

import pytest
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import EMAIL

from onelead.domain.audit import COMMAND_LINE
from onelead.domain.errors import InputInvalid
from onelead.domain.limits import LINE_CHARS_MAX


async def test_a_source_is_one_whatever_its_name_is_spelled_like(account: AccountStore) -> None:
    store = account.store
    fair = await store.import_source(account.account_id, "Fair 2026", by=COMMAND_LINE)
    again = await store.import_source(account.account_id, " fair  2026", by=COMMAND_LINE)
    other = await store.import_source(account.account_id, "Fair 2027", by=COMMAND_LINE)
    assert again == fair
    assert other.id > fair.id
    assert (fair.label, fair.email, fair.is_source) == ("Fair 2026", EMAIL, True)
    assert [key.is_source for key in await store.api_keys(account.account_id)] == [
        False,
        True,
        True,
    ]


async def test_nobody_can_call_with_a_source(account: AccountStore) -> None:
    await account.store.import_source(account.account_id, "Fair 2026", by=COMMAND_LINE)
    hashes = [row[0] for row in account.database.rows("SELECT key_hash FROM api_key")]
    (stored_as,) = [one for one in hashes if one.startswith("source:")]
    # What a caller sends is hashed to 64 hexadecimal digits, which this is not.
    assert len(stored_as) != len(next(one for one in hashes if one != stored_as))


@pytest.mark.parametrize("name", ["", " ", "x" * (LINE_CHARS_MAX + 1)])
async def test_a_name_must_be_one(account: AccountStore, name: str) -> None:
    with pytest.raises(InputInvalid):
        await account.store.import_source(account.account_id, name, by=COMMAND_LINE)
