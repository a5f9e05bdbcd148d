"""Several servers that start at the same moment on one empty PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from tests.support.commands.process import DEADLINE_S, Server, serving
from tests.support.storage.empty_databases import EmptyDatabase, empty_postgresql

pytestmark = pytest.mark.slow

_SERVERS = 4


@pytest.fixture
def database() -> Iterator[EmptyDatabase]:
    with empty_postgresql() as empty:
        yield empty


def test_one_migrates_and_one_makes_the_account_and_all_serve(
    database: EmptyDatabase, tmp_path: Path
) -> None:
    folders = [tmp_path / str(number) for number in range(_SERVERS)]
    with ExitStack() as stack, ThreadPoolExecutor(_SERVERS) as pool:

        def start(folder: Path) -> Server:
            folder.mkdir()
            return stack.enter_context(serving(folder, "--database", database.url))

        servers = list(pool.map(start, folders))
        assert not any("ol_" in server.banner for server in servers)
        (first,) = [server for server in servers if "ol_" in server.first_sign_in]
        assert all("onelead keys create" in s.first_sign_in for s in servers if s is not first)
        request = first.printed_request()
        answers = [_sent_to(server, request) for server in servers]
        assert [server.stop() for server in servers] == [0] * _SERVERS
    assert [answer.status_code for answer in answers] == [200] * _SERVERS
    outcomes = [answer.headers["Lead-Outcome"] for answer in answers]
    assert outcomes == ["created", *["unchanged"] * (_SERVERS - 1)]
    assert len({answer.json()["id"] for answer in answers}) == 1
    with database.engine() as engine, engine.connect() as connection:
        for table in ("account", "lane", '"user"', "api_key", "alembic_version"):
            found = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            assert (table, found) == (table, 1)


def _sent_to(server: Server, request: httpx.Request) -> httpx.Response:
    url = request.url.copy_with(port=server.port)
    return httpx.put(url, headers=request.headers, content=request.read(), timeout=DEADLINE_S)
