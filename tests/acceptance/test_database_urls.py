"""The URL of a PostgreSQL database is passed to libpq as it is: hosts, sockets, environment."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.commands.process import refusal, run, run_json
from tests.support.storage.postgresql_server import PostgresqlServer, ServerUnusable

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresqlServer]:
    """A separate server, as the one that the environment names may not have a socket here."""
    try:
        started = PostgresqlServer()
    except (ServerUnusable, OSError) as error:
        pytest.skip(f"PostgreSQL cannot be started: {error}")
    with started:
        yield started


def test_one_database_has_many_names(server: PostgresqlServer, tmp_path: Path) -> None:
    account = ("--account", "Shop Ltd", "--email", "dana@shop.example")
    with socket.socket() as silent:
        # It has the port and does not listen on it, so no one else does.
        silent.bind(("127.0.0.1", 0))
        hosts = f"127.0.0.1:{silent.getsockname()[1]},127.0.0.1:{server.port}"
        several = f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"
        made = run_json(tmp_path, "init", "--database", several, *account)
    folder = f"{server.socket_folder}"
    at_socket = f"postgresql://postgres@/postgres?host={folder}&port={server.port}"
    (key,) = run_json(tmp_path, "keys", "list", "--database", at_socket)
    assert key["email"] == made["email"]
    place = {"PGHOST": "127.0.0.1", "PGPORT": f"{server.port}", "PGUSER": "postgres"}
    by_environment = run(
        tmp_path, "keys", "list", ONELEAD_DATABASE="postgresql:///postgres", **place
    )
    assert made["email"] in by_environment.stdout


def test_what_libpq_cannot_read_is_refused_in_words(tmp_path: Path) -> None:
    url = "postgresql://onelead:secret@127.0.0.1/onelead?no_such_parameter=1"
    message = refusal(run(tmp_path, "keys", "list", "--database", url), 1)
    assert message == "the database's URL is not one that libpq can read"
