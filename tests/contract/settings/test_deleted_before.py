"""What was deleted before the list of it was kept is read out of the ledger."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psycopg
import pytest
from sqlalchemy import Connection, create_engine
from tests.support.domain.lead_writes import delete
from tests.support.process.clock import Clock
from tests.support.storage.account_store import DEFINITION, AccountStore
from tests.support.storage.databases import Database, SqliteDatabase

from onelead.contract.figures import Division
from onelead.domain.figures import DAY_S, Grouping
from onelead.domain.settings.change import Resource
from onelead.domain.writes import Action

migration = importlib.import_module("onelead.storage.migrations.versions.0003_one_person")


@contextmanager
def connected(database: Database) -> Iterator[Connection]:
    if isinstance(database, SqliteDatabase):
        engine = create_engine(f"sqlite:///{database.path}")
    else:
        connect = partial(psycopg.connect, database.address)
        engine = create_engine("postgresql+psycopg://", creator=connect)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def listed(database: Database) -> list[tuple[object, ...]]:
    columns = "account_id, id, resource, name, definition_id, date"
    rows = database.rows(f"SELECT {columns} FROM deleted_setting ORDER BY account_id, id")
    return [tuple(row) for row in rows]


def filled(database: Database) -> list[tuple[object, ...]]:
    """Throw the list away and return what the migration makes of the ledger."""
    database.execute("DELETE FROM deleted_setting")
    with connected(database) as connection:
        migration.fill_deleted_settings(connection)
    return listed(database)


async def test_the_migration_finds_what_would_have_been_remembered(
    account: AccountStore, clock: Clock
) -> None:
    made = await account.store.create_account("Other Ltd", "omar@other.example")
    lead = await account.created()
    await account.result(delete(lead.id))
    for one in (account, await AccountStore.of(account.store, made.account_id, account.database)):
        settings = await one.settings()
        status, source = settings.statuses[1], settings.sources[0]
        tier = await one.field(name="Tier", data_type="Dropdown")
        rank = await one.field(name="Rank", data_type="MultiSelect")
        for field in (tier, rank):
            clock.advance(10)
            await one.changed_field(field, options=[{"name": "Gold"}, {"name": "Tin"}])
        await one.changed_field(tier, name="Level", options=[{"name": "Iron"}, {"name": "Tin"}])
        await one.change(Resource.LEAD_STATUS, Action.UPDATE, {"name": "Lost"}, status.id)
        for resource, of in (
            (Resource.LEAD_STATUS, status.id),
            (Resource.LEAD_STATUS, settings.statuses[0].id),
            (Resource.CUSTOMER_SOURCE, source.id),
            (DEFINITION, rank.id),
        ):
            clock.advance(10)
            await one.change(resource, Action.DELETE, of=of)
    expected = listed(account.database)
    names = ["Lost", source.name, "Rank", "Silver", "Gold"]
    assert sorted(str(row[3]) for row in expected) == sorted(names * 2)
    assert filled(account.database) == expected


async def test_only_the_newest_are_kept(
    account: AccountStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = await account.settings()
    for status in settings.statuses[1:]:
        clock.advance(1)
        await account.change(Resource.LEAD_STATUS, Action.DELETE, of=status.id)
    monkeypatch.setattr(migration, "_DELETED_MAX", 2)
    kept = [row[1] for row in filled(account.database)]
    assert kept == [status.id for status in settings.statuses[2:]]


async def test_the_day_since_which_it_is_counted_what_is_sent_is_marked(
    account: AccountStore, clock: Clock
) -> None:
    """Where nothing was delivered before, everything is counted."""
    new = await account.store.create_account("Other Ltd", "omar@other.example")
    await account.created()
    with connected(account.database) as connection:
        migration.begin_to_count_what_is_sent(connection, clock.now)
    mark = Division(Grouping.SENT, [""])
    day = clock.now - clock.now % DAY_S
    for account_id, found in ((account.account_id, [("", 0, day)]), (new.account_id, [])):
        assert await account.store.deliveries_by_value(account_id, mark, day, day + 1) == found
