"""Checking, dumping and restoring a PostgreSQL database.

A dump is written by `pg_dump` and read by `pg_restore`, which know more about PostgreSQL than we.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from onelead.contract.exports import AccountLines, Loaded, OnProgress
from onelead.contract.upkeep import Contents, FilesChecked, Restored
from onelead.domain.errors import DatabaseUnusable, NotPossible
from onelead.storage.contents import AccountNumbers, verified
from onelead.storage.new_file import new_file
from onelead.storage.postgresql.connections import with_defaults
from onelead.storage.postgresql.exports import load_into
from onelead.storage.postgresql.file_check import Connection, check_server
from onelead.storage.postgresql.programs import (
    environment_for,
    inspected,
    program,
    require_listed,
    require_version,
    run,
)
from onelead.storage.postgresql.store import MIGRATION_LOCK, why_unusable
from onelead.storage.schema import metadata

_MIB = 1_048_576
_TABLES = sorted({"alembic_version", *(table.name for table in metadata.tables.values())})


class PostgresqlUpkeep:
    """The care for one database."""

    def __init__(self, url: str) -> None:
        self._url = url

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            with psycopg.connect(with_defaults(self._url), autocommit=True) as connection:
                yield connection
        except psycopg.OperationalError as error:
            raise DatabaseUnusable(why_unusable(self._url, error)) from error

    def check_files(self, on_progress: OnProgress) -> FilesChecked:
        """Ask the server."""
        with self._connected() as connection:
            return check_server(connection, on_progress)

    def back_up(self, file: Path, *, replace: bool, on_progress: OnProgress) -> Contents:
        """Dump the database as it is in one moment; writes go on meanwhile, and get slower."""
        pg_dump, environment = program("pg_dump"), environment_for(self._url)
        with self._connected() as connection:
            require_version(pg_dump, connection.info.server_version)
            tables = _tables_there(connection)
        if "lane" not in tables:
            raise NotPossible("the database has no tables of onelead")
        # Nothing else of the database, and no extension, which only a superuser could restore.
        chosen = [f"--table={name}" for name in tables.values()]
        with new_file(file, replace=replace) as part:

            def report() -> None:
                on_progress(f"dumped {part.stat().st_size // _MIB:,} MB")

            options = ("--format=custom", "--no-password", f"--file={part}")
            run([pg_dump, *options, *chosen], environment, report)
            require_listed(part, tables)
            return inspected(part, str(file), on_progress)

    def restore(self, file: Path, *, replace: bool, on_progress: OnProgress) -> Restored:
        """Restore a dump into an empty database, all of it or nothing."""
        if replace:
            raise NotPossible(
                "a PostgreSQL database is never replaced; restore into a new one, and set "
                "--database to it"
            )
        if not file.is_file():
            raise NotPossible(f"there is no backup {file}")
        environment = environment_for(self._url)
        contents = inspected(file, str(file), on_progress)
        with self._connected() as connection:
            # A server that starts meanwhile waits, and finds the tables.
            connection.execute("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
            _require_empty(connection)
            on_progress("restoring")
            options = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
            # The name alone, which is no secret; the rest is in the environment.
            where = f"--dbname={make_conninfo(dbname=connection.info.dbname)}"
            command = [program("pg_restore"), *options, "--no-password", where, str(file)]
            run(command, environment, lambda: on_progress("restoring"))
            on_progress("verifying")
            if _contents_of(connection) != contents:
                raise NotPossible(f"what was restored differs from {file}; drop the database")
            # The planner knows nothing about the new tables yet.
            connection.execute("ANALYZE")
        return Restored(contents, None)

    def load_account(self, account: AccountLines, now: int) -> Loaded:
        """Load an account in one transaction, which waits for nobody but new accounts."""
        try:
            return load_into(self._url, account, now)
        except psycopg.OperationalError as error:
            raise DatabaseUnusable(why_unusable(self._url, error)) from error


def _tables_there(connection: Connection) -> dict[str, str]:
    """Return the tables of onelead, by name, as patterns that mean them alone."""
    rows = connection.execute(
        "SELECT relname, format('%%I.%%I', nspname, relname) FROM pg_class"
        " JOIN pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE relkind IN ('r', 'p') AND relname = ANY(%s) AND pg_table_is_visible(pg_class.oid)",
        (_TABLES,),
    )
    return dict(rows.fetchall())


def _require_empty(connection: Connection) -> None:
    sessions = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'onelead' AND pid <> pg_backend_pid()"
    ).fetchone()
    if sessions and sessions[0]:
        raise NotPossible("onelead is connected to the database; stop every server first")
    if _tables_there(connection):
        raise NotPossible("the database has tables of onelead; restore into an empty one")


def _contents_of(connection: Connection) -> Contents:
    revisions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    lanes = connection.execute("SELECT account_id, ledger_seq, lead_count FROM lane").fetchall()
    rows = connection.execute("SELECT account_id, count(*) FROM ledger GROUP BY account_id")
    leads = connection.execute("SELECT account_id, count(*) FROM lead GROUP BY account_id")
    return verified(
        "what was restored",
        [revision for (revision,) in revisions],
        [AccountNumbers(*lane) for lane in lanes],
        rows=dict(rows.fetchall()),
        leads=dict(leads.fetchall()),
    )
