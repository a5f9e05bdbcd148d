"""The migrations: from nothing to the declared tables, in one transaction, never backwards."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from tests.support.storage.databases import EMAIL
from tests.support.storage.empty_databases import EMPTY_DATABASES, EmptyDatabase

from onelead.app import open_store
from onelead.configuration import Configuration
from onelead.contract.access import NewAccount
from onelead.domain.errors import DatabaseNewer
from onelead.storage.migrate import migrate
from onelead.storage.schema import REVISION, metadata

#: How each engine describes its tables: keys, order and kinds of columns, indexes with their
#: conditions. SQLite keeps the statements; PostgreSQL writes out what it understood.
DEFINITIONS = {
    "sqlite": "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY 1",
    "postgresql": """
        SELECT format('%s %s %s %s %s', attrelid::regclass, attnum, attname, attnotnull,
                      format_type(atttypid, atttypmod) || attcollation::regcollation)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid AND relkind = 'r'
        WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
        UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT conrelid::regclass || pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        ORDER BY 1
    """,
}


@pytest.fixture(params=list(EMPTY_DATABASES))
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EmptyDatabase]:
    """A database of each engine in turn that has never been migrated."""
    with EMPTY_DATABASES[request.param](tmp_path) as database:
        yield database


@pytest.fixture
def engine(empty: EmptyDatabase) -> Iterator[Engine]:
    with empty.engine() as engine:
        yield engine


def definitions(connection: Connection) -> list[str]:
    rows = connection.execute(text(DEFINITIONS[connection.dialect.name])).scalars()
    # SQLite keeps the text of a statement, and adds columns to it in its own way.
    return [" ".join(row.split()) for row in rows if "alembic_version" not in row]


def everything(engine: Engine) -> list[object]:
    """Return the tables and everything in them."""
    with engine.connect() as connection:
        names = sorted(inspect(connection).get_table_names())
        rows = [connection.execute(text(f'SELECT * FROM "{name}"')).all() for name in names]
        return [names, definitions(connection), rows]


def test_all_migrations_from_empty_give_the_declared_tables(engine: Engine) -> None:
    with engine.begin() as connection:
        migrate(connection)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_migrated_tables_are_declared_word_for_word(engine: Engine) -> None:
    """Compares what Alembic does not: keys, order of columns, WITHOUT ROWID, partial indexes."""
    with engine.begin() as connection:
        migrate(connection)
        migrated = definitions(connection)
    metadata.drop_all(engine)
    metadata.create_all(engine)
    with engine.connect() as connection:
        assert migrated == definitions(connection)
    assert len(migrated) > len(metadata.tables)


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        migrate(connection)
    before = everything(engine)
    with engine.begin() as connection:
        migrate(connection)
    assert everything(engine) == before


def test_a_database_of_a_newer_program_is_refused_and_left_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        migrate(connection)
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        connection.exec_driver_sql("DROP TABLE ledger")
    before = everything(engine)
    with engine.begin() as connection, pytest.raises(DatabaseNewer, match="newer onelead"):
        migrate(connection)
    assert everything(engine) == before


def test_migrations_that_are_rolled_back_leave_nothing(empty: EmptyDatabase) -> None:
    with rolling_back(empty) as connection:
        migrate(connection)
    with empty.engine() as engine, engine.connect() as connection:
        assert inspect(connection).get_table_names() == []


@contextmanager
def rolling_back(empty: EmptyDatabase) -> Iterator[Connection]:
    is_sqlite = empty.url.startswith("sqlite:")
    with empty.engine() as engine:
        if is_sqlite:
            # Its driver commits before it changes a table, unless that is switched off.
            isolated = create_engine(empty.url, connect_args={"isolation_level": None})
        else:
            isolated = engine
        with isolated.connect() as connection:
            if is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            connection.exec_driver_sql("ROLLBACK")
        isolated.dispose()


def test_migrating_prints_nothing(engine: Engine, capfd: pytest.CaptureFixture[str]) -> None:
    with engine.begin() as connection:
        migrate(connection)
    assert capfd.readouterr() == ("", "")


def start(url: str) -> NewAccount | None:
    """Start as a process does: migrate, and create an account if there is none."""

    async def work() -> NewAccount | None:
        async with open_store(Configuration(database=url), serving=False) as store:
            return await store.create_first_account("Shop Ltd", EMAIL)

    return asyncio.run(work())


def test_of_processes_that_start_together_one_migrates_and_one_makes_the_first_account(
    empty: EmptyDatabase,
) -> None:
    with ThreadPoolExecutor(6) as processes:
        made = list(processes.map(start, [empty.url] * 6))
    (account,) = [one for one in made if one is not None]
    with empty.engine() as engine, engine.connect() as connection:
        assert connection.execute(text("SELECT id FROM account")).all() == [(account.account_id,)]
        assert len(connection.execute(text("SELECT * FROM alembic_version")).all()) == 1


def test_the_declared_revision_is_the_newest_migration(engine: Engine) -> None:
    with engine.begin() as connection:
        migrate(connection)
        assert MigrationContext.configure(connection).get_current_heads() == (REVISION,)
