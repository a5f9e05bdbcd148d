"""The embedded engine's file: opening it, and locking it for one server."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

import sqlalchemy

from onelead.contract.checks import Finding
from onelead.domain.errors import DatabaseLocked, DatabaseUnusable, StoreUnavailable
from onelead.storage.sqlite.failures import in_words


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """Raise DatabaseUnusable, which says why, when a file cannot be used."""
    try:
        yield
    except OSError as error:
        raise DatabaseUnusable(f"{path} cannot be opened: {error.strerror}") from error
    except StoreUnavailable as error:
        raise DatabaseUnusable(f"{path} cannot be used: {in_words(error.__cause__)}") from error
    except (sqlite3.DatabaseError, sqlalchemy.exc.DatabaseError) as error:
        raise DatabaseUnusable(f"{path} cannot be used: {in_words(error)}") from error


def create_private(path: Path) -> None:
    """Create an empty database that only its owner can open, whatever the umask.

    An existing one stays as it is. SQLite gives its log and index the mode of the database.
    Raises DatabaseUnusable for a log whose database is not there: SQLite would remove it.
    """
    file = path.resolve()
    log = file.with_name(f"{file.name}-wal")
    # In this order: another process that creates the database makes the log last.
    if _size_of(log) and not _size_of(file):
        raise DatabaseUnusable(
            f"{file} is gone or empty, and its log {log.name} is left, which can have answered "
            "writes: give the database its name again, or move the log away"
        )
    _create(file, 0o600)


def _size_of(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _create(file: Path, mode: int) -> None:
    try:
        made = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    except FileExistsError:
        return
    try:
        os.fchmod(made, mode)
    finally:
        os.close(made)


def lock_for_serving(path: Path) -> IO[bytes]:
    """Lock out other serving processes until the returned file is closed.

    Raises DatabaseLocked.
    """
    # Links to one file share its lock.
    file = path.resolve()
    beside = file.with_name(f"{file.name}.serving")
    # Anyone who can open the database can serve it; a restore locks it before it is there.
    _create(beside, file.stat().st_mode & 0o777 if file.exists() else 0o600)
    lock = beside.open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise DatabaseLocked(f"another onelead server is running on {path}") from None
    return lock


def copy_log(path: Path) -> None:
    """Bring what an earlier process left in the log into the database, which is synced then.

    After a sync that failed, a system may go on showing bytes that no later sync brings to the
    disk. Such a log looks whole, but whatever is appended to it is lost when the power fails.
    """
    with closing(sqlite3.connect(path)) as driver:
        driver.execute("PRAGMA wal_checkpoint(PASSIVE)")


def keep_open_to_the_end(owner: object) -> None:
    """Let the connections of an object be closed by the end of the process alone.

    SQLite's own closing would copy a log and remove files by their names, whatever is there now;
    Python closes what is forgotten, even while it ends.
    """
    import ctypes  # noqa: PLC0415 - it is hardly ever needed, and large

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(owner))


#: The `user_version` of a file that was written with `secure_delete` from the beginning, or since
#: it was last written as a whole: then its free space has nothing of what was removed.
_WIPED = 1


def mark_if_new(connection: sqlalchemy.Connection) -> None:
    """Note in an empty file, before anything else is written, that it will have no traces."""
    if not connection.exec_driver_sql("PRAGMA schema_version").scalar():
        connection.exec_driver_sql(f"PRAGMA user_version = {_WIPED}")


def clean(path: Path, look: Callable[[], None], *, busy_timeout_s: float) -> bool:
    """Leave nothing of removed values in the file and its log; False if somebody still reads.

    Today's connections overwrite what they delete. A file of an earlier version may still have
    traces of rows in its free space, and is written again as a whole, once. `look` raises if the
    file that is open now is another one than before.
    """
    with closing(sqlite3.connect(path, isolation_level=None, timeout=busy_timeout_s)) as driver:
        look()
        if driver.execute("PRAGMA user_version").fetchone() != (_WIPED,):
            driver.execute("VACUUM")
            driver.execute(f"PRAGMA user_version = {_WIPED}")
        is_busy, *_pages = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not is_busy


def structure_faults(connection: sqlalchemy.Connection) -> list[Finding]:
    """Look through the structure of a file that is small enough for that at a start."""
    try:
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalars().all()
    except sqlalchemy.exc.OperationalError:
        # A disk that fails, or a lock, is no damage.
        raise
    except sqlalchemy.exc.DatabaseError:
        found = ["it is damaged"]
    advice = "keep the files, and restore the newest sound backup"
    return [Finding("file", text, advice) for text in fault_texts(found)]


def fault_texts(lines: Iterable[str]) -> list[str]:
    """Return what SQLite's own checks found, each in one line."""
    tidy = (" ".join(text.replace("*** in database main ***", "").split()) for text in lines)
    return [text for text in tidy if text != "ok"]
