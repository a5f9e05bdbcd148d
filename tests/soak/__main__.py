"""A soak: mixed load with kills and pauses, while memory and open files have to stay flat.

Run as `make soak`, or `python -m tests.soak --minutes 30 --engine both`. It starts a server of its
own on each engine: one process on SQLite, three workers on PostgreSQL. It prints a table of what
each process had, says whether they are flat, and ends with 1 if they are not, or if a server gave
an answer that no request should get.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import kill
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP

from tests.soak.load import Account, Load, prepared
from tests.soak.samples import Samples, workers_of
from tests.support.storage.postgresql_server import PostgresqlServer

from onelead.configuration import Configuration, LogLevel, load_configuration
from onelead.prove.drive.processes import SERVE, ServerProcess
from onelead.serving.server import listening

SAMPLE_S = 5.0
#: How long a process lives before it is killed, if the run is long enough for two of these lives.
LIFE_S = 600.0
#: A process that has just started still grows for this long, or for half of its life.
WARM_UP_S = 240.0
#: Rarely one that is long enough for a worker to be given up.
PAUSES_S = (0.3, 1.0, 3.0, 7.0)
PAUSE_WEIGHTS = (20, 20, 9, 1)
PAUSE_EVERY_S = 15.0
WORKERS = 3
SMALL_CACHES = (sys.executable, str(Path(__file__).parent / "small_caches.py"))


@contextmanager
def configured(engine: str) -> Iterator[Configuration]:
    """Make a database while the block runs."""
    if engine == "sqlite":
        with tempfile.TemporaryDirectory(prefix="onelead-soak-") as folder:
            yield load_configuration({"database": f"sqlite:///{folder}/onelead.db"}, {})
    else:
        with PostgresqlServer(durable=True) as server:
            yield load_configuration({"database": server.url(), "workers": str(WORKERS)}, {})


class Soak:
    """One server under load, for a time."""

    def __init__(self, configuration: Configuration, account: Account, options: Options) -> None:
        self._seconds = options.minutes * 60
        self._life_s = min(LIFE_S, self._seconds / 2)
        self._chance = random.Random(options.seed)
        self._has_workers = configuration.workers > 1
        command = SERVE if self._has_workers else SMALL_CACHES
        self._server = ServerProcess(command, configuration)
        self._load = Load(account, options.rate, self._chance)
        self.samples = Samples(warm_up_s=min(WARM_UP_S, self._life_s / 2))
        self.kills = self.pauses = 0
        self._ends = time.monotonic() + self._seconds

    async def run(self) -> Load:
        """Soak the server, and return what was asked of it."""
        try:
            await self._server.start()
            self._ends = time.monotonic() + self._seconds
            async with asyncio.TaskGroup() as group:
                group.create_task(self._load.run(self._server, self._ends))
                group.create_task(self._sample())
                group.create_task(self._kill())
                group.create_task(self._pause())
            await self._server.stop()
        finally:
            await self._server.abandon()
        return self._load

    def _pids(self) -> list[int]:
        """Return the processes that serve; the parent of workers is not among them."""
        pid = self._server.pid
        return workers_of(pid) if self._has_workers else [pid]

    async def _sample(self) -> None:
        while time.monotonic() < self._ends:
            every = {*self._pids(), self._server.pid}
            self.samples.take(time.monotonic(), every)
            await asyncio.sleep(SAMPLE_S)

    async def _kill(self) -> None:
        rest_s = self._life_s / (WORKERS if self._has_workers else 1)
        # The last life is as long as the others.
        while time.monotonic() + 2 * rest_s < self._ends + 1:
            await asyncio.sleep(rest_s)
            self.kills += 1
            if self._has_workers:
                # The oldest one.
                kill(min(self._pids()), SIGKILL)
            else:
                await self._server.kill()
                await self._server.start()

    async def _pause(self) -> None:
        while time.monotonic() + 2 * PAUSE_EVERY_S < self._ends:
            await asyncio.sleep(self._chance.uniform(0.5, 1.5) * PAUSE_EVERY_S)
            (seconds,) = self._chance.choices(PAUSES_S, PAUSE_WEIGHTS)
            pids = self._pids()
            if pids:
                pid = self._chance.choice(pids)
                self.pauses += 1
                with suppress(ProcessLookupError):
                    kill(pid, SIGSTOP)
                    await asyncio.sleep(seconds)
                    kill(pid, SIGCONT)


class Options(argparse.Namespace):
    """What the command line says."""

    minutes: float
    engine: str
    rate: float
    seed: int


def options() -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="for each engine")
    parser.add_argument("--engine", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(namespace=Options())


async def soaked(engine: str, asked: Options) -> bool:
    """Soak one engine, print what was found, and say whether all is well."""
    with configured(engine) as configuration:
        own = on_a_free_port(configuration)
        account = await prepared(own)
        soak = Soak(own, account, asked)
        load = await soak.run()
    is_flat = soak.samples.is_flat
    lines = [
        f"{engine}: {soak.kills} kills, {soak.pauses} pauses, {load.summary()}",
        *soak.samples.table(),
        *(f"  unexpected: {text}" for text in load.unexpected),
        f"{engine}: {'FLAT' if is_flat else 'NOT FLAT'}\n\n",
    ]
    sys.stdout.write("\n".join(lines))
    sys.stdout.flush()
    return is_flat and not load.unexpected


def on_a_free_port(configuration: Configuration) -> Configuration:
    """Return the configuration of the server: on a free port, which it keeps when restarted."""
    with listening("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    return load_configuration(
        {
            "database": configuration.database,
            "workers": str(configuration.workers),
            "port": str(port),
            "log_level": LogLevel.ERROR.value,
        },
        {},
    )


def main() -> None:
    """Soak the engines one after the other."""
    asked = options()
    engines = ("sqlite", "postgresql") if asked.engine == "both" else (asked.engine,)
    are_well = [asyncio.run(soaked(engine, asked)) for engine in engines]
    sys.exit(not all(are_well))


if __name__ == "__main__":
    main()
