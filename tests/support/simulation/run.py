"""Many seeds of the simulation in several processes: `make simulate`."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from msgspec import Struct
from tests.support.simulation.simulation import Broken, simulate
from tests.support.storage.postgresql_server import memory_folder

_SEEDS_MAX = 1_000_000_000
_SHOWN_EVERY = 100


class Outcome(Struct, frozen=True):
    """What became of a seed."""

    seed: int
    trace_hash: str | None = None
    #: What was broken.
    failure: str | None = None


def main() -> int:
    """Try seeds, and print each that fails; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5_000, help="how many")
    parser.add_argument("--from", type=int, dest="first", help="the first; drawn if it is missing")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--traces", action="store_true", help="print the hash of each trace")
    options = parser.parse_args()
    drawn = secrets.randbelow(_SEEDS_MAX)
    first = drawn if options.first is None else options.first
    print(f"seeds {first} to {first + options.seeds - 1}", flush=True)  # noqa: T201
    failed = 0
    with ProcessPoolExecutor(options.processes) as pool:
        outcomes = pool.map(_outcome, range(first, first + options.seeds), chunksize=5)
        for done, outcome in enumerate(outcomes, 1):
            if outcome.failure is not None:
                failed += 1
                print(outcome.failure, flush=True)  # noqa: T201
            if options.traces:
                print(f"seed {outcome.seed}: {outcome.trace_hash}")  # noqa: T201
            elif done % _SHOWN_EVERY == 0:
                print(f"{done} seeds, {failed} failed", flush=True)  # noqa: T201
    print(f"{options.seeds} seeds, {failed} failed")  # noqa: T201
    return 1 if failed else 0


def _outcome(seed: int) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="onelead-simulation-", dir=memory_folder()) as folder:
        try:
            return Outcome(seed, simulate(seed, Path(folder)).trace_hash)
        except Broken as broken:
            return Outcome(seed, failure=str(broken))


if __name__ == "__main__":
    sys.exit(main())
