"""What PostgreSQL's errors and settings say: damage, a full disk, a standby, careless settings."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Connection, text
from structlog.testing import capture_logs
from tests.support.domain.lead_writes import create
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import PostgresqlDatabase
from tests.support.storage.postgresql_server import administration_url

from onelead.domain.errors import (
    DatabaseDamaged,
    DatabaseUnusable,
    DiskFull,
    ReadOnly,
    StoreUnavailable,
)
from onelead.storage.postgresql.failures import in_words
from onelead.storage.postgresql.store import PostgresqlStore
from onelead.storage.transactions import reads, writes


@pytest.fixture
def database() -> Iterator[PostgresqlDatabase]:
    """A fresh database, with a connection for the test."""
    fresh = PostgresqlDatabase()
    yield fresh
    fresh.close()


async def opened(database: PostgresqlDatabase, clock: Clock) -> PostgresqlStore:
    store = PostgresqlStore(database.address, clock, retry_s=0.05)
    await store.open()
    return store


def refuse_rows(database: PostgresqlDatabase, code: str) -> None:
    """Make the server refuse ledger rows with one of its errors."""
    database.execute(
        "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" RAISE EXCEPTION 'as planned' USING ERRCODE = '{code}'; END $$;"
        " CREATE TRIGGER fail BEFORE INSERT ON ledger FOR EACH STATEMENT EXECUTE FUNCTION fail()"
    )


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *(("53100", DiskFull), ("25006", ReadOnly)),
        *(("XX001", DatabaseDamaged), ("XX002", DatabaseDamaged), ("58P01", DatabaseDamaged)),
        *(("53200", StoreUnavailable), ("58030", StoreUnavailable)),
    ],
)
async def test_each_error_of_the_server_is_answered_as_what_it_is(
    database: PostgresqlDatabase, clock: Clock, code: str, kind: type[StoreUnavailable]
) -> None:
    store = await opened(database, clock)
    account = await AccountStore.of(store, database.account.account_id, database)
    refuse_rows(database, code)
    with capture_logs() as logs:
        for work in (account.write(create(name="Nora Field")), account.field()):
            with pytest.raises(StoreUnavailable) as refusal:
                await work
            assert type(refusal.value) is kind
            assert "as planned" not in refusal.value.message
    assert "as planned" not in repr(logs)
    database.execute("DROP TRIGGER fail ON ledger")
    if kind is StoreUnavailable:
        assert store.trouble is None
    elif kind is not ReadOnly:
        assert type(store.trouble) is kind
        assert not await store.is_ready()
    await account.created()
    # Damage stays until the restart, the rest is over with a write.
    assert await store.is_ready() is (kind is not DatabaseDamaged)
    await store.close()


async def test_a_server_that_takes_no_writes_is_not_ready_until_it_does(
    database: PostgresqlDatabase, clock: Clock
) -> None:
    database.execute(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    store = PostgresqlStore(database.address, clock, retry_s=0.05)
    assert not await store.is_ready()
    assert isinstance(store.trouble, ReadOnly)
    database.execute(
        f"SET default_transaction_read_only = off;"
        f" ALTER DATABASE {database.name} RESET default_transaction_read_only"
    )
    await store.close()
    again = PostgresqlStore(database.address, clock)
    again._trouble = store._trouble  # noqa: SLF001 - as after a reconnection
    assert await again.is_ready()
    assert again.trouble is None
    await again.close()


def durability(connection: Connection) -> str:
    return str(connection.execute(text("SHOW synchronous_commit")).scalar())


@pytest.mark.parametrize(
    ("on_the_server", "in_the_session"),
    [("off", "on"), ("on", "on"), ("local", "local"), ("remote_apply", "remote_apply")],
)
async def test_a_commit_waits_for_the_disk_whatever_the_server_says(
    database: PostgresqlDatabase, clock: Clock, on_the_server: str, in_the_session: str
) -> None:
    database.execute(f"ALTER DATABASE {database.name} SET synchronous_commit = {on_the_server}")
    store = await opened(database, clock)
    assert await writes(durability)(store) == in_the_session
    assert await reads(durability)(store) == in_the_session
    account = await AccountStore.of(store, database.account.account_id, database)
    database.execute(
        "CREATE TABLE seen (value text);"
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$;"
        " CREATE TRIGGER note BEFORE INSERT ON ledger FOR EACH STATEMENT EXECUTE FUNCTION note()"
    )
    await account.created()
    assert database.rows("SELECT DISTINCT value FROM seen") == [(in_the_session,)]
    is_concern = on_the_server == "off"
    assert ("synchronous_commit" in store.concerns) is is_concern
    assert await store.is_ready()
    assert ("synchronous_commit" in store.concerns) is is_concern
    await store.close()


async def test_settings_that_can_lose_answered_writes_are_of_concern(
    database: PostgresqlDatabase, clock: Clock
) -> None:
    off = [
        name
        for name in ("fsync", "full_page_writes")
        if database.rows(f"SHOW {name}") == [("off",)]
    ]
    store = await opened(database, clock)
    assert {name: store.concerns.get(name) for name in off} == dict.fromkeys(off, "off")
    await store.close()


PLACES = [
    (lambda url: url.rpartition("/")[0] + "/nothere", "the server has no database of this name"),
    (lambda url: url.replace("postgres@", "nobody@"), "the server has no user of this name"),
    (lambda _url: "postgresql://127.0.0.1:1/x", "no server listens there"),
    (lambda _url: "postgresql:///x?host=/nowhere", "no server has its socket there"),
    (lambda url: f"{url}?sslmode=require", "TLS cannot be used as the URL asks for"),
]


@pytest.mark.parametrize(("url_of", "why"), PLACES)
async def test_a_database_that_cannot_be_opened_is_refused_in_own_words(
    clock: Clock, url_of: object, why: str
) -> None:
    assert callable(url_of)
    store = PostgresqlStore(url_of(administration_url()), clock, retry_s=0)
    with pytest.raises(DatabaseUnusable) as refusal:
        await store.open()
    assert refusal.value.message.endswith(f" cannot be opened: {why}")


async def test_a_user_who_may_not_create_tables_is_told(clock: Clock) -> None:
    database = PostgresqlDatabase()
    database.execute("DROP TABLE alembic_version CASCADE")
    database.execute("CREATE ROLE onelead_reader LOGIN")
    store = PostgresqlStore(database.address.replace("postgres@", "onelead_reader@"), clock)
    try:
        with pytest.raises(DatabaseUnusable, match="this user may not make or change the tables"):
            await store.open()
    finally:
        database.close()
        with psycopg.connect(administration_url(), autocommit=True) as connection:
            connection.execute("DROP ROLE onelead_reader")


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (psycopg.OperationalError("a sentence of libpq's"), "it cannot be used as the URL says"),
        (psycopg.errors.DiskFull("a sentence of the server's"), "the server reports disk_full"),
        (psycopg.errors.LockNotAvailable("lock timeout"), "its tables stay locked"),
        (psycopg.ProgrammingError("a sentence"), "it cannot be used as the URL says"),
        (None, "it cannot be used as the URL says"),
    ],
)
def test_what_is_not_known_has_no_words_of_the_driver(
    error: psycopg.Error | None, why: str
) -> None:
    words = in_words(error)
    assert words.startswith(why)
    assert "sentence" not in words
