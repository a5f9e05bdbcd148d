"""One run: its size, its folders, and the seeded databases that its sections share."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from benchmarks.contenders.onelead_server import ServedDatabase, on_postgresql, on_sqlite
from benchmarks.noise import PulseRow, loop_ms
from benchmarks.people import with_own_name
from benchmarks.postgresql import PostgresqlServer, postgresql_running
from benchmarks.seeding import Seed, is_current, seed_postgresql, seed_sqlite

ENGINES = ("postgresql", "sqlite")
CACHE = Path("build/benchmarks/cache")


@dataclass(frozen=True)
class Size:
    """How much a run measures."""

    rounds: int
    #: The length of a load.
    seconds: int
    connections: tuple[int, ...]
    #: People stored before the contenders are compared.
    people: int
    #: People stored before growth, refusals and searches are measured: few and many.
    few: int
    many: int
    #: People stored on PostgreSQL before growth is measured once more.
    most: int = 0
    #: The rows of a file that is imported.
    file_rows: int = 30_000


FULL = Size(5, 3, (1, 16, 64, 256), 100_000, 10_000, 1_000_000, 5_000_000)
QUICK = Size(1, 1, (1, 64), 20_000, 2_000, 50_000, 100_000, 3_000)


@dataclass
class Run:
    """What the sections of a run share."""

    size: Size
    folder: Path
    postgresql: PostgresqlServer
    console: Console
    #: The section that is measured now, and how steady the machine was in each round.
    section: str = ""
    pulses: list[PulseRow] = field(default_factory=list)
    _loops_ms: list[float] = field(default_factory=list)
    _databases: dict[tuple[str, Seed], ServedDatabase] = field(default_factory=dict)
    _loads: int = 0

    @property
    def log(self) -> Path:
        """The file for the output of all servers."""
        return self.folder / "servers.log"

    def next_load(self) -> int:
        """Return a number that no other load of this run has."""
        self._loads += 1
        return self._loads

    def database(self, engine: str, people: int, *, accounts: int = 1) -> ServedDatabase:
        """Return the run's copy of a seeded database; sections use it one after another."""
        seed = Seed(people, accounts)
        if (engine, seed) not in self._databases:
            copied = self.fresh_database(engine, seed, f"{engine}_{people}_{accounts}")
            self._databases[engine, seed] = copied
        return self._databases[engine, seed]

    def fresh_database(self, engine: str, seed: Seed, name: str) -> ServedDatabase:
        """Return a new copy of a seeded database."""
        people = with_own_name(seed.people)
        if engine == "sqlite":
            file, accounts = seed_sqlite(seed, CACHE)
            copied = Path(shutil.copyfile(file, self.folder / f"{name}.db"))
            return on_sqlite(copied, accounts, people)
        template, accounts = seed_postgresql(seed, self.postgresql, CACHE)
        self.postgresql.copy_database(template, name)
        return on_postgresql(self.postgresql, name, accounts, people)

    def drop_postgresql(self, people: int) -> None:
        """Delete the run's copy of a seeded database, which takes much of the disk."""
        if self._databases.pop(("postgresql", Seed(people)), None) is not None:
            self.postgresql.execute(f"DROP DATABASE postgresql_{people}_1 WITH (FORCE)")

    def settle(self) -> None:
        """Flush dirty pages, so that no load pays for the one before it; time the fixed loop."""
        self.postgresql.settle()
        os.sync()
        self._loops_ms.append(loop_ms())

    def rounds(
        self, names: list[str], *, at_most: int | None = None
    ) -> Iterator[tuple[int, list[str]]]:
        """Return each round with its order, which rotates so that nothing always comes first."""
        for number in range(min(self.size.rounds, at_most or self.size.rounds)):
            self._loops_ms = [loop_ms()]
            at = number % len(names)
            yield number + 1, names[at:] + names[:at]
            self.pulses.append(PulseRow(self.section, number + 1, self._loops_ms))

    def say(self, line: str) -> None:
        """Print the progress of the run."""
        self.console.print(f"{time.strftime('%H:%M:%S')} {line}", highlight=False)


@contextmanager
def a_run(size: Size, console: Console) -> Iterator[Run]:
    """Prepare a run, and clean up however it ends."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=CACHE.parent, prefix="run-") as name:
        folder = Path(name)
        data = (CACHE / "postgresql").resolve()
        with postgresql_running(data, folder / "servers.log") as server:
            run = Run(size, folder, server, console)
            # No other run uses this data, so anything else in it is left over from aborted runs.
            _clear(server, folder)
            try:
                yield run
            finally:
                _clear(server, folder)


def _clear(server: PostgresqlServer, own_folder: Path) -> None:
    """Delete all databases but those that a later run can start from."""
    for (name,) in server.rows("SELECT datname FROM pg_database WHERE oid >= 16384"):
        if not is_current(name):
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    for file in CACHE.glob("seed_*"):
        if not is_current(file.name.partition(".")[0]):
            file.unlink()
    for folder in CACHE.parent.glob("run-*"):
        if folder != own_folder:
            shutil.rmtree(folder)
