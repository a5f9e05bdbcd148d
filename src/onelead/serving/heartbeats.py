"""Heartbeats: how the parent notices that a worker hangs, and what becomes of it.

The event loop of a worker writes a byte to a pipe every second, so a loop that is stuck, or a
process that is stopped, falls silent. After a few seconds no new connections go there; after more
it is killed. The parent counts silence in its own looks and not by the clock: when it has stood
still itself, or the whole machine has, nobody was silent.
"""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import structlog

from onelead.domain.limits import (
    WORKER_BEAT_S,
    WORKER_HANGS_S,
    WORKER_SILENT_S,
    WORKER_START_TIMEOUT_S,
    WORKER_STOP_TIMEOUT_S,
)

#: What a worker writes to its standard output when it serves.
READY = b"ready\n"
_BEAT = b"."
_READ_BYTES = 4_096
_LOOK_S = 0.5

log = structlog.get_logger(__name__)


def serve_with_heartbeats(output: int) -> None:
    """Say that this process serves, and let its running loop beat from now on.

    The loop beats until it closes, while it stops, too.
    """
    os.write(output, READY)
    # A parent that stands still reads nothing, and must not make its workers hang.
    os.set_blocking(output, False)
    _beat(asyncio.get_running_loop(), output)


def _beat(loop: asyncio.AbstractEventLoop, output: int) -> None:
    # The pipe is full, or the parent has gone, which another thread looks after.
    with suppress(OSError):
        os.write(output, _BEAT)
    loop.call_later(WORKER_BEAT_S, _beat, loop, output)


class Pulse:
    """For how long a worker has been silent, and what that calls for."""

    def __init__(self) -> None:
        self._silent_s = 0.0
        self.serves = False
        #: Whether it was silent for so long that it gets no new connections any more.
        self.is_fenced = False

    @property
    def silent_s(self) -> float:
        """The seconds since the last heartbeat, as far as the parent was there to hear it."""
        return self._silent_s

    @property
    def hangs(self) -> bool:
        """Whether it has to be killed."""
        return self._silent_s >= (WORKER_HANGS_S if self.serves else WORKER_START_TIMEOUT_S)

    def beat(self) -> bool:
        """Take a heartbeat; say whether it is the first after a silence that fenced it."""
        was_silent, self._silent_s = self._silent_s >= WORKER_SILENT_S, 0.0
        return was_silent and self.is_fenced

    def look(self, passed_s: float) -> bool:
        """Add the time between two looks; say whether the worker has to be fenced now."""
        self._silent_s += passed_s
        is_new = self.serves and not self.is_fenced and self._silent_s >= WORKER_SILENT_S
        self.is_fenced = self.is_fenced or is_new
        return is_new


class Watch:
    """Looks after one worker until it ends.

    `fence` keeps new connections from it. One that answers again after that is asked to stop, so
    that it answers what it has, and a new one takes its place: its socket is gone.
    """

    def __init__(
        self,
        number: int,
        process: Process,
        *,
        settle: Callable[[bool], None],
        fence: Callable[[], None],
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`settle` is told once whether the worker serves; `rest` waits between two looks."""
        self._process = process
        self._fence = fence
        self._settle = settle
        self._rest = rest
        self._pulse = Pulse()
        #: Whether the worker was silent for so long that it has to be replaced.
        self.has_hung = False
        self._log = log.bind(worker=number, pid=process.pid)

    async def until_it_ends(self) -> int:
        """Return the exit code."""
        looking = asyncio.create_task(self._look())
        try:
            await self._listen()
            return await self._process.wait()
        finally:
            looking.cancel()

    async def _listen(self) -> None:
        output = self._process.stdout
        assert output is not None
        self._pulse.serves = await output.readline() == READY
        self._pulse.beat()
        self._settle(self._pulse.serves)
        while await output.read(_READ_BYTES):
            if self._pulse.beat():
                self._log.warning("a worker answers again and is replaced")
                self._signal(self._process.terminate)
                kill = partial(self._signal, self._process.kill)
                asyncio.get_running_loop().call_later(WORKER_STOP_TIMEOUT_S, kill)

    async def _look(self) -> None:
        while not self._pulse.hangs:
            await self._rest(_LOOK_S)
            if self._pulse.look(_LOOK_S):
                self._log.warning(
                    "a worker hangs and gets no new connections", silent_s=self._pulse.silent_s
                )
                self.has_hung = True
                self._fence()
        self._log.error("a worker hangs and is killed", silent_s=self._pulse.silent_s)
        self.has_hung = True
        self._signal(self._process.kill)

    @staticmethod
    def _signal(send: Callable[[], None]) -> None:
        with suppress(ProcessLookupError):
            send()
