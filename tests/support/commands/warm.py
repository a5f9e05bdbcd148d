"""Starts the command from a process that has loaded all of onelead: a second cheaper each time.

The process is started with the first command of a test process, and ends with it. It forks a
keeper for each command, which forks the command itself, says its number, waits for its end and
says how it ended.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import onelead

_ROOT = Path(__file__).parent.parent.parent.parent
_MESSAGE_BYTES_MAX = 2**17
#: Starts when it is imported.
_COMMAND = "onelead.__main__"
#: What commands load only when they need it.
_LATE = (
    *("alembic.command", "alembic.config", "heroicons.jinja", "pydantic.json_schema", "pygal"),
    *("rich.progress", "rich.table", "segno", "sqlalchemy.ext.asyncio", "typer._adapters"),
    *("typer.rich_utils", "webauthn"),
)


class WarmProcess:
    """A command that was started, as `subprocess.Popen` would show it."""

    def __init__(
        self, arguments: Sequence[str], folder: Path, env: dict[str, str], output: Sequence[IO[str]]
    ) -> None:
        """Start the command with files for what it prints and for its errors."""
        self._ended, told = socket.socketpair()
        self.returncode: int | None = None
        call = json.dumps([list(arguments), str(folder), env]).encode()
        with told, Path(os.devnull).open("rb") as nothing:
            files = [nothing.fileno(), *(file.fileno() for file in output), told.fileno()]
            socket.send_fds(_forker(), [call], files)
        self.pid = int.from_bytes(self._told())

    def poll(self) -> int | None:
        """Return how it ended, if it has."""
        if self.returncode is None and select.select([self._ended], [], [], 0)[0]:
            self.returncode = int.from_bytes(self._told(), signed=True)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return how it ended, once it has."""
        if not select.select([self._ended], [], [], timeout)[0]:
            assert timeout is not None
            raise subprocess.TimeoutExpired("onelead", timeout)
        code = self.poll()
        assert code is not None
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.wait()
        self._ended.close()

    def _told(self) -> bytes:
        told = self._ended.recv(4, socket.MSG_WAITALL)
        assert len(told) == 4, "the process that starts commands is gone"
        return told


@cache
def _forker() -> socket.socket:
    """Start the process that starts the others; it ends when this one does."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with there:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(there.fileno())],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[there.fileno()],
        )

    def end() -> None:
        here.close()
        process.wait()

    atexit.register(end)
    return here


def _load_all() -> None:
    for module in pkgutil.walk_packages(onelead.__path__, "onelead."):
        if module.name != _COMMAND and ".migrations." not in module.name:
            importlib.import_module(module.name)
    for name in _LATE:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def _fork_commands(calls: socket.socket) -> None:
    """Fork a keeper for each call until there are no more; return only in a command."""
    # Ctrl-C is meant for the commands.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        call, files, _flags, _from = socket.recv_fds(calls, _MESSAGE_BYTES_MAX, 4)
        if not call:
            sys.exit()
        if os.fork() == 0:
            calls.close()
            _keep(call, files)
            return
        for file in files:
            os.close(file)


def _keep(call: bytes, files: list[int]) -> None:
    """Fork the command, and say its number and how it ended; return only in the command."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *streams, told = files
    pid = os.fork()
    if pid == 0:
        _become(call, streams)
        os.close(told)
        return
    for stream in streams:
        os.close(stream)
    os.write(told, pid.to_bytes(4))
    _pid, status = os.waitpid(pid, 0)
    os.write(told, os.waitstatus_to_exitcode(status).to_bytes(4, signed=True))
    os._exit(0)


def _become(call: bytes, streams: list[int]) -> None:
    """Make this process what a new one would be."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    arguments, folder, env = json.loads(call)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    os.chdir(folder)
    sys.argv = ["onelead", *arguments]


if __name__ == "__main__":
    _load_all()
    _fork_commands(socket.socket(fileno=int(sys.argv[1])))
    importlib.import_module(_COMMAND)
