"""The rule of upgrades: what an older program knows of the tables stays until a release later.

Each migration is compared with the tables before it, on each engine. Made-up migrations show what
the rule allows and what it forbids.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import sqlite3
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from tests.support.domain.lead_writes import create, update
from tests.support.process.clock import Clock
from tests.support.storage import old_process
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import Database, SqliteDatabase
from tests.support.storage.empty_databases import EMPTY_DATABASES, EmptyDatabase, empty_postgresql
from tests.support.storage.old_process import OldProcess, wrong_rows
from tests.support.storage.schema_changes import Breach, TableShape, breaches, shapes, unexcused

import onelead.storage.migrations
from onelead.app import open_store
from onelead.configuration import Configuration
from onelead.domain.errors import DatabaseNewer, DatabaseUnusable
from onelead.domain.writes import Outcome
from onelead.storage.migrate import migrate
from onelead.storage.postgresql.store import PostgresqlStore

OURS = Path(onelead.storage.migrations.__path__[0])
CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"
RELEASED = "## [0.4.0] - 2024-05-01\n"
_numbers = itertools.count()


@pytest.fixture(params=list(EMPTY_DATABASES))
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EmptyDatabase]:
    """An empty database of each engine in turn."""
    with EMPTY_DATABASES[request.param](tmp_path) as database:
        yield database


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """A copy of the migrations, to which a test can add one."""
    return shutil.copytree(OURS, tmp_path / "migrations")


def next_migration(scripts: Path, change: str, more: str = "") -> None:
    """Add a migration as a later version would bring it."""
    for former in scripts.glob("versions/9*.py"):
        former.unlink()
    (head,) = ScriptDirectory(str(scripts)).get_heads()
    lines = [
        '"""Made up."""',
        "import sqlalchemy as sa",
        "from alembic import op",
        "revision = '9001'",
        f"down_revision = '{head}'",
        more,
        "def upgrade() -> None:",
        textwrap.indent(textwrap.dedent(change), "    "),
    ]
    # A new name each time: Python takes a file with the same name and second for the same file.
    (scripts / "versions" / f"9001_{next(_numbers)}.py").write_text("\n".join(lines))


def upgrade(connection: Connection, scripts: Path, revision: str = "head") -> None:
    """Migrate as a program with these migrations does, in the connection's transaction."""
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def steps(
    empty: EmptyDatabase, scripts: Path
) -> Iterator[tuple[Script, dict[str, TableShape], dict[str, TableShape]]]:
    """Run the migrations one by one; yield each with the tables before and after it."""
    directory = ScriptDirectory(str(scripts))
    with empty.engine() as engine:
        before: dict[str, TableShape] = {}
        for script in reversed(list(directory.walk_revisions())):
            with engine.begin() as connection:
                upgrade(connection, scripts, script.revision)
            with engine.connect() as connection:
                after = shapes(connection)
            yield script, before, after
            before = after


def violations(empty: EmptyDatabase, scripts: Path, changelog: str) -> list[Breach]:
    """Return every change of the migrations that the rule forbids."""
    return [
        breach
        for script, before, after in steps(empty, scripts)
        for breach in unexcused(
            breaches(before, after), getattr(script.module, "safe_since", {}), changelog
        )
        if breach.thing not in getattr(script.module, "only_slower_without", ())
    ]


def test_every_migration_leaves_older_programs_what_they_know(empty: EmptyDatabase) -> None:
    assert violations(empty, OURS, CHANGELOG.read_text(encoding="utf-8")) == []


@contextmanager
def migrating(database: Database) -> Iterator[Connection]:
    """Open a transaction as a process does that is about to migrate."""
    if isinstance(database, SqliteDatabase):
        connect: Callable[[], Any] = partial(
            sqlite3.connect, database.path, isolation_level=None, check_same_thread=False
        )
        engine = create_engine("sqlite://", creator=connect)
    else:
        connect = partial(psycopg.connect, database.address)
        engine = create_engine("postgresql+psycopg://", creator=connect)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
    finally:
        engine.dispose()


def disturbed(database: Database, scripts: Path) -> list[Breach]:
    """Return what an older program cannot live with, and leave the database unchanged."""
    with migrating(database) as connection:
        before = shapes(connection)
        upgrade(connection, scripts)
        return breaches(before, shapes(connection))


HARMLESS = (
    "op.create_table('note', sa.Column('id', sa.BigInteger(), primary_key=True))",
    "op.add_column('lead', sa.Column('score', sa.BigInteger()))",
    "op.add_column('lead', sa.Column('score', sa.Integer(), nullable=False, server_default='0'))",
    "op.create_index('lead_by_title', 'lead', ['account_id', 'title_key'])",
    "op.execute('UPDATE lead SET version = version')",
)


def test_what_is_added_disturbs_no_older_program(database: Database, scripts: Path) -> None:
    for change in HARMLESS:
        next_migration(scripts, change)
        assert disturbed(database, scripts) == [], change


IN_LEAD = "with op.batch_alter_table('lead') as batch:\n    batch."
BREAKING = {
    "op.drop_table('customer_source')": ("customer_source", "is gone"),
    "op.rename_table('ledger', 'log')": ("ledger", "is gone"),
    "op.drop_index('lead_by_name', 'lead')": ("lead_by_name", "is gone"),
    f"{IN_LEAD}drop_column('title_key')": ("lead.title_key", "is gone"),
    f"{IN_LEAD}alter_column('title_key', new_column_name='job')": ("lead.title_key", "is gone"),
    f"{IN_LEAD}add_column(sa.Column('score', sa.Text(), nullable=False))": (
        *("lead.score", "is new and needs a value"),
    ),
    f"{IN_LEAD}alter_column('version', type_=sa.Text())": (
        *("lead.version", "was BIGINT and is TEXT"),
    ),
    f"{IN_LEAD}alter_column('assignee_id', nullable=False)": (
        *("lead.assignee_id", "may not be empty any more"),
    ),
    f"{IN_LEAD}alter_column('status_id', nullable=True)": ("lead.status_id", "may be empty now"),
    "op.create_index('lead_once', 'lead', ['account_id', 'email_key'], unique=True)": (
        *("lead", "has a new rule: unique (account_id, email_key)"),
    ),
    f"{IN_LEAD}create_check_constraint('counted', 'version > 0')": (
        *("lead", "has a new rule: check version > 0"),
    ),
    f"{IN_LEAD}create_foreign_key('owned', 'account', ['account_id'], ['id'])": (
        *("lead", "has a new rule: (account_id) references account"),
    ),
    "with op.batch_alter_table('user') as batch:\n    batch.drop_constraint('user_by_email')": (
        *("user", "has lost a rule: unique (account_id, email_key)"),
    ),
}


def test_what_an_older_program_cannot_live_with_is_found(database: Database, scripts: Path) -> None:
    for change, breach in BREAKING.items():
        next_migration(scripts, change)
        assert Breach(*breach) in disturbed(database, scripts), change


def test_a_default_that_is_taken_away_is_found(empty: EmptyDatabase, scripts: Path) -> None:
    added = "sa.Column('score', sa.BigInteger(), nullable=False, server_default='0')"
    next_migration(scripts, f"op.add_column('lead', {added})")
    with empty.engine() as engine:
        with engine.begin() as connection:
            upgrade(connection, scripts)
            before = shapes(connection)
        without = "ALTER TABLE lead ALTER COLUMN score DROP DEFAULT"
        if engine.dialect.name == "sqlite":
            # It has no statement for this: a default is removed by rewriting the definition.
            without = "PRAGMA writable_schema = ON"
        with engine.begin() as connection:
            connection.execute(text(without))
            if engine.dialect.name == "sqlite":
                connection.execute(
                    text("UPDATE sqlite_master SET sql = replace(sql, 'DEFAULT ''0''', '')")
                )
        engine.dispose()
        with engine.connect() as connection:
            assert breaches(before, shapes(connection)) == [
                Breach("lead.score", "has no default any more")
            ]


def test_a_removal_is_let_through_a_release_after_the_last_use(
    empty: EmptyDatabase, scripts: Path
) -> None:
    since = "safe_since = {'lead.title_key': '0.4.0'}"
    next_migration(scripts, f"{IN_LEAD}drop_column('title_key')", since)
    assert violations(empty, scripts, RELEASED) == []


def test_a_removal_in_the_release_of_the_last_use_is_not(
    empty: EmptyDatabase, scripts: Path
) -> None:
    since = "safe_since = {'lead.title_key': '0.5.0'}"
    next_migration(scripts, f"{IN_LEAD}drop_column('title_key')", since)
    found = [Breach("lead.title_key", "is gone")]
    assert violations(empty, scripts, f"## Unreleased\n{RELEASED}") == found


def test_an_index_that_older_programs_are_only_slower_without_may_go(
    empty: EmptyDatabase, scripts: Path
) -> None:
    change = "op.drop_index('lead_by_name', 'lead')"
    next_migration(scripts, change, "only_slower_without = ('lead_by_name',)")
    assert violations(empty, scripts, RELEASED) == []


ADDITIVE = """
    op.add_column('lead', sa.Column('score', sa.BigInteger()))
    op.add_column('ledger', sa.Column('place', sa.Text(), nullable=False, server_default=''))
    op.add_column('lane', sa.Column('note', sa.Text()))
    op.create_table('note', sa.Column('id', sa.BigInteger(), primary_key=True))
    op.create_index('lead_by_title', 'lead', ['account_id', 'title_key'])
"""


async def test_a_store_serves_while_a_newer_program_migrates_and_after(
    account: AccountStore, database: Database, scripts: Path
) -> None:
    next_migration(scripts, ADDITIVE)
    # Often enough that the connections have their statements prepared.
    leads = [await account.created(name=f"Before {n}") for n in range(10)]
    for _ in range(10):
        assert await account.leads() == leads
    with migrating(database) as connection:
        await asyncio.to_thread(upgrade, connection, scripts)
        writes = [
            asyncio.create_task(account.result(create(name="Meanwhile"))),
            asyncio.create_task(account.result(update(leads[0].id, title="Buyer"))),
        ]
        # They continue when the tables are free again.
        done, _ = await asyncio.wait(writes, timeout=0.2)
        assert not done
        connection.commit()
    created, updated = await asyncio.gather(*writes)
    assert [created.outcome, updated.outcome] == [Outcome.CREATED, Outcome.UPDATED]
    after = [await account.created(name=f"After {n}") for n in range(10)]
    assert [lead.id for lead in (await account.leads())[-10:]] == [lead.id for lead in after]
    numbers = [seq for (seq,) in account.ledger("seq")]
    assert numbers == list(range(numbers[0], numbers[0] + 22))
    with migrating(database) as connection, pytest.raises(DatabaseNewer):
        migrate(connection)


async def test_the_keys_of_an_older_database_are_rebuilt_while_an_old_process_goes_on(
    empty: EmptyDatabase, clock: Clock
) -> None:
    with empty.engine() as engine:
        with engine.begin() as connection:
            upgrade(connection, OURS, old_process.REVISION)
            for account_id, name in enumerate(("Shop Ltd", "Without leads Ltd"), 1):
                old_process.create_account(connection, account_id, name)
        old = OldProcess(engine)
        lead_id = old.create(name="Nora O\u2019Brien", tags=("Nora\u2019s",))
        configuration = Configuration(database=empty.url)
        async with open_store(configuration, serving=False, clock=clock) as store:
            assert (await store.settings(1)).are_keys_stale
            assert not (await store.settings(2)).are_keys_stale
            old.create(name="Sam O\u2019Brien")
            old.update(lead_id, title="Buyer")
            assert await wrong_rows(store)
            for account_id in (1, 2):
                while await store.build_index(account_id):
                    pass
            assert await wrong_rows(store) == []
            assert not (await store.settings(1)).are_keys_stale
            old.delete(lead_id)
            await store.build_index(1)
            assert await wrong_rows(store) == []


async def test_a_migration_that_waits_for_a_table_lets_others_pass(clock: Clock) -> None:
    """Queries behind one that waits for a table wait, too: pg_dump would hold up every request."""
    with empty_postgresql() as empty, closing(psycopg.connect(empty.url)) as backup:
        backup.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)")
        backup.commit()
        backup.execute("LOCK TABLE alembic_version")
        async with asyncio.timeout(60):
            with pytest.raises(DatabaseUnusable, match="its tables stay locked"):
                await PostgresqlStore(empty.url, clock, retry_s=0).open()
            backup.rollback()
            store = PostgresqlStore(empty.url, clock)
            await store.open()
            await store.close()
