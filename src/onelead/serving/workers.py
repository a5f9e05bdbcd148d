"""Several processes that serve one port, and the process that starts them.

The parent keeps a listening socket for each worker and restarts a worker that dies; connections
that arrive meanwhile wait at its socket. A worker that keeps dying is restarted after growing
pauses, with its socket closed, so that the others get its connections; so do those of a worker that
hangs, until it has been killed and replaced. Each worker holds one end of a pipe to the parent and
ends when the parent is gone.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct

from onelead.configuration import Configuration, child_environment
from onelead.domain.limits import (
    WORKER_FIRST_PAUSE_S,
    WORKER_PAUSE_S_MAX,
    WORKER_STOP_TIMEOUT_S,
    WORKER_YOUNG_S,
)
from onelead.process.metrics import forget_state_of
from onelead.serving.heartbeats import Watch
from onelead.serving.homes import door_of

_COMMAND = (sys.executable, "-m", "onelead.commands.worker")

log = structlog.get_logger(__name__)


class WorkerJob(Struct, frozen=True):
    """What the parent tells a worker: one line of JSON on its standard input."""

    #: From 1; the successor of a dead worker has the same number.
    number: int
    configuration: Configuration
    #: The file descriptor of the listening socket that the worker inherits.
    listener: int
    #: What the workers share, and nobody else can read: their metrics and their doors.
    folder: str
    #: The worker replaces one that hung.
    follows_hang: bool = False


class Pauses:
    """How long to wait before a dead worker is started again."""

    def __init__(self) -> None:
        self._pause_s = 0.0

    def after(self, life_s: float) -> float:
        """Return the seconds to wait after a worker that lived so long."""
        if life_s >= WORKER_YOUNG_S:
            self._pause_s = 0.0
            return 0.0
        pause_s = self._pause_s
        self._pause_s = min(max(pause_s * 2, WORKER_FIRST_PAUSE_S), WORKER_PAUSE_S_MAX)
        return pause_s


class Workers:
    """The workers of one port."""

    def __init__(
        self,
        configuration: Configuration,
        open_listener: Callable[[], socket.socket],
        folder: Path,
        *,
        command: Sequence[str] = _COMMAND,
    ) -> None:
        self._configuration = configuration
        self._open_listener = open_listener
        self._folder = folder
        self._on_started: Callable[[], None] = lambda: None
        self._command = command
        #: The workers that have neither served nor failed to start.
        self._not_started = set(range(1, configuration.workers + 1))
        self._has_served = False
        self._listeners: dict[int, socket.socket] = {}
        self._processes: dict[int, Process] = {}
        #: The workers whose predecessor hung.
        self._hung: set[int] = set()
        self._stopping = asyncio.Event()

    async def run(self, on_started: Callable[[], None]) -> None:
        """Keep the workers running until they are stopped, and return when all have ended.

        `on_started` is called once: when one serves, and every other serves or has failed to start.
        """
        self._on_started = on_started
        if self._stopping.is_set():
            return
        async with asyncio.TaskGroup() as group:
            for number in sorted(self._not_started):
                self._listeners[number] = self._open_listener()
                group.create_task(self._keep(number))

    def stop(self) -> None:
        """Let every worker answer what it has accepted, and end; a second call cuts off clients."""
        if self._stopping.is_set():
            self._signal(signal.SIGINT)
            return
        log.info("stopping", workers=len(self._processes))
        self._stopping.set()
        for listener in self._listeners.values():
            listener.close()
        self._signal(signal.SIGTERM)
        asyncio.get_running_loop().call_later(WORKER_STOP_TIMEOUT_S, self._signal, signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                process.send_signal(number)

    async def _keep(self, number: int) -> None:
        pauses = Pauses()
        while not self._stopping.is_set():
            began = time.monotonic()
            ended = await self._run_once(number)
            if not self._stopping.is_set():
                pause_s = pauses.after(time.monotonic() - began)
                log.warning(
                    "a worker has ended and is started again",
                    worker=number,
                    pause_s=pause_s,
                    **ended,
                )
                await self._rest(number, pause_s)

    async def _run_once(self, number: int) -> dict[str, object]:
        """Run a worker to its end and return the details for the log."""
        try:
            process = await self._start(number)
        except OSError as error:
            self._settle(number, False)  # noqa: FBT003
            return {"error": str(error)}
        exit_code = await self._watch(number, process)
        return {"pid": process.pid, "exit_code": exit_code}

    async def _start(self, number: int) -> Process:
        if self._listeners[number].fileno() < 0:
            # It was closed while the worker before hung, or rested.
            self._listeners[number] = self._open_listener()
        listener = self._listeners[number].fileno()
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=PIPE,
            stdout=PIPE,
            pass_fds=(listener,),
            # Ctrl-C in a terminal reaches a whole process group; the parent stops the workers.
            process_group=0,
            env=child_environment(PROMETHEUS_MULTIPROC_DIR=str(self._folder)),
        )
        assert process.stdin is not None
        job = WorkerJob(
            *(number, self._configuration, listener, str(self._folder)),
            follows_hang=number in self._hung,
        )
        # The pipe stays open as long as this process lives.
        process.stdin.write(msgspec.json.encode(job) + b"\n")
        return process

    async def _watch(self, number: int, process: Process) -> int:
        """Wait until a worker ends and return its exit code."""
        self._processes[number] = process
        if self._stopping.is_set():
            process.terminate()
        settle, fence = partial(self._settle, number), partial(self._fence, number)
        watch = Watch(number, process, settle=settle, fence=fence)
        exit_code = await watch.until_it_ends()
        (self._hung.add if watch.has_hung else self._hung.discard)(number)
        del self._processes[number]
        forget_state_of(number, self._folder)
        return exit_code

    def _fence(self, number: int) -> None:
        """Let the other workers have the connections that would come to this one."""
        listener = self._listeners[number]
        # The worker has the same socket and does not close it, so it is shut down for both.
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RD)
        listener.close()
        Path(door_of(self._folder, number)).unlink(missing_ok=True)

    def _settle(self, number: int, serves: bool) -> None:  # noqa: FBT001 - see Watch
        """Record whether a worker has started."""
        was_open = bool(self._not_started) or not self._has_served
        self._not_started.discard(number)
        self._has_served = self._has_served or serves
        is_open = bool(self._not_started) or not self._has_served
        if was_open and not is_open and not self._stopping.is_set():
            self._on_started()

    async def _rest(self, number: int, pause_s: float) -> None:
        if pause_s == 0:
            return
        self._listeners[number].close()
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._stopping.wait()
