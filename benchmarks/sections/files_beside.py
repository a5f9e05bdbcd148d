"""Single upserts from a few connections, alone and while the command imports a file beside them."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack

from benchmarks.contenders.contender import HttpContender
from benchmarks.contenders.onelead_server import ServedDatabase, onelead_serving
from benchmarks.file_rows import NEW, people_of, write_csv
from benchmarks.names import ONELEAD
from benchmarks.processes import Failed, running
from benchmarks.results import FileBesideRow
from benchmarks.run import ENGINES, Run
from benchmarks.seeding import Seed

CONNECTIONS = 4
_WARM_UP_S = 1
#: More rows than an import can write meanwhile.
_ROWS = 200_000
_BEGUN_TIMEOUT_S = 60
#: Nobody else has the people of these numbers.
_OTHERS = 1_000


def measure_files_beside(run: Run) -> list[FileBesideRow]:
    """Load each engine in turn with upserts, and with upserts beside an import."""
    rows = []
    with ExitStack() as servers:
        loads: dict[str, tuple[str, HttpContender, ServedDatabase | None]] = {}
        for engine in ENGINES:
            database = run.fresh_database(engine, Seed(run.size.few), f"files_beside_{engine}")
            server = servers.enter_context(onelead_serving(ONELEAD[engine], database, run.log))
            loads[f"{engine} alone"] = (engine, server, None)
            loads[f"{engine} beside"] = (engine, server, database)
            server.load(CONNECTIONS, _WARM_UP_S, number=run.next_load())
        for number, order in run.rounds(list(loads)):
            run.say(f"upserts beside an import, round {number}")
            rows += [_measured(run, *loads[name], number) for name in order]
    return rows


def _measured(
    run: Run, engine: str, server: HttpContender, database: ServedDatabase | None, number: int
) -> FileBesideRow:
    run.settle()
    if database is None:
        load = server.load(CONNECTIONS, run.size.seconds, number=run.next_load())
        return FileBesideRow(engine, number, load, is_beside=False)
    others = _OTHERS + number
    path = write_csv(run.folder / "beside.csv", NEW, _ROWS, others)
    first = next(people_of(NEW, _ROWS, others))
    command = [sys.executable, "-m", "onelead", "import", str(path), "--match", "email", "--yes"]
    with running([*command, "--database", database.url], run.log) as process:
        _wait_until_stored(database, first.email)
        load = server.load(CONNECTIONS, run.size.seconds, number=run.next_load())
        if process.poll() is not None:
            raise Failed("the import ended before the load beside it")
    return FileBesideRow(engine, number, load, is_beside=True)


def _wait_until_stored(database: ServedDatabase, email: str) -> None:
    """Wait until an import writes rows."""
    deadline = time.monotonic() + _BEGUN_TIMEOUT_S
    while not database.emails(email):
        if time.monotonic() > deadline:
            raise Failed("the import does not begin")
        time.sleep(0.2)
