"""PostgreSQL's own errors: retried, or refused clearly after the deadline."""

from __future__ import annotations

import asyncio
import secrets

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from tests.support.domain.lead_writes import create, upsert
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import PostgresqlDatabase
from tests.support.storage.faulty_network import COMMIT, LANE, Network, until
from tests.support.storage.postgresql_proxy import Action, Moment, Point, Proxy

from onelead.domain.errors import StoreUnavailable
from onelead.domain.writes import LeadWrite
from onelead.storage.postgresql.store import PostgresqlStore

pytestmark = pytest.mark.slow

NEVER = 1_000_000


def fail(database: PostgresqlDatabase, code: str, *, times: int) -> None:
    """Make the server refuse the next ledger rows with one of its errors."""
    database.execute("CREATE SEQUENCE failure")
    database.execute(
        # A sequence keeps its count when the transaction is rolled back.
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF nextval('failure') <= {times} THEN"
        f" RAISE EXCEPTION 'as planned' USING ERRCODE = '{code}'; END IF;"
        " RETURN NEW; END $$;"
        " CREATE TRIGGER fail BEFORE INSERT ON ledger FOR EACH STATEMENT EXECUTE FUNCTION fail()"
    )


def nora() -> LeadWrite:
    return create(name="Nora Field")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("40001", "serialization"),
        ("40P01", "deadlock"),
        ("25006", "read_only"),
        ("57P01", "server_stopping"),
        ("08006", "connection_lost"),
    ],
)
async def test_what_passes_is_tried_again(
    account: AccountStore, network: Network, code: str, reason: str
) -> None:
    fail(network.database, code, times=3)
    assert (await account.write(nora(), nora())).first_seq == 1
    assert network.retries.reasons == {reason: 3}
    field = await account.field()
    assert field.name == "Customer number"
    assert await account.unexplained() == []


@pytest.mark.parametrize("code", ["40001", "40P01", "25006"])
async def test_what_does_not_pass_before_the_deadline_is_refused(
    network: Network, code: str
) -> None:
    account = await network.account(await network.proxy(), retry_s=0.1)
    fail(network.database, code, times=NEVER)
    for work in (account.write(nora()), account.field()):
        with pytest.raises(StoreUnavailable) as refusal:
            await work
        assert refusal.value.retry_after_s == 1
    assert network.retries.reasons.total() > 0
    network.database.execute("DROP TRIGGER fail ON ledger")
    assert (await account.write(nora())).first_seq == 1
    assert await account.unexplained() == []


@pytest.mark.parametrize("code", ["53100", "53200", "57014"])
async def test_what_the_server_cannot_do_now_is_refused_at_once(
    account: AccountStore, network: Network, code: str
) -> None:
    """A full disk, no memory, a statement that took too long."""
    fail(network.database, code, times=1)
    with pytest.raises(StoreUnavailable):
        await account.write(nora())
    assert network.retries.reasons == {}
    assert (await account.write(nora())).first_seq == 1


async def test_a_deadlock_with_another_program_is_survived(
    account: AccountStore, network: Network, proxy: Proxy
) -> None:
    under_lane = proxy.plan(Action.DELAY, Point(Moment.BEFORE, "INSERT INTO lead "))
    writing = asyncio.create_task(account.write(nora()))
    await under_lane.reached.wait()
    other = await psycopg.AsyncConnection.connect(network.database.address)
    async with other:
        await other.execute("LOCK TABLE ledger IN EXCLUSIVE MODE")
        under_lane.let_go()
        # One of the two is ended by the server, and both orders are right.
        try:
            await other.execute("UPDATE lane SET last_id = last_id")
            await other.commit()
        except psycopg.errors.DeadlockDetected:
            await other.rollback()
        assert (await writing).first_seq == 1
    assert set(network.retries.reasons) <= {"deadlock"}
    assert await account.unexplained() == []


@pytest.mark.parametrize("sql", ["BEGIN", LANE, "INSERT INTO ledger ", COMMIT])
async def test_a_session_that_an_administrator_ends_is_replaced(
    account: AccountStore, network: Network, proxy: Proxy, sql: str
) -> None:
    fault = proxy.plan(Action.DELAY, Point(Moment.BEFORE, sql))
    writing = asyncio.create_task(account.write(nora()))
    await fault.reached.wait()
    end_sessions(network.database)
    fault.let_go()
    assert (await writing).first_seq == 1
    assert network.retries.reasons.total() == 1
    assert await account.unexplained() == []


def end_sessions(database: PostgresqlDatabase) -> None:
    database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'onelead'"
    )


async def test_sessions_that_were_ended_while_idle_are_replaced(
    account: AccountStore, network: Network
) -> None:
    """Each of these finds a pool whose connections are all dead."""
    lead = await account.created()
    for work in (
        account.store.is_ready(),
        account.write(nora()),
        account.store.lead(account.account_id, lead.id),
        account.field(),
    ):
        end_sessions(network.database)
        assert await work
    assert await account.unexplained() == []


async def test_sessions_that_the_server_ends_because_they_are_idle_are_replaced(
    network: Network,
) -> None:
    name = network.database.rows("SELECT current_database()")[0][0]
    network.database.execute(f"ALTER DATABASE {name} SET idle_session_timeout = '250ms'")
    proxy = await network.proxy()
    account = await network.account(proxy)
    settings = await account.settings()
    await account.write(nora(), settings=settings)
    await until(lambda: not proxy.connections)
    assert (await account.write(nora(), settings=settings)).first_seq == 2
    await until(lambda: not proxy.connections)
    assert len(await account.leads()) == 2


async def test_a_transaction_that_the_server_takes_for_abandoned_is_begun_again(
    account: AccountStore,
    network: Network,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that is stopped for a while, or whose statements are held up."""
    monkeypatch.setattr("onelead.storage.postgresql.connections.ABANDONED_TRANSACTION_S", 0.25)
    await proxy.cut_all()
    for seq, sql in enumerate(("INSERT INTO lead ", COMMIT), 1):
        fault = proxy.plan(Action.DELAY, Point(Moment.BEFORE, sql))
        writing = asyncio.create_task(account.write(nora()))
        await fault.reached.wait()
        await until(lambda: not idle_transactions(network.database))
        fault.let_go()
        assert (await writing).first_seq == seq
    assert await account.unexplained() == []


async def test_others_write_although_a_process_hangs_in_the_middle_of_a_transaction(
    account: AccountStore,
    elsewhere: AccountStore,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It holds the lane; when it goes on, its write comes after theirs, once."""
    monkeypatch.setattr("onelead.storage.postgresql.connections.ABANDONED_TRANSACTION_S", 0.25)
    await proxy.cut_all()
    fault = proxy.plan(Action.DELAY, Point(Moment.DONE, "SELECT wanted.number"))
    delivery = upsert("email", "nora@field.example", name="Nora Field")
    writing = asyncio.create_task(account.write(delivery))
    await fault.reached.wait()
    assert (await elsewhere.write(nora())).first_seq == 1
    assert not writing.done()
    fault.let_go()
    assert (await writing).first_seq == 2
    assert await account.unexplained() == []


def idle_transactions(database: PostgresqlDatabase) -> int:
    return len(
        database.rows(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'onelead' AND state = 'idle in transaction'"
        )
    )


async def test_a_server_without_a_free_connection_is_asked_again(network: Network) -> None:
    database, role = network.database, f"onelead_{secrets.token_hex(6)}"
    database.execute(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 0")
    try:
        database.execute(f"GRANT ALL ON SCHEMA public TO {role}")
        database.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
        await assert_asked_again(network, role)
    finally:
        database.execute(f"DROP OWNED BY {role}")
        database.execute(f"DROP ROLE {role}")


async def assert_asked_again(network: Network, role: str) -> None:
    database, account_id = network.database, network.database.account.account_id
    url = make_conninfo(database.address, user=role)
    patient = PostgresqlStore(url, network.clock, observer=network.retries)
    impatient = PostgresqlStore(url, network.clock, retry_s=0.05)
    try:
        with pytest.raises(StoreUnavailable):
            await impatient.settings(account_id)
        waiting = asyncio.create_task(patient.settings(account_id))
        await until(lambda: network.retries.reasons.total() > 0)
        database.execute(f"ALTER ROLE {role} CONNECTION LIMIT -1")
        assert (await waiting).account_id == account_id
    finally:
        await patient.close()
        await impatient.close()
