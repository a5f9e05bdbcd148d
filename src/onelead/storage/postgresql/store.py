"""The engine for many processes: PostgreSQL, with each account's writes ordered by its lane.

Batches of lead writes use the driver directly; everything else runs the portable statements. A
transaction that fails for a passing reason is tried again as a whole until a deadline. A commit
whose outcome is unknown is looked up by the next attempt while it holds the lane: by then the
attempt before it has ended, one way or the other.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from itertools import count
from typing import Any, ClassVar, TypeVar

import psycopg
import sqlalchemy
import structlog
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection, select, text
from sqlalchemy.ext.asyncio import AsyncConnection as PooledConnection
from sqlalchemy.ext.asyncio import AsyncEngine

from onelead.contract.exports import OnProgress, Snapshot
from onelead.contract.leads import Batch, BatchReceipt
from onelead.contract.store import PoolUse, StoreObserver
from onelead.domain.account import AccountSettings
from onelead.domain.errors import DatabaseDamaged, DatabaseUnusable, ReadOnly, StoreUnavailable
from onelead.domain.limits import (
    ABANDONED_MIGRATION_S,
    COMMIT_TIMEOUT_S,
    DATABASE_BATCH_CONNECTIONS_MAX,
    DATABASE_CONNECTIONS_MAX,
    DATABASE_RETRY_S,
    MIGRATION_LOCK_TIMEOUT_S,
    RETRY_AFTER_S,
    SERVER_TROUBLE_S,
)
from onelead.storage import schema
from onelead.storage.exports.snapshots import OpenSnapshot
from onelead.storage.lane import LaneMissing
from onelead.storage.migrate import migrate
from onelead.storage.portable import PortableStore
from onelead.storage.postgresql.batch import plan_under_lane, write_and_commit
from onelead.storage.postgresql.connections import (
    ACCOUNTS_LOCK,
    BY_KEYS,
    BatchConnections,
    connector,
    create_engine,
    cut,
)
from onelead.storage.postgresql.exports import snapshot_of
from onelead.storage.postgresql.failures import failure, in_words, is_connection_lost
from onelead.storage.postgresql.settings import WAIT_FOR_DISK, read_settings
from onelead.storage.postgresql.trips import Trips
from onelead.storage.trouble import Trouble

T = TypeVar("T")
#: Any numbers will do, as long as every process uses the same ones.
MIGRATION_LOCK = 7_311_001
_PAUSE_S_MIN = 0.02
_PAUSE_S_MAX = 1.0
#: How often an account without a lane is looked for: its shard may be moving.
_LANE_ATTEMPTS = 3
#: The server should give up first, because its answer says why.
_CUT_AFTER_S = 2

log = structlog.get_logger(__name__)


class PostgresqlStore(PortableStore):
    """The storage contract on a PostgreSQL database."""

    kind = "PostgreSQL"
    #: Tests replace these with classes that fail on demand.
    connection_class: ClassVar[type[AsyncConnection[Any]]] = AsyncConnection
    trips_class: ClassVar[type[Trips]] = Trips

    def __init__(
        self,
        url: str,
        clock: Callable[[], int],
        *,
        timeout_s: float = COMMIT_TIMEOUT_S,
        retry_s: float = DATABASE_RETRY_S,
        observer: StoreObserver | None = None,
    ) -> None:
        """Take a URL as libpq does; call `open` next.

        A statement may take `timeout_s`. A transaction that failed for a passing reason is tried
        again for `retry_s`.
        """
        super().__init__(clock)
        self._url = url
        self._timeout_s = timeout_s
        self._retry_s = retry_s
        self._observer = observer or StoreObserver()
        connect = partial(
            connector, url, timeout_s=timeout_s, connection_class=self.connection_class
        )
        pooled = DATABASE_CONNECTIONS_MAX - DATABASE_BATCH_CONNECTIONS_MAX - 1
        self._engine = create_engine(
            connect(session=WAIT_FOR_DISK), pooled, pool_timeout_s=timeout_s
        )
        self._under_lane = _for_reading(create_engine(connect(), 1, pool_timeout_s=timeout_s))
        self._batches = BatchConnections(
            connect(session={**BY_KEYS, **WAIT_FOR_DISK}),
            self.trips_class,
            DATABASE_BATCH_CONNECTIONS_MAX,
        )
        self._reading = _for_reading(self._engine)
        self._under_way: set[asyncio.Task[Any]] = set()
        self._trouble = Trouble(passes_after_s=SERVER_TROUBLE_S)
        self._concerns: Mapping[str, str] = {}

    async def open(self) -> None:
        """Bring the database to this program's schema, one process at a time.

        Raises DatabaseUnusable, DatabaseNewer.
        """

        def work(connection: Connection) -> None:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            abandoned = (
                f"SET LOCAL idle_in_transaction_session_timeout = '{ABANDONED_MIGRATION_S}s'"
            )
            connection.execute(text(abandoned))
            _take_lock(connection, MIGRATION_LOCK)
            # A change of a table that waits for its lock blocks every query behind it.
            connection.execute(text(f"SET LOCAL lock_timeout = '{MIGRATION_LOCK_TIMEOUT_S}s'"))
            migrate(connection)

        async def attempt() -> None:
            # Not watched: a migration takes as long as it takes.
            async with self._pooled(self._engine, is_watched=False) as connection:
                await connection.run_sync(work)
                await connection.commit()
                self._concerns = (await connection.run_sync(read_settings)).concerns

        try:
            await self._with_retries(attempt)
        except (StoreUnavailable, sqlalchemy.exc.DBAPIError, psycopg.Error) as error:
            await self.close()
            cause = error.__cause__ if isinstance(error, StoreUnavailable) else error
            log.debug("the database cannot be opened", details=str(cause))
            raise DatabaseUnusable(why_unusable(self._url, cause)) from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Finish what is under way and close all connections."""
        self._long_reads.close()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._batches.close()
        await self._under_lane.dispose()
        await self._engine.dispose()

    async def is_ready(self) -> bool:
        async def attempt() -> None:
            async with self._pooled(self._reading) as connection:
                await connection.execute(select(schema.account.c.id).limit(1))
                settings = await connection.run_sync(read_settings)
            self._concerns = settings.concerns
            if settings.is_read_only:
                self._trouble.met(ReadOnly())
            else:
                self._trouble.passed(ReadOnly)

        try:
            # Tried twice at most: after a restart of the server the first connection is broken.
            await self._with_retries(attempt, retry_s=2 * _PAUSE_S_MIN)
        except (StoreUnavailable, sqlalchemy.exc.SQLAlchemyError):
            return False
        return self._trouble.error is None

    @property
    def trouble(self) -> StoreUnavailable | None:
        return self._trouble.error

    @property
    def concerns(self) -> Mapping[str, str]:
        return self._concerns

    def pool_use(self) -> PoolUse:
        pool = self._engine.pool
        assert isinstance(pool, sqlalchemy.QueuePool)
        return PoolUse(pool.checkedout() + self._batches.in_use, DATABASE_CONNECTIONS_MAX)

    @contextmanager
    def snapshot(self, on_progress: OnProgress) -> Iterator[Snapshot]:
        try:
            with snapshot_of(self._url) as connection:
                on_progress("reading")
                yield OpenSnapshot(connection)
        except (sqlalchemy.exc.DBAPIError, psycopg.Error) as error:
            raise StoreUnavailable(retry_after_s=RETRY_AFTER_S) from error

    async def write_leads(self, batch: Batch) -> BatchReceipt:
        self._long_reads.leads_are_written()
        in_doubt: BatchReceipt | None = None

        async def load() -> AccountSettings:
            # They cannot change while the lane is held, so any connection will do, except those
            # that may all be waiting for this very lane.
            async with self._pooled(self._under_lane) as connection:
                return await connection.run_sync(self._load_settings, batch.settings.account_id)

        async def attempt() -> BatchReceipt:
            nonlocal in_doubt
            async with self._batches.one(self._watch) as trips:
                planned = await plan_under_lane(trips, batch, self._clock(), load, in_doubt)
                if planned.receipt is not in_doubt:
                    # From before the commit is sent: a lost connection leaves it in doubt.
                    in_doubt = planned.receipt
                    await write_and_commit(trips, planned)
                    self._trouble.passed()
                return planned.receipt

        return await self._finished(self._with_retries(attempt, is_write=True))

    async def _read(self, work: Callable[[Connection], T]) -> T:
        async def attempt() -> T:
            async with self._pooled(self._reading) as connection:
                return await connection.run_sync(work)

        return await self._finished(self._with_retries(attempt))

    async def _write(
        self,
        work: Callable[[Connection], T],
        was_written: Callable[[Connection, T], bool] | None = None,
    ) -> T:
        in_doubt: list[T] = []

        async def transaction(connection: PooledConnection) -> T:
            if in_doubt:
                if was_written is None:
                    raise StoreUnavailable(retry_after_s=RETRY_AFTER_S)
                if await connection.run_sync(was_written, in_doubt[0]):
                    return in_doubt[0]
            in_doubt[:] = [await connection.run_sync(work)]
            await connection.commit()
            self._trouble.passed()
            return in_doubt[0]

        async def attempt() -> T:
            async with self._pooled(self._engine) as connection:
                return await transaction(connection)

        return await self._finished(self._with_retries(attempt, is_write=True))

    async def _clean_files(self) -> bool:
        # VACUUM of the server frees the space of earlier versions; `docs/privacy.md` has the rest.
        return True

    def _lock_accounts(self, connection: Connection) -> None:
        _take_lock(connection, ACCOUNTS_LOCK)

    async def _finished(self, work: Awaitable[T]) -> T:
        """Finish the work even when the caller goes away."""
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def _with_retries(
        self,
        attempt: Callable[[], Awaitable[T]],
        *,
        retry_s: float | None = None,
        is_write: bool = False,
    ) -> T:
        """Run a transaction, and try it again while it fails for a passing reason, at least once.

        A silent server may have used up the time; a commit in doubt is still looked up.
        """
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + (self._retry_s if retry_s is None else retry_s)
        pause_s = _PAUSE_S_MIN
        lanes_missing = 0
        for number in count(1):
            try:
                return await attempt()
            except Exception as error:
                found = failure(error)
                lanes_missing += isinstance(error, LaneMissing)
                if found is None or lanes_missing == _LANE_ATTEMPTS:
                    raise
                is_late = number > 1 and loop.time() + pause_s > give_up_at
                if is_late or not found.is_passing:
                    log.warning("the database does not answer", reason=found.reason)
                    refusal = found.error(retry_after_s=RETRY_AFTER_S)
                    if is_write or found.error is DatabaseDamaged:
                        # What a read had no room for says nothing about writes.
                        self._trouble.met(refusal)
                    raise refusal from error
                self._observer.transaction_retried(found.reason)
                log.info("a transaction is tried again", reason=found.reason)
            # So that transactions that collided do not collide again.
            await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311 - it guards nothing
            pause_s = min(2 * pause_s, _PAUSE_S_MAX)
        raise AssertionError("counting does not end")

    @asynccontextmanager
    async def _pooled(
        self, engine: AsyncEngine, *, is_watched: bool = True
    ) -> AsyncIterator[PooledConnection]:
        """Take a connection; what is not committed at the end is rolled back.

        When it is lost, the others of the pool are assumed to be lost as well.
        """
        pool, watch = engine.pool, None
        try:
            async with engine.connect() as connection:
                if is_watched:
                    watch = self._watch(await _driver(connection))
                try:
                    yield connection
                except Exception as error:
                    if is_connection_lost(error):
                        await connection.invalidate()
                    else:
                        # After a commit that failed on this side, the pool would not do it.
                        await (await _driver(connection)).rollback()
                    raise
                finally:
                    if engine.pool is not pool:
                        # The pool was disposed of meanwhile: nothing would close the connection.
                        await connection.invalidate()
        except Exception as error:
            if is_connection_lost(error) and engine.pool is pool:
                await engine.dispose()
            raise
        finally:
            # The rollback at the end waits for the server, too.
            if watch is not None:
                watch.cancel()

    def _watch(self, connection: AsyncConnection[Any]) -> asyncio.TimerHandle:
        """Cut the connection when the transaction takes too long, whatever the server does."""
        loop = asyncio.get_running_loop()
        return loop.call_later(self._timeout_s + _CUT_AFTER_S, cut, connection)


def _for_reading(engine: AsyncEngine) -> AsyncEngine:
    """Return the engine for transactions that see one committed state and write nothing."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


async def _driver(connection: PooledConnection) -> AsyncConnection[Any]:
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, AsyncConnection)
    return driver


def _take_lock(connection: Connection, number: int) -> None:
    """Take a lock, waiting if need be, and hold it until the transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def why_unusable(url: str, error: BaseException | None) -> str:
    """Say where the database of a URL is, without its password, and why it cannot be opened."""
    parts = conninfo_to_dict(url)
    place = f"{parts.get('dbname', '')} at {parts.get('host', 'the default host')}"
    return f"the database {place} cannot be opened: {in_words(error)}"
