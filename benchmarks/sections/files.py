"""Files in and out: rows a second of imports, bulk upserts, exports and loads, and of others.

Every contender takes the same rows in, round by round: a file of new people, one of which half are
known, and one of known people. A command is measured from its start to its end. COPY takes in what
the first file leaves behind, into the same tables without any rule.
"""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
from msgspec import Struct

from benchmarks.connection import Connection
from benchmarks.contenders.contender import HttpContender
from benchmarks.contenders.fastapi_service import fastapi_serving, fill_fastapi
from benchmarks.contenders.onelead_server import (
    BASE_PATH,
    PATH,
    ServedDatabase,
    headers_of,
    on_postgresql,
    on_sqlite,
    onelead_serving,
)
from benchmarks.contenders.plain_rows import PlainRows, plain_rows
from benchmarks.contenders.pocketbase import (
    BATCH,
    RECORDS,
    PocketbaseContender,
    pocketbase_serving,
)
from benchmarks.file_rows import FILES, NEW, lines_of, people_of, properties_of, write_csv
from benchmarks.names import ONELEAD, Name
from benchmarks.people import Person
from benchmarks.processes import Failed
from benchmarks.results import FileRow
from benchmarks.run import ENGINES, Run
from benchmarks.seeding import Seed

_BATCH = 50
IMPORT, BULK, COPY = "onelead import", "onelead, bulk upsert", "COPY"
EXPORT, LOAD = "onelead export", "onelead load"
POCKETBASE = f"PocketBase, batches of {_BATCH}"
EVERYTHING = "everything"
_ROUNDS_MAX = 3
_CALL_LINES = 5_000
#: A service that takes one lead a call has so many clients, and takes in a part of the rows.
_CLIENTS, _PART = 16, 10
#: As a new account has it.
_EMPTY = Seed(1)


class _Job(Struct, frozen=True):
    """What a contender does in a round: returns the rows, and the seconds that they took."""

    contender: str
    engine: str
    what: str
    do: Callable[[int], tuple[int, float]]


def measure_files(run: Run) -> list[FileRow]:
    """Measure every contender with every file, and exports and loads."""
    found = []
    with ExitStack() as servers:
        jobs = list(_jobs(run, servers))
        by_contender: dict[str, list[_Job]] = {}
        for job in jobs:
            by_contender.setdefault(f"{job.contender} {job.engine}", []).append(job)
        for number, order in run.rounds(list(by_contender), at_most=_ROUNDS_MAX):
            run.say(f"files, round {number}")
            # Of one contender, the files come in their order: each knows the people of the last.
            for job in (job for name in order for job in by_contender[name]):
                run.settle()
                rows, seconds = job.do(number)
                found.append(FileRow(job.contender, job.engine, job.what, number, rows, seconds))
    return found


def _jobs(run: Run, servers: ExitStack) -> Iterator[_Job]:
    for engine in ENGINES:
        imported = run.fresh_database(engine, _EMPTY, f"files_{engine}")
        sent = run.fresh_database(engine, _EMPTY, f"bulk_{engine}")
        server = servers.enter_context(onelead_serving(ONELEAD[engine], sent, run.log))
        yield _Job(COPY, engine, NEW, _copier(run, engine))
        for file in FILES:
            yield _Job(IMPORT, engine, file, _importer(run, imported, file))
            yield _Job(BULK, engine, file, _bulk_sender(run, server, sent, file))
        yield _Job(EXPORT, engine, EVERYTHING, _exporter(run, engine, imported))
        yield _Job(LOAD, engine, EVERYTHING, _loader(run, engine))
    fill_fastapi(run.postgresql, "files_fastapi", run.size.few)
    fastapi = servers.enter_context(
        fastapi_serving(Name.FASTAPI, run.postgresql, "files_fastapi", run.size.few, run.log)
    )
    _search, pocketbase = servers.enter_context(
        pocketbase_serving(run.folder / "files_pocketbase", run.size.few, run.log)
    )
    for file in FILES:
        yield _Job(Name.FASTAPI, "", file, _one_by_one(run, fastapi, file))
        yield _Job(POCKETBASE, "", file, _in_batches(run, pocketbase, file))


# --- onelead -------------------------------------------------------------------------------------


def command_s(database: ServedDatabase, *arguments: str) -> float:
    """Run a command of onelead to its end, and return the seconds that it took."""
    command = [sys.executable, "-m", "onelead", *arguments, "--database", database.url]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(arguments)} failed: {done.stderr[-2000:]}")
    return time.perf_counter() - began


def import_s(run: Run, database: ServedDatabase, file: str, rows: int, number: int) -> float:
    """Import a file of rows, and return the seconds that it took."""
    path = write_csv(run.folder / "rows.csv", file, rows, number)
    # A source of its own has rows of its own.
    source = f"{file} {number}"
    return command_s(database, "import", str(path), "--match", "email", "--source", source, "--yes")


def _importer(run: Run, database: ServedDatabase, file: str) -> Callable[[int], tuple[int, float]]:
    rows = run.size.file_rows
    return lambda number: (rows, import_s(run, database, file, rows, number))


def _bulk_sender(
    run: Run, server: HttpContender, database: ServedDatabase, file: str
) -> Callable[[int], tuple[int, float]]:
    url = f"http://127.0.0.1:{server.port}{BASE_PATH}/leads/bulk_upsert"
    headers = {**headers_of(database.account), "Content-Type": "application/x-ndjson"}

    def send(number: int) -> tuple[int, float]:
        lines = lines_of(file, run.size.file_rows, number)
        calls = [
            b"\n".join(lines[first : first + _CALL_LINES])
            for first in range(0, len(lines), _CALL_LINES)
        ]
        receipts = 0
        with httpx.Client(timeout=600) as client:
            began = time.perf_counter()
            for content in calls:
                answer = client.put(url, content=content, headers=headers)
                receipts += answer.text.count('"id"')
            seconds = time.perf_counter() - began
        if receipts != len(lines):
            raise Failed(f"{len(lines)} lines have {receipts} receipts with a lead")
        return len(lines), seconds

    return send


def _exporter(
    run: Run, engine: str, database: ServedDatabase
) -> Callable[[int], tuple[int, float]]:
    out = _export_file(run, engine)

    def export(_number: int) -> tuple[int, float]:
        seconds = command_s(database, "export", "--out", str(out), "--replace")
        return _lines(out), seconds

    return export


def _loader(run: Run, engine: str) -> Callable[[int], tuple[int, float]]:
    out = _export_file(run, engine)

    def load(number: int) -> tuple[int, float]:
        name = f"load_{engine}_{number}"
        if engine == "sqlite":
            target = on_sqlite(run.folder / f"{name}.db", (), 0)
        else:
            run.postgresql.execute(f"CREATE DATABASE {name}")
            target = on_postgresql(run.postgresql, name, (), 0)
        return _lines(out), command_s(target, "load", str(out))

    return load


def _export_file(run: Run, engine: str) -> Path:
    return run.folder / f"{engine}.jsonl"


def _lines(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for _ in lines)


# --- The others ----------------------------------------------------------------------------------


def _plain(run: Run, engine: str) -> PlainRows:
    """Have the first file imported once, and return what it leaves behind."""
    before = run.fresh_database(engine, _EMPTY, f"plain_before_{engine}")
    after = run.fresh_database(engine, _EMPTY, f"plain_after_{engine}")
    import_s(run, after, NEW, run.size.file_rows, 0)
    return plain_rows(before, after, run.size.file_rows)


def _copier(run: Run, engine: str) -> Callable[[int], tuple[int, float]]:
    plain = _plain(run, engine)

    def copy(number: int) -> tuple[int, float]:
        target = run.fresh_database(engine, _EMPTY, f"copy_{engine}_{number}")
        run.settle()
        return plain.rows, plain.write(target)

    return copy


def _one_by_one(run: Run, server: HttpContender, file: str) -> Callable[[int], tuple[int, float]]:
    """Return what sends each row as a call of its own, from several clients."""

    def calls(number: int) -> list[Call]:
        rows = run.size.file_rows // _PART
        match = "email"
        return [
            (
                "PUT",
                PATH,
                {
                    "properties": properties_of(person, file),
                    "match": {"field_name": match, "field_value": person.email},
                },
            )
            for person in people_of(file, rows, number)
        ]

    return _caller(run.size.file_rows // _PART, server, calls)


def _in_batches(
    run: Run, contender: PocketbaseContender, file: str
) -> Callable[[int], tuple[int, float]]:
    """Return what sends rows by PocketBase's batch API, by ids that the client derives."""

    def calls(number: int) -> list[Call]:
        people = people_of(file, run.size.file_rows, number)
        sent = []
        while batch := list(islice(people, _BATCH)):
            puts = [
                {"method": "PUT", "url": RECORDS, "body": _record(person, file)} for person in batch
            ]
            sent.append(("POST", BATCH, {"requests": puts}))
        return sent

    return _caller(run.size.file_rows, contender.server, calls)


def _record(person: Person, file: str) -> dict[str, Any]:
    found = properties_of(person, file)
    record_id = hashlib.sha256(person.email.encode()).hexdigest()[:15]
    return {**found, "id": record_id, "email": person.email}


#: Method, path and body.
Call = tuple[str, str, dict[str, Any]]


def _caller(
    rows: int, server: HttpContender, calls: Callable[[int], list[Call]]
) -> Callable[[int], tuple[int, float]]:
    def send(number: int) -> tuple[int, float]:
        waiting = iter(calls(number))
        began = time.perf_counter()
        asyncio.run(_send_all(server, waiting))
        return rows, time.perf_counter() - began

    return send


async def _send_all(server: HttpContender, waiting: Iterator[Call]) -> None:
    async def client() -> None:
        async with Connection(server.port) as connection:
            for method, path, body in waiting:
                status, answer = await connection.call(method, path, server.headers, body)
                if status != HTTPStatus.OK:
                    raise Failed(f"{server.name} answered {status}: {answer[:500]!r}")

    async with asyncio.TaskGroup() as clients:
        for _ in range(_CLIENTS):
            clients.create_task(client())
