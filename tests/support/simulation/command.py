"""Another process on the same file: it reads for a while, writes, and may die."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing, suppress

from tests.support.simulation.clients import Clients
from tests.support.simulation.server import FILE, StoreClass
from tests.support.simulation.world import Process, World

from onelead.domain.errors import DatabaseUnusable, StoreUnavailable
from onelead.process.writer import BatchingWriter

_ROWS = "SELECT count(*), max(seq) FROM ledger"
_CALLS = 4


async def run_command(
    world: World, process: Process, clients: Clients, store_class: StoreClass
) -> None:
    """Do what a command such as `onelead undo` does beside a server."""
    await asyncio.sleep(world.chance.random() * 0.02)
    try:
        store = store_class(world, serving=False)
    except (DatabaseUnusable, StoreUnavailable) as error:
        world.note(f"no command: {type(error).__name__}")
        return
    process.at_death.append(store.die)
    try:
        await _read_for_a_while(world)
    except sqlite3.DatabaseError as error:
        # What a read did not bring looks like damage.
        if not isinstance(error, sqlite3.OperationalError) and not world.faults.has_lied:
            raise
    writer = BatchingWriter(store, monotonic=lambda: world.now_s)
    await clients.deliver(store, writer, _CALLS)
    if world.chance.random() < 0.3:
        world.kill(process)
        return
    await writer.drain()
    with suppress(StoreUnavailable):
        await store.close()


async def _read_for_a_while(world: World) -> None:
    """See one state from the first look to the last, whatever is written meanwhile."""
    path = world.disk.folder / FILE
    with closing(sqlite3.connect(path, isolation_level=None, timeout=1.0)) as connection:
        connection.execute("BEGIN")
        before = connection.execute(_ROWS).fetchall()
        if not connection.in_transaction:
            # SQLite reads its statistics with the schema, and does not say that this failed; but
            # an error of the disk ends the transaction.
            return
        await asyncio.sleep(world.chance.random() * 0.05)
        if connection.execute(_ROWS).fetchall() != before:
            world.defect(AssertionError("a transaction saw two states"))
