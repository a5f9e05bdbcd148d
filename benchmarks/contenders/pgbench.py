"""pgbench: one upsert of `pgbench_upsert.sql` per transaction, called inside the database.

It writes what onelead writes for such an upsert, the lead with its derived columns, its match
keys and its ledger row, into a copy of the same tables with the same indexes. There is no HTTP,
no JSON is decoded, no rule is checked and no receipt is made. Only deliveries of the same person
wait for each other: an advisory lock on the e-mail's digest takes the place of the lane, so that
different people are written at the same time and their commits are synced together.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from msgspec import Struct

from benchmarks.postgresql import PostgresqlServer, program
from benchmarks.processes import Failed
from benchmarks.seeding import SeededAccount
from benchmarks.wrk import Load

_FUNCTION = Path(__file__).with_name("pgbench_upsert.sql")
_SCRIPT = """
\\set person random(0, :people - 1)
\\set is_new random(0, 1)
\\set title random(1, 1000)
SELECT bench_upsert(:account_id, :person, :is_new, :title);
"""


class PgbenchContender(Struct, frozen=True):
    """The function in the database, and the program that calls it."""

    name: str
    server: PostgresqlServer
    database: str
    account: SeededAccount
    people: int

    def prepare(self) -> None:
        """Create the function."""
        self.server.execute(_FUNCTION.read_text(encoding="utf-8"), database=self.database)

    def load(self, connections: int, seconds: int, *, number: int) -> Load:
        """See Contender.

        Each session is a process that first has to load the tables' descriptions and plan the
        statements, which takes 20 ms; this warm-up is not counted.
        """
        warm_up_s = 1 + connections // 64
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "upsert.pgbench"
            script.write_text(_SCRIPT)
            command = [
                *(str(program("pgbench")), "--no-vacuum", "--protocol=prepared", "--log"),
                *(
                    f"--client={connections}",
                    f"--jobs={min(2, connections)}",
                    f"--time={warm_up_s + seconds}",
                ),
                *(f"--random-seed={number}", f"--log-prefix={folder}/log", f"--file={script}"),
                *(f"--define=people={self.people}",),
                *(f"--define=account_id={self.account.account_id}", self.server.url(self.database)),
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise Failed(f"pgbench failed: {done.stdout}{done.stderr}")
            return _load(_last_transactions(Path(folder), seconds), seconds)

    def server_cpu_s(self) -> float:
        """See Contender; there is no application."""
        return 0.0

    def database_cpu_s(self) -> float:
        """See Contender; left out, because most of it is spent on starting sessions."""
        return 0.0

    def resident_bytes(self) -> int:
        """See Contender; there is no application."""
        return 0


def _last_transactions(folder: Path, seconds: int) -> list[int]:
    """Return the microseconds of each transaction in the last seconds, in ascending order."""
    # A line of the log: client, number, microseconds, script, and its end in two parts.
    lines = [line.split() for log in folder.glob("log*") for line in log.read_text().splitlines()]
    ends = [int(line[4]) * 1_000_000 + int(line[5]) for line in lines]
    first = max(ends, default=0) - seconds * 1_000_000
    return sorted(int(line[2]) for line, end in zip(lines, ends, strict=True) if end > first)


def _load(took: list[int], seconds: int) -> Load:
    def percentile(share: float) -> float:
        return took[min(len(took) - 1, int(len(took) * share))] / 1000

    return Load(len(took), seconds, percentile(0.5), percentile(0.99), refused=0, broken=0)
