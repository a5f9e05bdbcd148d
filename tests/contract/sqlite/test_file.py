"""The embedded engine's file: who can serve it, and what it holds after a close."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.commands.process import DEADLINE_S
from tests.support.domain.lead_writes import create
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import SqliteDatabase
from tests.support.storage.faults import Faults

from onelead.domain.errors import DatabaseLocked, DatabaseNewer, DatabaseUnusable
from onelead.storage.schema import REVISION
from onelead.storage.sqlite.checkpoints import Checkpoints, Served
from onelead.storage.sqlite.failures import Disk
from onelead.storage.sqlite.opened import OpenedFiles
from onelead.storage.sqlite.store import SqliteStore
from onelead.storage.trouble import Trouble


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "onelead.db"


async def test_the_file_and_its_folders_are_made(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "data" / "leads" / "onelead.db"
    store = SqliteStore(path, clock)
    assert await store.is_ready()
    assert list(await store.account_ids()) == []
    await store.close()
    assert path.exists()


def modes_in(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}


def make_shared(path: Path) -> None:
    """Make an empty database that a group can read."""
    path.touch()
    path.chmod(0o640)


NAMES = ["onelead.db", "onelead.db-shm", "onelead.db-wal", "onelead.db.serving"]


@pytest.mark.parametrize("umask", [0, 0o022, 0o277])
async def test_a_new_file_is_for_its_owner_alone(path: Path, clock: Clock, umask: int) -> None:
    before = os.umask(umask)
    try:
        store = SqliteStore(path, clock, serving=True)
        await store.create_account("Shop Ltd", "dana@shop.example")
        assert modes_in(path.parent) == dict.fromkeys(NAMES, 0o600)
        await store.close()
    finally:
        os.umask(before)


async def test_a_file_that_is_there_keeps_its_mode(path: Path, clock: Clock) -> None:
    make_shared(path)
    store = SqliteStore(path, clock, serving=True)
    await store.create_account("Shop Ltd", "dana@shop.example")
    assert modes_in(path.parent) == dict.fromkeys(NAMES, 0o640)
    await store.close()


async def test_a_link_to_a_file_that_is_still_to_be_made_leads_to_it(
    path: Path, clock: Clock
) -> None:
    link = path.with_name("link.db")
    link.symlink_to(path)
    await SqliteStore(link, clock).close()
    assert modes_in(path.parent)[path.name] == 0o600


async def test_a_second_server_on_one_file_is_refused(path: Path, clock: Clock) -> None:
    first = SqliteStore(path, clock, serving=True)
    with pytest.raises(DatabaseLocked, match=str(path)):
        SqliteStore(path, clock, serving=True)
    assert await first.is_ready()
    await first.close()
    second = SqliteStore(path, clock, serving=True)
    await second.close()


async def test_a_second_server_through_a_link_is_refused_too(path: Path, clock: Clock) -> None:
    first = SqliteStore(path, clock, serving=True)
    link = path.with_name("link.db")
    link.symlink_to(path)
    with pytest.raises(DatabaseLocked):
        SqliteStore(link, clock, serving=True)
    await first.close()


async def test_other_use_of_the_file_beside_a_server_is_safe(path: Path, clock: Clock) -> None:
    server, command = SqliteStore(path, clock, serving=True), SqliteStore(path, clock)
    made = await command.create_account("Shop Ltd", "dana@shop.example")
    assert list(await server.account_ids()) == [made.account_id]
    await server.create_api_key(made.account_id, made.email, "from the server")
    assert len(await command.api_keys(made.account_id)) == 2
    await command.close()
    await server.close()


async def test_a_server_that_could_not_start_does_not_keep_the_file_locked(
    tmp_path: Path, clock: Clock
) -> None:
    database = SqliteDatabase(tmp_path)
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseNewer):
        SqliteStore(database.path, clock, serving=True)
    database.execute(f"UPDATE alembic_version SET version_num = '{REVISION}'")
    server = SqliteStore(database.path, clock, serving=True)
    await server.close()


def files_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


async def test_everything_is_in_the_one_file_after_a_close(tmp_path: Path, clock: Clock) -> None:
    """So that a stopped service can be copied as one file."""
    database = SqliteDatabase(tmp_path)
    store = SqliteStore(database.path, clock, serving=True)
    account = await AccountStore.of(store, database.account.account_id, database)
    await account.write(*(create(name=f"Nora Field {number}") for number in range(50)))
    await store.close()
    assert files_in(tmp_path) == ["onelead.db", "onelead.db.serving"]
    copy = tmp_path / "copy.db"
    copy.write_bytes(database.path.read_bytes())
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM lead").fetchone() == (50,)


@pytest.mark.disk
async def test_every_commit_is_synced_to_the_disk(tmp_path: Path, clock: Clock) -> None:
    """A test cannot cut the power: 2 is FULL, which syncs the log."""
    database, faults = SqliteDatabase(tmp_path), Faults()
    store = await database.open_faulty(clock, faults)
    account = await AccountStore.of(store, database.account.account_id, database)
    await account.created()
    await account.field()
    assert faults.connections
    for connection in faults.connections:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    await store.close()


def a_text_file(path: Path) -> None:
    path.write_text("These are notes about leads, and no database at all. " * 40)


def a_folder(path: Path) -> None:
    path.mkdir()


def beneath_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("")


@pytest.mark.parametrize("make", [a_text_file, a_folder, beneath_a_file])
async def test_the_reason_why_a_file_cannot_be_used_is_given_in_words(
    tmp_path: Path, clock: Clock, make: Callable[[Path], None]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    path = folder / "onelead.db"
    make(path)
    with pytest.raises(DatabaseUnusable, match="onelead"):
        SqliteStore(path, clock)


async def test_a_file_that_another_process_is_writing_is_reported_in_words(
    tmp_path: Path, clock: Clock
) -> None:
    database = SqliteDatabase(tmp_path)
    with database.busy(), pytest.raises(DatabaseUnusable, match="locked"):
        SqliteStore(database.path, clock, busy_timeout_s=0.01)


def size_of(path: Path) -> int:
    return path.stat().st_size


async def never() -> None:
    raise AssertionError("no trouble is to be ended")


async def test_a_log_that_writers_never_leave_alone_is_bounded(path: Path) -> None:
    wal = path.with_name(f"{path.name}-wal")
    turn = asyncio.Lock()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("CREATE TABLE thing (content)")

        async def written_until(condition: Callable[[], bool]) -> None:
            async with asyncio.timeout(DEADLINE_S):
                while not condition():
                    async with turn:
                        connection.execute("INSERT INTO thing VALUES (randomblob(10000))")
                    await asyncio.sleep(0)

        await written_until(lambda: size_of(wal) > 1_000_000)
        assert size_of(path) < 100_000
        files = OpenedFiles(path)
        served = Served(path, turn, files, Trouble(), Disk(-1, ()))
        checkpoints = Checkpoints(served, write_again=never, every_s=0.001, reused_bytes=100_000)
        await written_until(lambda: size_of(wal) < 100_000)
        # Now it is written from its start again and again, while much passes through it.
        before = size_of(path)
        await written_until(lambda: size_of(path) > before + 10_000_000)
        # The copying may have paused for a moment; then the log is truncated.
        await written_until(lambda: size_of(wal) < 5_000_000)
        await checkpoints.stop()
        checkpoints.connection.close()
    files.close()


async def test_writes_hardly_wait_while_a_reader_keeps_the_log(path: Path) -> None:
    wal = path.with_name(f"{path.name}-wal")
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as connection,
        closing(sqlite3.connect(path, isolation_level=None)) as reader,
    ):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("CREATE TABLE thing (content)")
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM thing").fetchall()
        connection.execute("INSERT INTO thing VALUES (randomblob(200000))")
        before = size_of(wal)
        files, turn = OpenedFiles(path), asyncio.Lock()
        served = Served(path, turn, files, Trouble(), Disk(-1, ()))
        checkpoints = Checkpoints(served, write_again=never, every_s=0.001, reused_bytes=100_000)
        for _ in range(10):
            # One of the rounds has the turn most of the time.
            await asyncio.sleep(0.01)
            async with asyncio.timeout(0.5), turn:
                connection.execute("INSERT INTO thing VALUES (1)")
        assert size_of(wal) > before
        await checkpoints.stop()
        checkpoints.connection.close()
    files.close()
