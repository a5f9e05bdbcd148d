"""The installed command as a real process: run it, serve with it, and call the server.

A process is forked from one that has loaded all of onelead, except where a test asks for one that
loads it itself, or where Python is told how to do that.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx
from tests.support.commands.warm import WarmProcess

#: What a test waits for comes quickly, unless the machine stalls for seconds at a time. It says
#: nothing about how fast something is.
DEADLINE_S = 60.0
_COMMAND = (sys.executable, "-m", "onelead")
Process = subprocess.Popen[str] | WarmProcess


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder until it ends."""
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as printed,
        tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
    ):
        with _started(folder, arguments, variables, (printed, errors)) as process:
            try:
                code = process.wait(DEADLINE_S)
            finally:
                process.kill()
        for file in (printed, errors):
            file.seek(0)
        return subprocess.CompletedProcess(arguments, code, printed.read(), errors.read())


def run_json(folder: Path, *arguments: str) -> Any:
    """Run a command that has to succeed and return the JSON that it printed."""
    done = run(folder, *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def refusal(done: subprocess.CompletedProcess[str], exit_code: int) -> str:
    """Return the one line with which a command was refused."""
    assert (done.returncode, done.stdout) == (exit_code, "")
    (line,) = done.stderr.splitlines()
    start, _, message = line.partition("onelead: ")
    assert start == ""
    return message


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that must soon become true."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


@dataclass
class Server:
    """A server process that listens."""

    process: Process
    banner: str
    log_file: Path
    #: Where it was started, and the options that name its database.
    folder: Path
    database: Sequence[str] = ()

    @property
    def base_url(self) -> str:
        """What the banner says."""
        found = re.search(r"Base URL +(\S+)", self.banner)
        assert found is not None, self.banner
        return found[1]

    @property
    def port(self) -> int:
        """The port of the base URL."""
        return httpx.URL(self.base_url).port or 80

    @property
    def log(self) -> str:
        """What the process has logged so far."""
        return self.log_file.read_text(encoding="utf-8")

    @property
    def first_sign_in(self) -> str:
        """What is in the private file that the banner names; empty without one."""
        found = re.search(r"(/\S+\.first-sign-in)\n", self.banner)
        return Path(found[1]).read_text(encoding="utf-8") if found else ""

    def printed_request(self) -> httpx.Request:
        """Return the request that the curl command for the first account would send."""
        words = shlex.split(self.first_sign_in.partition("Try it:")[2].replace("\\\n", ""))
        assert words[:2] == ["curl", "-X"]
        headers = dict(
            words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H"
        )
        body = words[words.index("-d") + 1]
        return httpx.Request(words[2], words[3], headers=headers, content=body)

    def credentials(self) -> dict[str, str]:
        """Return the headers of a new key of the account, for everything its admin may do."""
        made = run_json(self.folder, "keys", "create", *self.database)
        return credentials_of(made)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)


def credentials_of(made: dict[str, Any]) -> dict[str, str]:
    """Return the headers for what `init` or `keys create` printed."""
    return {
        "x-pw-accesstoken": made["api_key"],
        "x-pw-application": "developer_api",
        "x-pw-useremail": made["email"],
    }


@contextmanager
def serving(
    folder: Path,
    *arguments: str,
    command: str = "serve",
    port: int = 0,
    is_cold: bool = False,
    **variables: str,
) -> Iterator[Server]:
    """Serve from a folder; the block begins once the server listens."""
    call = (command, "--port", str(port), *arguments)
    log_file = folder / "server.log"
    reader, writer = os.pipe()
    with os.fdopen(reader) as printed, log_file.open("a", encoding="utf-8") as log:
        with os.fdopen(writer, "w") as into:
            process = _started(folder, call, variables, (into, log), is_cold=is_cold)
        with process:
            try:
                at = arguments.index("--database") if "--database" in arguments else len(arguments)
                database = arguments[at : at + 2]
                yield Server(process, _banner(printed, log_file), log_file, folder, database)
            finally:
                process.kill()


def _banner(printed: IO[str], log_file: Path) -> str:
    """Read what is printed, up to the end of the banner."""
    text = b""
    # Several may start at the same time, and each has to load all of Python.
    deadline = time.monotonic() + 2 * DEADLINE_S
    with selectors.DefaultSelector() as selector:
        selector.register(printed, selectors.EVENT_READ)
        while not text.endswith(b"\n\n"):
            assert selector.select(deadline - time.monotonic()), "no banner in time"
            piece = os.read(printed.fileno(), 65_536)
            assert piece, log_file.read_text(encoding="utf-8")
            text += piece
    return text.decode()


def _started(
    folder: Path,
    arguments: Sequence[str],
    variables: dict[str, str],
    output: tuple[IO[str], IO[str]],
    *,
    is_cold: bool = False,
) -> Process:
    """Start the command with files for what it prints and for its errors."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ONELEAD_")}
    env = own | variables
    is_for_python = any(name.startswith("PYTHON") for name in variables)
    if sys.platform == "linux" and not is_cold and not is_for_python:
        return WarmProcess(arguments, folder, env, output)
    call = [*_COMMAND, *arguments]
    printed, errors = output
    return subprocess.Popen(call, cwd=folder, env=env, stdout=printed, stderr=errors, text=True)
