"""Backups of a SQLite file and the way back: whole or not there, whatever happens meanwhile."""

from __future__ import annotations

import itertools
import os
import resource
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.support.storage.databases import SqliteDatabase

from onelead.domain.errors import DatabaseLocked, DatabaseNewer, NotPossible
from onelead.storage.sqlite import copies
from onelead.storage.sqlite.file import lock_for_serving
from onelead.storage.sqlite.upkeep import SqliteUpkeep

ROWS = 3


def ignore(_text: str) -> None:
    pass


class Files:
    """A database with some ledger rows, and where its backup goes."""

    def __init__(self, folder: Path) -> None:
        self.database = SqliteDatabase(folder)
        self.path = self.database.path
        self.backup = folder / "backup.db"
        self.upkeep = SqliteUpkeep(self.path)
        self.write(ROWS)

    def write(self, rows: int) -> None:
        """Write ledger rows as a server would, and leave them in the log."""
        with closing(self.connect()) as driver:
            for _ in range(rows):
                add_row(driver)

    def connect(self) -> sqlite3.Connection:
        driver = sqlite3.connect(self.path, isolation_level=None)
        driver.execute("PRAGMA journal_mode = WAL")
        driver.execute("PRAGMA wal_autocheckpoint = 0")
        return driver

    def back_up(self, *, replace: bool = False) -> int:
        return self.upkeep.back_up(self.backup, replace=replace, on_progress=ignore).ledger_rows

    def restore(self, *, replace: bool = True) -> Path | None:
        return self.upkeep.restore(self.backup, replace=replace, on_progress=ignore).kept

    def names(self) -> set[str]:
        return {file.name for file in self.path.parent.iterdir()}


def add_row(driver: sqlite3.Connection) -> None:
    driver.executescript(
        "BEGIN; UPDATE lane SET ledger_seq = ledger_seq + 1;"
        "INSERT INTO ledger (account_id, seq, date, request_id, resource, action, outcome, payload)"
        " SELECT 1, ledger_seq, 0, 'r', 'lead', 'upsert', 'refused', '{}' FROM lane; COMMIT"
    )


def rows_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as driver:
        count: int = driver.execute("SELECT count(*) FROM ledger").fetchone()[0]
        return count


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_a_backup_has_what_is_still_in_the_log(files: Files) -> None:
    with closing(files.connect()) as served:
        add_row(served)
        assert files.path.with_name("onelead.db-wal").stat().st_size
        assert files.back_up() == ROWS + 1
    assert files.backup.stat().st_mode & 0o777 == 0o600
    assert rows_of(files.backup) == ROWS + 1
    assert files.names() == {"onelead.db", "backup.db"}


def test_a_backup_is_of_one_moment_although_writes_go_on(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "_STEP_PAGES", 1)
    steps = []
    with closing(files.connect()) as served:

        def write_meanwhile(_text: str) -> None:
            add_row(served)
            steps.append(_text)
            assert len(steps) < 1_000, "it begins again with each write"

        done = files.upkeep.back_up(files.backup, replace=False, on_progress=write_meanwhile)
    assert done.ledger_rows == ROWS
    assert rows_of(files.path) == ROWS + len(steps)
    assert len(steps) > 10


def test_a_backup_is_not_overwritten_unless_told(files: Files) -> None:
    files.back_up()
    files.write(1)
    with pytest.raises(NotPossible, match="exists already"):
        files.back_up()
    assert rows_of(files.backup) == ROWS
    files.back_up(replace=True)
    assert rows_of(files.backup) == ROWS + 1


@pytest.mark.parametrize("name", ["onelead.db", "onelead.db-wal", "onelead.db.serving", "link"])
def test_a_backup_never_takes_the_place_of_the_database(files: Files, name: str) -> None:
    files.path.with_name("link").symlink_to(files.path)
    file = files.path.with_name(name)
    with pytest.raises(NotPossible, match="belongs to the database itself"):
        files.upkeep.back_up(file, replace=True, on_progress=ignore)
    assert rows_of(files.path) == ROWS


def test_a_backup_that_somebody_has_open_is_left_alone(files: Files) -> None:
    files.back_up()
    with closing(sqlite3.connect(files.backup, isolation_level=None)) as other:
        add_row(other)
        for attempt in (lambda: files.back_up(replace=True), files.restore):
            with pytest.raises(NotPossible, match="is open or was not closed well"):
                attempt()


def test_a_backup_that_somebody_looked_into_is_restored(files: Files) -> None:
    files.back_up()
    with closing(sqlite3.connect(f"file:{files.backup}?mode=ro", uri=True)) as other:
        other.execute("SELECT count(*) FROM lead").fetchall()
    assert files.backup.with_name(f"{files.backup.name}-shm").exists()
    files.restore()
    assert rows_of(files.path) == ROWS


def test_there_is_nothing_to_back_up_or_restore(tmp_path: Path) -> None:
    upkeep = SqliteUpkeep(tmp_path / "none.db")
    with pytest.raises(NotPossible, match="there is no database"):
        upkeep.back_up(tmp_path / "b.db", replace=False, on_progress=ignore)
    with pytest.raises(NotPossible, match="there is no backup"):
        upkeep.restore(tmp_path / "b.db", replace=False, on_progress=ignore)
    with pytest.raises(NotPossible, match="there is no database"):
        upkeep.check_files(ignore)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_named(files: Files) -> None:
    with pytest.raises(NotPossible, match=r"gone/b\.db cannot be written: No such file"):
        files.upkeep.back_up(files.path.parent / "gone/b.db", replace=False, on_progress=ignore)
    with pytest.raises(NotPossible, match="is not a file"):
        files.upkeep.back_up(files.path.parent, replace=True, on_progress=ignore)


def test_two_backups_into_one_file_do_not_meet(files: Files) -> None:
    def again(_text: str) -> None:
        with pytest.raises(NotPossible, match="another process is writing"):
            files.back_up()

    files.upkeep.back_up(files.backup, replace=False, on_progress=again)
    assert rows_of(files.backup) == ROWS


def damage(path: Path, *, page: int = 20) -> None:
    with path.open("r+b") as file:
        file.seek(page * 4096)
        file.write(b"\xff" * 4096)


def test_a_damaged_database_is_found_and_not_backed_up(files: Files) -> None:
    assert files.upkeep.check_files(ignore).findings == []
    damage(files.path)
    findings = files.upkeep.check_files(ignore).findings
    assert findings
    assert "restore the newest sound backup" in findings[0].line
    with pytest.raises(NotPossible, match="is not a sound backup: it is damaged"):
        files.back_up()
    assert files.names() == {"onelead.db"}


def test_a_database_that_is_none_is_found(files: Files) -> None:
    files.path.write_bytes(b"no database " * 1_000)
    (finding,) = files.upkeep.check_files(ignore).findings
    assert finding.what == "it is not a SQLite database"
    with pytest.raises(NotPossible, match="it is not a SQLite database"):
        files.back_up()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("DELETE FROM ledger WHERE seq = 2", "has 2 ledger rows, and should have 3"),
        ("UPDATE lane SET lead_count = 4", "has 0 leads, and should have 4"),
        ("DROP TABLE alembic_version", "has no tables of onelead"),
    ],
)
def test_a_copy_that_contradicts_itself_is_no_backup(files: Files, change: str, text: str) -> None:
    files.database.execute(change)
    with pytest.raises(NotPossible, match=text):
        files.back_up()
    assert not files.backup.exists()


def test_the_version_of_a_database_is_looked_at_first(files: Files) -> None:
    files.database.execute("UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(NotPossible, match="run `onelead migrate` first"):
        files.upkeep.check_files(ignore)
    # An older one can be backed up and restored; the next start migrates it.
    files.back_up()
    files.restore()
    files.database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseNewer):
        files.upkeep.check_files(ignore)
    files.backup.unlink()
    files.path.rename(files.backup)
    with pytest.raises(DatabaseNewer):
        files.restore()
    assert not files.path.exists()


def test_a_restore_brings_back_the_moment_of_the_backup(files: Files) -> None:
    files.back_up()
    files.write(2)
    kept = files.restore()
    assert kept is not None
    assert kept.name.startswith("onelead.db.20")
    assert (rows_of(files.path), rows_of(kept)) == (ROWS, ROWS + 2)
    assert files.path.stat().st_ino != kept.stat().st_ino
    assert files.names() == {"onelead.db", "onelead.db.serving", "backup.db", kept.name}


def test_a_restore_where_nothing_was(files: Files) -> None:
    files.back_up()
    place = files.path.parent / "new" / "folder" / "onelead.db"
    done = SqliteUpkeep(place).restore(files.backup, replace=False, on_progress=ignore)
    assert (done.kept, done.contents.ledger_rows, rows_of(place)) == (None, ROWS, ROWS)
    assert place.stat().st_mode & 0o777 == 0o600


def test_a_restore_replaces_only_when_told_and_keeps_the_mode(files: Files) -> None:
    files.back_up()
    files.write(1)
    files.path.chmod(0o640)
    with pytest.raises(NotPossible, match="with --replace, it is kept"):
        files.restore(replace=False)
    assert rows_of(files.path) == ROWS + 1
    files.restore()
    assert files.path.stat().st_mode & 0o777 == 0o640


def test_a_restore_waits_for_no_server(files: Files) -> None:
    files.back_up()
    with closing(lock_for_serving(files.path)), pytest.raises(DatabaseLocked):
        files.restore()


def test_a_restore_leaves_a_database_alone_that_is_open(files: Files) -> None:
    files.back_up()
    with closing(files.connect()) as other:
        other.execute("SELECT count(*) FROM lane").fetchone()
        with pytest.raises(NotPossible, match="another program keeps it locked"):
            files.restore()
        add_row(other)
    assert rows_of(files.path) == ROWS + 1
    assert not [name for name in files.names() if "restoring" in name]


def test_no_log_of_before_is_read_into_the_restored_file(files: Files) -> None:
    files.back_up()
    with closing(files.connect()) as served:
        add_row(served)
        log = files.path.with_name("onelead.db-wal").read_bytes()
    files.path.unlink()
    stray = files.path.with_name("onelead.db-wal")
    stray.write_bytes(log)
    files.restore(replace=False)
    assert rows_of(files.path) == ROWS
    assert len([name for name in files.names() if name.endswith("Z-wal")]) == 1


def test_a_damaged_database_is_kept_as_it_is_with_its_log(files: Files) -> None:
    files.back_up()
    files.path.write_bytes(b"no database " * 1_000)
    files.path.with_name("onelead.db-wal").write_bytes(b"log")
    kept = files.restore()
    assert kept is not None
    assert rows_of(files.path) == ROWS
    assert kept.read_bytes() == b"no database " * 1_000
    assert kept.with_name(f"{kept.name}-wal").read_bytes() == b"log"


def test_a_damaged_backup_is_refused(files: Files) -> None:
    files.back_up()
    damage(files.backup)
    with pytest.raises(NotPossible, match="is not a sound backup"):
        files.restore()
    assert rows_of(files.path) == ROWS


def in_a_child(work: Callable[[], None]) -> int:
    """Do something in a copy of this process, and return how that ended."""
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            work()
            os._exit(0)
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def die_at(step: int) -> Callable[..., None]:
    """Return a function that ends the process as `kill -9` does when it is called so often."""
    left = itertools.count(step, -1)

    def die(*_arguments: object) -> None:
        if next(left) == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    return die


def killed_at(files: Files, command: str) -> Iterator[int]:
    """Run a command again and again, and kill it at each of its steps in turn.

    A step is a call that changes names or files, or a report of its progress.
    """

    def run(step: int) -> None:
        die = die_at(step)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(copies, "_STEP_PAGES", 40)
            for name in ("link", "rename", "unlink", "fsync"):
                patch.setattr(os, name, _after(die, getattr(os, name)))
            getattr(files.upkeep, command)(files.backup, replace=True, on_progress=die)

    for step in range(1, 100):
        ended = in_a_child(partial(run, step))
        if ended == 0:
            assert step > 5
            return
        assert ended == -signal.SIGKILL
        yield step
    raise AssertionError("it does not end")


def _after(die: Callable[..., None], function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        die()
        return function(*arguments, **named)

    return call


@pytest.mark.slow
def test_a_backup_that_is_killed_leaves_none_or_the_one_of_before(files: Files) -> None:
    for _ in killed_at(files, "back_up"):
        assert not files.backup.exists() or rows_of(files.backup) == ROWS
        files.backup.unlink(missing_ok=True)
    files.write(1)
    for _ in killed_at(files, "back_up"):
        assert rows_of(files.backup) in (ROWS, ROWS + 1)
        files.backup.with_name("backup.db-wal").unlink(missing_ok=True)
    assert rows_of(files.backup) == ROWS + 1
    assert "backup.db.part" not in files.names()


@pytest.mark.slow
def test_a_restore_that_is_killed_leaves_the_old_or_the_new_database(files: Files) -> None:
    files.back_up()
    files.write(2)
    left = set()
    for _ in killed_at(files, "restore"):
        left.add(rows_of(files.path))
        with closing(sqlite3.connect(files.path)) as driver:
            assert driver.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        os.utime(files.path)
        for kept in files.path.parent.glob("onelead.db.20*"):
            assert rows_of(kept) in (ROWS, ROWS + 2)
            kept.unlink()
        if rows_of(files.path) == ROWS:
            files.write(2)
    assert left == {ROWS, ROWS + 2}


@pytest.mark.parametrize("command", ["back_up", "restore"])
def test_a_full_disk_changes_nothing(files: Files, command: str) -> None:
    files.back_up()
    files.write(1)

    def run() -> None:
        # No file of the process may grow further.
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        with pytest.raises(NotPossible, match="cannot be"):
            getattr(files.upkeep, command)(files.backup, replace=True, on_progress=ignore)

    assert in_a_child(run) == 0
    assert (rows_of(files.path), rows_of(files.backup)) == (ROWS + 1, ROWS)
    assert files.names() - {"onelead.db.serving"} == {"onelead.db", "backup.db"}
