"""Checking, backing up and restoring a SQLite file."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from onelead.contract.checks import Finding
from onelead.contract.exports import AccountLines, Loaded, OnProgress
from onelead.contract.upkeep import Contents, FilesChecked, Restored
from onelead.domain.errors import DatabaseNewer, DatabaseUnusable, NotPossible
from onelead.domain.limits import CHECK_FINDINGS_MAX, COMMIT_TIMEOUT_S
from onelead.storage.migrate import known_revisions
from onelead.storage.new_file import new_file, sync
from onelead.storage.schema import REVISION
from onelead.storage.sqlite.copies import copy_database, explained, inspected, reason
from onelead.storage.sqlite.file import fault_texts, lock_for_serving
from onelead.storage.sqlite.loading import load_into

_INTEGRITY = f"PRAGMA integrity_check({CHECK_FINDINGS_MAX})"
_COPY_BYTES = 8 * 1_048_576
_LOGS = ("-wal", "-shm", "-journal")
_ADVICE = "stop the server, keep the files, and restore the newest sound backup"


class SqliteUpkeep:
    """The care for one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check_files(self, on_progress: OnProgress) -> FilesChecked:
        """Let SQLite look through the whole file."""
        self._require_database()
        on_progress("looking through the file")
        try:
            with closing(sqlite3.connect(self._path, timeout=COMMIT_TIMEOUT_S)) as driver:
                found = _faults(driver)
                if not found:
                    _require_current(driver, self._path)
        except sqlite3.OperationalError as error:
            raise DatabaseUnusable(f"{self._path} cannot be used: {reason(error)}") from error
        except sqlite3.DatabaseError as error:
            found = [reason(error)]
        findings = [Finding(str(self._path), text, _ADVICE) for text in found]
        return FilesChecked(findings, [])

    def _require_database(self) -> None:
        if not self._path.is_file():
            raise NotPossible(f"there is no database {self._path}")

    def back_up(self, file: Path, *, replace: bool, on_progress: OnProgress) -> Contents:
        """Copy the file as it is in one moment; writes go on meanwhile."""
        self._require_database()
        _require_apart(file, self._path)
        _require_unused(file)
        size = self._path.stat().st_size
        with new_file(file, replace=replace) as part:
            if shutil.disk_usage(part.parent).free < size:
                raise NotPossible(f"the disk of {file} has no room for {size:,} bytes")
            copy_database(self._path, part, on_progress)
            return inspected(part, on_progress)

    def restore(self, file: Path, *, replace: bool, on_progress: OnProgress) -> Restored:
        """Put a copy of the backup in the place of the file, while nobody has it open."""
        if not file.is_file():
            raise NotPossible(f"there is no backup {file}")
        path = self._path.resolve()
        _require_apart(file, path)
        _require_unused(file)
        if path.exists() and not replace:
            raise NotPossible(
                f"there is a database {self._path}; with --replace, it is kept under another name"
            )
        contents = inspected(file, on_progress)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with closing(lock_for_serving(path)) as lock:
                _own_as_before(Path(lock.name), path)
                kept = _put_in_place(file, path, contents, on_progress)
        except OSError as error:
            raise NotPossible(f"{path} cannot be written: {error.strerror}") from error
        return Restored(contents, kept)

    def load_account(self, account: AccountLines, now: int) -> Loaded:
        """Load an account while nobody else has the file open."""
        with closing(lock_for_serving(self._path)):
            return load_into(self._path, account, now)


def _faults(driver: sqlite3.Connection) -> list[str]:
    """Return what SQLite finds wrong: the structure, the order of indexes, and references."""
    lines: list[str] = []
    try:
        lines += (text for (text,) in driver.execute(_INTEGRITY))
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        # It may find something before it cannot go on.
        lines.append(reason(error))
    if found := fault_texts(lines):
        return found
    references = driver.execute("PRAGMA foreign_key_check").fetchall()
    return [f"row {row[1]} of {row[0]} refers to nothing" for row in references]


def _require_current(driver: sqlite3.Connection, path: Path) -> None:
    has_revision = "SELECT count(*) FROM sqlite_schema WHERE name = 'alembic_version'"
    if not driver.execute(has_revision).fetchone()[0]:
        raise NotPossible(f"{path} has no tables of onelead; `onelead migrate` makes them")
    revisions = {one for (one,) in driver.execute("SELECT version_num FROM alembic_version")}
    if revisions - known_revisions():
        raise DatabaseNewer
    if revisions != {REVISION}:
        raise NotPossible(f"{path} is of an earlier version; run `onelead migrate` first")


def _require_apart(file: Path, path: Path) -> None:
    """Refuse a backup that is the database itself, or one of the files that belong to it."""
    own = {path.resolve(), *(_beside(path.resolve(), ending) for ending in (*_LOGS, ".serving"))}
    is_same = file.exists() and path.exists() and file.samefile(path)
    if is_same or file.resolve() in own:
        raise NotPossible(f"{file} belongs to the database itself; name another file")


def _require_unused(file: Path) -> None:
    """Refuse a backup that somebody opened as a database: a part of it is elsewhere."""
    # Someone who only looks into it leaves an empty log and an index of nothing.
    for ending in ("-wal", "-journal"):
        log = _beside(file, ending)
        if log.exists() and log.stat().st_size:
            raise NotPossible(f"{log} belongs to {file}, which is open or was not closed well")


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.name}{ending}")


def _put_in_place(
    file: Path, path: Path, contents: Contents, on_progress: OnProgress
) -> Path | None:
    """Copy the backup beside the database, verify the copy, and exchange the two."""
    incoming = _beside(path, ".restoring")
    # Nobody else makes one while the server's lock is held here.
    incoming.unlink(missing_ok=True)
    try:
        _copy_bytes(file, incoming, on_progress)
        _own_as_before(incoming, path)
        if inspected(incoming, on_progress) != contents:
            raise NotPossible(f"{file} changed while it was restored")
        on_progress("putting it in place")
        return _exchange(incoming, path)
    finally:
        incoming.unlink(missing_ok=True)


def _copy_bytes(file: Path, incoming: Path, on_progress: OnProgress) -> None:
    size = file.stat().st_size
    os.close(os.open(incoming, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with file.open("rb") as source, incoming.open("wb") as target:
        while piece := source.read(_COPY_BYTES):
            target.write(piece)
            on_progress(f"copied {target.tell() * 100 // size} %")
        target.flush()
        os.fsync(target.fileno())


def _own_as_before(made: Path, path: Path) -> None:
    """Let the user of the server have a file that root has made, with the mode of the database."""
    before = path if path.exists() else path.parent
    if path.exists():
        made.chmod(path.stat().st_mode & 0o777)
    if os.geteuid() == 0:
        os.chown(made, before.stat().st_uid, before.stat().st_gid)


def _exchange(incoming: Path, path: Path) -> Path | None:
    """Give the new file the name of the old one, which gets another; SQLite's logs go with it.

    At any moment the name is that of one whole database. A log that is left would be taken for
    one of the new file.
    """
    kept = _beside(path, f".{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}")
    if not path.exists():
        _keep_logs(path, kept)
        incoming.rename(path)
        sync(path.parent)
        return None
    with _alone(path):
        # A link to the same file, until the new one takes the name.
        os.link(path, kept)
        _keep_logs(path, kept)
        incoming.rename(path)
        sync(path.parent)
    return kept


def _keep_logs(path: Path, kept: Path) -> None:
    for ending in _LOGS:
        if (log := _beside(path, ending)).exists():
            log.rename(_beside(kept, ending))


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Copy the log into the file, and keep every other program out of it for the block.

    A damaged file stays as it is, with its log.
    """
    with closing(sqlite3.connect(path, isolation_level=None, timeout=1)) as driver:
        try:
            # SQLite does this only for one that is alone, and leaves no log.
            driver.execute("PRAGMA journal_mode = DELETE").fetchone()
            driver.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            with explained(f"{path} cannot be replaced"):
                raise error from None
        except sqlite3.DatabaseError:
            # It is damaged, so there is nothing that could be written to it.
            pass
        yield
