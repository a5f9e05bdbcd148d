"""What a server has loaded before anybody needs it, as it keeps all of it as long as it lives."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from tests.support.commands.process import DEADLINE_S, Server, serving, wait_until
from tests.support.storage.empty_databases import EMPTY_DATABASES
from tests.support.tiers import slow_after

from onelead.app import on_store
from onelead.configuration import Configuration

#: What only the command line needs, a migration, the first page, or the documentation of the API.
FOR_OTHERS = {
    *("typer", "pydantic", "rich.console", "onelead.commands.cli", "onelead.prove", "onelead.demo"),
    *("alembic", "mako"),
    *("jinja2", "markupsafe", "babel", "heroicons", "pygal", "onelead.web.application"),
    "onelead.api.openapi",
    *("webauthn", "cryptography", "cbor2", "pyotp", "segno"),
}
#: What an engine does without.
FOR_ANOTHER_ENGINE = {
    "sqlite": {"psycopg", "sqlalchemy.orm", "sqlalchemy.ext.asyncio", "onelead.storage.postgresql"},
    "postgresql": {"onelead.storage.sqlite.store"},
}
_LINE = re.compile(r"^import time: +\d+ \| +\d+ \| *(\S+)$", re.MULTILINE)


def loaded(server: Server) -> set[str]:
    """Return the modules that the processes of a server have loaded so far."""
    return set(_LINE.findall(server.log))


@pytest.mark.parametrize("call", slow_after(1, ["sqlite", "postgresql", "postgresql --workers 2"]))
def test_a_server_loads_what_it_serves_and_the_pages_with_the_first_one(
    tmp_path: Path, call: str
) -> None:
    engine, *options = call.split()
    unneeded = FOR_OTHERS | FOR_ANOTHER_ENGINE[engine]
    with EMPTY_DATABASES[engine](tmp_path) as database:
        on_store(Configuration(database=database.url), lambda store: store.is_ready(), create=True)
        arguments = ("--database", database.url, *options)
        with serving(tmp_path, *arguments, PYTHONPROFILEIMPORTTIME="1") as server:
            request = server.printed_request()
            with httpx.Client(timeout=DEADLINE_S) as client:
                assert client.send(request).status_code == 200
                assert "onelead.api.application" in loaded(server)
                assert loaded(server) & unneeded == set()
                assert client.get(f"http://{request.url.netloc.decode()}/sign-in").is_success
                wait_until(lambda: {"onelead.web.application", "jinja2"} <= loaded(server))
