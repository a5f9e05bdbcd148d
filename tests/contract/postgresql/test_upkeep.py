"""Dumps of a PostgreSQL database and the way back: all of it or nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from sqlalchemy import create_engine
from tests.support.commands.process import wait_until
from tests.support.storage.databases import PostgresqlDatabase
from tests.support.storage.empty_databases import EmptyDatabase, empty_postgresql
from tests.support.storage.postgresql_server import PostgresqlServer, client_programs

from onelead.domain.errors import DatabaseNewer, DatabaseUnusable, NotPossible
from onelead.storage.access.accounts import create_account
from onelead.storage.migrate import migrate
from onelead.storage.postgresql.programs import environment_for, require_version
from onelead.storage.postgresql.upkeep import PostgresqlUpkeep

ROWS = 3
ADD_ROW = (
    "WITH taken AS (UPDATE lane SET ledger_seq = ledger_seq + 1 RETURNING ledger_seq)"
    " INSERT INTO ledger"
    " (account_id, seq, date, request_id, resource, action, outcome, payload)"
    r" SELECT 1, ledger_seq, 0, 'r', 'lead', 'upsert', 'refused', E'a\tb\\c\n\\.\n' FROM taken"
)


def ignore(_text: str) -> None:
    pass


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find the programs of the server's version first."""
    monkeypatch.setenv("PATH", f"{client_programs()}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def database() -> Iterator[PostgresqlDatabase]:
    fresh = PostgresqlDatabase()
    for _ in range(ROWS):
        fresh.execute(ADD_ROW)
    yield fresh
    fresh.close()


@pytest.fixture
def empty() -> Iterator[EmptyDatabase]:
    with empty_postgresql() as fresh:
        yield fresh


def rows_of(url: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM ledger").fetchone()
        assert found is not None
        return int(found[0])


def back_up(database: PostgresqlDatabase, file: Path, *, replace: bool = False) -> int:
    upkeep = PostgresqlUpkeep(database.address)
    return upkeep.back_up(file, replace=replace, on_progress=ignore).ledger_rows


def restore(url: str, file: Path, *, replace: bool = False) -> int:
    done = PostgresqlUpkeep(url).restore(file, replace=replace, on_progress=ignore)
    return done.contents.ledger_rows


def test_a_dump_brings_everything_back(
    database: PostgresqlDatabase, empty: EmptyDatabase, tmp_path: Path
) -> None:
    # What only a superuser could restore is left out.
    database.execute("CREATE EXTENSION amcheck; CREATE TABLE theirs (id int)")
    dump = tmp_path / "onelead.dump"
    assert back_up(database, dump) == ROWS
    assert dump.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["onelead.dump"]
    assert restore(empty.url, dump) == ROWS
    tables = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'i') AND relnamespace = 2200"
    with psycopg.connect(empty.url) as connection:
        restored = set(connection.execute(tables.encode()).fetchall())
    assert restored == set(database.rows(tables)) - {("theirs",)}


def test_a_dump_is_not_overwritten_unless_told(
    database: PostgresqlDatabase, tmp_path: Path
) -> None:
    dump = tmp_path / "onelead.dump"
    back_up(database, dump)
    database.execute(ADD_ROW)
    with pytest.raises(NotPossible, match="exists already"):
        back_up(database, dump)
    assert back_up(database, dump, replace=True) == ROWS + 1


def test_only_an_empty_database_is_restored_into(
    database: PostgresqlDatabase, empty: EmptyDatabase, tmp_path: Path
) -> None:
    dump = tmp_path / "onelead.dump"
    back_up(database, dump)
    with pytest.raises(NotPossible, match="restore into an empty one"):
        restore(database.address, dump)
    with pytest.raises(NotPossible, match="is never replaced"):
        restore(database.address, dump, replace=True)
    with (
        psycopg.connect(empty.url, application_name="onelead"),
        pytest.raises(NotPossible, match="stop every server first"),
    ):
        restore(empty.url, dump)
    with pytest.raises(NotPossible, match="there is no backup"):
        restore(empty.url, tmp_path / "none.dump")


@pytest.mark.parametrize("cut", [20, 2])
def test_half_a_dump_is_refused(
    database: PostgresqlDatabase, empty: EmptyDatabase, tmp_path: Path, cut: int
) -> None:
    dump = tmp_path / "onelead.dump"
    back_up(database, dump)
    content = dump.read_bytes()
    dump.write_bytes(content[: len(content) - len(content) // cut])
    with pytest.raises(NotPossible, match="is not a sound backup"):
        restore(empty.url, dump)
    assert restore_leaves_nothing(empty)


def restore_leaves_nothing(empty: EmptyDatabase) -> bool:
    with psycopg.connect(empty.url) as connection:
        found = connection.execute("SELECT to_regclass('lane') IS NULL").fetchone()
        return found == (True,)


def test_a_database_that_contradicts_itself_is_no_backup(
    database: PostgresqlDatabase, tmp_path: Path
) -> None:
    database.execute("DELETE FROM ledger WHERE seq = 2")
    with pytest.raises(NotPossible, match="has 2 ledger rows, and should have 3"):
        back_up(database, tmp_path / "onelead.dump")
    assert list(tmp_path.iterdir()) == []


def test_a_dump_of_a_newer_version_is_refused(
    database: PostgresqlDatabase, empty: EmptyDatabase, tmp_path: Path
) -> None:
    dump = tmp_path / "onelead.dump"
    database.execute("UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(NotPossible, match="run `onelead migrate` first"):
        PostgresqlUpkeep(database.address).check_files(ignore)
    back_up(database, dump)
    assert restore(empty.url, dump) == ROWS
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseNewer):
        PostgresqlUpkeep(database.address).check_files(ignore)
    with pytest.raises(DatabaseNewer):
        back_up(database, dump, replace=True)


def test_an_empty_database_has_nothing_to_back_up(empty: EmptyDatabase, tmp_path: Path) -> None:
    with pytest.raises(NotPossible, match="has no tables of onelead"):
        PostgresqlUpkeep(empty.url).back_up(tmp_path / "a.dump", replace=False, on_progress=ignore)
    with pytest.raises(NotPossible, match="has no tables of onelead"):
        PostgresqlUpkeep(empty.url).check_files(ignore)


def test_a_program_that_is_missing_or_too_old_is_named(
    database: PostgresqlDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotPossible, match="cannot dump a server of version 99; put that"):
        require_version(str(client_programs() / "pg_dump"), 99_00_01)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotPossible, match="pg_dump is not in the PATH; install PostgreSQL"):
        back_up(database, tmp_path / "onelead.dump")


def test_a_password_is_on_no_command_line() -> None:
    url = "postgresql://omar:pass%20word@db.example:5433/leads?sslmode=verify-full"
    environment = environment_for(url)
    assert environment["PGPASSWORD"] == "pass word"
    assert environment["PGHOST"] == "db.example"
    assert environment["PGDATABASE"] == "leads"
    assert environment["PGSSLMODE"] == "verify-full"
    with pytest.raises(NotPossible, match="sslpassword of the URL cannot be given"):
        environment_for(f"{url}&sslpassword=secret")


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    upkeep = PostgresqlUpkeep("postgresql://omar:secret@127.0.0.1:1/leads")
    for attempt in (
        lambda: upkeep.check_files(ignore),
        lambda: upkeep.back_up(tmp_path / "a.dump", replace=False, on_progress=ignore),
    ):
        with pytest.raises(
            DatabaseUnusable, match=r"leads at 127\.0\.0\.1 cannot be opened"
        ) as found:
            attempt()
        assert "secret" not in found.value.message


def test_the_server_is_asked_what_it_can_say(database: PostgresqlDatabase) -> None:
    upkeep = PostgresqlUpkeep(database.address)
    found = upkeep.check_files(ignore)
    assert found.findings == []
    assert "a superuser can add `CREATE EXTENSION amcheck`" in found.unchecked[-1]
    database.execute("CREATE EXTENSION amcheck")
    assert not any("amcheck" in text for text in upkeep.check_files(ignore).unchecked)
    database.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid::regclass::text = 'lead_by_name'"
    )
    (finding,) = upkeep.check_files(ignore).findings
    assert finding.line.startswith("index lead_by_name: it is not valid; run REINDEX")


def test_a_role_that_may_not_check_pages_is_told(database: PostgresqlDatabase) -> None:
    database.execute("CREATE EXTENSION amcheck")
    role = f"plain_{database.name}"
    database.execute(
        f"CREATE ROLE {role} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"
    )
    try:
        plain = urlsplit(database.address)
        url = plain._replace(netloc=f"{role}@{plain.netloc.rpartition('@')[2]}").geturl()
        found = PostgresqlUpkeep(url).check_files(ignore)
        assert found.findings == []
        assert "this role may not call amcheck's functions" in found.unchecked[-1]
    finally:
        database.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.mark.slow
def test_a_damaged_page_is_found() -> None:
    with PostgresqlServer() as server:
        url = server.url()
        engine = create_engine("postgresql+psycopg://", creator=partial(psycopg.connect, url))
        with engine.begin() as connection:
            migrate(connection)
            create_account(connection, 0, "Shop Ltd", "dana@shop.example")
        engine.dispose()
        with psycopg.connect(url, autocommit=True) as driver:
            driver.execute("CREATE EXTENSION amcheck")
            driver.execute(ADD_ROW.encode())
            assert PostgresqlUpkeep(url).check_files(ignore).findings == []
            found = driver.execute("SELECT pg_relation_filepath('ledger')").fetchone()
        assert found is not None
        server.stop()
        with (server.data / found[0]).open("r+b") as file:
            file.write(b"\xff" * 4096)
        server.start()
        lines = [one.line for one in PostgresqlUpkeep(url).check_files(ignore).findings]
        assert any("a page from 0 to 0 is damaged" in line for line in lines), lines


#: Ends the process as `kill -9` does at the n-th report of its progress.
KILLED = """
import os, signal, sys
from pathlib import Path
from onelead.storage.postgresql import programs, upkeep

url, file, command, left = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
programs._POLL_S = 0.001

def die(_text):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

getattr(upkeep.PostgresqlUpkeep(url), command)(file, replace=False, on_progress=die)
print("done")
"""


def killed(url: str, file: Path, command: str, step: int) -> bool:
    """Run a command, and kill it at a step; False if it ended before."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, url, file, command, str(step)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL or done.stdout == "done\n", done.stderr
    return not done.stdout


def wait_for_sessions(url: str) -> None:
    """Wait for the programs that a killed command has left, and for the server to notice."""
    others = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'onelead'"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        wait_until(lambda: connection.execute(others.encode()).fetchone() == (0,))


@pytest.mark.slow
def test_a_dump_that_is_killed_is_no_backup(database: PostgresqlDatabase, tmp_path: Path) -> None:
    dump = tmp_path / "onelead.dump"
    for step in (1, 3, 9):
        if killed(database.address, dump, "back_up", step):
            assert not dump.exists()
    wait_for_sessions(database.address)
    dump.unlink(missing_ok=True)
    assert back_up(database, dump) == ROWS
    assert [file.name for file in tmp_path.iterdir()] == ["onelead.dump"]


@pytest.mark.slow
def test_a_restore_that_is_killed_is_done_or_nothing(
    database: PostgresqlDatabase, tmp_path: Path
) -> None:
    dump = tmp_path / "onelead.dump"
    back_up(database, dump)
    for step in (1, 2, 3, 5, 9, 20):
        with empty_postgresql() as place:
            was_killed = killed(place.url, dump, "restore", step)
            wait_for_sessions(place.url)
            if restore_leaves_nothing(place):
                assert was_killed
                assert restore(place.url, dump) == ROWS
            else:
                assert rows_of(place.url) == ROWS
