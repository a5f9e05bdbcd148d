"""Engines that break a promise, each in a way of its own, which the simulation has to find."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing, suppress
from typing import Any

from sqlalchemy import Connection
from tests.support.simulation.server import FILE, SimulatedStore

from onelead.contract.leads import Batch, BatchReceipt
from onelead.storage.sqlite.batch import write_batch


class UnsyncedStore(SimulatedStore):
    """Answers before the disk has what was written."""

    def _batch_connection(self) -> Connection:
        connection = super()._batch_connection()
        _driver(connection).execute("PRAGMA synchronous = OFF")
        return connection


class HastyStore(SimulatedStore):
    """Answers before the commit, which it leaves to the next batch."""

    def _commit(self, driver: sqlite3.Connection) -> None:
        """Do it later."""

    def _begins_quickly(self, batch: Batch) -> bool:
        self._commit_the_last()
        return super()._begins_quickly(batch)

    def _commit_the_last(self) -> None:
        if self._batches is not None:
            with suppress(sqlite3.OperationalError):
                _driver(self._batches).commit()


class RepeatingStore(SimulatedStore):
    """Writes a batch again when its commit has reported an error, whether it happened or not."""

    def _commit(self, driver: sqlite3.Connection) -> None:
        self._has_failed = True
        super()._commit(driver)
        self._has_failed = False

    async def _commit_batch(self, batch: Batch, *, is_quick: bool) -> BatchReceipt:
        receipt = await super()._commit_batch(batch, is_quick=is_quick)
        if self._has_failed:
            receipt = await super()._commit_batch(batch, is_quick=False)
        return receipt


class LanelessStore(SimulatedStore):
    """Looks for matches before it takes the lane; needs `laneless_batch` for `write_batch`."""

    def _begins_quickly(self, _batch: Batch) -> bool:
        return False

    async def _begin_batch(self, driver: sqlite3.Connection) -> None:
        path = self.world.disk.folder / FILE
        earlier = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        earlier.execute("BEGIN")
        earlier.execute("SELECT count(*) FROM lane").fetchall()
        await asyncio.sleep(0.01)
        await super()._begin_batch(driver)
        _earlier[id(driver)] = earlier


_earlier: dict[int, sqlite3.Connection] = {}


def laneless_batch(driver: sqlite3.Connection, *rest: Any) -> BatchReceipt:
    """Write a batch whose reads see the state before its transaction."""
    with closing(_earlier.pop(id(driver))) as earlier:
        return write_batch(_EarlierReads(driver, earlier), *rest)  # type: ignore[arg-type]


class _EarlierReads:
    """A driver that reads through another connection."""

    def __init__(self, driver: sqlite3.Connection, earlier: sqlite3.Connection) -> None:
        self._earlier = earlier
        self._driver = driver
        self.executemany = driver.executemany

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        reader = self._earlier if sql.startswith("SELECT") else self._driver
        return reader.execute(sql, parameters)


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
