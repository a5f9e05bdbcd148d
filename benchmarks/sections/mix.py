"""What a real account sends: 70 % updates, 20 % creates, 5 % refused, 5 % searches.

The searches are by e-mail, phone and tag; the refused ones match by a name that many leads share.
The shares are those of `load/mix.lua`.
"""

from __future__ import annotations

import math
from contextlib import ExitStack

from msgspec.structs import replace

from benchmarks.contenders.contender import HttpContender
from benchmarks.contenders.onelead_server import onelead_serving
from benchmarks.names import ONELEAD
from benchmarks.people import SHARED_NAME
from benchmarks.processes import Failed
from benchmarks.results import MixRow
from benchmarks.run import ENGINES, Run
from benchmarks.sections.searches import SEARCH_PATH, criteria
from benchmarks.sections.upserts import USUAL_CONNECTIONS

_WARM_UP_S = 1
_SEARCHED_BY = ("e-mail", "phone", "tag")
_REFUSED_SHARE = 0.05


def measure_mix(run: Run) -> list[MixRow]:
    """Load each engine in turn with the mix."""
    rows = []
    with ExitStack() as servers:
        loads: dict[str, HttpContender] = {}
        for engine in ENGINES:
            database = run.database(engine, run.size.people)
            texts = criteria(database, run.size.people)
            server = servers.enter_context(onelead_serving(ONELEAD[engine], database, run.log))
            values = {
                **server.values,
                "name": SHARED_NAME,
                "criterion": "|".join(texts[kind] for kind in _SEARCHED_BY),
                "page": 1,
                "search_path": SEARCH_PATH,
            }
            loads[engine] = replace(server, script="mix.lua", values=values)
        for server in loads.values():
            server.load(USUAL_CONNECTIONS, _WARM_UP_S, number=run.next_load())
        for number, order in run.rounds(list(loads)):
            run.say(f"the mix of an account, round {number}")
            rows += [_measured(run, engine, loads[engine], number) for engine in order]
    return rows


def _measured(run: Run, engine: str, server: HttpContender, number: int) -> MixRow:
    run.settle()
    before_s = server.server_cpu_s() + server.database_cpu_s()
    load = server.load(USUAL_CONNECTIONS, run.size.seconds, number=run.next_load())
    cpu_s = server.server_cpu_s() + server.database_cpu_s() - before_s
    if not is_by_chance(load.refused, load.requests):
        raise Failed(f"{load.refused} of {load.requests} in the mix were refused")
    return MixRow(engine, number, load, round(cpu_s / load.requests * 1e6, 1))


def is_by_chance(refused: int, requests: int) -> bool:
    """Say whether so many refusals are what the script's chance brings, and no more."""
    expected = requests * _REFUSED_SHARE
    deviation = math.sqrt(expected * (1 - _REFUSED_SHARE))
    return abs(refused - expected) <= 5 * deviation
