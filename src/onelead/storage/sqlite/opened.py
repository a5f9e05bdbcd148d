"""Whether the files that SQLite has open are still those at their names.

SQLite goes on with what it has opened, whatever becomes of the names: it would commit into files
that nobody finds again, and copy its log into a database that was restored meanwhile.
"""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from onelead.domain.errors import DatabaseReplaced, StoreUnavailable

#: Of the first page of a database, see https://sqlite.org/fileformat.html#the_database_header: the
#: change counter, the number of pages, two others, and the schema cookie.
_HEADER, _HEADER_AT = struct.Struct(">II8xI"), 24
_COUNTERS = 1 << 32

#: Device and inode.
Identity = tuple[int, int]


class _Age(NamedTuple):
    """How old the content of a database is; copying the log only makes it newer.

    A transaction takes the counters forward or leaves them, and only VACUUM, which takes the
    schema's forward, makes a database smaller.
    """

    changes: int
    pages: int
    schema: int

    def is_less_than(self, before: _Age) -> bool:
        if _is_behind(self.changes, before.changes) or _is_behind(self.schema, before.schema):
            return True
        is_same = (self.changes, self.schema) == (before.changes, before.schema)
        return is_same and self.pages < before.pages


def _age(header: bytes) -> _Age:
    return _Age(*_HEADER.unpack(header.ljust(_HEADER.size, b"\0")))


def _is_behind(counter: int, before: int) -> bool:
    """Compare counters that go round."""
    return (counter - before) % _COUNTERS > _COUNTERS // 2


class OpenedFiles:
    """The database, its log and the index of the log, as this process has opened them."""

    def __init__(self, path: Path) -> None:
        """Take them while a connection is open that has read. Raises DatabaseReplaced.

        Closing any descriptor of the database drops the locks of this process, so the one that is
        taken here is closed only by `close`, after the last connection.
        """
        self._path = path
        beside = path.resolve()
        self._log = beside.with_name(f"{beside.name}-wal")
        self._index = beside.with_name(f"{beside.name}-shm")
        self._names = tuple(map(str, (path, self._log, self._index)))
        self._opened = tuple(_identity(name) for name in self._names)
        self._all = tuple(zip(self._names, self._opened, strict=True))
        self._committed_to = self._all[:2]
        #: What is not as it was opened, for the log; None as long as all is well.
        self.found: str | None = None
        there = {one for one in self._opened if one is not None}
        if self._opened[0] is None or not there <= _held_here():
            raise DatabaseReplaced
        self._database = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        #: Empty as long as the database is, with its beginning in the log.
        self._header = b""
        self._comparing = threading.Lock()

    def close(self) -> None:
        """Let go of the database."""
        os.close(self._database)

    def look_quickly(self) -> None:
        """Raise DatabaseReplaced if what was just committed is not in the files at the names.

        Made for every commit: the index has nothing of a commit.
        """
        self._look_at(self._committed_to)

    def look(self) -> None:
        """Raise DatabaseReplaced if a file is not the one that was opened."""
        self._look_at(self._all)

    def _look_at(self, files: Sequence[tuple[str, Identity | None]]) -> None:
        if self.found is None:
            for name, opened in files:
                if (there := _identity(name)) != opened:
                    how = "is gone" if there is None else "is another file"
                    self.found = f"{Path(name).name} {how}"
                    break
            else:
                if not self._went_back():
                    return
                self.found = f"{self._path.name} was overwritten with an older one"
        raise DatabaseReplaced

    def _went_back(self) -> bool:
        """Return whether the database is older than at the last look."""
        # Most looks find what the one before has found, and take no time.
        if os.pread(self._database, _HEADER.size, _HEADER_AT) == self._header:
            return False
        with self._comparing:
            header = os.pread(self._database, _HEADER.size, _HEADER_AT)
            if self._header and (not header or _age(header).is_less_than(_age(self._header))):
                return True
            self._header = header
            return False

    @property
    def is_only_log_gone(self) -> bool:
        """Whether the database is the one that was opened, and there is no log beside it."""
        there = [_identity(name) for name in self._names[:2]]
        return there == [self._opened[0], None] and not self._went_back()

    def set_log_aside(self) -> str | None:
        """Move the log away from a database that it does not belong to; return its new name.

        SQLite would take it for that database's own at the next start, and destroy it.
        """
        database, log, index = (_identity(name) for name in self._names)
        is_own = database == self._opened[0] and not self._went_back()
        if database is None or is_own:
            return None
        moved = None
        if log == self._opened[1]:
            moved = _free_name(self._log)
            self._log.rename(moved)
        if index == self._opened[2]:
            self._index.unlink()
        return None if moved is None else moved.name


def _identity(name: str) -> Identity | None:
    """Return the file at a name; None without one. Raises StoreUnavailable."""
    try:
        there = os.stat(name)  # noqa: PTH116 - made for every commit
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreUnavailable from error
    return there.st_dev, there.st_ino


def _held_here() -> set[Identity | None]:
    """Return every file that this process has open."""
    held: set[Identity | None] = set()
    for number in os.listdir("/dev/fd"):  # noqa: PTH208
        try:
            there = os.fstat(int(number))
        except OSError:
            # That of the folder itself.
            continue
        held.add((there.st_dev, there.st_ino))
    return held


def _free_name(log: Path) -> Path:
    number = 1
    while (name := log.with_name(f"{log.name}.replaced-{number}")).exists():
        number += 1
    return name
