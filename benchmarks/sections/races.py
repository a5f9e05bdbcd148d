"""The race: 64 clients deliver 200 new people ten times each, at the same time.

Speed is not measured; what counts is what is stored afterwards, and what was answered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import ExitStack

from benchmarks.connection import Connection
from benchmarks.contenders import one_transaction_server
from benchmarks.contenders.contender import Racer
from benchmarks.contenders.fastapi_service import fastapi_serving, fill_fastapi
from benchmarks.contenders.onelead_server import onelead_serving
from benchmarks.contenders.pocketbase import pocketbase_serving
from benchmarks.names import ONE_EACH, ONELEAD, Name
from benchmarks.results import RaceRow
from benchmarks.run import ENGINES, Run
from benchmarks.seeding import Seed

CLIENTS, PEOPLE, DELIVERIES = 64, 200, 10
_ROUNDS_MAX = 3
_ISOLATION = {Name.FASTAPI: "READ COMMITTED", Name.FASTAPI_SERIALIZABLE: "SERIALIZABLE"}


def measure_races(run: Run) -> list[RaceRow]:
    """Race every contender in up to three rounds, each with other people."""
    rows = []
    with ExitStack() as servers:
        racers = {each.name: each for each in _racers(run, servers)}
        for number, order in run.rounds(list(racers), at_most=_ROUNDS_MAX):
            run.say(f"race, round {number}")
            rows += [asyncio.run(_race(racers[name], number)) for name in order]
    return rows


def _racers(run: Run, servers: ExitStack) -> list[Racer]:
    people = run.size.few
    racers: list[Racer] = []
    for engine in ENGINES:
        database = run.fresh_database(engine, Seed(people), f"race_{engine}")
        racers.append(servers.enter_context(onelead_serving(ONELEAD[engine], database, run.log)))
        alone = run.fresh_database(engine, Seed(people), f"race_alone_{engine}")
        serving = onelead_serving(
            ONE_EACH[engine], alone, run.log, module=one_transaction_server.__name__
        )
        racers.append(servers.enter_context(serving))
    for name, isolation in _ISOLATION.items():
        database_name = f"race_{isolation.lower().replace(' ', '_')}"
        fill_fastapi(run.postgresql, database_name, people)
        service = fastapi_serving(
            *(name, run.postgresql, database_name, people, run.log), isolation=isolation
        )
        racers.append(servers.enter_context(service))
    pocketbase = pocketbase_serving(run.folder / "race_pocketbase", people, run.log)
    return [*racers, *servers.enter_context(pocketbase)]


async def _race(racer: Racer, number: int) -> RaceRow:
    """Deliver each person's ten deliveries close together, from clients that never pause."""
    # Contenders that share a server share its records.
    ending = f"{number}.{list(Name).index(Name(racer.name))}.race.example"
    emails = [f"person{person}@{ending}" for person in range(PEOPLE)]
    waiting = deque((email, f"Buyer {turn}") for email in emails for turn in range(DELIVERIES))
    failed = 0

    async def deliver() -> None:
        nonlocal failed
        async with Connection(racer.port) as connection:
            while waiting:
                failed += not await racer.deliver(connection, *waiting.popleft())

    async with asyncio.TaskGroup() as clients:
        for _ in range(CLIENTS):
            clients.create_task(deliver())
    stored = await asyncio.to_thread(racer.stored_emails, ending)
    return RaceRow(
        contender=racer.name,
        round=number,
        people=PEOPLE,
        deliveries=PEOPLE * DELIVERIES,
        duplicates=len(stored) - len(set(stored)),
        missing=PEOPLE - len(set(stored)),
        failed=failed,
    )
