"""The same upserts with few people stored and with a million."""

from __future__ import annotations

from benchmarks.contenders.onelead_server import onelead_serving
from benchmarks.names import ONELEAD
from benchmarks.results import GrowthRow
from benchmarks.run import ENGINES, Run
from benchmarks.sections.upserts import USUAL_CONNECTIONS
from benchmarks.seeding import Seed

_WARM_UP_S = 1


def measure_growth(run: Run) -> list[GrowthRow]:
    """Load onelead with each number of people; every round starts with a fresh small database."""
    sizes = (run.size.few, run.size.many)
    names = [f"{engine} {people}" for engine in ENGINES for people in sizes]
    rows = []
    for number, order in run.rounds(names):
        run.say(f"growth, round {number}")
        for name in order:
            engine, people = name.split()
            rows.append(_measured(run, engine, int(people), number))
    return rows


def _measured(run: Run, engine: str, people: int, number: int) -> GrowthRow:
    if people == run.size.few:
        database = run.fresh_database(engine, Seed(people), f"few_{engine}")
    else:
        database = run.database(engine, people)
    with onelead_serving(ONELEAD[engine], database, run.log) as server:
        server.load(USUAL_CONNECTIONS, _WARM_UP_S, number=run.next_load())
        run.settle()
        load = server.load(USUAL_CONNECTIONS, run.size.seconds, number=run.next_load())
    return GrowthRow(engine, people, number, load)
