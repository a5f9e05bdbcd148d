"""The same upserts with few people stored and with a million; on PostgreSQL with five million."""

from __future__ import annotations

import shutil

from benchmarks.contenders.onelead_server import onelead_serving
from benchmarks.names import ONELEAD
from benchmarks.results import GrowthRow
from benchmarks.run import CACHE, ENGINES, Run
from benchmarks.sections.upserts import USUAL_CONNECTIONS
from benchmarks.seeding import POSTGRESQL_BYTES_A_LEAD, Seed

_WARM_UP_S = 1
_LARGE_ROUNDS_MAX = 4


class NoRoom(Exception):
    """The disk is too small for the section; the text says what is missing."""


def measure_growth(run: Run) -> list[GrowthRow]:
    """Load onelead with each number of people; every round starts with a fresh small database."""
    return _measured_in_turns(
        run, [(engine, people) for engine in ENGINES for people in (run.size.few, run.size.many)]
    )


def measure_large(run: Run) -> list[GrowthRow]:
    """Load PostgreSQL with the most people, and with few. Raises NoRoom."""
    few, most = run.size.few, run.size.most
    has_seed = run.postgresql.has_database(Seed(most).name)
    require_room(most, shutil.disk_usage(CACHE).free, copies=1 if has_seed else 2)
    try:
        pairs = [("postgresql", few), ("postgresql", most)]
        return _measured_in_turns(run, pairs, at_most=_LARGE_ROUNDS_MAX)
    finally:
        run.drop_postgresql(most)


def require_room(people: int, free: int, *, copies: int) -> None:
    """Check that the disk has room for so many copies of a seed. Raises NoRoom."""
    needed = copies * people * POSTGRESQL_BYTES_A_LEAD
    if free < needed:
        raise NoRoom(f"it needs {needed / 1e9:.0f} GB of disk, and {free / 1e9:.0f} GB are free")


def _measured_in_turns(
    run: Run, pairs: list[tuple[str, int]], *, at_most: int | None = None
) -> list[GrowthRow]:
    names = {f"{engine} {people}": (engine, people) for engine, people in pairs}
    rows = []
    for number, order in run.rounds(list(names), at_most=at_most):
        run.say(f"{run.section}, round {number}")
        rows += [_measured(run, *names[name], number) for name in order]
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
