"""The server processes of a proof: `onelead serve`, started, killed and started again.

They listen on free ports of this machine. Each has its own session, so that Ctrl-C ends the proof
and the proof ends them. Their logs go to temporary files.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO
from urllib.parse import urlsplit

from onelead.configuration import Configuration, child_environment
from onelead.domain.errors import NotPossible

START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 60.0
_LOG_LINES_SHOWN = 5
_BASE_URL = re.compile(rb"Base URL +(\S+)")
SERVE = (sys.executable, "-m", "onelead", "serve")


@dataclass
class ServerProcess:
    """One process, and the address it listens on."""

    command: Sequence[str]
    configuration: Configuration
    base_url: str = ""
    _process: Process | None = None
    _log: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    _listening: asyncio.Event = field(default_factory=asyncio.Event)
    _reader: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start, and wait until it listens. Raises NotPossible with the end of the log."""
        self._process = await asyncio.create_subprocess_exec(
            *self.command,
            env=child_environment(**self.configuration.variables()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=self._log,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                self.base_url = await self._printed_url(self._process)
        except TimeoutError:
            raise NotPossible(f"a server did not start in time\n  {self.log_tail}") from None
        self._reader = asyncio.create_task(_read_on(self._process))
        self._listening.set()

    async def _printed_url(self, process: Process) -> str:
        assert process.stdout is not None
        async for line in process.stdout:
            if found := _BASE_URL.search(line):
                return found[1].decode()
        raise NotPossible(f"a server did not start\n  {self.log_tail}")

    @property
    def pid(self) -> int:
        """The number of the process that was started last."""
        assert self._process is not None
        return self._process.pid

    @property
    def log_tail(self) -> str:
        """The last lines of its log."""
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").splitlines()
        return "\n  ".join(lines[-_LOG_LINES_SHOWN:])

    async def address(self) -> tuple[str, int]:
        """Return host and port, once it listens."""
        await self._listening.wait()
        url = urlsplit(self.base_url)
        assert url.hostname is not None
        return url.hostname, url.port or 80

    @property
    def has_ended(self) -> bool:
        """Whether it ended unexpectedly."""
        has_ended = self._process is not None and self._process.returncode is not None
        return has_ended and self._listening.is_set()

    def pause(self) -> Callable[[], None] | None:
        """Let it stand still, and return what lets it go on; None if it does not serve."""
        process = self._process
        if process is None or not self._listening.is_set() or process.returncode is not None:
            return None
        process.send_signal(signal.SIGSTOP)

        def go_on() -> None:
            # It may have been killed meanwhile.
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)

        return go_on

    async def kill(self) -> None:
        """Kill it without warning."""
        assert self._process is not None
        self._listening.clear()
        await self._end(self._process.kill)

    async def stop(self) -> None:
        """Stop it; it first answers what it has accepted."""
        self._listening.clear()
        if self._process is not None:
            try:
                async with asyncio.timeout(_STOP_TIMEOUT_S):
                    await self._end(self._process.terminate)
            except TimeoutError:
                await self._end(self._process.kill)

    async def _end(self, how: Callable[[], None]) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            how()
        await self._process.wait()
        await (self._reader or _read_on(self._process))

    async def abandon(self) -> None:
        """Kill it if it still runs, as the proof itself is ending."""
        if self._process is not None:
            await self._end(self._process.kill)
        self._log.close()


async def _read_on(process: Process) -> None:
    """Keep the pipe empty, so that the process never blocks on printing."""
    assert process.stdout is not None
    while await process.stdout.read(65_536):
        pass
