"""Copying SQLite's write-ahead log into the database, off the write path.

Without it a commit now and then does the copying, and all writes behind it wait; without its
bounds the log grows for as long as writes keep coming. Once the files are not those that were
opened, nothing is copied any more.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from onelead.domain.errors import DatabaseDamaged, DiskFull, ReadOnly, StoreUnavailable
from onelead.domain.limits import CHECKPOINT_FAILURE_S
from onelead.process.background import BackgroundWork
from onelead.storage.sqlite.failures import Disk, failure, is_busy
from onelead.storage.sqlite.opened import OpenedFiles
from onelead.storage.trouble import Trouble

_EVERY_S = 1.0
#: Beyond this size the log is written from its start again, and beyond four times that it is cut.
_REUSED_BYTES = 256 * 1_048_576
#: How long a copy waits for those who still read. Writes wait as long, so to write a log from its
#: start is left to one of the next rounds.
_WAITS_S = {"PASSIVE": 1.0, "RESTART": 0.05, "TRUNCATE": 1.0}

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Served:
    """A database that is served."""

    path: Path
    #: The lock of this process's writes.
    turn: asyncio.Lock
    files: OpenedFiles
    trouble: Trouble
    disk: Disk

    def look(self) -> None:
        """Raise DatabaseReplaced, after noting it, if the files are not those that were opened."""
        try:
            self.files.look()
        except StoreUnavailable as error:
            self.trouble.met(error, is_final=self.files.found is not None, found=self.files.found)
            raise

    def look_quickly(self) -> None:
        """Do the same after a commit."""
        try:
            self.files.look_quickly()
        except StoreUnavailable:
            # It is noted with all that is found.
            self.look()
            raise


class Checkpoints(BackgroundWork):
    """A task that copies the log at regular intervals."""

    def __init__(
        self,
        served: Served,
        *,
        write_again: Callable[[], Awaitable[None]],
        every_s: float = _EVERY_S,
        reused_bytes: int = _REUSED_BYTES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start; needs a running event loop. `write_again` makes a small write of no meaning."""
        self.served = served
        self._wal = served.path.resolve().with_name(f"{served.path.resolve().name}-wal")
        self._write_again = write_again
        self._reused_bytes = reused_bytes
        self._monotonic = monotonic
        self._failing_since: float | None = None
        #: Opened once: a connection that is opened later may find other files.
        self.connection = sqlite3.connect(
            served.path, isolation_level=None, check_same_thread=False
        )
        super().__init__("checkpoints", rest_s=every_s)

    async def _round(self) -> None:
        if self.served.trouble.is_final:
            await asyncio.to_thread(self.keep_what_is_left)
            return
        await self._copy_all()
        if self.served.trouble.can_pass and self._failing_since is None:
            await self._try_to_write()

    async def _copy_all(self) -> None:
        await asyncio.to_thread(self._copy, "PASSIVE")
        if self._wal_bytes() <= self._reused_bytes:
            return
        # Little was written during the first copy, and less will be during this one.
        await asyncio.to_thread(self._copy, "PASSIVE")
        # Writers have to wait while the rest is copied, so this takes its turn among them.
        async with self.served.turn:
            is_huge = self._wal_bytes() > 4 * self._reused_bytes
            await asyncio.to_thread(self._copy, "TRUNCATE" if is_huge else "RESTART")

    async def _try_to_write(self) -> None:
        """End the trouble if the disk takes data again, for SQLite too."""
        refusal = await asyncio.to_thread(self.served.disk.refusal)
        if refusal is None:
            await self._write_again()
            self.served.trouble.passed()

    def _copy(self, mode: str) -> None:
        self.served.look()
        try:
            self.connection.execute(f"PRAGMA busy_timeout = {round(_WAITS_S[mode] * 1000)}")
            self.connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        except sqlite3.Error as error:
            self._failed(error)
        else:
            self._failing_since = None

    def _failed(self, error: sqlite3.Error) -> None:
        """Note why the log could not be copied, and give up after a while if it will not be."""
        found = failure(error, self.served.disk) or StoreUnavailable()
        self.served.trouble.met(found)
        # Writers may notice none of it while the log grows.
        if self._failing_since is None:
            self._failing_since = self._monotonic()
            name = getattr(error, "sqlite_errorname", None)
            log.warning(
                "the write-ahead log could not be copied yet", reason=found.code, sqlite=name
            )
        if is_busy(error) or isinstance(found, DiskFull | ReadOnly):
            self._failing_since = self._monotonic()
        elif self._monotonic() - self._failing_since >= CHECKPOINT_FAILURE_S:
            given_up = DatabaseDamaged("The log of the database cannot be copied into it")
            self.served.trouble.met(given_up, is_final=True)

    def keep_what_is_left(self) -> None:
        """Save what can be saved of a database whose files are not what they were."""
        files = self.served.files
        # It is tried again in the next round, and for the last time at the stop.
        with suppress(sqlite3.Error, OSError, StoreUnavailable):
            if files.is_only_log_gone:
                # What was answered last is in the log that only this process still has.
                self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            elif name := files.set_log_aside():
                log.warning("the log of the replaced database was set aside", file=name)

    def _wal_bytes(self) -> int:
        try:
            return self._wal.stat().st_size
        except FileNotFoundError:
            return 0
