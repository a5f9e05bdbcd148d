"""Whole copies of a SQLite database: making one, and verifying one before it is trusted."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from onelead.contract.exports import OnProgress
from onelead.contract.upkeep import Contents
from onelead.domain.errors import NotPossible
from onelead.domain.limits import COMMIT_TIMEOUT_S
from onelead.storage.contents import AccountNumbers, verified

_STEP_PAGES = 1_024
_MIB = 1_048_576
_REASONS = {
    "SQLITE_BUSY": "another program keeps it locked",
    "SQLITE_CANTOPEN": "it cannot be opened",
    "SQLITE_CORRUPT": "it is damaged",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_IOERR": "the disk does not answer as it should",
    "SQLITE_NOTADB": "it is not a SQLite database",
    "SQLITE_READONLY": "it cannot be written",
}


def reason(error: sqlite3.Error) -> str:
    """Say in words what an error of SQLite means."""
    name = getattr(error, "sqlite_errorname", None) or ""
    return _REASONS.get("_".join(name.split("_")[:2]), "SQLite cannot use it")


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Raise NotPossible for errors of SQLite."""
    try:
        yield
    except sqlite3.Error as error:
        raise NotPossible(f"{what}: {reason(error)}") from error


def copy_database(path: Path, copy: Path, on_progress: OnProgress) -> None:
    """Copy the committed state of one moment; writers go on meanwhile. Raises NotPossible."""
    with (
        explained(f"{path} cannot be copied"),
        closing(_opened(copy, "rw")) as target,
    ):
        _copy_into(target, path, on_progress)


@contextmanager
def private_copy(path: Path, on_progress: OnProgress) -> Iterator[sqlite3.Connection]:
    """Open a copy that has no name, so that nothing is left of it, even after `kill -9`.

    Raises NotPossible.
    """
    require_room(path.parent, path.stat().st_size, "a copy of the database")
    descriptor, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    with (
        os.fdopen(descriptor, "r+b", buffering=0) as file,
        explained(f"{path} cannot be copied"),
        closing(_opened(Path(name), "rw")) as target,
    ):
        try:
            # SQLite opens the file with the first statement that needs it.
            target.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        finally:
            Path(name).unlink()
        _copy_into(target, path, on_progress)
        _end_log_mode(file.fileno())
        yield target


def _end_log_mode(descriptor: int) -> None:
    """Say in the header of a copy that it has no log, whose name nobody could give.

    https://sqlite.org/fileformat.html has the places: the two versions, and the counter of changes,
    by which SQLite knows that it has to read the header again.
    """
    os.pwrite(descriptor, bytes((1, 1)), 18)
    changes = int.from_bytes(os.pread(descriptor, 4, 24), "big") + 1
    os.pwrite(descriptor, (changes % 2**32).to_bytes(4, "big"), 24)


def require_room(folder: Path, size: int, what: str) -> None:
    """Raise NotPossible if the disk of a folder has no room for so many bytes."""
    if shutil.disk_usage(folder).free < size:
        raise NotPossible(f"the disk of {folder} has no room for {size:,} bytes, for {what}")


def _copy_into(target: sqlite3.Connection, path: Path, on_progress: OnProgress) -> None:
    with closing(_opened(path, "rw", timeout=COMMIT_TIMEOUT_S)) as source:
        # It has no name yet, so nothing has to survive a crash.
        target.execute("PRAGMA journal_mode = OFF")
        target.execute("PRAGMA synchronous = OFF")
        # While this reads, all steps copy the same state, and never begin again.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        page_bytes = source.execute("PRAGMA page_size").fetchone()[0]

        def report(_status: int, left: int, total: int) -> None:
            done, size = ((n * page_bytes) // _MIB for n in (total - left, total))
            on_progress(f"copied {done:,} of {size:,} MB")

        source.backup(target, pages=_STEP_PAGES, progress=report)


def inspected(path: Path, on_progress: OnProgress) -> Contents:
    """Verify a copy that nobody writes, and count what it holds.

    Raises NotPossible, DatabaseNewer.
    """
    on_progress(f"verifying {path.name}")
    unsound = f"{path} is not a sound backup"
    with explained(unsound), closing(_opened(path, "ro", "&immutable=1")) as driver:
        if driver.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)]:
            raise NotPossible(f"{unsound}: it is damaged")
        names = {name for (name,) in driver.execute("SELECT name FROM sqlite_schema")}
        if not {"alembic_version", "lane"} <= names:
            raise NotPossible(f"{path} has no tables of onelead")
        revisions = [one for (one,) in driver.execute("SELECT version_num FROM alembic_version")]
        lanes = driver.execute("SELECT account_id, ledger_seq, lead_count FROM lane")
        return verified(
            str(path),
            revisions,
            [AccountNumbers(*row) for row in lanes],
            rows=_counts(driver, "SELECT account_id, count(*) FROM ledger GROUP BY account_id"),
            leads=_counts(driver, "SELECT account_id, count(*) FROM lead GROUP BY account_id"),
        )


def _counts(driver: sqlite3.Connection, statement: str) -> dict[int, int]:
    return dict(driver.execute(statement).fetchall())


def _opened(path: Path, mode: str, more: str = "", *, timeout: float = 0) -> sqlite3.Connection:
    # As a URI, so that no file is created where there is none.
    uri = f"{path.resolve().as_uri()}?mode={mode}{more}"
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, timeout=timeout, check_same_thread=False
    )
