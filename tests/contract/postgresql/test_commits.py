"""The commit of a batch travels with its writes, and counts only if every one of them did."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager

import psycopg
import pytest
from psycopg.pq.abc import PGresult
from tests.support.domain.builders import a_settings
from tests.support.domain.lead_writes import create, update, upsert
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import PostgresqlDatabase
from tests.support.storage.faulty_network import Retries

from onelead.contract.leads import BatchReceipt
from onelead.domain.errors import StoreUnavailable
from onelead.storage import schema
from onelead.storage.leads.rows import lead_row
from onelead.storage.postgresql import batch as postgresql_batch
from onelead.storage.postgresql.batch import PlannedBatch, RowsMissing, write_and_commit
from onelead.storage.postgresql.store import PostgresqlStore
from onelead.storage.postgresql.trips import Command, Trips
from onelead.storage.postgresql.values import int_value, text_array

#: By name: the statements that have to write all the rows they are given.
EXACT = {
    name: statement
    for name, statement in vars(postgresql_batch).items()
    if str(getattr(statement, "sql", statement)).startswith("WITH written")
}
NO_ACCOUNT = int_value(0)
NOTHING = BatchReceipt([], a_settings(), [])


@pytest.fixture
def database() -> Iterator[PostgresqlDatabase]:
    """A database of the one engine that these tests are about."""
    fresh = PostgresqlDatabase()
    yield fresh
    fresh.close()


class _SpoiledTrips(Trips):
    """Round trips whose last one is changed before it is sent."""

    spoil: Callable[[list[Command]], None]

    async def make(self, commands: Sequence[Command]) -> list[PGresult]:
        changed = list(commands)
        if changed and changed[-1][0] == "COMMIT":
            type(self).spoil(changed)
        return await super().make(changed)


@asynccontextmanager
async def spoiled(
    account: AccountStore, spoil: Callable[[list[Command]], None]
) -> AsyncIterator[tuple[AccountStore, Retries]]:
    """Use the account in a store that tries a batch twice, with what `spoil` does to each try."""

    class Spoiled(_SpoiledTrips):
        pass

    class Store(PostgresqlStore):
        trips_class = Spoiled

    Spoiled.spoil = staticmethod(spoil)
    retries = Retries()
    store = Store(account.database.address, Clock(), retry_s=0, observer=retries)
    yield await AccountStore.of(store, account.account_id, account.database), retries
    await store.close()


def test_every_statement_that_must_not_miss_a_row_is_exact() -> None:
    kinds = {name.removeprefix("_") for name in EXACT}
    assert kinds >= {"SAVE_LEADS", "GIVE_BACK", "INSERT_LEADS", "UPDATE_LEADS", "DELETE_LEADS"}
    assert kinds >= {"INSERT_LEDGER", "INSERT_DETAILS", "INSERT_IDEMPOTENCY_KEYS"}
    assert kinds >= {"SAVE_MERGED", "DELETE_MERGED", "INSERT_PAIRS", "DELETE_PAIRS"}
    assert not kinds & {"INSERT_KEYS", "DELETE_KEYS"}


@pytest.mark.parametrize("name", EXACT)
async def test_a_statement_that_finds_no_row_is_never_committed(
    account: AccountStore, name: str
) -> None:
    """Nothing belongs to the account that it names; what was written before it goes, too."""
    statement = EXACT[name]
    packs = getattr(statement, "packs", None)
    values = (
        [int_value(1), int_value(1)][: statement.count("$") - 1]
        if packs is None
        else [pack(["x"] if pack is text_array else [1]) for pack in packs]
    )
    command = (getattr(statement, "sql", statement), [NO_ACCOUNT, *values])
    renamed = "UPDATE account SET name = 'Other Ltd'"
    async with await psycopg.AsyncConnection.connect(account.database.address) as connection:
        trips = Trips(connection)
        begun = [("BEGIN", ()), (renamed, ())]
        with pytest.raises(RowsMissing, match="0 rows written instead of 1"):
            await write_and_commit(trips, PlannedBatch(NOTHING, [*begun, command, ("COMMIT", ())]))
        await connection.close()
    assert account.database.rows("SELECT name FROM account") != [("Other Ltd",)]


async def test_a_batch_that_misses_a_row_leaves_nothing_and_is_tried_again(
    account: AccountStore,
) -> None:
    await account.created(email="nora@field.example")
    ledger = account.ledger("seq")
    spoils = 2

    def miss(commands: list[Command]) -> None:
        nonlocal spoils
        spoils -= 1
        for number, (sql, parameters) in enumerate(commands):
            if "UPDATE lead " in sql and spoils >= 0:
                commands[number] = (sql, [NO_ACCOUNT, *parameters[1:]])

    write = upsert("email", "nora@field.example", title="Buyer")
    async with spoiled(account, miss) as (other, retries):
        with pytest.raises(StoreUnavailable):
            await other.write(create(name="Kim Hill"), write)
        assert [lead.title for lead in await account.leads()] == [None]
        assert account.ledger("seq") == ledger
        spoils = 1
        await other.write(create(name="Kim Hill"), write)
        assert retries.reasons == {"rows_missing": 2}
    assert {(lead.name, lead.title) for lead in await account.leads()} == {
        ("Kim Hill", None),
        ("Nora Field", "Buyer"),
    }
    assert await account.unexplained() == []


async def test_a_commit_that_was_answered_with_a_rollback_is_no_success(
    account: AccountStore,
) -> None:
    """So the server answers the COMMIT of a transaction that has failed."""
    answers = iter(["ROLLBACK", "COMMIT"])

    def roll_back(commands: list[Command]) -> None:
        commands[-1] = (next(answers), ())

    async with spoiled(account, roll_back) as (other, retries):
        assert (await other.write(create(name="Nora Field"))).first_seq == 1
        assert retries.reasons == {"connection_lost": 1}
    assert len(await account.leads()) == 1
    assert await account.unexplained() == []


async def test_a_lone_update_that_finds_no_row_is_never_committed(account: AccountStore) -> None:
    """It has a statement of its own, whose values are no arrays."""
    lead = await account.created()
    ledger = account.ledger("seq")

    def miss(commands: list[Command]) -> None:
        for number, (sql, parameters) in enumerate(commands):
            if "UPDATE lead " in sql and "unnest" not in sql:
                commands[number] = (sql, [NO_ACCOUNT, *parameters[1:]])

    async with spoiled(account, miss) as (other, retries):
        with pytest.raises(StoreUnavailable):
            await other.write(update(lead.id, title="Buyer"))
        assert retries.reasons == {"rows_missing": 1}
    assert await account.leads() == [lead]
    assert account.ledger("seq") == ledger


@pytest.mark.parametrize("times", [1, 2])
async def test_a_row_is_stored_alike_alone_and_among_others(
    account: AccountStore, times: int
) -> None:
    """With every kind of value, and with none."""
    full = {
        "email": "nora@field.example",
        "title": "Käuferin",
        "monetary_value": -0.5,
        "address": {"city": "Bern"},
        "phone_numbers": ["+41 31 555 01 87"],
    }
    columns = ", ".join(column.name for column in schema.lead.c if column.name != "document")
    others = [create(name="Kim Hill") for _ in range(times - 1)]
    receipt = await account.write(create(name="Nora Field", **full), *others)
    lead = receipt.results[0].lead
    assert lead is not None
    (row,) = account.database.rows(f"SELECT {columns} FROM lead WHERE id = {lead.id}")
    place = [column.name for column in schema.lead.c].index("document")
    expected = list(lead_row(account.account_id, lead))
    assert [*row] == [*expected[:place], *expected[place + 1 :]]
    bare: dict[str, None] = dict.fromkeys(("title", "monetary_value"))
    (lead, *_) = [one.lead for one in (await account.write(update(lead.id, **bare))).results]
    assert lead is not None
    (row,) = account.database.rows(f"SELECT {columns} FROM lead WHERE id = {lead.id}")
    expected = list(lead_row(account.account_id, lead))
    assert [*row] == [*expected[:place], *expected[place + 1 :]]
    assert await account.unexplained() == []
