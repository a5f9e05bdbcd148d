"""From the start of the command to the first answer that needs the database."""

from __future__ import annotations

import time

import httpx

from benchmarks.contenders.onelead_server import (
    BASE_PATH,
    ServedDatabase,
    headers_of,
    serve_command,
)
from benchmarks.processes import Failed, free_port, running
from benchmarks.results import StartRow
from benchmarks.run import ENGINES, Run

_TIMEOUT_S = 60


def measure_starts(run: Run) -> list[StartRow]:
    """Start onelead on each engine, on an existing database."""
    rows = []
    for number, order in run.rounds(list(ENGINES)):
        run.say(f"start-up, round {number}")
        for engine in order:
            seconds = _seconds_to_first_answer(run, run.database(engine, run.size.few))
            rows.append(StartRow(engine, number, seconds))
    return rows


def _seconds_to_first_answer(run: Run, database: ServedDatabase) -> float:
    port = free_port()
    account = f"http://127.0.0.1:{port}{BASE_PATH}/account"
    headers = headers_of(database.account)
    with httpx.Client(headers=headers) as client:
        start = time.perf_counter()
        with running(serve_command("onelead", database, port), run.log):
            while time.perf_counter() - start < _TIMEOUT_S:
                try:
                    client.get(account).raise_for_status()
                except httpx.TransportError:
                    time.sleep(0.005)
                else:
                    return time.perf_counter() - start
    raise Failed("onelead did not answer in time")
