"""Refusals because very many leads share a name, compared with upserts, over one connection."""

from __future__ import annotations

from contextlib import ExitStack

from msgspec.structs import replace

from benchmarks.contenders.contender import HttpContender
from benchmarks.contenders.onelead_server import onelead_serving
from benchmarks.names import ONELEAD
from benchmarks.people import SHARED_NAME
from benchmarks.processes import Failed
from benchmarks.results import RefusalRow
from benchmarks.run import ENGINES, Run

_WARM_UP_S = 1


def measure_refusals(run: Run) -> list[RefusalRow]:
    """Load each engine in turn with refusals and with upserts."""
    rows = []
    with ExitStack() as servers:
        loads: dict[str, tuple[str, bool, HttpContender]] = {}
        for engine in ENGINES:
            database = run.database(engine, run.size.many)
            upserts = servers.enter_context(onelead_serving(ONELEAD[engine], database, run.log))
            refusals = replace(
                upserts, script="refusal.lua", values={**upserts.values, "name": SHARED_NAME}
            )
            loads[f"{engine} upserts"] = (engine, False, upserts)
            loads[f"{engine} refusals"] = (engine, True, refusals)
        for _engine, _is_refusal, server in loads.values():
            server.load(1, _WARM_UP_S, number=run.next_load())
        for number, order in run.rounds(list(loads)):
            run.say(f"refusals, round {number}")
            rows += [_measured(run, loads[name], number) for name in order]
    return rows


def _measured(run: Run, requests: tuple[str, bool, HttpContender], number: int) -> RefusalRow:
    engine, is_refusal, server = requests
    run.settle()
    load = server.load(1, run.size.seconds, number=run.next_load())
    if load.refused != (load.requests if is_refusal else 0):
        raise Failed(f"{load.refused} of {load.requests} were refused")
    return RefusalRow(engine, is_refusal, number, load)
