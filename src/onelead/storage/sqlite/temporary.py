"""Temporary databases: what is too much for memory, kept for as long as a process needs it.

SQLite keeps one in memory, and what does not fit in an unlinked file, so nothing is left behind by
a process that is killed.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from onelead.domain.errors import TemporaryFull

CACHE_KIB = 16 * 1024


def temporary_database() -> sqlite3.Connection:
    """Return an empty database; it may be used by one thread at a time, not always the same."""
    return sqlite3.connect("", check_same_thread=False, isolation_level=None)


@contextmanager
def temporary_room() -> Iterator[None]:
    """Raise TemporaryFull where a block finds no room for what it keeps for a while."""
    try:
        yield
    except sqlite3.OperationalError as error:
        # Where a file cannot grow, SQLite reports that it is full, or that writing has failed.
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            raise
        raise TemporaryFull from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise TemporaryFull from error


class Occurrences:
    """Counts how often each digest has come, in bounded memory."""

    def __init__(self) -> None:
        self._driver = temporary_database()
        self._driver.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA cache_size = -{CACHE_KIB};"
            "CREATE TABLE seen (digest BLOB PRIMARY KEY, times INTEGER) WITHOUT ROWID"
        )

    def close(self) -> None:
        """Forget everything."""
        self._driver.close()

    def count(self, digest: bytes) -> int:
        """Return how often a digest has come before."""
        with temporary_room():
            found = self._driver.execute(
                "INSERT INTO seen VALUES (?, 0) ON CONFLICT DO UPDATE SET times = times + 1"
                " RETURNING times",
                (digest,),
            )
            return int(found.fetchone()[0])
