"""The migrations: from nothing to the declared tables, in one transaction, never backwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine

from onelead.errors import DatabaseNewer
from onelead.storage.migrate import migrate
from onelead.storage.schema import metadata


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "onelead.db"


@pytest.fixture
def engine(database: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{database}")
    yield engine
    engine.dispose()


def test_all_migrations_from_empty_give_the_declared_tables(engine: Engine) -> None:
    with engine.begin() as connection:
        migrate(connection)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_migrated_tables_are_declared_word_for_word(
    engine: Engine, database: Path, tmp_path: Path
) -> None:
    """Compares what Alembic does not: keys, order of columns, WITHOUT ROWID, partial indexes."""
    declared = create_engine(f"sqlite:///{tmp_path}/declared.db")
    metadata.create_all(declared)
    declared.dispose()
    with engine.begin() as connection:
        migrate(connection)
    migrated = [sql for sql in _definitions(database) if "alembic_version" not in sql]
    assert migrated == _definitions(tmp_path / "declared.db")


def test_migrating_again_changes_nothing(engine: Engine, database: Path) -> None:
    with engine.begin() as connection:
        migrate(connection)
    before = _dump(database)
    with engine.begin() as connection:
        migrate(connection)
    assert _dump(database) == before


def test_a_database_of_a_newer_program_is_refused_and_left_alone(
    engine: Engine, database: Path
) -> None:
    with engine.begin() as connection:
        migrate(connection)
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        connection.exec_driver_sql("DROP TABLE ledger")
    before = _dump(database)
    with engine.begin() as connection, pytest.raises(DatabaseNewer, match="newer onelead"):
        migrate(connection)
    assert _dump(database) == before


def test_migrations_that_are_rolled_back_leave_nothing(database: Path) -> None:
    engine = create_engine(f"sqlite:///{database}", connect_args={"isolation_level": None})
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        migrate(connection)
        connection.exec_driver_sql("ROLLBACK")
    engine.dispose()
    assert _definitions(database) == []


def test_migrating_prints_nothing(engine: Engine, capfd: pytest.CaptureFixture[str]) -> None:
    with engine.begin() as connection:
        migrate(connection)
    assert capfd.readouterr() == ("", "")


def _definitions(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY 1")
        return [sql for (sql,) in rows]


def _dump(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.iterdump())
