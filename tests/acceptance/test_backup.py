"""Backups and checks while a server takes writes; what is restored can be served."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from tests.support.commands.load import Load
from tests.support.commands.process import DEADLINE_S, refusal, run, run_json, serving
from tests.support.storage.empty_databases import EmptyDatabase, empty_postgresql
from tests.support.storage.postgresql_server import (
    PostgresqlServer,
    ServerUnusable,
    client_programs,
)

pytestmark = pytest.mark.slow

NORA = "nora@field.example"
#: Twenty clients that wait so long after an answer send some hundreds of deliveries a second.
PAUSE_S = 0.03


class Backup(NamedTuple):
    """A database that is backed up while it is served, and where it is restored."""

    url: str
    restored: EmptyDatabase
    back_up: Callable[[], None]
    restore: Callable[[], None]


def a_backup(folder: Path, url: str, restored: EmptyDatabase) -> Backup:
    # The programs of PostgreSQL have to be those of the server's version.
    path = f"{client_programs(of_wheel=True)}{os.pathsep}{os.environ['PATH']}"

    def command(name: str, database: str) -> None:
        done = run(folder, name, "my.backup", "--database", database, PATH=path)
        # A slow one shows its progress on standard error.
        assert done.returncode == 0, done.stderr
        assert "ledger row" in done.stdout

    return Backup(
        *(url, restored),
        back_up=lambda: command("backup", url),
        restore=lambda: command("restore", restored.url),
    )


@contextmanager
def a_server(folder: Path) -> Iterator[Backup]:
    """Use a server with a database to serve and one to restore into."""
    try:
        server = PostgresqlServer()
    except (ServerUnusable, OSError) as error:
        pytest.skip(f"PostgreSQL cannot be started: {error}")
    with (
        server,
        empty_postgresql(server=server.url()) as served,
        empty_postgresql(server=server.url()) as restored,
    ):
        yield a_backup(folder, served.url, restored)


@contextmanager
def a_file(folder: Path) -> Iterator[Backup]:
    """Use a file to serve and one to restore into."""
    restored = EmptyDatabase(f"sqlite:///{folder / 'restored.db'}")
    yield a_backup(folder, f"sqlite:///{folder / 'onelead.db'}", restored)


WAYS: dict[str, Callable[[Path], AbstractContextManager[Backup]]] = {
    "sqlite": a_file,
    "postgresql": a_server,
}


@pytest.fixture(params=list(WAYS))
def backup(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backup]:
    """The database of each engine in turn."""
    with WAYS[request.param](tmp_path) as way:
        yield way


def calling(base_url: str, credentials: dict[str, str]) -> httpx.Client:
    return httpx.Client(base_url=base_url, headers=credentials, timeout=DEADLINE_S)


def fill(client: httpx.Client) -> dict[str, Any]:
    """Write some of everything, and return the definition that leads are matched by."""

    def send(method: str, path: str, body: Any = None) -> Any:
        response = client.request(method, path, json=body)
        assert response.status_code == 200, response.text
        return response.json()

    definition = {"name": "Number", "data_type": "String", "available_on": ["lead"]}
    number = send("POST", "/custom_field_definitions", {**definition, "is_filterable": True})
    options = [{"name": "Gold"}, {"name": "Silver"}]
    tier = {**definition, "name": "Tier", "data_type": "Dropdown", "options": options}
    send("POST", "/custom_field_definitions", tier)
    status = send("POST", "/lead_statuses", {"name": "Called"})
    send("POST", "/customer_sources", {"name": "Spring fair"})
    leads = [
        {
            "name": f"Lead {n}",
            "status_id": status["id"],
            "tags": ["fair", f"tag {n}"],
            "custom_fields": [{"custom_field_definition_id": number["id"], "value": f"A-{n}"}],
        }
        for n in range(10)
    ]
    first, second, *_ = send("POST", "/leads/bulk_create", {"leads": leads})
    send("PUT", f"/leads/{first['id']}", {"email": {"email": NORA, "category": "work"}})
    send("PUT", f"/leads/{first['id']}", {"details": "Ünïcode ☎ 名前"})
    send("DELETE", f"/leads/{second['id']}")
    return dict(number)


def everything(client: httpx.Client) -> list[tuple[Any, ...]]:
    """Return the answers to everything that can be asked."""
    lists = ("/custom_field_definitions", "/lead_statuses", "/customer_sources", "/tags")
    asked: list[tuple[str, str, Any]] = [
        *(("GET", path, None) for path in ("/account", "/users/me", *lists)),
        ("POST", "/users/search", {}),
        ("POST", "/leads/search", {"page_size": 200, "sort_by": "date_created"}),
        ("POST", "/leads/search", {"page_size": 3, "sort_direction": "desc"}),
        ("POST", "/leads/search", {"tags": ["tag 3"]}),
        ("POST", "/leads/search", {"emails": NORA}),
    ]
    for lead in client.post("/leads/search", json={"page_size": 200}).json():
        asked += [("GET", f"/leads/{lead['id']}{of}", None) for of in ("", "/history")]
    answers = []
    for method, path, body in asked:
        response = client.request(method, path, json=body)
        assert response.status_code == 200, response.text
        headers = dict(response.headers)
        del headers["x-request-id"], headers["date"]
        answers.append((method, path, body, response.text, headers))
    return answers


def upsert(email: str, **properties: Any) -> dict[str, Any]:
    return {
        "properties": {"name": "Nora Field"} | properties,
        "match": {"field_name": "email", "field_value": email},
    }


def test_what_is_restored_gives_the_same_answers_and_goes_on(
    backup: Backup, tmp_path: Path
) -> None:
    with serving(tmp_path, "--database", backup.url) as server:
        credentials = server.credentials()
        with calling(server.base_url, credentials) as client:
            number = fill(client)
            before = everything(client)
            backup.back_up()
            late = client.post("/leads", json={"name": "After the backup"}).json()
        assert server.stop() == 0
    backup.restore()
    with (
        serving(tmp_path, "--database", backup.restored.url) as server,
        calling(server.base_url, credentials) as client,
    ):
        assert "ol_" not in server.banner
        assert everything(client) == before
        total = int(client.post("/leads/search", json={}).headers["X-PW-TOTAL"])
        # The backup does not have the lead that was made after it.
        assert client.get(f"/leads/{late['id']}").status_code == 404
        created = client.post("/leads", json={"name": "New"})
        assert created.status_code == 200
        assert str(created.json()["id"]) not in "".join(text for *_, text, _headers in before)
        by_email = client.put("/leads/upsert", json=upsert(NORA, title="Buyer"))
        assert by_email.headers["Lead-Outcome"] == "updated"
        value = {"custom_field_definition_id": number["id"], "value": "A-0"}
        match = {"field_name": "custom", "field_value": value}
        again = upsert(NORA, title="Buyer") | {"match": match}
        by_number = client.put("/leads/upsert", json=again)
        assert by_number.headers["Lead-Outcome"] == "unchanged"
        assert by_number.json()["id"] == by_email.json()["id"]
        assert client.post("/lead_statuses", json={"name": "Won"}).status_code == 200
        found = client.post("/leads/search", json={})
        assert int(found.headers["X-PW-TOTAL"]) == total + 1
        assert server.stop() == 0


async def test_a_backup_under_load_is_of_one_moment(backup: Backup, tmp_path: Path) -> None:
    with serving(tmp_path, "--database", backup.url) as server:
        load = Load(server.credentials(), PAUSE_S)
        async with load.on(server.base_url):
            await load.reach(300)
            answered = dict(load.answered)
            await asyncio.to_thread(backup.back_up)
            await load.reach(len(load.answered) + 100)
            server.process.kill()
    backup.restore()
    with (
        serving(tmp_path, "--database", backup.restored.url) as server,
        calling(server.base_url, load.credentials) as client,
    ):
        for email, lead in answered.items():
            assert client.get(f"/leads/{lead['id']}").json() == lead
            again = client.put("/leads/upsert", json=upsert(email, name=lead["name"]))
            assert (again.json()["id"], again.headers["Lead-Outcome"]) == (lead["id"], "unchanged")
        assert server.stop() == 0
    with backup.restored.engine() as engine, engine.connect() as connection:
        lane = connection.exec_driver_sql("SELECT ledger_seq, lead_count FROM lane").one()
        rows = "SELECT (SELECT count(*) FROM ledger), (SELECT count(*) FROM lead)"
        assert tuple(lane) == tuple(connection.exec_driver_sql(rows).one())
        last = connection.exec_driver_sql("SELECT max(seq) FROM ledger").scalar()
        assert (last, lane.lead_count >= len(answered)) == (lane.ledger_seq, True)


def test_a_file_that_is_served_is_not_restored(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'onelead.db'}"
    command = ("my.backup", "--database", url, "--replace")
    with serving(tmp_path, "--database", url):
        assert run(tmp_path, "backup", *command).returncode == 0
        message = refusal(run(tmp_path, "restore", *command), 1)
        assert message.startswith("another onelead server is running on")
    done = run(tmp_path, "restore", *command)
    assert "The database that was there before is kept as" in done.stdout


def test_a_check_finds_nothing_while_a_server_is_busy(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'onelead.db'}"

    async def beside_load() -> None:
        with serving(tmp_path, "--database", url) as server:
            load = Load(server.credentials(), PAUSE_S)
            async with load.on(server.base_url):
                await load.reach(500)
                for _ in range(3):
                    done = await asyncio.to_thread(run, tmp_path, "check", "--database", url)
                    assert done.returncode == 0, done.stdout + done.stderr
                    assert done.stdout.startswith("Nothing contradicts anything.")
                server.process.kill()

    asyncio.run(beside_load())


def test_a_check_says_what_it_finds_and_a_server_does_not_start(tmp_path: Path) -> None:
    path = tmp_path / "onelead.db"
    url = f"sqlite:///{path}"
    with serving(tmp_path, "--database", url) as server:
        credentials = server.credentials()
        with calling(server.base_url, credentials) as client:
            for number in range(3):
                assert client.post("/leads", json={"name": f"Nora {number}"}).status_code == 200
        server.stop()
    assert run_json(tmp_path, "check", "--database", url)["passed"]["leads"] == 3
    with closing(sqlite3.connect(path)) as driver, driver:
        driver.execute("UPDATE lane SET ledger_seq = ledger_seq - 1")
    done = run(tmp_path, "check", "--database", url)
    assert (done.returncode, done.stderr) == (1, "")
    expected = "account 1, lane: its number is 2, and the newest ledger row has 3; restore a backup"
    assert expected in done.stdout
    assert run(tmp_path, "check", "--database", url, "--json").returncode == 1
    message = refusal(run(tmp_path, "serve", "--port", "0", "--database", url), 1)
    assert message.startswith(f"the database is not sound: {expected}")
    with path.open("r+b") as file:
        file.seek(30 * 4096)
        file.write(b"\xff" * 4096)
    assert "the database is not sound: file: " in refusal(
        run(tmp_path, "serve", "--port", "0", "--database", url), 1
    )
    done = run(tmp_path, "check", "--database", url)
    assert (done.returncode, done.stderr) == (1, "")
    assert "stop the server, keep the files, and restore" in done.stdout
