"""The results of a run as they are stored: raw figures per round, from which the page is made."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct, field

from benchmarks.contenders import pocketbase
from benchmarks.noise import PulseRow
from benchmarks.postgresql import SETTINGS, program
from benchmarks.processes import Failed
from benchmarks.ratios import Figures
from benchmarks.run import Size
from benchmarks.wrk import Load
from onelead import __version__


class InRound(Protocol):
    """A figure that belongs to a round."""

    @property
    def round(self) -> int:
        """Its number, from 1."""


Row = TypeVar("Row", bound=InRound)


class UpsertRow(Struct, frozen=True):
    """One contender under one load."""

    contender: str
    connections: int
    round: int
    load: Load
    #: Processor time per upsert, of the application and of its separate database.
    server_cpu_us: float
    database_cpu_us: float
    resident_bytes: int

    @property
    def cpu_us(self) -> float:
        """That of all processes together; the load generator is not one of them."""
        return self.server_cpu_us + self.database_cpu_us


class IdleRow(Struct, frozen=True):
    """The memory of a contender before its first answer."""

    contender: str
    resident_bytes: int


class RaceRow(Struct, frozen=True):
    """One race between clients that deliver the same new people."""

    contender: str
    round: int
    people: int
    deliveries: int
    #: Leads beyond one per person, people without a lead, and deliveries answered with an error.
    duplicates: int
    missing: int
    failed: int


class GrowthRow(Struct, frozen=True):
    """Upserts with this many people stored."""

    engine: str
    people: int
    round: int
    load: Load


class RefusalRow(Struct, frozen=True):
    """Refusals, or the upserts they are compared with, over one connection."""

    engine: str
    is_refusal: bool
    round: int
    load: Load


class MixRow(Struct, frozen=True):
    """What a real account sends: updates, creates, refusals and searches."""

    engine: str
    round: int
    load: Load
    #: Processor time per request, of all processes.
    cpu_us: float


class BesideRow(Struct, frozen=True):
    """Upserts, alone or beside clients that search."""

    engine: str
    round: int
    load: Load
    #: That of the clients that search.
    searches: Load | None = None


class SearchRow(Struct, frozen=True):
    """Searches of one kind over one connection."""

    engine: str
    criterion: str
    page: int
    round: int
    load: Load


class PageRow(Struct, frozen=True):
    """Loads of one page of the web application over one connection."""

    engine: str
    page: str
    round: int
    median_s: float
    slowest_s: float


class FileRow(Struct, frozen=True):
    """Rows that went in or out by one contender."""

    contender: str
    #: Empty for the others.
    engine: str
    #: Which rows.
    what: str
    round: int
    rows: int
    seconds: float

    @property
    def per_second(self) -> float:
        """The rows a second."""
        return self.rows / self.seconds


class FileBesideRow(Struct, frozen=True):
    """Upserts, alone or beside an import by the command."""

    engine: str
    round: int
    load: Load
    is_beside: bool


class StartRow(Struct, frozen=True):
    """How long a server took from its start to its first answer, and the memory it had then."""

    engine: str
    round: int
    seconds: float
    resident_bytes: int = 0
    #: After the first page for a browser.
    with_pages_bytes: int = 0


class Machine(Struct, frozen=True):
    """The machine and the programs of a run."""

    date: str
    processor: str
    processors: int
    memory_gib: int
    versions: dict[str, str]
    postgresql_settings: dict[str, str]


class Results(Struct):
    """Everything a run measured; a section that was left out has no rows."""

    machine: Machine
    size: Size
    upserts: list[UpsertRow] = field(default_factory=list)
    idle: list[IdleRow] = field(default_factory=list)
    races: list[RaceRow] = field(default_factory=list)
    growth: list[GrowthRow] = field(default_factory=list)
    #: PostgreSQL with the most leads, and with few in the same rounds.
    large: list[GrowthRow] = field(default_factory=list)
    mix: list[MixRow] = field(default_factory=list)
    beside: list[BesideRow] = field(default_factory=list)
    refusals: list[RefusalRow] = field(default_factory=list)
    searches: list[SearchRow] = field(default_factory=list)
    pages: list[PageRow] = field(default_factory=list)
    starts: list[StartRow] = field(default_factory=list)
    files: list[FileRow] = field(default_factory=list)
    files_beside: list[FileBesideRow] = field(default_factory=list)
    pulses: list[PulseRow] = field(default_factory=list)
    #: Why a section was left out.
    skipped: dict[str, str] = field(default_factory=dict)


def figures(rows: Sequence[Row], figure: Callable[[Row], float]) -> Figures:
    """Return a figure of each round; there must be one row per round."""
    found = {row.round: figure(row) for row in rows}
    assert len(found) == len(rows)
    return found


def write_results(results: Results, file: Path) -> None:
    """Store the results, a row a line."""
    file.parent.mkdir(parents=True, exist_ok=True)
    parts = (
        f"{_json(name)}: {_rows(part) if isinstance(part, list) else _json(part)}"
        for name, part in msgspec.structs.asdict(results).items()
    )
    file.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def _rows(rows: list[object]) -> str:
    return "[\n" + ",\n".join(_json(row) for row in rows) + "\n]" if rows else "[]"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def read_results(file: Path) -> Results:
    """Read stored results. Raises Failed if there are none."""
    if not file.exists():
        raise Failed(f"there is no {file}; a full run makes it")
    return msgspec.json.decode(file.read_bytes(), type=Results)


def this_machine() -> Machine:
    """Describe this machine and the programs on it."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        processor=_processor(),
        processors=len(os.sched_getaffinity(0)),
        memory_gib=round(memory_bytes / 2**30),
        versions={
            "onelead": __version__,
            "Python": platform.python_version(),
            "SQLite": sqlite3.sqlite_version,
            "PostgreSQL": _output([program("postgres"), "--version"]).split()[-1],
            "PocketBase": _output([pocketbase.program(), "--version"]).split()[-1],
            "wrk": _output(["wrk", "--version"]).split()[1],
            "Linux": platform.release().partition("-")[0],
        },
        postgresql_settings=SETTINGS,
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _output(command: Sequence[str | Path]) -> str:
    # wrk prints its version and then fails.
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
