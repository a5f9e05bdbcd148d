"""Copying SQLite's write-ahead log into the database, off the write path.

Without it a commit now and then does the copying, and everybody behind it waits; without its
bounds the log grows for as long as writes keep coming.
"""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

_EVERY_S = 1.0
#: From this size on the log is written from its start again, and beyond four times that it is cut.
_REUSED_BYTES = 256 * 1_048_576


class Checkpoints:
    """A task that copies the log at a steady rhythm."""

    def __init__(
        self,
        path: Path,
        turn: asyncio.Lock,
        *,
        every_s: float = _EVERY_S,
        reused_bytes: int = _REUSED_BYTES,
    ) -> None:
        """Start; needs a running event loop. `turn` is what this process's writes take."""
        self._path = path
        self._wal = path.with_name(f"{path.name}-wal")
        self._turn = turn
        self._every_s = every_s
        self._reused_bytes = reused_bytes
        self._stopping = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Let the copying under way end, and do no other."""
        self._stopping.set()
        await self._task

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await asyncio.wait_for(self._stopping.wait(), self._every_s)
            except TimeoutError:
                await self._checkpoint()

    async def _checkpoint(self) -> None:
        await asyncio.to_thread(self._copy, "PASSIVE")
        if self._wal_bytes() <= self._reused_bytes:
            return
        # What came in during the first copy is little, and what comes in during this one less.
        await asyncio.to_thread(self._copy, "PASSIVE")
        # Writers have to wait for the rest, so it takes a turn of its own among them.
        async with self._turn:
            is_huge = self._wal_bytes() > 4 * self._reused_bytes
            await asyncio.to_thread(self._copy, "TRUNCATE" if is_huge else "RESTART")

    def _copy(self, mode: str) -> None:
        connection = sqlite3.connect(self._path, timeout=1.0)
        try:
            connection.execute(f"PRAGMA wal_checkpoint({mode})")
        except sqlite3.OperationalError:
            pass  # Busy or out of space: the next round tries again, the writer reports the rest.
        finally:
            connection.close()

    def _wal_bytes(self) -> int:
        return self._wal.stat().st_size if self._wal.exists() else 0
