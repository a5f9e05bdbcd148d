"""A batch on PostgreSQL: two round trips, by indexes, one account at a time."""

from __future__ import annotations

import asyncio
import re
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.pq import Format
from psycopg.pq.abc import PGresult
from tests.support.domain.lead_writes import create, delete, update, upsert, upsert_custom
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import PostgresqlDatabase
from tests.support.storage.many_leads import fill

from onelead.domain.writes import LeadWrite
from onelead.storage import schema
from onelead.storage.postgresql import batch as postgresql_batch
from onelead.storage.postgresql.connections import BY_KEYS
from onelead.storage.postgresql.store import PostgresqlStore
from onelead.storage.postgresql.trips import Command, Trips

STATEMENTS = [
    sql
    for statement in vars(postgresql_batch).values()
    for sql in (getattr(statement, "sql", statement), getattr(statement, "one", None))
    if isinstance(sql, str)
    and sql.split(" ")[0] in ("SELECT", "UPDATE", "INSERT", "DELETE", "WITH")
]
MANY = 20_000


@pytest.fixture
def database() -> Iterator[PostgresqlDatabase]:
    """A database of the one engine that these tests are about."""
    fresh = PostgresqlDatabase()
    yield fresh
    fresh.close()


class _RecordedTrips(Trips):
    made: list[list[Command]]

    async def make(self, commands: Sequence[Command]) -> list[PGresult]:
        self.made.append(list(commands))
        return await super().make(commands)


@asynccontextmanager
async def recording(
    account: AccountStore,
) -> AsyncIterator[tuple[AccountStore, list[list[Command]]]]:
    """Use the account in a store whose round trips are recorded."""
    made: list[list[Command]] = []

    class Recorded(_RecordedTrips):
        pass

    class Store(PostgresqlStore):
        trips_class = Recorded

    Recorded.made = made
    store = Store(account.database.address, Clock())
    yield await AccountStore.of(store, account.account_id, account.database), made
    await store.close()


async def writes_of_all_kinds(account: AccountStore) -> list[LeadWrite]:
    """Return a batch that needs every statement."""
    field = await account.field()
    changed = await account.created(email="nora@field.example", tags=["fair"])
    deleted = await account.created(name="Sam Roe", email="sam@roe.example")
    return [
        upsert("email", "nora@field.example", title="Buyer", tags=["spring"]),
        upsert_custom(field.id, "C-1", name="Pat Lake"),
        upsert("name", "Kim Hill", email="kim@hill.example"),
        create(name="Kim Hill"),
        update(changed.id, name="Nora Lake"),
        delete(deleted.id),
        create(email="nameless@lake.example"),
    ]


async def test_plans_that_were_made_while_tables_were_empty_are_made_again_with_the_same_trips(
    account: AccountStore,
) -> None:
    """Every statement of the batch is prepared again in the same trip, each under its own name."""
    lead = await account.created(email="nora@field.example")
    async with recording(account) as (recorded, trips):
        for number in range(25):
            trips.clear()
            await recorded.write(
                upsert("email", "nora@field.example", title=f"Buyer {number}"),
                upsert("email", f"n{number}@field.example", name=f"Nora Field {number}"),
                update(lead.id, tags=[f"tag {number}"]),
            )
            assert len(trips) == 2
        assert len(await recorded.leads()) == 26
    assert await account.unexplained() == []


async def test_a_batch_makes_two_round_trips_whatever_it_holds(account: AccountStore) -> None:
    writes = await writes_of_all_kinds(account)
    many = [create(name=f"Nora Field {number}") for number in range(256)]
    async with recording(account) as (recorded, trips):
        for batch in (writes, writes[:1], writes[-1:], many):
            trips.clear()
            await recorded.write(*batch)
            assert len(trips) == 2
            begin, lane, *_reads = [sql.split()[:2] for sql, _ in trips[0]]
            assert (begin[0], lane) == ("BEGIN", ["UPDATE", "lane"])
            assert [sql for sql, _ in trips[1]].index("COMMIT") == len(trips[1]) - 1


class Turns:
    """Passes bytes on, and counts how often the client sends after the server has sent."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self.count = 0
        #: Released by each connection that has ended.
        self.ended = asyncio.Semaphore(0)
        self._connections = 0

    async def wait_until_quiet(self) -> None:
        """Wait until every connection has ended."""
        for _ in range(self._connections):
            await self.ended.acquire()

    async def __call__(self, client: StreamReader, to_client: StreamWriter) -> None:
        self._connections += 1
        server, to_server = await asyncio.open_connection(*self._server)
        is_clients_turn = True

        async def ask() -> None:
            nonlocal is_clients_turn
            while said := await client.read(2**20):
                self.count += is_clients_turn
                is_clients_turn = False
                to_server.write(said)
            to_server.write_eof()

        async def answer() -> None:
            nonlocal is_clients_turn
            while said := await server.read(2**20):
                is_clients_turn = True
                to_client.write(said)

        with suppress(ConnectionError):
            await asyncio.gather(ask(), answer())
        for writer in (to_server, to_client):
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
        self.ended.release()


async def test_the_network_sees_two_round_trips(account: AccountStore, clock: Clock) -> None:
    place = urlsplit(account.database.address)
    if place.hostname is None:
        pytest.skip("ONELEAD_TEST_POSTGRESQL names no host")
    turns = Turns(place.hostname, place.port or 5432)
    async with await asyncio.start_server(turns, "127.0.0.1", 0) as passage:
        port = passage.sockets[0].getsockname()[1]
        user = place.netloc.rpartition("@")[0]
        store = PostgresqlStore(place._replace(netloc=f"{user}@127.0.0.1:{port}").geturl(), clock)
        far = await AccountStore.of(store, account.account_id, account.database)
        writes, settings = await writes_of_all_kinds(account), await account.settings()
        # The first batch opens a connection.
        await far.write(create(name="Sam Roe"), create(name="Sam Roe"), settings=settings)
        refused = upsert("name", "Sam Roe", title="Buyer")
        for batch in (writes, writes[:1], [refused]):
            before = turns.count
            await far.write(*batch, settings=settings)
            assert turns.count - before <= 2
        await store.close()
        await turns.wait_until_quiet()


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_names_the_account_on_every_table(statement: str) -> None:
    """So that the tables can be distributed by account: a statement without it asks all shards."""
    tables = "|".join(schema.metadata.tables)
    named = re.findall(rf'\b(?:FROM|JOIN|UPDATE|INTO|USING|,) "?(?:{tables})\b(?!\.)', statement)
    # A new row has the account that it is selected from.
    bound = re.findall(
        r"\b(?:account_id = \$1|account\.id = \$1|SELECT account\.id,|VALUES \(\$1,)", statement
    )
    assert len(named) == len(bound) >= 1


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_says_everything_by_its_parameters(statement: str) -> None:
    """A value that a shard generated would differ between its replicas."""
    assert not re.search(
        r"\b(now|random|clock_timestamp|statement_timestamp|current_\w+|nextval|gen_random_uuid"
        r"|MERGE|DEFAULT)\b|\bWITH (?!ORDINALITY|written AS)",
        statement,
        re.IGNORECASE,
    )


def test_every_kind_of_statement_is_among_those_that_are_checked() -> None:
    assert {re.findall("SELECT|UPDATE|INSERT|DELETE", one)[0] for one in STATEMENTS} == {
        *("SELECT", "UPDATE", "INSERT", "DELETE")
    }
    assert len(STATEMENTS) >= 11


async def test_every_statement_of_a_batch_is_one_of_them(account: AccountStore) -> None:
    writes = await writes_of_all_kinds(account)
    async with recording(account) as (recorded, trips):
        await recorded.write(*writes)
    said = {sql for trip in trips for sql, _ in trip}
    assert said - set(STATEMENTS) == {"BEGIN ISOLATION LEVEL READ COMMITTED", "COMMIT"}


def plan(connection: psycopg.Connection, mode: str, command: Command) -> str:
    """Return PostgreSQL's plan for a statement with these parameters, or with any."""
    sql, parameters = command
    connection.execute("SELECT set_config('plan_cache_mode', %s, false)", (mode,))
    connection.execute(f"PREPARE statement AS {sql}".encode())
    types = connection.execute(
        "SELECT unnest(parameter_types)::text FROM pg_prepared_statements WHERE name = 'statement'"
    ).fetchall()
    values = [
        literal(connection, type_, parameter)
        for (type_,), parameter in zip(types, parameters, strict=True)
    ]
    explained = f"EXPLAIN EXECUTE statement ({', '.join(values)})".encode()
    steps = "\n".join(line for (line,) in connection.execute(explained))
    connection.execute("DEALLOCATE statement")
    return steps


def literal(connection: psycopg.Connection, type_: str, value: bytes | None) -> str:
    """Write a parameter in SQL: EXPLAIN takes none in the binary format."""
    sql = f"SELECT quote_nullable($1::{type_})".encode()
    result = connection.pgconn.exec_params(sql, [value], param_formats=[Format.BINARY])
    said = result.get_value(0, 0)
    assert said is not None, result.error_message
    return f"{said.decode()}::{type_}"


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_no_statement_of_a_batch_reads_a_whole_table(
    account: AccountStore, mode: str
) -> None:
    """Among many leads and keys, also of other accounts, and many ledger rows."""
    writes = await writes_of_all_kinds(account)
    await fill(account, MANY)
    async with recording(account) as (recorded, trips):
        await recorded.write(*writes)
    assert isinstance(account.database, PostgresqlDatabase)
    connection = account.database.connect()
    commands: list[Any] = [one for trip in trips for one in trip if one[0] in STATEMENTS]
    plans = {command[0]: plan(connection, mode, command) for command in commands}
    assert len(plans) >= 9
    for sql, steps in plans.items():
        for table in ("lead", "match_key", "ledger"):
            assert f"Seq Scan on {table}" not in steps, f"{sql}\n{steps}"


async def test_no_statement_of_a_batch_reads_all_of_an_account_that_was_never_counted(
    account: AccountStore,
) -> None:
    """The planner takes such an account for empty, as after an import into a new one."""
    await fill(account, 1_000)
    made = await account.store.create_account("New Ltd", "nina@new.example")
    new = await AccountStore.of(account.store, made.account_id, account.database)
    writes = await writes_of_all_kinds(new)
    async with recording(new) as (recorded, trips):
        await recorded.write(*writes)
    assert isinstance(account.database, PostgresqlDatabase)
    connection = account.database.connect()
    commands: list[Any] = [one for trip in trips for one in trip if one[0] in STATEMENTS]
    for command in commands:
        if " lane " in command[0]:
            continue
        steps = plan(connection, BY_KEYS["plan_cache_mode"], command)
        by_account_alone = re.findall(r"Index Cond: \(account_id = [^()]*\)$", steps, re.MULTILINE)
        assert by_account_alone == [], f"{command[0]}\n{steps}"
    connection.close()
