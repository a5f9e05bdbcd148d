"""The programs `pg_dump` and `pg_restore`: finding them, running them, reading what they print.

They take the database from libpq's environment variables, because everyone on the machine can read
their arguments, and a URL can have a password.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from msgspec import Struct, field
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from onelead.configuration import child_environment
from onelead.contract.upkeep import Contents
from onelead.domain.errors import NotPossible
from onelead.storage.contents import AccountNumbers, verified
from onelead.storage.postgresql.connections import with_defaults

_POLL_S = 0.5
_ERROR_CHARS_MAX = 500
_END = b"\\.\n"


def program(name: str) -> str:
    """Return where a program is. Raises NotPossible."""
    found = shutil.which(name)
    if found is None:
        raise NotPossible(
            f"{name} is not in the PATH; install PostgreSQL's client programs, of the server's "
            "version or a later one, or use your own backups, see docs/operating.md"
        )
    return found


def require_version(pg_dump: str, server_version: int) -> None:
    """Refuse a pg_dump that is older than the server, a number such as 180002."""
    printed = _printed([pg_dump, "--version"]).strip()
    found = re.search(r"\d+", printed)
    needed = server_version // 10_000
    if found is None or int(found[0]) < needed:
        raise NotPossible(
            f"{printed} cannot dump a server of version {needed}; put that version's pg_dump and "
            "pg_restore first in the PATH"
        )


def require_listed(dump: Path, tables: Iterable[str]) -> None:
    """Refuse a dump that does not have the rows of all tables."""
    listed = set(
        re.findall(r" TABLE DATA \S+ (\S+) ", _printed([program("pg_restore"), "--list", dump]))
    )
    if missing := sorted(set(tables) - listed):
        raise NotPossible(f"the dump lacks the tables {', '.join(missing)}")


def _printed(command: Sequence[str | Path]) -> str:
    """Run a program that does not take long, and return what it printed. Raises NotPossible."""
    done = subprocess.run(  # noqa: S603 - the program that was found, and our own arguments
        command, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    _require_success(done.returncode, Path(command[0]).name, done.stderr)
    return done.stdout.decode(errors="replace")


def environment_for(url: str) -> dict[str, str]:
    """Return the environment in which libpq finds the database of a URL. Raises NotPossible."""
    names = {
        option.keyword.decode(): option.envvar.decode()
        for option in Conninfo.get_defaults()
        if option.envvar
    }
    given = conninfo_to_dict(with_defaults(url))
    if unknown := sorted(given.keys() - names.keys() - _TUNING):
        raise NotPossible(
            f"{', '.join(unknown)} of the URL cannot be given to PostgreSQL's programs; set it in "
            "a service file (PGSERVICEFILE)"
        )
    return child_environment(
        **{names[name]: str(value) for name, value in given.items() if name in names}
    )


#: What the programs can do without.
_TUNING = {
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
    *("tcp_user_timeout", "fallback_application_name"),
}


def run(
    arguments: Sequence[str | Path], environment: dict[str, str], on_poll: Callable[[], None]
) -> None:
    """Run a program to its end. Raises NotPossible with what it printed."""
    with subprocess.Popen(  # noqa: S603 - the program that was found, and our own arguments
        arguments, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        with ended_with(process):
            while True:
                try:
                    _output, printed = process.communicate(timeout=_POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    on_poll()
        _require_success(process.returncode, Path(arguments[0]).name, printed)


def _require_success(exit_code: int, name: str, printed: bytes) -> None:
    if exit_code:
        text = " ".join(printed.decode(errors="replace").split())[:_ERROR_CHARS_MAX]
        raise NotPossible(f"{name} failed: {text or f'exit code {exit_code}'}")


@contextmanager
def ended_with(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a program when the block does not end well, such as by Ctrl-C."""
    try:
        yield
    except BaseException:
        process.kill()
        raise


class _Dump(Struct):
    """What was read from a dump."""

    revisions: list[str] = field(default_factory=list)
    lanes: list[AccountNumbers] = field(default_factory=list)
    rows: Counter[int] = field(default_factory=Counter)
    leads: Counter[int] = field(default_factory=Counter)


def inspected(dump: Path, what: str, on_progress: Callable[[str], None]) -> Contents:
    """Read all of a dump, and compare what it holds with its own numbers.

    `what` names it. Raises NotPossible, DatabaseNewer.
    """
    on_progress("verifying")
    command = [program("pg_restore"), "--data-only", "--file=-", str(dump)]
    with (
        subprocess.Popen(  # noqa: S603 - as above
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process,
        ended_with(process),
    ):
        assert process.stdout is not None
        found = _read(process.stdout)
    if process.returncode:
        raise NotPossible(
            f"{what} is not a sound backup: pg_restore cannot read it; it may be damaged, or made "
            "by a later pg_dump"
        )
    return verified(what, found.revisions, found.lanes, rows=found.rows, leads=found.leads)


def _read(script: IO[bytes]) -> _Dump:
    """Read the rows of the tables that count from the COPY statements of a script."""
    found = _Dump()
    for line in script:
        if line.startswith(b"COPY "):
            head = line.decode()
            table = head.split()[1].rpartition(".")[2]
            columns = head[head.index("(") + 1 : head.index(")")].split(", ")
            for row in script:
                if row == _END:
                    break
                _add(found, table, columns, row)
    return found


def _add(found: _Dump, table: str, columns: Sequence[str], row: bytes) -> None:
    if table in ("ledger", "lead"):
        assert columns[0] == "account_id"
        counts = found.rows if table == "ledger" else found.leads
        counts[int(row[: row.index(b"\t")])] += 1
    elif table == "lane":
        named = dict(zip(columns, row.decode().split(), strict=True))
        found.lanes.append(AccountNumbers(*(int(named[name]) for name in AccountNumbers._fields)))
    elif table == "alembic_version":
        found.revisions.append(row.decode().strip())
