"""The rebuild of match keys after an upgrade: in steps, beside writes, by any process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from tests.support.domain.lead_writes import create, delete, update, upsert
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import Database
from tests.support.storage.old_process import OldProcess, engine_on, mark_upgraded, wrong_rows

from onelead.contract.settings import IndexProgress
from onelead.domain.custom_fields import IndexState
from onelead.domain.errors import InputInvalid, MatchAmbiguous
from onelead.domain.lead import Address, Email, PhoneNumber
from onelead.domain.limits import INDEX_CHUNK_LEADS, REPAIR_CHUNK_LEADS
from onelead.domain.writes import Outcome
from onelead.storage.settings import key_rebuild

LEADS = INDEX_CHUNK_LEADS + 20
#: Not one value of it is the same by both rules, but a tag.
PERSON = {
    "email": Email("Wei\u00df <wei\u00df@field.example>", "work"),
    "company_name": "Field\u2013Poe",
    "address": Address(city="L\u2019Aquila"),
    "phone_numbers": (PhoneNumber("512 555 0100 ext. 7", "work"),),
    "tags": ("Nora\u2019s", "warm"),
}


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    engine = engine_on(database.address)
    yield engine
    engine.dispose()


@pytest.fixture
def old(engine: Engine) -> OldProcess:
    """A process of the version before."""
    return OldProcess(engine)


async def test_a_lead_gets_todays_keys_and_columns_and_nothing_else_changes(
    account: AccountStore, old: OldProcess
) -> None:
    lead_id = old.create(name="Nora O\u2019Brien", **PERSON)
    (before,) = await account.leads()
    mark_upgraded(account)
    assert len(await wrong_rows(account.store)) > 6
    ledger = account.ledger("seq")
    await account.indexed()
    assert await wrong_rows(account.store) == []
    assert account.keys("name") == [("nora o'brien", lead_id)]
    assert account.keys("email") == [("wei\u00df@field.example", lead_id)]
    assert (await account.leads(), account.ledger("seq")) == ([before], ledger)


async def test_the_last_step_lets_every_process_know(
    account: AccountStore, elsewhere: AccountStore, old: OldProcess
) -> None:
    old.create(name="Nora O\u2019Brien")
    mark_upgraded(account)
    stale = await elsewhere.settings()
    assert (stale.are_keys_stale, stale.may_have_old_keys) == (True, True)
    await account.indexed()
    done = await elsewhere.settings()
    assert (done.are_keys_stale, done.may_have_old_keys) == (False, True)
    (result,) = (await elsewhere.write(upsert("name", "Nora O'Brien"), settings=stale)).results
    assert result.outcome is Outcome.UNCHANGED


async def test_meanwhile_upserts_wait_unless_they_find_their_lead(
    account: AccountStore, old: OldProcess
) -> None:
    old.create(name="Nora O\u2019Brien", email=Email("Nora@Field.example", "work"))
    mark_upgraded(account)
    for write in (upsert("name", "Nora O'Brien"), upsert("email", "sam@field.example", name="Sam")):
        refusal = (await account.result(write)).refusal
        assert isinstance(refusal, InputInvalid)
        assert refusal.retry_after_s == 1
    found = await account.result(upsert("email", "nora@field.example", title="Buyer"))
    assert found.outcome is Outcome.UPDATED
    await account.indexed()
    found = await account.result(upsert("name", "Nora O'Brien", title="Buyer"))
    assert found.outcome is Outcome.UNCHANGED


async def test_many_leads_are_rebuilt_step_by_step(
    account: AccountStore, elsewhere: AccountStore, old: OldProcess
) -> None:
    """By any process: one that is killed leaves the rest to another."""
    await account.results(*(create(name="Nora Field") for _ in range(LEADS - 1)))
    old.create(name="Nora O\u2019Brien", **PERSON)
    mark_upgraded(account)
    assert await progress(account) == IndexProgress(0, LEADS)
    assert await account.store.build_index(account.account_id)
    assert await progress(elsewhere) == IndexProgress(INDEX_CHUNK_LEADS, LEADS)
    assert await elsewhere.indexed() == 2
    assert await progress(account) is None
    assert await wrong_rows(account.store) == []


async def progress(account: AccountStore) -> IndexProgress | None:
    return await account.store.key_rebuild_progress(account.account_id)


async def test_a_step_repairs_only_so_many_leads(account: AccountStore, old: OldProcess) -> None:
    for _ in range(REPAIR_CHUNK_LEADS + 1):
        old.create(name="Nora O\u2019Brien")
    mark_upgraded(account)
    assert await account.store.build_index(account.account_id)
    assert await progress(account) == IndexProgress(REPAIR_CHUNK_LEADS, REPAIR_CHUNK_LEADS + 1)
    assert len(account.keys("name")) == REPAIR_CHUNK_LEADS + 1
    assert await account.indexed() == 2
    assert await wrong_rows(account.store) == []


async def test_two_processes_may_work_at_the_same_time(
    account: AccountStore, elsewhere: AccountStore, old: OldProcess
) -> None:
    await account.results(*(create(name="Nora Field") for _ in range(2 * INDEX_CHUNK_LEADS)))
    old.create(name="Nora O\u2019Brien", **PERSON)
    mark_upgraded(account)
    while await progress(account) is not None:
        await asyncio.gather(account.indexed(), elsewhere.indexed())
    assert await wrong_rows(account.store) == []


async def test_a_step_that_cannot_be_written_leaves_nothing_and_is_done_again(
    account: AccountStore, old: OldProcess
) -> None:
    old.create(name="Nora O\u2019Brien", **PERSON)
    mark_upgraded(account)
    before = await wrong_rows(account.store)
    account.database.refuse("INSERT", "match_key", when="NEW.field = 'tag'")
    with pytest.raises(Exception, match="refused by a test"):
        await account.store.build_index(account.account_id)
    assert await wrong_rows(account.store) == before
    assert await progress(account) == IndexProgress(0, 1)
    account.database.allow()
    await account.indexed()
    assert await wrong_rows(account.store) == []


async def test_leads_that_change_while_a_step_computes_keep_no_old_key(
    account: AccountStore, old: OldProcess, engine: Engine
) -> None:
    names = ("changed", "renamed", "deleted", "changed by the old process")
    changed, renamed, deleted, by_old = (old.create(name=f"Nora\u2019s {name}") for name in names)
    mark_upgraded(account)
    with engine.begin() as connection:
        step = key_rebuild.read_step(connection, await account.settings(), 0)
    assert step is not None
    repairs = key_rebuild.compute(step)
    await account.results(
        update(changed, title="Buyer"), update(renamed, name="Sam\u2019s"), delete(deleted)
    )
    old.update(by_old, name="Omar\u2019s", tags=("Omar\u2019s",))
    with engine.begin() as connection:
        assert key_rebuild.write_step(connection, step, repairs)
    await account.indexed()
    assert await wrong_rows(account.store) == []


async def test_a_step_is_read_again_with_the_settings_that_changed_meanwhile(
    account: AccountStore, old: OldProcess, engine: Engine
) -> None:
    old.create(name="Nora O\u2019Brien", **PERSON)
    mark_upgraded(account)
    with engine.begin() as connection:
        step = key_rebuild.read_step(connection, await account.settings(), 0)
    assert step is not None
    await account.field()
    before = await wrong_rows(account.store)
    with engine.begin() as connection:
        assert key_rebuild.write_step(connection, step, key_rebuild.compute(step))
    assert await wrong_rows(account.store) == before
    await account.indexed()
    assert await wrong_rows(account.store) == []


async def test_a_step_that_another_process_has_done_is_dropped(
    account: AccountStore, old: OldProcess, engine: Engine
) -> None:
    old.create(name="Nora O\u2019Brien", **PERSON)
    mark_upgraded(account)
    with engine.begin() as connection:
        step = key_rebuild.read_step(connection, await account.settings(), 0)
    assert step is not None
    await account.indexed()
    with engine.begin() as connection:
        repairs = key_rebuild.compute(step)
        assert not key_rebuild.write_step(connection, step, repairs)
        assert not key_rebuild.is_written(connection, step, repairs)


async def test_a_definition_is_indexed_at_the_same_time(
    account: AccountStore, old: OldProcess
) -> None:
    field = await account.field(data_type="MultiSelect", is_filterable=False)
    options = tuple(sorted(option.id for option in field.options))
    writes = (create(name="Nora Field", custom_fields={field.id: list(options)}),) * LEADS
    await account.results(*writes)
    old.create(name="Nora O\u2019Brien", custom_fields={field.id: options})
    mark_upgraded(account)
    after = await account.changed_field(field, is_filterable=True)
    assert after.index_state is IndexState.BUILDING
    await account.indexed()
    assert (await account.settings()).fields_by_id[field.id].index_state is IndexState.READY
    assert await wrong_rows(account.store) == []


async def test_an_account_without_leads_only_waits_for_old_processes(
    account: AccountStore, old: OldProcess
) -> None:
    mark_upgraded(account)
    account.database.execute("UPDATE key_rebuild SET progress = NULL")
    assert not (await account.settings()).are_keys_stale
    assert await progress(account) is None
    old.create(name="Nora O\u2019Brien", **PERSON)
    await account.indexed()
    assert await wrong_rows(account.store) == []


async def test_two_tags_that_become_one_key_are_found_by_the_first(
    account: AccountStore, old: OldProcess
) -> None:
    old.create(name="Nora Field", tags=("O\u2019Brien", "o'brien"))
    mark_upgraded(account)
    await account.indexed()
    assert await wrong_rows(account.store) == []
    rows = "SELECT value, label FROM match_key WHERE field = 'tag'"
    assert account.database.rows(rows) == [("o'brien", "O\u2019Brien")]


async def test_two_leads_that_become_one_key_are_listed_and_stay_two(
    account: AccountStore, old: OldProcess
) -> None:
    ids = {old.create(name="Nora O\u2019Brien"), old.create(name="Nora O'Brien")}
    mark_upgraded(account)
    await account.indexed()
    assert {lead.id for lead in await account.leads()} == ids
    found = await account.store.shared_values(account.account_id, "name", after="", limit=10)
    assert list(found.values) == [("nora o'brien", 2)]
    refused = await account.result(upsert("name", "Nora O\u2019Brien", title="Buyer"))
    assert isinstance(refused.refusal, MatchAmbiguous)
