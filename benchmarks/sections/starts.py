"""From the start of the command to the first answer that needs the database; memory then."""

from __future__ import annotations

import time

import httpx

from benchmarks.contenders.onelead_server import (
    BASE_PATH,
    ServedDatabase,
    headers_of,
    serve_command,
)
from benchmarks.processes import Failed, free_port, resident_bytes, running
from benchmarks.results import StartRow
from benchmarks.run import ENGINES, Run

_TIMEOUT_S = 60
#: After the first page, the templates of the others are compiled.
_PREPARING_S = 3


def measure_starts(run: Run) -> list[StartRow]:
    """Start onelead on each engine, on an existing database."""
    rows = []
    for number, order in run.rounds(list(ENGINES)):
        run.say(f"start-up, round {number}")
        for engine in order:
            figures = _first_answers(run, run.database(engine, run.size.few))
            rows.append(StartRow(engine, number, *figures))
    return rows


def _first_answers(run: Run, database: ServedDatabase) -> tuple[float, int, int]:
    """Return the seconds to the first answer, and the memory then and after the first page."""
    port = free_port()
    account = f"http://127.0.0.1:{port}{BASE_PATH}/account"
    headers = headers_of(database.account)
    with httpx.Client(headers=headers) as client:
        start = time.perf_counter()
        with running(serve_command("onelead", database, port), run.log) as process:
            while time.perf_counter() - start < _TIMEOUT_S:
                try:
                    client.get(account).raise_for_status()
                except httpx.TransportError:
                    time.sleep(0.005)
                else:
                    seconds = time.perf_counter() - start
                    then = resident_bytes(process.pid)
                    client.get(f"http://127.0.0.1:{port}/sign-in").raise_for_status()
                    time.sleep(_PREPARING_S)
                    return seconds, then, resident_bytes(process.pid)
    raise Failed("onelead did not answer in time")
