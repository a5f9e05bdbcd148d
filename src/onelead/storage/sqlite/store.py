"""The embedded engine: one SQLite file in WAL mode, every commit synced to disk.

A few threads read. Batches of lead writes run on the event loop, and wait for the disk in a thread
unless it is fast and they are small; all other writes run in that thread. One write transaction is
open at a time.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import sqlalchemy
from sqlalchemy import Connection, Engine, NullPool, QueuePool, create_engine, event, select

from onelead.contract.checks import Finding
from onelead.contract.exports import OnProgress, Snapshot
from onelead.contract.leads import Batch, BatchReceipt
from onelead.contract.store import PoolUse
from onelead.domain.errors import StoreUnavailable
from onelead.domain.limits import (
    COMMIT_TIMEOUT_S,
    LONG_READS_AT_ONCE_MAX,
    QUICK_CHECK_FILE_BYTES_MAX,
)
from onelead.storage import schema
from onelead.storage.exports.snapshots import OpenSnapshot
from onelead.storage.migrate import migrate
from onelead.storage.portable import PortableStore
from onelead.storage.sqlite.batch import is_committed, write_batch
from onelead.storage.sqlite.checkpoints import Checkpoints, Served
from onelead.storage.sqlite.copies import private_copy
from onelead.storage.sqlite.failures import Disk, failure
from onelead.storage.sqlite.file import (
    clean,
    copy_log,
    create_private,
    keep_open_to_the_end,
    lock_for_serving,
    mark_if_new,
    opening,
    structure_faults,
)
from onelead.storage.sqlite.opened import OpenedFiles
from onelead.storage.sqlite.statistics import add_statistics
from onelead.storage.trouble import Trouble

T = TypeVar("T")
_READER_THREADS = 4
# The others always find a thread.
assert LONG_READS_AT_ONCE_MAX < _READER_THREADS
#: The page cache of a connection; batches, which write all over the keys, are a tenth faster with
#: the larger one.
_PAGES_KIB = 8 * 1024
_BATCH_PAGES_KIB = 64 * 1024
#: So many writes are committed on the event loop as long as commits take less than this, on an
#: average of about the last so many: a single slow one ends it for a while.
_FEW_WRITES = 2
_FAST_COMMIT_S = 0.0003
_COMMITS_WEIGHED = 8
#: Between two tries to take the file's write lock.
_BUSY_REST_S = 0.001
_READ_ACCOUNT = select(schema.account.c.id).limit(1)


class SqliteStore(PortableStore):
    """The storage contract on one SQLite file."""

    kind = "SQLite"
    #: Tests replace it with one that tells the time they want.
    stopwatch = staticmethod(time.perf_counter)

    def __init__(
        self,
        path: Path,
        clock: Callable[[], int],
        *,
        serving: bool = False,
        busy_timeout_s: float = COMMIT_TIMEOUT_S,
    ) -> None:
        """Open and migrate the file, creating it and its folder when they do not exist.

        A process that serves locks out other serving processes (DatabaseLocked). Other use of
        the file at the same time is safe, and waits up to `busy_timeout_s` for its turn to
        write. Raises DatabaseUnusable, DatabaseNewer.
        """
        super().__init__(clock)
        self._path = path
        self._trouble = Trouble()
        #: Of a process that serves, as soon as the files are open.
        self._served: Served | None = None
        with opening(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            create_private(path)
            self._server_lock = lock_for_serving(path) if serving else None
        self._engine = _engine(
            path, serving=serving, busy_timeout_s=busy_timeout_s, look=self._look
        )
        self._writer = ThreadPoolExecutor(1, "onelead-writer")
        self._readers = ThreadPoolExecutor(_READER_THREADS, "onelead-reader")
        self._busy_timeout_s = busy_timeout_s
        #: One write transaction of this process at a time, in order of arrival.
        self._turn = asyncio.Lock()
        self._batches: Connection | None = None
        #: How long commits of batches took lately.
        self._commit_s = 1.0
        #: Of a process that serves, as soon as the files are open.
        self.checkpoints: Checkpoints | None = None
        self._migrate()
        if self._server_lock is not None:
            self._watch_files(self._server_lock.fileno())

    def _watch_files(self, spare: int) -> None:
        try:
            files = OpenedFiles(self._path)
        except StoreUnavailable:
            self._release()
            raise
        beside = self._path.resolve()
        disk = Disk(spare, (beside, beside.with_name(f"{beside.name}-wal")))
        self._served = Served(self._path, self._turn, files, self._trouble, disk)
        self.checkpoints = Checkpoints(self._served, write_again=self._write_again)

    def _look(self) -> None:
        """Raise DatabaseReplaced if this process serves other files than those at their names."""
        if self._served is not None:
            self._served.look()

    def _migrate(self) -> None:
        try:
            with opening(self._path), self._writing() as connection:
                mark_if_new(connection)
                migrate(connection)
                add_statistics(connection)
            with opening(self._path):
                copy_log(self._path)
        except Exception:
            self._release()
            raise

    async def close(self) -> None:
        """Finish what is under way and close the file; the log is copied into it.

        Raises DatabaseReplaced, or DatabaseDamaged if the log could not be copied for long: then
        no file is touched any more.
        """
        self._long_reads.close()
        async with self._turn:
            await asyncio.to_thread(self._writer.shutdown)
        await asyncio.to_thread(self._readers.shutdown)
        if self.checkpoints:
            await self.checkpoints.stop()
            with suppress(StoreUnavailable):
                self._look()
            if self._trouble.is_final:
                self.checkpoints.keep_what_is_left()
                self._abandon()
        self._release()

    def _abandon(self) -> None:
        """Leave the files as they are, and raise why."""
        keep_open_to_the_end(self)
        if self._server_lock:
            self._server_lock.close()
        self._trouble.refuse_if_final()

    def _release(self) -> None:
        if self._batches is not None:
            self._batches.close()
        self._engine.dispose()
        if self.checkpoints:
            self.checkpoints.connection.close()
        if self._served:
            self._served.files.close()
        if self._server_lock:
            self._server_lock.close()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Begin a write transaction, with its lock, and commit it at the end."""
        with self._translated_errors():
            self._trouble.refuse_if_final()
            with (
                self._engine.connect().execution_options(
                    onelead_begin="BEGIN IMMEDIATE"
                ) as connection,
                connection.begin(),
            ):
                yield connection
            self._look_at_commit()

    def _look_at_commit(self) -> None:
        """Raise DatabaseReplaced if what was just committed is where nobody finds it again."""
        if self._served is not None:
            self._served.look_quickly()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """Begin a transaction that sees one committed state."""
        with self._translated_errors(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Turn the driver's errors about files and locks into the contract's, and note them."""
        try:
            yield
        except (sqlalchemy.exc.DatabaseError, sqlite3.DatabaseError) as error:
            found = failure(error, None if self._served is None else self._served.disk)
            if found is None:
                raise
            if self._served is not None:
                self._trouble.met(found)
            raise found from error

    async def _write_again(self) -> None:
        """Commit a page that changes nothing."""

        def work(connection: Connection) -> None:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar()
            connection.exec_driver_sql(f"PRAGMA user_version = {version}")

        await self._write(work)

    async def _write(
        self,
        work: Callable[[Connection], T],
        was_written: Callable[[Connection, T], bool] | None = None,
    ) -> T:
        def run() -> T:
            done: list[T] = []
            try:
                with self._writing() as connection:
                    done.append(work(connection))
            except StoreUnavailable:
                if not done or was_written is None:
                    raise
                with self._writing() as connection:
                    if not was_written(connection, done[0]):
                        raise
            return done[0]

        async with self._turn:
            return await asyncio.get_running_loop().run_in_executor(self._writer, run)

    async def _read(self, work: Callable[[Connection], T]) -> T:
        def run() -> T:
            with self._reading() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._readers, run)

    async def _clean_files(self) -> bool:
        def run() -> bool:
            with self._translated_errors():
                self._trouble.refuse_if_final()
                return clean(self._path, self._look, busy_timeout_s=self._busy_timeout_s)

        async with self._turn:
            return await asyncio.get_running_loop().run_in_executor(self._writer, run)

    def _lock_accounts(self, connection: Connection) -> None:
        """Do nothing: a write transaction holds the lock of the whole file."""

    async def is_ready(self) -> bool:
        try:
            self._look()
            await self._read(lambda connection: connection.execute(_READ_ACCOUNT).first())
        except StoreUnavailable:
            return False
        return self._trouble.error is None

    @property
    def trouble(self) -> StoreUnavailable | None:
        return self._trouble.error

    @property
    def concerns(self) -> Mapping[str, str]:
        return {}

    async def quick_check(self) -> Sequence[Finding]:
        is_small = self._path.stat().st_size <= QUICK_CHECK_FILE_BYTES_MAX
        faults = await self._read(structure_faults) if is_small else []
        return faults or await super().quick_check()

    def pool_use(self) -> PoolUse:
        pool = self._engine.pool
        assert isinstance(pool, QueuePool)
        # The batches keep their connection between turns.
        idle = self._batches is not None and not self._turn.locked()
        return PoolUse(pool.checkedout() - idle, pool.size())

    @contextmanager
    def snapshot(self, on_progress: OnProgress) -> Iterator[Snapshot]:
        # A transaction that reads for minutes would keep the log from being copied.
        with self._translated_errors():
            self._look()
            with private_copy(self._path, on_progress) as driver:
                engine = create_engine("sqlite://", creator=lambda: driver, poolclass=NullPool)
                with engine.connect() as connection:
                    yield OpenSnapshot(connection)

    async def write_leads(self, batch: Batch) -> BatchReceipt:
        self._long_reads.leads_are_written()
        await self._turn.acquire()
        if self._begins_quickly(batch):
            # Nothing is waited for, so the caller cannot go away meanwhile.
            return await self._write_in_turn(batch, is_quick=True)
        # A caller that goes away leaves no transaction open: the batch is finished without it.
        return await asyncio.shield(asyncio.create_task(self._write_in_turn(batch)))

    def _begins_quickly(self, batch: Batch) -> bool:
        """Begin the transaction of a few writes, if it will end soon without a thread.

        Handing a lone write over to the thread and back takes longer than a fast disk.
        """
        if len(batch.writes) > _FEW_WRITES or self._commit_s > _FAST_COMMIT_S:
            return False
        try:
            self._trouble.refuse_if_final()
            _driver(self._batch_connection()).execute("BEGIN IMMEDIATE")
        except (sqlalchemy.exc.SQLAlchemyError, sqlite3.Error, StoreUnavailable):
            # It meets the same error on the way through a task, which gives the turn back.
            return False
        return True

    async def _write_in_turn(self, batch: Batch, *, is_quick: bool = False) -> BatchReceipt:
        """Write a batch, then end the turn that it was given."""
        try:
            with self._translated_errors():
                self._trouble.refuse_if_final()
                receipt = await self._commit_batch(batch, is_quick=is_quick)
                self._look_at_commit()
                return receipt
        finally:
            self._turn.release()

    async def _commit_batch(self, batch: Batch, *, is_quick: bool) -> BatchReceipt:
        """Run a batch's transaction on the event loop, straight on the driver.

        It waits for the disk in a thread, unless it is quick; then it has begun already. Its
        statements take microseconds each. In a thread they would wait for the interpreter after
        each one while requests are read, which cost a fifth of the throughput.
        """
        loop = asyncio.get_running_loop()
        connection = self._batch_connection()
        driver = _driver(connection)
        receipt = None
        try:
            if not is_quick:
                await self._begin_batch(driver)
            receipt = write_batch(
                driver,
                batch,
                self._clock(),
                lambda: self._load_settings(connection, batch.settings.account_id),
            )
            if is_quick:
                self._commit(driver)
            else:
                await loop.run_in_executor(self._writer, self._commit, driver)
        except Exception:
            # It only forgets pages in memory.
            driver.rollback()
            if receipt is not None and is_committed(driver, batch, receipt):
                return receipt
            raise
        finally:
            # What was read through SQLAlchemy began a transaction in its books alone.
            if connection.in_transaction():
                connection.rollback()
        return receipt

    def _batch_connection(self) -> Connection:
        if self._batches is None:
            self._batches = self._engine.connect().execution_options(onelead_begin="")
            driver = _driver(self._batches)
            driver.execute("PRAGMA busy_timeout = 0")
            driver.execute(f"PRAGMA cache_size = -{_BATCH_PAGES_KIB}")
        return self._batches

    async def _begin_batch(self, driver: sqlite3.Connection) -> None:
        """Take the file's write lock; wait in a thread while another process holds it."""
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._writer, self._wait_and_begin, driver)

    def _wait_and_begin(self, driver: sqlite3.Connection) -> None:
        """Try again every moment; SQLite itself would wait longer and longer in between.

        Another process that imports leaves the lock free for a moment after each batch.
        """
        for _ in range(round(self._busy_timeout_s / _BUSY_REST_S)):
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                time.sleep(_BUSY_REST_S)
            else:
                return
        driver.execute("BEGIN IMMEDIATE")

    def _commit(self, driver: sqlite3.Connection) -> None:
        """Commit, and note how long it took."""
        began = self.stopwatch()
        try:
            driver.commit()
        finally:
            self._commit_s += (self.stopwatch() - began - self._commit_s) / _COMMITS_WEIGHED


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _engine(
    path: Path, *, serving: bool, busy_timeout_s: float, look: Callable[[], None]
) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": 0},
        pool_size=_READER_THREADS + 2,
        max_overflow=0,
        # The parameters of a failed statement are a lead; only the statement is logged.
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _configure(driver: sqlite3.Connection, _record: object) -> None:
        # Before it reads: nothing may be made of an old log and a database that is new there.
        look()
        driver.execute(f"PRAGMA busy_timeout = {round(busy_timeout_s * 1000)}")
        driver.execute("PRAGMA journal_mode = WAL")
        driver.execute("PRAGMA synchronous = FULL")
        driver.execute(f"PRAGMA cache_size = -{_PAGES_KIB}")
        driver.execute("PRAGMA temp_store = MEMORY")
        # What is deleted is overwritten, whatever the library was built with; `clean` relies on
        # it. It costs no CPU time that could be measured.
        driver.execute("PRAGMA secure_delete = ON")
        if serving:
            # `Checkpoints` copies the log, so that no commit waits for it.
            driver.execute("PRAGMA wal_autocheckpoint = 0")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # The driver leaves transactions alone. A write transaction begins with its lock, so it
        # never fails half-way because another one was faster.
        # A batch has begun on the driver before it reads anything through SQLAlchemy.
        if begin := connection.get_execution_options().get("onelead_begin", "BEGIN"):
            connection.exec_driver_sql(begin)

    return engine
