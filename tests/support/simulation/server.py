"""The processes of a simulation: a server with the real writer, store and works, and a command."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from tests.support.simulation.world import Process, World

from onelead.domain.errors import StoreUnavailable
from onelead.process.figure_work import FigureWork
from onelead.process.index_work import IndexWork
from onelead.process.writer import BatchingWriter
from onelead.storage.long_reads import LongReads
from onelead.storage.sqlite.checkpoints import Checkpoints, Served
from onelead.storage.sqlite.failures import Disk
from onelead.storage.sqlite.opened import OpenedFiles
from onelead.storage.sqlite.store import SqliteStore

FILE = "onelead.db"
#: Few, so that the limits are met: of a batch, and of a queue.
_BATCH_WRITES_MAX = 6
_QUEUE_WRITES_MAX = 20
_INDEX_REST_S = 0.05
#: The log is begun again after this, and cut after four times as much.
_REUSED_BYTES = 64 * 1024


class _SameFiles(OpenedFiles):
    """The files of a simulated disk, which nobody replaces."""

    is_only_log_gone = False

    def __init__(self) -> None:
        self.found = None

    def close(self) -> None:
        """Do nothing: no file is open."""

    def look(self) -> None:
        """Find what was opened."""

    def look_quickly(self) -> None:
        """Find what was opened."""

    def set_log_aside(self) -> str | None:
        """Leave the log where it is."""
        return None


class _Disk(Disk):
    """A disk that never says why it fails."""

    def refusal(self) -> type[StoreUnavailable] | None:
        """Say nothing."""
        return None


class SimulatedStore(SqliteStore):
    """The embedded engine by the clock of a world."""

    def __init__(self, world: World, *, serving: bool) -> None:
        self.world = world
        self.stopwatch = lambda: world.now_s
        super().__init__(
            world.disk.folder / FILE, lambda: round(world.wall_clock()), serving=serving
        )
        _share_statements(self._engine)
        self._long_reads = LongReads(lambda: world.now_s)

    def _watch_files(self, spare: int) -> None:
        self._served = Served(self._path, self._turn, _SameFiles(), self._trouble, _Disk(spare, ()))
        self.checkpoints = Checkpoints(
            self._served,
            write_again=self._write_again,
            # A log is short here.
            reused_bytes=_REUSED_BYTES,
            monotonic=self.stopwatch,
        )

    def _commit(self, driver: sqlite3.Connection) -> None:
        super()._commit(driver)
        if self.world.faults.is_commit_in_doubt():
            raise sqlite3.OperationalError("disk I/O error")

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with super()._writing() as connection:
            yield connection
        if self.world.faults.is_commit_in_doubt():
            raise StoreUnavailable

    def die(self) -> None:
        """Let go of everything, as the system does for a process that is gone."""
        self._release()


_first_engine: list[Engine] = []


def _share_statements(engine: Engine) -> None:
    """Compile each statement once in this process: that takes longer than everything else."""
    if not _first_engine:
        _first_engine.append(engine)
    # A compiled statement belongs to a dialect.
    known = vars(_first_engine[0])
    vars(engine).update(dialect=known["dialect"], _compiled_cache=known["_compiled_cache"])


StoreClass = Callable[..., SimulatedStore]


class Server:
    """What runs in a serving process. It is made in the process, by a callback of its loop."""

    def __init__(self, world: World, process: Process, store_class: StoreClass) -> None:
        self.store = store_class(world, serving=True)
        process.at_death.append(self.store.die)
        self.writer = BatchingWriter(
            self.store,
            batch_writes_max=_BATCH_WRITES_MAX,
            queue_writes_max=_QUEUE_WRITES_MAX,
            monotonic=lambda: world.now_s,
        )
        self.index_work = IndexWork(self.store, rest_s=_INDEX_REST_S)
        self.figure_work = FigureWork(self.store, lambda: world.now_s)

    async def stop(self) -> None:
        """End as a server does that is asked to: everything accepted is answered first."""
        await self.writer.drain()
        await self.index_work.stop()
        await self.figure_work.stop()
        await self.store.close()


def started(
    world: World, name: str, store_class: StoreClass = SimulatedStore
) -> tuple[Process, Server]:
    """Start a server in a process of its own, which has no reason to fail."""
    process = world.start(name)

    async def start() -> Server:
        return Server(world, process, store_class)

    return process, world.do(process, start())
