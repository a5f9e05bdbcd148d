"""Copying SQLite's write-ahead log into the database, off the write path.

Without it a commit now and then does the copying, and all writes behind it wait; without its
bounds the log grows for as long as writes keep coming.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import structlog

from onelead.process.background import BackgroundWork

_EVERY_S = 1.0
#: Beyond this size the log is written from its start again, and beyond four times that it is cut.
_REUSED_BYTES = 256 * 1_048_576

log = structlog.get_logger(__name__)


class Checkpoints(BackgroundWork):
    """A task that copies the log at regular intervals."""

    def __init__(
        self,
        path: Path,
        turn: asyncio.Lock,
        *,
        every_s: float = _EVERY_S,
        reused_bytes: int = _REUSED_BYTES,
    ) -> None:
        """Start; needs a running event loop. `turn` is the lock of this process's writes."""
        super().__init__("checkpoints", rest_s=every_s)
        self._path = path
        self._wal = path.with_name(f"{path.name}-wal")
        self._turn = turn
        self._reused_bytes = reused_bytes

    async def _round(self) -> None:
        await asyncio.to_thread(self._copy, "PASSIVE")
        if self._wal_bytes() <= self._reused_bytes:
            return
        # Little was written during the first copy, and less will be during this one.
        await asyncio.to_thread(self._copy, "PASSIVE")
        # Writers have to wait while the rest is copied, so this takes its turn among them.
        async with self._turn:
            is_huge = self._wal_bytes() > 4 * self._reused_bytes
            await asyncio.to_thread(self._copy, "TRUNCATE" if is_huge else "RESTART")

    def _copy(self, mode: str) -> None:
        try:
            with closing(sqlite3.connect(self._path, timeout=1.0)) as connection:
                connection.execute(f"PRAGMA wal_checkpoint({mode})")
        except sqlite3.OperationalError as error:
            # Busy, or out of space or file descriptors. Writers, whose connections are open, may
            # notice none of that while the log grows.
            log.warning("the write-ahead log could not be copied yet", reason=str(error))

    def _wal_bytes(self) -> int:
        try:
            return self._wal.stat().st_size
        except FileNotFoundError:
            return 0
