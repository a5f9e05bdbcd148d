"""A whole simulation from one seed: lives of a server, each ended otherwise, and what they leave.

A server starts, is checked, and takes deliveries while the disk fails, a command works on the same
file, and the clock is wrong; then it is killed, or the power fails, or it stops. The last life ends
in peace, and everything is compared.
"""

from __future__ import annotations

import logging
import random
from pathlib import Path

from msgspec import Struct
from structlog.testing import capture_logs
from tests.support.simulation.checks import broken_promises, unsound
from tests.support.simulation.clients import Clients
from tests.support.simulation.command import run_command
from tests.support.simulation.server import FILE, Server, SimulatedStore, StoreClass, started
from tests.support.simulation.template import template
from tests.support.simulation.world import Process, World

from onelead.domain.errors import DatabaseUnusable, StoreUnavailable

_LIVES = 3
_CLIENTS = 4
_CALLS_MAX = 6
_CLOCK_ERROR_S = 5_000


class Broken(AssertionError):
    """A promise was broken; the message says how to see it again."""


class Summary(Struct, frozen=True):
    """What a simulation was like."""

    trace_hash: str
    calls: int
    attempts: int
    answers: int
    deaths: int


def simulate(seed: int, folder: Path, store_class: StoreClass = SimulatedStore) -> Summary:
    """Run the simulation of a seed. Raises Broken."""
    template()
    world = World(seed, folder)
    simulation = Simulation(seed, world, store_class)
    logging.disable(logging.CRITICAL)
    try:
        with world.running(), capture_logs():
            simulation.run()
    except Exception as error:
        raise Broken(
            f"{error}\n\nseed {seed}; again with: make simulate ARGS='--from {seed} --seeds 1'\n"
            f"the last calls:\n{world.trace_end}"
        ) from error
    finally:
        logging.disable(logging.NOTSET)
    return simulation.summary()


class Simulation:
    """The lives of a server."""

    def __init__(self, seed: int, world: World, store_class: StoreClass) -> None:
        self._world = world
        self._chance = random.Random(f"lives {seed}")
        self._store_class = store_class
        self._clients = Clients(world, seed)
        self._deaths = 0
        world.disk.add(FILE, template().content)

    def run(self) -> None:
        """Live, die, and be checked."""
        for number in range(_LIVES):
            if self._chance.random() < 0.3:
                self._start_badly(f"early {number}")
            self._live(f"server {number}")
        self._world.faults.is_off = True
        self._world.power_fails_at = self._world.killed_at = None
        process, server = started(self._world, "last server", self._store_class)
        self._world.do(process, self._check(server, is_indexed=True))
        self._world.do(process, server.stop())
        self._world.do(self._world.start("reader"), _unsound(self._world))

    def summary(self) -> Summary:
        attempts = self._clients.history.attempts.values()
        answers = sum(attempt.answer is not None for attempt in attempts)
        world = self._world
        return Summary(world.trace_hash, world.calls, len(attempts), answers, self._deaths)

    def _start_badly(self, name: str) -> None:
        """Start while the disk fails, and die early: what a start does must not be needed."""
        world = self._world
        world.faults.is_off = False
        process = world.start(name)
        self._plan_death(calls=60)
        tried = process.loop.create_task(self._try_to_start(process))
        world.run(lambda: tried.done() or not process.is_alive)
        self._end(process)

    async def _try_to_start(self, process: Process) -> None:
        try:
            Server(self._world, process, self._store_class)
        except (DatabaseUnusable, StoreUnavailable) as error:
            self._world.note(f"no start: {type(error).__name__}")

    def _live(self, name: str) -> None:
        world, chance = self._world, self._chance
        world.faults.is_off = True
        world.clock_error_s = chance.choice((0, 0, chance.uniform(-1, 1) * _CLOCK_ERROR_S))
        process, server = started(world, name, self._store_class)
        self._world.do(process, self._check(server, is_indexed=False))
        world.faults.is_off = chance.random() < 0.3
        world.kills_after_failed_sync = chance.random() < 0.3
        if chance.random() < 0.7:
            self._plan_death(calls=900)
        clients = [
            process.loop.create_task(
                self._clients.deliver(server.store, server.writer, chance.randint(2, _CALLS_MAX))
            )
            for _ in range(_CLIENTS)
        ]
        command = world.start(f"command {name}") if chance.random() < 0.4 else None
        if command is not None:
            command.loop.create_task(run_command(world, command, self._clients, self._store_class))
        world.run(lambda: all(one.done() for one in clients) or not process.is_alive)
        self._leave(process, server)
        if command is not None:
            world.kill(command)

    def _leave(self, process: Process, server: Server) -> None:
        """End a life, in one way or another, if it has not ended."""
        world = self._world
        if process.is_alive and self._chance.random() < 0.4:
            stop = process.loop.create_task(server.stop())
            world.run(lambda: stop.done() or not process.is_alive)
        self._end(process)

    def _end(self, process: Process) -> None:
        world = self._world
        world.power_fails_at = world.killed_at = None
        self._deaths += not process.is_alive
        if process.is_alive and self._chance.random() < 0.5:
            world.cut_power()
        world.kill(process)

    def _plan_death(self, calls: int) -> None:
        world = self._world
        at = world.calls + self._chance.randint(1, calls)
        if self._chance.random() < 0.5:
            world.power_fails_at = at
        else:
            world.killed_at = at

    async def _check(self, server: Server, *, is_indexed: bool) -> None:
        await _unsound(self._world)
        account_id = template().account_id
        while is_indexed and await server.store.build_index(account_id):
            pass
        rows = await server.store.account_rows(account_id)
        found = broken_promises(self._clients.history, rows, is_indexed=is_indexed)
        if found:
            raise AssertionError("\n".join(found[:10]))


async def _unsound(world: World) -> None:
    if found := unsound(world.disk.folder / FILE):
        raise AssertionError("\n".join(found[:10]))
