"""What an error of SQLite means: for callers, for the log, and for people who start a server.

The codes are those of https://sqlite.org/rescode.html. SQLite's own sentences stay inside.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import sqlalchemy

from onelead.domain.errors import (
    DatabaseDamaged,
    DiskFull,
    ReadOnly,
    StoreUnavailable,
)
from onelead.domain.limits import DISK_ROOM_BYTES_MIN

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_MEANINGS: dict[int | None, type[StoreUnavailable]] = {
    sqlite3.SQLITE_CORRUPT: DatabaseDamaged,
    sqlite3.SQLITE_NOTADB: DatabaseDamaged,
    sqlite3.SQLITE_FULL: DiskFull,
    sqlite3.SQLITE_READONLY: ReadOnly,
}
#: The errors of a disk that has no room, be it for all or for this user.
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_IN_WORDS = {
    sqlite3.SQLITE_BUSY: "it is locked by another process",
    sqlite3.SQLITE_LOCKED: "it is locked by another process",
    sqlite3.SQLITE_CANTOPEN: "it, or its log beside it, cannot be opened as a file",
    sqlite3.SQLITE_NOTADB: "it is not a SQLite database, or its beginning is damaged",
    sqlite3.SQLITE_CORRUPT: "it is damaged",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it can only be read",
    sqlite3.SQLITE_PERM: "this user has no access to it",
    sqlite3.SQLITE_IOERR: "its disk fails",
}


class Disk:
    """The disk of a served database, which says what SQLite does not: why it takes no data."""

    def __init__(self, spare: int, files: Sequence[Path]) -> None:
        """Take the descriptor of an empty file beside the files that grow."""
        self._spare = spare
        self._files = files

    def refusal(self) -> type[StoreUnavailable] | None:
        """Return what the disk refuses more data with; None if it takes some."""
        at = max((_size_of(file) for file in self._files), default=0)
        rest = bytes(DISK_ROOM_BYTES_MIN)
        try:
            while rest:
                # A disk that is nearly full takes a part.
                taken = os.pwrite(self._spare, rest, at)
                at, rest = at + taken, rest[taken:]
        except OSError as error:
            if error.errno in _NO_ROOM:
                return DiskFull
            return ReadOnly if error.errno == errno.EROFS else StoreUnavailable
        finally:
            with suppress(OSError):
                os.ftruncate(self._spare, 0)
        return None


def failure(error: Exception, disk: Disk | None = None) -> StoreUnavailable | None:
    """Return what an error means for a caller; None for the caller's errors and for defects."""
    cause = _of_driver(error)
    if cause is None:
        return None
    code = _code(cause)
    if code in _MEANINGS:
        return _MEANINGS[code]()
    if type(cause) is sqlite3.DatabaseError:
        return DatabaseDamaged()
    if not isinstance(cause, sqlite3.OperationalError):
        return None
    if code == sqlite3.SQLITE_IOERR and disk is not None:
        # A quota, a limit or a disk that became read-only is one error to SQLite.
        return (disk.refusal() or StoreUnavailable)()
    return StoreUnavailable()


def is_busy(error: sqlite3.Error) -> bool:
    """Return whether another connection is in the way."""
    return _code(error) in _BUSY


def in_words(error: BaseException | None) -> str:
    """Return why a database cannot be used, for the person who starts a server or a command."""
    cause = _of_driver(error)
    code = None if cause is None else _code(cause)
    return _IN_WORDS.get(code or 0, "SQLite cannot work with it")


def _of_driver(error: BaseException | None) -> sqlite3.Error | None:
    cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    return cause if isinstance(cause, sqlite3.Error) else None


def _code(error: sqlite3.Error) -> int | None:
    """Return the primary code; errors of the driver itself have none."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
