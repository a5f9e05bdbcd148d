"""Upserts from 64 connections, alone and beside sixteen clients that search without a pause.

The searches are of every kind that `searches` measures, so some count thousands of matches.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from benchmarks.contenders.contender import HttpContender
from benchmarks.contenders.onelead_server import onelead_serving
from benchmarks.names import ONELEAD
from benchmarks.processes import Failed
from benchmarks.results import BesideRow
from benchmarks.run import ENGINES, Run
from benchmarks.sections.searches import criteria, searching
from benchmarks.sections.upserts import USUAL_CONNECTIONS

SEARCHING = 16
_WARM_UP_S = 1
#: The searches begin before the upserts, and end after them.
_LEAD_S = 1


def measure_beside(run: Run) -> list[BesideRow]:
    """Load each engine in turn with upserts, and with upserts beside searches."""
    rows = []
    with ExitStack() as servers:
        loads: dict[str, tuple[str, HttpContender, HttpContender | None]] = {}
        for engine in ENGINES:
            database = run.database(engine, run.size.people)
            server = servers.enter_context(onelead_serving(ONELEAD[engine], database, run.log))
            every_kind = "|".join(criteria(database, run.size.people).values())
            loads[f"{engine} alone"] = (engine, server, None)
            loads[f"{engine} beside"] = (engine, server, searching(server, every_kind, page=1))
            server.load(USUAL_CONNECTIONS, _WARM_UP_S, number=run.next_load())
        for number, order in run.rounds(list(loads)):
            run.say(f"upserts beside searches, round {number}")
            rows += [_measured(run, *loads[name], number) for name in order]
    return rows


def _measured(
    run: Run, engine: str, upserts: HttpContender, searches: HttpContender | None, number: int
) -> BesideRow:
    run.settle()
    if searches is None:
        load = upserts.load(USUAL_CONNECTIONS, run.size.seconds, number=run.next_load())
        return BesideRow(engine, number, load)
    seconds = run.size.seconds + 2 * _LEAD_S
    with ThreadPoolExecutor(1) as other:
        searched = other.submit(searches.load, SEARCHING, seconds, number=run.next_load())
        time.sleep(_LEAD_S)
        load = upserts.load(USUAL_CONNECTIONS, run.size.seconds, number=run.next_load())
    found = searched.result()
    if found.refused:
        raise Failed(f"{found.refused} of {found.requests} searches were refused")
    return BesideRow(engine, number, load, found)
