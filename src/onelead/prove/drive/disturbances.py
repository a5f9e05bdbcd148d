"""What goes wrong during a proof: processes are killed or stand still, the database crashes.

A PostgreSQL server takes the sudden death of one of its processes for a crash: it ends all sessions
and recovers from its log. Where this user may not signal it, its sessions are ended instead. SQLite
has no server: its writes are in the process that serves, which is killed.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from onelead.domain.errors import StoreUnavailable
from onelead.domain.limits import ABANDONED_TRANSACTION_S, WORKER_HANGS_S
from onelead.prove.drive.processes import ServerProcess

#: The shortest and the longest time until the next disturbance of each kind.
_KILL_AFTER_S = (0.4, 2.5)
_PAUSE_AFTER_S = (0.2, 2.0)
_KILL_DATABASE_AFTER_S = (2.0, 6.0)
#: How long a process stands still: it is hardly noticed, its transaction has been ended when it
#: goes on, or even a worker would have been given up.
_PAUSES_S = (
    (0.05, 1.0),
    (ABANDONED_TRANSACTION_S + 0.5, ABANDONED_TRANSACTION_S + 3.0),
    (WORKER_HANGS_S + 0.5, WORKER_HANGS_S + 3.0),
)
_PAUSE_WEIGHTS = (6, 3, 1)
_LOOK_S = 0.05


class Session(Protocol):
    """One session on a database: the process of the server that it has, and whose it is."""

    @property
    def pid(self) -> int:
        """The process on the machine of the database."""

    @property
    def user(self) -> str:
        """The name of the role."""

    @property
    def database(self) -> str:
        """The name of the database."""


class Sessions(Protocol):
    """The sessions on the database of a proof. What it does raises StoreUnavailable."""

    async def any(self) -> Session | None:
        """Return one of them."""

    async def comes_back(self) -> bool:
        """Return whether the server goes on by itself after a crash."""

    async def end_all(self) -> int:
        """End all of them."""


@dataclass
class Happened:
    """How often each thing went wrong."""

    kills: int = 0
    pauses: int = 0
    #: Those that were longer than the server lets a transaction wait for its process.
    long_pauses: int = 0
    #: Crashes of the database server, or of the process that writes the database file.
    database_crashes: int = 0
    #: How often all sessions were ended instead.
    sessions_ended: int = 0


@dataclass
class Disturbances:
    """Disturbs the processes and the database of a proof until the end."""

    processes: Sequence[ServerProcess]
    #: None if the database lives in the process that serves.
    sessions: Sessions | None
    chance: random.Random
    is_ending: Callable[[], bool]
    happened: Happened = field(default_factory=Happened)
    _restarting: dict[int, asyncio.Lock] = field(default_factory=dict)

    async def kill(self) -> None:
        """Kill processes at random moments and start them again."""

        async def kill_one() -> None:
            self.happened.kills += 1
            await self._restart(self.chance.choice(self.processes))

        await self._again_and_again(_KILL_AFTER_S, kill_one)

    async def pause(self) -> None:
        """Let processes stand still for random times."""
        await self._again_and_again(_PAUSE_AFTER_S, self._pause_one)

    async def kill_database(self) -> None:
        """Let the database crash at random moments."""
        await self._again_and_again(_KILL_DATABASE_AFTER_S, self._crash)

    async def _again_and_again(
        self, pause_s: tuple[float, float], disturb: Callable[[], Awaitable[None]]
    ) -> None:
        while not self.is_ending():
            await self._rest(self.chance.uniform(*pause_s))
            if not self.is_ending():
                await disturb()

    async def _rest(self, seconds: float) -> None:
        """Wait, but not beyond the end."""
        for _ in range(round(seconds / _LOOK_S)):
            if self.is_ending():
                return
            await asyncio.sleep(_LOOK_S)

    async def _restart(self, process: ServerProcess) -> None:
        # Two kinds of disturbances may choose the same process at the same moment.
        async with self._restarting.setdefault(id(process), asyncio.Lock()):
            await process.kill()
            await process.start()

    async def _pause_one(self) -> None:
        go_on = self.chance.choice(self.processes).pause()
        if go_on is None:
            return
        (span,) = self.chance.choices(_PAUSES_S, _PAUSE_WEIGHTS)
        began = asyncio.get_running_loop().time()
        try:
            await self._rest(self.chance.uniform(*span))
        finally:
            go_on()
        self.happened.pauses += 1
        lasted_s = asyncio.get_running_loop().time() - began
        self.happened.long_pauses += lasted_s > ABANDONED_TRANSACTION_S

    async def _crash(self) -> None:
        if self.sessions is None:
            self.happened.database_crashes += 1
            await self._restart(self.chance.choice(self.processes))
            return
        try:
            session = await self.sessions.any() if await self.sessions.comes_back() else None
            if session is not None and _kill_server_process(session):
                self.happened.database_crashes += 1
            else:
                await self.sessions.end_all()
                self.happened.sessions_ended += 1
        except StoreUnavailable:
            # It has not recovered yet.
            return


def _kill_server_process(session: Session) -> bool:
    """Kill the process of a session; False if it is elsewhere or this user may not."""
    if not _is_its_process(session):
        return False
    try:
        os.kill(session.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _is_its_process(session: Session) -> bool:
    """Return whether the number is that of the session's process on this machine.

    On another machine, or inside a container, it may be any process here.
    """
    try:
        title = Path(f"/proc/{session.pid}/cmdline").read_bytes()
    except OSError:
        return False
    whose = f" {session.user} {session.database} ".encode()
    return title.startswith(b"postgres:") and whose in title
