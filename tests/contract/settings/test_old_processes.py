"""Processes of the version before, which write beside this one for a while after the upgrade."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine
from tests.support.domain.lead_writes import delete, update, upsert, upsert_custom
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import Database
from tests.support.storage.old_process import OldProcess, engine_on, mark_upgraded, wrong_rows

from onelead.domain.custom_fields import CustomField
from onelead.domain.lead import Email, PhoneNumber
from onelead.domain.limits import OLD_WRITES_CHUNK_ROWS, OLD_WRITES_S
from onelead.domain.search import Combination, LeadSearch, TagFilter
from onelead.domain.writes import Action, Outcome

NAMES = ("O\u2019Brien", "O'Brien", "O`Brien", "Poe\u2013Field", "Poe-Field", "Nora")
EMAILS = ("wei\u00df@field.example", "weiss@field.example", "Nora <nora@field.example>", "n/a")
TAGS = ("A\u2019b", "A'b", "a'B", "warm")
ACTIONS = (Action.CREATE, Action.DELETE, *(Action.UPDATE,) * 3)
NUMBERS = ("512 555 0100 ext. 7", "512 555 01007", "512 555 0100")


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    engine = engine_on(database.address)
    yield engine
    engine.dispose()


@pytest.fixture
async def old(account: AccountStore, engine: Engine) -> OldProcess:
    """A process of the version before, on a database whose keys have just been rebuilt."""
    mark_upgraded(account)
    await account.indexed()
    return OldProcess(engine)


async def test_what_they_write_after_the_rebuild_is_rebuilt_as_well(
    account: AccountStore, old: OldProcess
) -> None:
    changed, deleted = old.create(name="Nora O\u2019Brien"), old.create(name="Sam O\u2019Brien")
    await account.indexed()
    old.update(changed, name="Omar O\u2019Brien", email=Email("wei\u00df@field.example", "work"))
    old.delete(deleted)
    created = old.create(name="Zo\u00eb O\u2019Brien")
    assert len(await wrong_rows(account.store)) > 3
    assert await account.indexed() == 1
    assert await wrong_rows(account.store) == []
    assert [lead.id for lead in await account.leads()] == [changed, created]


@pytest.mark.parametrize("combination", [Combination.ANY, Combination.NONE])
async def test_a_key_that_they_leave_behind_is_not_counted(
    account: AccountStore, old: OldProcess, combination: Combination
) -> None:
    deleted = await account.created(name="Nora", tags=["it\u2019s"])
    await account.created(name="Sam")
    old.delete(deleted.id)
    search = LeadSearch(tags=TagFilter(("it\u2019s",), combination))
    page = await account.store.search_leads(account.account_id, search, now=0)
    assert page.total == len(page.leads) == (combination is Combination.NONE)


async def test_this_version_leaves_their_leads_no_old_key(
    account: AccountStore, old: OldProcess
) -> None:
    changed, deleted = (old.create(name=f"{name} O\u2019Brien") for name in ("Nora", "Sam"))
    await account.results(update(changed, title="Buyer"), delete(deleted))
    assert account.keys("name") == [("nora o'brien", changed)]
    old.update(changed, name="Omar O\u2019Brien")
    await account.result(update(changed, name="Omar Poe"))
    assert account.keys("name") == [("nora o'brien", changed), ("omar poe", changed)]
    await account.indexed()
    assert await wrong_rows(account.store) == []


async def test_a_lead_that_they_deleted_is_not_found(
    account: AccountStore, old: OldProcess
) -> None:
    """They leave the keys that they do not know; those name no lead until the next step."""
    gone = await account.created(name="Wei\u00df", email="wei\u00df@field.example")
    old.delete(gone.id)
    assert account.keys("email") == [("wei\u00df@field.example", gone.id)]
    found = await account.result(upsert("email", "wei\u00df@field.example", name="Wei\u00df"))
    assert found.outcome is Outcome.CREATED
    await account.indexed()
    assert await wrong_rows(account.store) == []


async def test_options_that_they_change_are_found_together(
    account: AccountStore, old: OldProcess
) -> None:
    field = await account.field(data_type="MultiSelect")
    silver, gold = sorted(option.id for option in field.options)
    old.fields = (field,)
    lead_id = old.create(name="Nora Field", custom_fields={field.id: (silver, gold)})
    await account.indexed()
    both = upsert_custom(field.id, silver, custom_fields={field.id: [silver, gold]})
    assert (await account.result(both)).outcome is Outcome.UNCHANGED
    old.update(lead_id, custom_fields={field.id: (silver,)})
    await account.indexed()
    assert account.keys(field.key_field) == [(str(silver), lead_id)]


async def test_they_are_looked_for_during_a_day(
    account: AccountStore, elsewhere: AccountStore, old: OldProcess, clock: Clock
) -> None:
    assert await account.indexed() == 0
    clock.advance(OLD_WRITES_S - 1)
    assert await account.indexed() == 0
    old.create(name="Nora O\u2019Brien")
    known = await elsewhere.settings()
    clock.advance(1)
    assert await account.indexed() == 1
    assert account.database.rows("SELECT * FROM key_rebuild") == []
    assert await wrong_rows(account.store) == []
    assert known.may_have_old_keys
    assert not (await elsewhere.settings()).may_have_old_keys


async def test_many_rows_of_the_ledger_are_looked_through_in_chunks(
    account: AccountStore, old: OldProcess
) -> None:
    first = old.create(name="Nora O\u2019Brien")
    account.database.execute(
        "INSERT INTO ledger (account_id, seq, date, request_id, resource, action, outcome, payload,"
        " key_rules) WITH RECURSIVE n (seq) AS (SELECT 2 UNION ALL SELECT seq + 1 FROM n"
        f" WHERE seq <= {OLD_WRITES_CHUNK_ROWS})"
        " SELECT 1, seq, 0, seq, 'lead', 'update', 'unchanged', '{}', 2 FROM n"
    )
    account.database.execute(f"UPDATE lane SET ledger_seq = {OLD_WRITES_CHUNK_ROWS + 1}")
    last = old.create(name="Sam O\u2019Brien")
    assert [await account.store.build_index(1) for _ in range(3)] == [True, True, False]
    assert account.keys("name") == [("nora o'brien", first), ("sam o'brien", last)]


@pytest.mark.parametrize("seed", range(6))
async def test_the_keys_end_up_right_in_whatever_order_both_versions_write(
    account: AccountStore, engine: Engine, seed: int
) -> None:
    """A few leads change before, during and after the rebuild."""
    chance = random.Random(seed)
    field = await account.field(data_type="MultiSelect")
    old = OldProcess(engine, fields=(field,))
    ids = [old.create(**_stored(_values(chance, field))) for _ in range(6)]
    mark_upgraded(account)
    for _ in range(40):
        if chance.randrange(4) == 0:
            await account.store.build_index(account.account_id)
        elif chance.randrange(2):
            _old_write(chance, old, ids, field)
        else:
            await _todays_write(chance, account, ids, field)
    await account.indexed()
    assert await wrong_rows(account.store) == []


def _old_write(chance: random.Random, old: OldProcess, ids: list[int], field: CustomField) -> None:
    values = _stored(_values(chance, field))
    match chance.choice(ACTIONS):
        case Action.CREATE:
            ids.append(old.create(**values))
        case Action.DELETE if len(ids) > 1:
            old.delete(ids.pop(chance.randrange(len(ids))))
        case _:
            old.update(chance.choice(ids), **values)


async def _todays_write(
    chance: random.Random, account: AccountStore, ids: list[int], field: CustomField
) -> None:
    values = _values(chance, field)
    match chance.choice(ACTIONS):
        case Action.CREATE:
            ids.append((await account.created(**values)).id)
        case Action.DELETE if len(ids) > 1:
            await account.result(delete(ids.pop(chance.randrange(len(ids)))))
        case _:
            await account.result(update(chance.choice(ids), **values))


def _values(chance: random.Random, field: CustomField) -> dict[str, Any]:
    """Return some values as an API client sends them."""
    options = sorted(option.id for option in field.options)
    values = {
        "name": chance.choice(NAMES),
        "email": chance.choice(EMAILS),
        "tags": sorted(chance.sample(TAGS, 2)),
        "phone_numbers": [chance.choice(NUMBERS)],
        "custom_fields": {field.id: options[: chance.randrange(1, 3)]},
    }
    return dict(chance.sample(sorted(values.items()), 3))


def _stored(values: dict[str, Any]) -> dict[str, Any]:
    """Return the same as a lead has them."""
    forms: dict[str, Callable[[Any], Any]] = {
        "name": str,
        "email": lambda text: Email(text, "work"),
        "tags": tuple,
        "phone_numbers": lambda numbers: tuple(PhoneNumber(one, "work") for one in numbers),
        "custom_fields": lambda fields: {id_: tuple(ids) for id_, ids in fields.items()},
    }
    return {name: forms[name](value) for name, value in values.items()}
