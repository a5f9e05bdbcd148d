"""Imports a large file twice, once with kills, compares the leads, and takes the import back.

Memory is the sum of the peaks of the command and of the process that prepares its rows.

    python -m benchmarks.large_import --rows 1000000 --kills 5

Seven of ten rows are people of their own; the others are the same people again. Some people are
known before. Each process is killed with kill -9, and the next one goes on; then both databases
must have the same leads, and after the undo the leads that were there before. SQLite, in a
temporary folder that is gone afterwards.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from benchmarks.processes import Failed, peak_bytes

_KNOWN = 20_000
_LOOK_S = 0.2
_HEADER = ("Name", "Email", "Phone", "Company", "Title", "City")
#: What an import and its undo leave behind by themselves.
_MOVING = ("version", "date_created", "date_modified")


def _write_file(file: Path, rows: int, people: int, title: str) -> None:
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(_HEADER)
        for row in range(rows):
            n = row % people
            last = f"{'abcdefghij'[n % 10]}{n // 10}".title()
            phone = f"+1512{n:07}"
            writer.writerow(
                (f"Nora {last}", f"p{n}@field.example", phone, f"Firm {n % 977}", title, "Austin")
            )


def _command(database: Path, *arguments: str) -> list[str]:
    url = f"sqlite:///{database}"
    return [sys.executable, "-m", "onelead", *arguments, "--database", url]


def _done(command: Sequence[str]) -> tuple[float, int]:
    """Run a command to its end; return the seconds that it took, and its peak memory in bytes."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peaks: dict[int, int] = {}
    while process.poll() is None:
        peaks |= peak_bytes(process.pid)
        time.sleep(_LOOK_S)
    if process.returncode:
        raise Failed(f"{' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - began, sum(peaks.values())


def _progress(database: Path) -> tuple[int, int]:
    """Return the number of the newest import, and how far it is in the file."""
    with closing(sqlite3.connect(database)) as connection:
        query = "SELECT number, line FROM file_import ORDER BY number DESC LIMIT 1"
        number, line = connection.execute(query).fetchone()
        return number, line


def _killed(command: Sequence[str], database: Path, line: int) -> bool:
    """Kill a command when it is beyond a line; return False if it ended before."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        if _progress(database)[1] >= line:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.05)
    if process.returncode:
        raise Failed(f"{' '.join(command)} ended with {process.returncode}")
    return False


def _leads(database: Path) -> dict[str, str]:
    """Return a digest of each lead by its e-mail, without what moves by itself."""
    found: dict[str, str] = {}
    with closing(sqlite3.connect(database)) as connection:
        for (document,) in connection.execute("SELECT document FROM lead ORDER BY id"):
            lead = msgspec.json.decode(document)
            kept = {name: value for name, value in lead.items() if name not in _MOVING}
            email = lead["email"]["email"]
            if email in found:
                raise Failed(f"{email} has two leads")
            found[email] = hashlib.sha256(msgspec.json.encode(kept, order="sorted")).hexdigest()
    return found


def _rows_in_ledger(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        query = "SELECT count(*) FROM ledger WHERE resource = 'lead'"
        return int(connection.execute(query).fetchone()[0])


def _prepared(folder: Path, name: str) -> Path:
    """Make a database with the known people; return its file."""
    database = folder / f"{name}.db"
    made = _command(database, "init", "--account", "Large", "--email", "dana@large.example")
    _done(made)
    _done(_command(database, "import", str(folder / "known.csv"), "--match", "email", "--yes"))
    return database


def _measure(folder: Path, rows: int, kills: int) -> None:
    people = rows * 7 // 10
    _write_file(folder / "known.csv", min(_KNOWN, people), people, "Known")
    _write_file(folder / "large.csv", rows, people, "Buyer")
    importing = ("import", str(folder / "large.csv"), "--match", "email", "--yes")
    whole, broken = _prepared(folder, "whole"), _prepared(folder, "broken")
    before, known_rows = _leads(broken), _rows_in_ledger(broken)

    seconds, peak = _done(_command(whole, *importing))
    speed, memory = rows / seconds, peak / 2**20
    print(f"without kills: {speed:,.0f} rows/s, with a peak of {memory:.0f} MiB", flush=True)

    command = _command(broken, *importing)
    for kill in range(kills):
        line = rows * (kill + random.Random(kill).random()) / kills
        if not _killed(command, broken, int(line)):
            raise Failed("the import ended before it could be killed")
        number, reached = _progress(broken)
        print(f"killed at line {reached:,} or soon after", flush=True)
        command = _command(broken, "import", "--resume", str(number), "--yes")
    _done(command)
    if _leads(whole) != _leads(broken):
        raise Failed("the leads differ from those without kills")
    written = _rows_in_ledger(broken) - known_rows
    if written != rows:
        raise Failed(f"{rows:,} rows have {written:,} ledger rows")
    print(f"{kills} kills: the same {len(_leads(broken)):,} leads, a ledger row each", flush=True)

    number, _line = _progress(broken)
    seconds, _peak = _done(_command(broken, "import", "--undo", str(number)))
    if _leads(broken) != before:
        raise Failed("the undo did not bring back what was there before")
    print(f"undone at {rows / seconds:,.0f} rows/s: the leads of before, and no others", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the databases are made")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="onelead-large-", dir=options.folder) as name:
        try:
            _measure(Path(name), options.rows, options.kills)
        except Failed as failure:
            sys.exit(f"large_import: {failure}")


if __name__ == "__main__":
    main()
