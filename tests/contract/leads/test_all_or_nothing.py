"""A transaction that fails half-way leaves nothing behind, and the next one goes on."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.domain.lead_writes import create, delete, update, upsert
from tests.support.storage.account_store import DEFINITION, AccountStore
from tests.support.storage.databases import Database

from onelead.contract.store import Store
from onelead.domain.writes import Action

TABLES = (
    *("account", "lane", "user", "api_key", "lead_status", "customer_source"),
    *("custom_field", "custom_field_option", "lead", "match_key", "ledger"),
)


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    return {table: sorted(database.rows(f'SELECT * FROM "{table}"'), key=str) for table in TABLES}


BATCH_FAILURES = [
    ("INSERT", "lead"),
    ("UPDATE", "lead"),
    ("DELETE", "lead"),
    ("INSERT", "match_key"),
    ("DELETE", "match_key"),
    ("INSERT", "ledger"),
]


@pytest.mark.parametrize(("change", "table"), BATCH_FAILURES)
async def test_a_batch_that_cannot_be_written_leaves_nothing(
    account: AccountStore, change: str, table: str
) -> None:
    changed = await account.created(name="Nora Field", tags=["fair"])
    deleted = await account.created(name="Sam Roe")
    writes = [
        create(name="Pat Lake", email="p@lake.example"),
        update(changed.id, name="Nora Lake", tags=["spring"]),
        delete(deleted.id),
    ]
    before = everything(account.database)
    account.database.refuse(change, table)
    with pytest.raises(Exception, match="refused by a test"):
        await account.write(*writes)
    account.database.allow()
    assert everything(account.database) == before
    assert (await account.write(*writes)).first_seq == 3
    assert await account.unexplained() == []


async def test_a_batch_fails_as_a_whole_when_only_its_last_row_does(
    account: AccountStore,
) -> None:
    writes = [create(name=f"Nora Field {number}") for number in range(5)]
    last = writes[-1].delivery.request_id
    before = everything(account.database)
    account.database.refuse("INSERT", "ledger", when=f"NEW.request_id = '{last}'")
    with pytest.raises(Exception, match="refused by a test"):
        await account.write(*writes)
    account.database.allow()
    assert everything(account.database) == before


async def test_a_row_that_is_there_already_fails_the_batch(account: AccountStore) -> None:
    """The ledger's numbers are the last line of defence: no row is overwritten."""
    lead = await account.created()
    await account.result(update(lead.id, title="Buyer"))
    account.database.execute("UPDATE lane SET ledger_seq = 1")
    before = everything(account.database)
    with pytest.raises(Exception, match="ledger"):
        await account.write(update(lead.id, title="Owner"))
    assert everything(account.database) == before


async def test_a_lead_that_vanished_fails_the_batch_instead_of_being_forgotten(
    account: AccountStore,
) -> None:
    """A match key without its lead is a broken invariant, which must be loud."""
    lead = await account.created(email="nora@field.example")
    account.database.execute(f"DELETE FROM lead WHERE id = {lead.id}")
    before = everything(account.database)
    with pytest.raises(AssertionError, match="does not exist"):
        await account.write(upsert("email", "nora@field.example", title="Buyer"))
    assert everything(account.database) == before


@pytest.mark.parametrize(
    ("change", "table"),
    [
        ("INSERT", "custom_field"),
        ("INSERT", "custom_field_option"),
        ("INSERT", "match_key"),
        ("INSERT", "ledger"),
    ],
)
async def test_a_settings_change_that_cannot_be_written_leaves_nothing(
    account: AccountStore, change: str, table: str
) -> None:
    field = await account.field(data_type="Dropdown", is_filterable=False)
    await account.created(custom_fields={field.id: field.options[0].id})
    before = everything(account.database)
    account.database.refuse(change, table)
    options = [{"name": "Silver"}, {"name": "Bronze"}]
    with pytest.raises(Exception, match="refused by a test"):
        await account.changed_field(field, is_filterable=True, options=options)
    account.database.allow()
    assert everything(account.database) == before
    assert (await account.settings()).fields_by_id[field.id] == field
    after = await account.changed_field(field, is_filterable=True)
    assert after.is_indexed


async def test_a_settings_change_that_is_refused_writes_only_its_row(
    account: AccountStore,
) -> None:
    before = everything(account.database)
    version = (await account.settings()).version
    result = await account.change(DEFINITION, Action.CREATE, {"name": "Size"})
    assert result.refusal is not None
    assert result.settings.version == version
    after = everything(account.database)
    changed = {table for table in TABLES if before[table] != after[table]}
    assert changed == {"ledger", "lane"}


@pytest.mark.parametrize("change", ["INSERT", "DELETE"])
async def test_a_step_of_the_index_work_that_cannot_be_written_leaves_nothing(
    account: AccountStore, change: str
) -> None:
    field = await account.field()
    for number in range(5):
        await account.created(custom_fields={field.id: f"C-{number}"})
    await account.changed_field(field, is_filterable=False)
    account.database.refuse(change, "match_key", when=_third(change))
    before = everything(account.database)
    is_build = change == "INSERT"
    step = account.changed_field(field, is_filterable=True) if is_build else account.indexed()
    with pytest.raises(Exception, match="refused by a test"):
        await step
    assert everything(account.database) == before
    account.database.allow()
    await account.changed_field(field, is_filterable=True)
    assert await account.unexplained() == []


@pytest.mark.parametrize("table", ["lane", "lead_status", "customer_source", "user", "api_key"])
async def test_an_account_that_cannot_be_written_is_not_there(
    store: Store, database: Database, table: str
) -> None:
    before = everything(database)
    database.refuse("INSERT", table)
    with pytest.raises(Exception, match="refused by a test"):
        await store.create_account("Other Ltd", "omar@other.example")
    database.allow()
    assert everything(database) == before
    assert (await store.create_account("Other Ltd", "omar@other.example")).account_id == 2


def _third(change: str) -> str:
    row = "NEW" if change == "INSERT" else "OLD"
    return f"{row}.field LIKE 'custom:%' AND {row}.value = 'C-3'"
