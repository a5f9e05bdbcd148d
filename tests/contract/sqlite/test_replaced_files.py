"""Files that are replaced, renamed or removed while a server has them open."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from random import Random

import pytest
from structlog.testing import capture_logs
from tests.support.commands.process import DEADLINE_S
from tests.support.domain.lead_writes import create
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import SqliteDatabase

from onelead.domain.errors import DatabaseReplaced, DatabaseUnusable, OneleadError
from onelead.storage.sqlite.opened import OpenedFiles
from onelead.storage.sqlite.store import SqliteStore

Change = Callable[[Path, Path], None]


def moved_over(path: Path, backup: Path) -> None:
    backup.replace(path)


def with_its_log(path: Path, backup: Path) -> None:
    beside(path, "-wal").unlink()
    beside(path, "-shm").unlink()
    backup.replace(path)


def copied_over(path: Path, backup: Path) -> None:
    shutil.copyfile(backup, path)


def emptied(path: Path, _backup: Path) -> None:
    path.write_bytes(b"")


def renamed(path: Path, _backup: Path) -> None:
    path.rename(path.with_name("before.db"))


def removed(path: Path, _backup: Path) -> None:
    path.unlink()


def log_removed(path: Path, _backup: Path) -> None:
    beside(path, "-wal").unlink()


def log_replaced(path: Path, _backup: Path) -> None:
    wal = beside(path, "-wal")
    copy = wal.with_name("copy")
    shutil.copyfile(wal, copy)
    copy.replace(wal)


def index_removed(path: Path, _backup: Path) -> None:
    beside(path, "-shm").unlink()


def folder_renamed(path: Path, _backup: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


def beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


#: What is noticed with the next commit.
AT_ONCE: list[Change] = [
    *(moved_over, with_its_log, copied_over, emptied, renamed, removed),
    *(log_removed, log_replaced, folder_renamed),
]
#: What is noticed with the next look, within a second.
SOON: list[Change] = [index_removed]


class Served:
    """A server's store on a file, and a backup of it that is older."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        (folder / "data").mkdir()
        self.database = SqliteDatabase(folder / "data")
        self.path = self.database.path
        self.backup = folder / "backup.db"
        self.store = SqliteStore(self.path, clock, serving=True)

    async def begin(self) -> None:
        self.account = await AccountStore.of(
            self.store, self.database.account.account_id, self.database
        )
        self.settings = await self.account.settings()
        await self.write("in the backup")
        with (
            closing(sqlite3.connect(self.path)) as connection,
            closing(sqlite3.connect(self.backup)) as copy,
        ):
            # As `.backup` of sqlite3 does: a copy with the same counters.
            connection.backup(copy)
        # So that the database grows, and the log is copied into it.
        await self.account.write(
            *(create(name=f"Nora Field {number}", details="x" * 5_000) for number in range(20))
        )
        await self.until(lambda: self.path.stat().st_size > 150_000)
        # The counter of the last copy is known from the next look on.
        await self.store.is_ready()

    async def write(self, name: str) -> None:
        # The settings are known: what is read could be damaged.
        await self.account.write(create(name=name), settings=self.settings)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what the checkpoints do, which need not rest for a second meanwhile."""
        assert self.store.checkpoints is not None
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                self.store.checkpoints.wake()
                await asyncio.sleep(0.001)

    async def until_noticed(self) -> None:
        await self.until(lambda: self.store.trouble is not None)

    async def close(self) -> None:
        with suppress(OneleadError):
            await self.store.close()


@pytest.fixture
async def served(tmp_path: Path, clock: Clock) -> Served:
    made = Served(tmp_path, clock)
    await made.begin()
    return made


def names_in(path: Path) -> set[str]:
    """Return the names of all leads, as the next process reads them.

    From copies, as the connections of this process to the files themselves are never closed.
    """
    copy = path.with_name("read.db")
    for end in ("", "-wal"):
        with suppress(FileNotFoundError):
            shutil.copyfile(beside(path, end), beside(copy, end))
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {name for (name,) in connection.execute("SELECT document ->> 'name' FROM lead")}


@pytest.mark.parametrize("change", AT_ONCE)
async def test_nothing_is_answered_that_nobody_finds_again(served: Served, change: Change) -> None:
    change(served.path, served.backup)
    with pytest.raises(DatabaseReplaced):
        await served.write("into nowhere")
    with pytest.raises(DatabaseReplaced):
        await served.account.field()
    await served.close()


@pytest.mark.parametrize("change", SOON)
async def test_the_next_look_notices_what_a_commit_does_not(served: Served, change: Change) -> None:
    change(served.path, served.backup)
    assert not await served.store.is_ready()
    assert isinstance(served.store.trouble, DatabaseReplaced)
    with pytest.raises(DatabaseReplaced):
        await served.write("refused")
    await served.close()


@pytest.mark.parametrize("change", [*AT_ONCE, *SOON])
async def test_it_is_noticed_without_a_call_said_once_and_ends_with_an_error(
    served: Served, change: Change
) -> None:
    with capture_logs() as logs:
        change(served.path, served.backup)
        await served.until_noticed()
        with pytest.raises(DatabaseReplaced):
            await served.write("refused")
        with pytest.raises(DatabaseReplaced):
            await served.store.close()
    (line,) = [line for line in logs if line["event"] == "the database is in trouble"]
    assert line["reason"] == "database_replaced"
    assert line["found"]


async def test_writes_that_wait_are_refused_with_the_one_that_notices(served: Served) -> None:
    moved_over(served.path, served.backup)
    waiting = (served.write(f"Sam Roe {number}") for number in range(20))
    answers = await asyncio.gather(*waiting, served.account.field(), return_exceptions=True)
    assert {type(answer) for answer in answers} == {DatabaseReplaced}
    await served.close()


@pytest.mark.parametrize("change", [moved_over, with_its_log, copied_over])
async def test_the_restored_database_is_left_as_it_is(served: Served, change: Change) -> None:
    restored = served.backup.read_bytes()
    change(served.path, served.backup)
    await served.until_noticed()
    with pytest.raises(DatabaseReplaced):
        await served.write("refused")
    await served.close()
    assert served.path.read_bytes() == restored
    # No log is left that SQLite would take for that of the restored one.
    assert not beside(served.path, "-wal").exists()
    assert not beside(served.path, "-shm").exists()
    assert names_in(served.path) == {"in the backup"}


async def test_a_database_and_a_log_that_were_both_restored_stay(served: Served) -> None:
    files = [served.path, beside(served.path, "-wal"), beside(served.path, "-shm")]
    for file in files:
        file.unlink()
        file.write_text(f"restored {file.name}")
    await served.until_noticed()
    await served.close()
    assert [file.read_text() for file in files] == [f"restored {file.name}" for file in files]


async def test_a_log_that_was_removed_loses_nothing_that_was_answered(served: Served) -> None:
    """What is in it, only this process has: it is copied into the database."""
    await served.write("answered last")
    log_removed(served.path, served.backup)
    with pytest.raises(DatabaseReplaced):
        await served.write("refused")
    await served.close()
    assert "answered last" in names_in(served.path)


@pytest.mark.parametrize("change", [folder_renamed, index_removed])
async def test_a_database_that_keeps_its_log_keeps_what_was_answered(
    served: Served, change: Change
) -> None:
    await served.write("answered last")
    change(served.path, served.backup)
    await served.until_noticed()
    await served.close()
    (path,) = served.path.parent.parent.glob("*/onelead.db")
    assert "answered last" in names_in(path)


async def test_a_renamed_database_gets_its_log_back(served: Served) -> None:
    await served.write("answered last")
    renamed(served.path, served.backup)
    shutil.copyfile(served.backup, served.path)
    await served.until(beside(served.path, "-wal.replaced-1").exists)
    await served.close()
    before = served.path.with_name("before.db")
    beside(served.path, "-wal.replaced-1").rename(beside(before, "-wal"))
    assert "answered last" in names_in(before)


def left_empty(path: Path) -> None:
    path.write_bytes(b"")


def left_out(_path: Path) -> None:
    """Leave nothing at the name."""


@pytest.mark.parametrize("leave", [left_empty, left_out])
async def test_no_start_destroys_the_log_of_a_database_that_is_gone(
    served: Served, clock: Clock, leave: Callable[[Path], None]
) -> None:
    """SQLite would remove it, and with it what was answered last."""
    await served.write("answered last")
    renamed(served.path, served.backup)
    await served.until_noticed()
    await served.close()
    leave(served.path)
    for serving in (True, False):
        with pytest.raises(DatabaseUnusable, match=r"onelead\.db-wal is left"):
            SqliteStore(served.path, clock, serving=serving)
    served.path.with_name("before.db").rename(served.path)
    assert "answered last" in names_in(served.path)


async def test_no_connection_is_opened_to_a_foreign_file(served: Served) -> None:
    """It would read an old log beside it, and copy that into it at its close."""
    restored = served.backup.read_bytes()
    moved_over(served.path, served.backup)
    with pytest.raises(DatabaseReplaced):
        # More than the connections that are open.
        await asyncio.gather(*(served.store.settings(1) for _ in range(10)))
    await served.close()
    assert served.path.read_bytes() == restored


async def test_a_symbolic_link_that_leads_elsewhere_is_noticed(
    tmp_path: Path, clock: Clock
) -> None:
    database = SqliteDatabase(tmp_path)
    link, other = tmp_path / "link.db", tmp_path / "other.db"
    shutil.copyfile(database.path, other)
    link.symlink_to(database.path)
    store = SqliteStore(link, clock, serving=True)
    link.unlink()
    link.symlink_to(other)
    assert not await store.is_ready()
    with pytest.raises(DatabaseReplaced):
        await store.close()


async def test_what_other_programs_do_through_sqlite_is_no_replacement(
    served: Served, clock: Clock
) -> None:
    """Another process may copy the log, or write the whole file again."""
    for number in range(5):
        command = SqliteStore(served.path, clock)
        await command.create_api_key(
            served.account.account_id, served.database.account.email, f"key {number}"
        )
        await command.close()
        assert await served.store.is_ready()
        with closing(sqlite3.connect(served.path, isolation_level=None, timeout=20)) as other:
            other.execute("VACUUM")
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert await served.store.is_ready()
        await served.write(f"Sam Roe {number}")
    await served.store.close()
    assert len(names_in(served.path)) == 26


@pytest.mark.parametrize("seed", range(3))
def test_no_transaction_makes_a_database_older(tmp_path: Path, seed: int) -> None:
    path, chance = tmp_path / "onelead.db", Random(seed)
    connections = [sqlite3.connect(path, isolation_level=None) for _ in range(3)]
    for connection in connections:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
    connections[0].execute("CREATE TABLE thing (content)")
    files = OpenedFiles(path)
    statements = [
        *("INSERT INTO thing VALUES (randomblob(20000))",) * 5,
        *(
            "DELETE FROM thing WHERE rowid % 2 = 0",
            "VACUUM",
            "CREATE INDEX IF NOT EXISTS i ON thing (1)",
        ),
        *("DROP INDEX IF EXISTS i", "PRAGMA wal_checkpoint(PASSIVE)"),
        *("PRAGMA wal_checkpoint(RESTART)", "PRAGMA wal_checkpoint(TRUNCATE)"),
    ]
    for _ in range(60):
        chance.choice(connections).execute(chance.choice(statements)).fetchall()
        if chance.random() < 0.1:
            with closing(sqlite3.connect(":memory:")) as empty:
                empty.execute("CREATE TABLE thing (content)")
                empty.backup(chance.choice(connections))
        files.look()
    for connection in connections:
        connection.close()
    files.close()


async def test_the_files_have_to_be_those_that_are_open(tmp_path: Path) -> None:
    path = tmp_path / "onelead.db"
    path.write_bytes(b"")
    with pytest.raises(DatabaseReplaced):
        OpenedFiles(path)
    path.unlink()
    with pytest.raises(DatabaseReplaced):
        OpenedFiles(path)
