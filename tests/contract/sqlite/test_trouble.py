"""What SQLite's errors become: damage, a disk that is full or read-only, a log that stays."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from structlog.testing import capture_logs
from tests.support.commands.process import DEADLINE_S, wait_until
from tests.support.domain.lead_writes import create
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import SqliteDatabase

from onelead.domain.errors import (
    DatabaseDamaged,
    DatabaseUnusable,
    DiskFull,
    ReadOnly,
    StoreUnavailable,
)
from onelead.domain.limits import CHECKPOINT_FAILURE_S, DISK_ROOM_BYTES_MIN
from onelead.storage.sqlite.checkpoints import Checkpoints, Served
from onelead.storage.sqlite.failures import Disk, failure, in_words
from onelead.storage.sqlite.opened import OpenedFiles
from onelead.storage.sqlite.store import SqliteStore
from onelead.storage.transactions import writes
from onelead.storage.trouble import Trouble

PAGE_BYTES = 4096


def sqlite_error(code: int, kind: type[sqlite3.Error] = sqlite3.OperationalError) -> sqlite3.Error:
    error = kind("what SQLite says")
    error.sqlite_errorcode = code
    error.sqlite_errorname = "SQLITE_SOMETHING"
    return error


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (sqlite_error(sqlite3.SQLITE_CORRUPT, sqlite3.DatabaseError), DatabaseDamaged),
        (sqlite_error(sqlite3.SQLITE_CORRUPT_VTAB, sqlite3.DatabaseError), DatabaseDamaged),
        (sqlite_error(sqlite3.SQLITE_NOTADB, sqlite3.DatabaseError), DatabaseDamaged),
        (sqlite3.DatabaseError("without a code"), DatabaseDamaged),
        (sqlite_error(sqlite3.SQLITE_FULL), DiskFull),
        (sqlite_error(sqlite3.SQLITE_READONLY), ReadOnly),
        (sqlite_error(sqlite3.SQLITE_IOERR_WRITE), StoreUnavailable),
        (sqlite_error(sqlite3.SQLITE_BUSY), StoreUnavailable),
        (sqlite3.OperationalError("without a code"), StoreUnavailable),
        (sqlite3.IntegrityError("a defect"), type(None)),
        (ValueError("a defect"), type(None)),
    ],
)
def test_each_error_of_sqlite_has_its_meaning(error: Exception, meaning: type[object]) -> None:
    assert type(failure(error)) is meaning
    assert "SQLite says" not in in_words(error)


@contextmanager
def spare_file(folder: Path) -> Iterator[int]:
    spare = os.open(folder / "spare", os.O_CREAT | os.O_WRONLY)
    yield spare
    os.close(spare)


def test_a_disk_that_takes_data_refuses_nothing_and_keeps_nothing(tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(bytes(3 * PAGE_BYTES))
    with spare_file(tmp_path) as spare:
        assert Disk(spare, (large, tmp_path / "missing")).refusal() is None
    assert (tmp_path / "spare").stat().st_size == 0


def test_the_disk_says_that_it_is_full() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    assert Disk(full, ()).refusal() is DiskFull
    os.close(full)


@pytest.mark.parametrize(
    ("number", "meaning"),
    [
        *((errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EFBIG, DiskFull)),
        *((errno.EROFS, ReadOnly), (errno.EIO, StoreUnavailable)),
    ],
)
def test_each_error_of_the_disk_has_its_meaning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, meaning: type[object]
) -> None:
    def takes_a_part(file: int, data: bytes, at: int) -> int:
        if at:
            raise OSError(number, os.strerror(number))
        return len(data) // 2

    monkeypatch.setattr(os, "pwrite", takes_a_part)
    with spare_file(tmp_path) as spare:
        disk = Disk(spare, ())
        assert disk.refusal() is meaning
        error = sqlite_error(sqlite3.SQLITE_IOERR_WRITE)
        assert type(failure(error, disk)) is meaning


@contextmanager
def files_limited(bytes_max: int) -> Iterator[None]:
    """No file of this process may grow further, which looks like a quota."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Server:
    """A server's store, whose checkpoints need not rest."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.database = SqliteDatabase(folder)
        self.path = self.database.path
        self.store = SqliteStore(self.path, clock, serving=True)

    async def begin(self) -> None:
        made = self.database.account
        self.account = await AccountStore.of(self.store, made.account_id, self.database)

    async def until(self, condition: Callable[[], bool]) -> None:
        assert self.store.checkpoints is not None
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                self.store.checkpoints.wake()
                await asyncio.sleep(0.001)


@pytest.fixture
async def server(tmp_path: Path, clock: Clock) -> Server:
    made = Server(tmp_path, clock)
    await made.begin()
    return made


async def test_a_full_disk_is_said_until_it_takes_data_again(server: Server) -> None:
    log_bytes = server.path.with_name("onelead.db-wal").stat().st_size
    with capture_logs() as logs:
        with files_limited(log_bytes + 2 * PAGE_BYTES):
            for _ in range(2):
                with pytest.raises(DiskFull):
                    await server.account.write(create(name="Nora Field", details="x" * 60_000))
            assert not await server.store.is_ready()
            assert isinstance(server.store.trouble, DiskFull)
            # Rounds of the checkpoints do not end it, and reads go on.
            await server.until(lambda: True)
            assert await server.account.leads() == []
            assert not await server.store.is_ready()
        await server.until(lambda: server.store.trouble is None)
        assert await server.store.is_ready()
    events = [(line["event"], line["reason"]) for line in logs if "trouble" in line["event"]]
    assert events == [("the database is in trouble", "disk_full")]
    assert {"event": "the database is well again", "reason": "disk_full", "log_level": "info"} in (
        logs
    )
    await server.account.created()
    await server.store.close()
    with closing(sqlite3.connect(server.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_database_that_can_only_be_read_is_said_until_it_can_be_written(
    server: Server,
) -> None:

    def only_read(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA query_only = ON")
        try:
            connection.exec_driver_sql("DELETE FROM lead")
        finally:
            connection.exec_driver_sql("PRAGMA query_only = OFF")

    with pytest.raises(ReadOnly):
        await writes(only_read)(server.store)
    assert isinstance(server.store.trouble, ReadOnly)
    assert not await server.store.is_ready()
    await server.until(lambda: server.store.trouble is None)
    await server.account.created()
    await server.store.close()


async def test_a_damaged_page_is_said_until_the_restart(server: Server, clock: Clock) -> None:
    await server.account.write(*(create(name=f"Nora {n}", details="x" * 900) for n in range(200)))
    await server.store.close()
    with closing(sqlite3.connect(server.path)) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'lead'"
        ).fetchone()
    assert root < pages
    sound = server.path.read_bytes()
    damage_page(server.path, root)
    with capture_logs() as logs:
        store = SqliteStore(server.path, clock, serving=True)
        account = replace(server.account, store=store)
        for _ in range(2):
            with pytest.raises(DatabaseDamaged) as refusal:
                await account.leads()
        assert refusal.value.message == "The database is damaged"
        # What does not meet the page goes on, and the trouble stays.
        assert await store.account_ids() == [server.account.account_id]
        await account.field()
        assert not await store.is_ready()
        assert isinstance(store.trouble, DatabaseDamaged)
    assert [line["reason"] for line in logs] == ["database_damaged"]
    await store.close()
    server.path.write_bytes(sound)
    restarted = SqliteStore(server.path, clock, serving=True)
    assert await restarted.is_ready()
    await restarted.close()


def damage_page(path: Path, number: int) -> None:
    with path.open("r+b") as file:
        file.seek((number - 1) * PAGE_BYTES)
        file.write(b"\xff" * PAGE_BYTES)


async def test_a_damaged_database_that_cannot_be_opened_is_refused_in_own_words(
    tmp_path: Path, clock: Clock
) -> None:
    path = SqliteDatabase(tmp_path).path
    damage_page(path, 1)
    with pytest.raises(DatabaseUnusable) as refusal:
        SqliteStore(path, clock)
    why = "it is not a SQLite database, or its beginning is damaged"
    assert refusal.value.message == f"{path} cannot be used: {why}"


class Copying(sqlite3.Connection):
    """The connection of the checkpoints, which fails when a test says so."""

    error: sqlite3.Error | None = None
    copies: int = 0

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        self.copies += 1
        if self.error is not None:
            raise self.error
        return super().execute(sql, parameters)


class Copied:
    """A database of its own, on which only checkpoints work."""

    def __init__(self, folder: Path, code: int) -> None:
        path = folder / "onelead.db"
        self.now = 100.0
        self.writes = 0
        self._other = sqlite3.connect(path, isolation_level=None)
        self._other.execute("PRAGMA journal_mode = WAL")
        self._other.execute("CREATE TABLE thing (content)")
        self._spare = (folder / "spare").open("wb")
        self._files = OpenedFiles(path)
        self.trouble = Trouble()
        disk = Disk(self._spare.fileno(), ())
        served = Served(path, asyncio.Lock(), self._files, self.trouble, disk)
        self.checkpoints = Checkpoints(
            served, write_again=self._write_again, every_s=0.001, monotonic=lambda: self.now
        )
        self.checkpoints.connection.close()
        self.connection = sqlite3.connect(
            path, factory=Copying, check_same_thread=False, isolation_level=None
        )
        self.connection.error = sqlite_error(code)
        self.checkpoints.connection = self.connection

    async def _write_again(self) -> None:
        """Do without a store."""
        self.writes += 1

    async def rounds(self) -> None:
        """Wait until some more copies have been tried, at the time that it is now."""
        wanted = self.connection.copies + 3
        await self.until(lambda: self.connection.copies >= wanted)

    async def until(self, condition: Callable[[], bool]) -> None:
        await asyncio.to_thread(wait_until, condition)

    async def close(self) -> None:
        await self.checkpoints.stop()
        for one in (self.connection, self._other, self._files, self._spare):
            one.close()


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_PROTOCOL])
async def test_a_log_that_cannot_be_copied_for_long_ends_the_writes(
    tmp_path: Path, code: int
) -> None:
    with capture_logs() as logs:
        copied = Copied(tmp_path, code)
        trouble = copied.trouble
        await copied.rounds()
        copied.now += CHECKPOINT_FAILURE_S - 0.1
        await copied.rounds()
        assert not trouble.is_final
        copied.now += 0.2
        await copied.until(lambda: trouble.is_final)
        assert isinstance(trouble.error, DatabaseDamaged)
        with pytest.raises(DatabaseDamaged, match="log of the database cannot be copied"):
            trouble.refuse_if_final()
        # Nothing is copied any more, even if it could be.
        copied.connection.error = None
        before = copied.connection.copies
        await asyncio.sleep(0.01)
        assert copied.connection.copies == before
        await copied.close()
    assert [(line["event"], line["reason"]) for line in logs] == [
        ("the write-ahead log could not be copied yet", "store_unavailable"),
        ("the database is in trouble", "database_damaged"),
    ]


@pytest.mark.parametrize(
    "code",
    [
        *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED),
        *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY),
    ],
)
async def test_a_log_that_waits_or_finds_no_room_is_copied_later(tmp_path: Path, code: int) -> None:
    copied = Copied(tmp_path, code)
    for _ in range(3):
        await copied.rounds()
        copied.now += 2 * CHECKPOINT_FAILURE_S
    assert not copied.trouble.is_final
    copied.connection.error = None
    await copied.until(lambda: copied.trouble.error is None)
    await copied.close()


async def test_no_write_tries_to_end_what_only_a_restart_ends(tmp_path: Path) -> None:
    copied = Copied(tmp_path, sqlite3.SQLITE_BUSY)
    copied.connection.error = None
    copied.trouble.met(DatabaseDamaged())
    await copied.rounds()
    assert copied.writes == 0
    await copied.close()


async def test_a_store_that_cannot_copy_its_log_says_so_at_its_end(
    server: Server, clock: Clock
) -> None:
    await server.account.created(name="Nora Field")
    given_up = DatabaseDamaged("The log of the database cannot be copied into it")
    assert server.store.checkpoints is not None
    server.store.checkpoints.served.trouble.met(given_up, is_final=True)
    for work in (server.account.write(create(name="Sam Roe")), server.account.field()):
        with pytest.raises(DatabaseDamaged):
            await work
    with pytest.raises(DatabaseDamaged):
        await server.store.close()
    # The next start finds everything in the log.
    restarted = SqliteStore(server.path, clock, serving=True)
    account = await AccountStore.of(restarted, server.account.account_id, server.database)
    assert [lead.name for lead in await account.leads()] == ["Nora Field"]
    await restarted.close()


def test_the_room_that_ends_a_full_disk_is_more_than_a_page() -> None:
    assert DISK_ROOM_BYTES_MIN > PAGE_BYTES
