"""Upserts over HTTP, compared between contenders, with 1 to 256 connections."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.contenders import one_transaction_server
from benchmarks.contenders.contender import Contender
from benchmarks.contenders.fastapi_service import fastapi_serving, fill_fastapi
from benchmarks.contenders.null_server import null_serving
from benchmarks.contenders.onelead_server import onelead_serving
from benchmarks.contenders.pgbench import PgbenchContender
from benchmarks.contenders.pocketbase import pocketbase_serving
from benchmarks.names import ONE_EACH, ONELEAD, Name
from benchmarks.results import IdleRow, UpsertRow
from benchmarks.run import ENGINES, Run
from benchmarks.seeding import Seed

#: The number at which all contenders are compared.
USUAL_CONNECTIONS = 64
LONE = 1
#: Those that are measured with fewer numbers of connections, so that the run ends in time.
_CONNECTIONS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys((Name.NULL, *ONE_EACH.values()), (USUAL_CONNECTIONS,)),
    **dict.fromkeys(
        (Name.POCKETBASE_BATCH, Name.POCKETBASE_SEARCH_FULL, Name.POCKETBASE_BATCH_FULL),
        (LONE, USUAL_CONNECTIONS),
    ),
}
#: Long enough to see every account of the contender that has 256 of them.
_WARM_UP_S = 3


def measure_upserts(run: Run) -> tuple[list[UpsertRow], list[IdleRow]]:
    """Load every contender in every round with every number of connections."""
    rows = []
    with ExitStack() as servers:
        contenders = {each.name: each for each in _contenders(run, servers)}
        idle = [IdleRow(name, each.resident_bytes()) for name, each in contenders.items()]
        for each in contenders.values():
            each.load(USUAL_CONNECTIONS, _WARM_UP_S, number=run.next_load())
        for number, order in run.rounds(list(contenders)):
            for connections in run.size.connections:
                run.say(f"upserts, round {number}, {connections} connections")
                rows += [
                    _measured(run, contenders[name], connections, number)
                    for name in order
                    if connections in _CONNECTIONS.get(name, run.size.connections)
                ]
    return rows, idle


def _contenders(run: Run, servers: ExitStack) -> list[Contender]:
    """Start every contender on its own database, with the same people."""
    people, postgresql = run.size.people, run.postgresql
    contenders: list[Contender] = []
    for engine in ENGINES:
        database = run.database(engine, people)
        contenders.append(
            servers.enter_context(onelead_serving(ONELEAD[engine], database, run.log))
        )
        accounts = one_transaction_server.ACCOUNTS if engine == "postgresql" else 1
        alone = run.fresh_database(engine, Seed(people, accounts), f"alone_{engine}")
        serving = onelead_serving(
            ONE_EACH[engine], alone, run.log, module=one_transaction_server.__name__
        )
        contenders.append(servers.enter_context(serving))
    called = run.fresh_database("postgresql", Seed(people), "called")
    pgbench = PgbenchContender(Name.PGBENCH, postgresql, "called", called.account, called.people)
    pgbench.prepare()
    fill_fastapi(postgresql, "fastapi", people)
    fastapi = fastapi_serving(Name.FASTAPI, postgresql, "fastapi", people, run.log)
    pocketbase = pocketbase_serving(run.folder / "pocketbase", people, run.log)
    synced = pocketbase_serving(run.folder / "pocketbase_full", people, run.log, is_full=True)
    return [
        *contenders,
        pgbench,
        servers.enter_context(fastapi),
        *servers.enter_context(pocketbase),
        *servers.enter_context(synced),
        servers.enter_context(null_serving(Name.NULL, people, run.log)),
    ]


def _measured(run: Run, contender: Contender, connections: int, number: int) -> UpsertRow:
    run.settle()
    server_s, database_s = contender.server_cpu_s(), contender.database_cpu_s()
    load = contender.load(connections, run.size.seconds, number=run.next_load())
    upserts = max(1, load.requests)
    return UpsertRow(
        contender=contender.name,
        connections=connections,
        round=number,
        load=load,
        server_cpu_us=round((contender.server_cpu_s() - server_s) / upserts * 1e6, 1),
        database_cpu_us=round((contender.database_cpu_s() - database_s) / upserts * 1e6, 1),
        resident_bytes=contender.resident_bytes(),
    )
