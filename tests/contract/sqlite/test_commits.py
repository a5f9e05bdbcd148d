"""Where SQLite commits: a few writes on the event loop while the disk is fast, else in a thread."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.domain.lead_writes import create, upsert
from tests.support.process.clock import Clock
from tests.support.storage.account_store import AccountStore
from tests.support.storage.databases import SqliteDatabase
from tests.support.storage.faults import Faults, FaultySqliteStore, disk_error

from onelead.domain.errors import StoreUnavailable

FAST_S, SLOW_S = 0.0001, 0.05
#: After so many fast commits the disk counts as fast, however slow it was before.
COMMITS_UNTIL_FAST = 80


class Disk:
    """How long commits take, by the store's stopwatch, and in which thread they were made."""

    def __init__(self) -> None:
        self.commit_s = FAST_S
        self._now = 0.0
        self.threads: list[threading.Thread] = []

    def stopwatch(self) -> float:
        # It is looked at before and after a commit.
        self._now += self.commit_s
        self.threads.append(threading.current_thread())
        return self._now

    def was_on_the_loop(self) -> bool:
        return self.threads[-1] is threading.main_thread()


@pytest.fixture
def database(tmp_path: Any) -> SqliteDatabase:
    """A database of the one engine that these tests are about."""
    return SqliteDatabase(tmp_path)


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
async def writing(
    database: SqliteDatabase, clock: Clock, faults: Faults, disk: Disk, tmp_path: Path
) -> AsyncIterator[AccountStore]:
    """The account in a store whose disk has been fast for a while."""

    class Store(FaultySqliteStore):
        stopwatch = staticmethod(disk.stopwatch)

    store = Store(tmp_path / "onelead.db", clock, faults)
    account = await AccountStore.of(store, database.account.account_id, database)
    await written(account, COMMITS_UNTIL_FAST)
    yield account
    await store.close()


async def written(account: AccountStore, commits: int) -> None:
    for _ in range(commits):
        await account.write(upsert("name", "Nora Field", title="Buyer"))


async def test_a_few_writes_are_committed_on_the_event_loop(
    writing: AccountStore, disk: Disk
) -> None:
    await writing.write(create(name="Sam Roe"), create(name="Mia Lake"))
    assert disk.was_on_the_loop()
    await writing.write(*(create(name="Sam Roe") for _ in range(3)))
    assert not disk.was_on_the_loop()
    assert await writing.unexplained() == []


async def test_a_slow_commit_sends_the_next_ones_to_the_thread_until_they_are_fast_again(
    writing: AccountStore, disk: Disk
) -> None:
    disk.commit_s = SLOW_S
    await written(writing, 1)
    assert disk.was_on_the_loop()
    disk.commit_s = FAST_S
    await written(writing, 1)
    assert not disk.was_on_the_loop()
    await written(writing, COMMITS_UNTIL_FAST)
    assert disk.was_on_the_loop()


async def test_a_commit_on_the_event_loop_that_fails_wrote_nothing(
    writing: AccountStore, faults: Faults, disk: Disk
) -> None:
    before = writing.ledger("seq")
    faults.before_commit = disk_error
    with pytest.raises(StoreUnavailable):
        await writing.write(create(name="Sam Roe"))
    assert disk.was_on_the_loop()
    assert writing.ledger("seq") == before
    faults.after_commit = disk_error
    receipt = await writing.write(create(name="Sam Roe"))
    assert disk.was_on_the_loop()
    assert receipt.first_seq == len(before) + 1
    assert await writing.unexplained() == []


async def test_a_foreign_lock_is_waited_for_in_the_thread(
    writing: AccountStore, disk: Disk, faults: Faults
) -> None:
    settings = await writing.settings()
    asked = threading.Event()
    with writing.database.busy():
        faults.before_statement = asked.set
        write = asyncio.create_task(writing.write(create(name="Sam Roe"), settings=settings))
        await asyncio.to_thread(asked.wait)
        assert not write.done()
    await write
    assert not disk.was_on_the_loop()


async def test_a_transaction_that_cannot_begin_gives_its_turn_back(
    writing: AccountStore, faults: Faults, disk: Disk
) -> None:
    def not_a_database() -> None:
        raise sqlite3.DatabaseError("file is not a database")

    settings = await writing.settings()
    faults.before_statement = not_a_database
    await writing.write(create(name="Sam Roe"), settings=settings)
    assert not disk.was_on_the_loop()
    await writing.write(create(name="Mia Lake"))
    assert await writing.unexplained() == []
