"""The world of a simulation: one clock, one disk, and the processes that share them.

Everything that happens is drawn from one seed, and goes into one trace. A call of SQLite that comes
from a dead process changes nothing, so a process can die in the middle of anything.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import random
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.support.simulation import vfs
from tests.support.simulation.disk import Disk, File
from tests.support.simulation.faults import Faults
from tests.support.simulation.loop import SimulatedLoop
from tests.support.simulation.open_file import OpenFile, SharedMemory
from tests.support.simulation.vfs import simulated_vfs

T = TypeVar("T")
#: The wall clock at the beginning, in Unix seconds.
BEGINNING_S = 1_700_000_000
_STEP_S = 0.000_05
_CALL_S = 0.000_004
_STEPS_MAX = 30_000
_TRACE_END = 60


@dataclass(eq=False)
class Process:
    """A process: its event loop, and the files that it has open."""

    name: str
    loop: SimulatedLoop
    is_alive: bool = True
    handles: list[OpenFile] = field(default_factory=list)
    #: What the kernel closes when the process is gone, besides its files.
    at_death: list[Callable[[], None]] = field(default_factory=list)


class World:
    """Runs processes until a condition holds, and keeps their disk."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.chance = random.Random(f"world {seed}")
        self.now_s = 0.0
        self.clock_error_s = 0.0
        self.disk = Disk(folder, random.Random(f"disk {seed}"))
        self.faults = Faults(random.Random(f"faults {seed}"))
        self.processes: list[Process] = []
        self.current: Process | None = None
        self.calls = 0
        #: The call at which the power goes, and that at which the current process dies.
        self.power_fails_at: int | None = None
        self.killed_at: int | None = None
        #: Whether a process dies when the disk has told it that a sync failed.
        self.kills_after_failed_sync = False
        #: How long a sync takes; another disk in another world.
        self.sync_s = 0.00005 if self.chance.random() < 0.5 else 0.005
        self.memory: dict[str, SharedMemory] = {}
        self._locks: dict[str, list[OpenFile]] = {}
        self._random = random.Random(f"library {seed}")
        self._hash = hashlib.blake2b(digest_size=16)
        self._end: deque[str] = deque(maxlen=_TRACE_END)
        self._defects: list[BaseException] = []
        self._steps = 0
        #: What processes shared when one of them died, until its code has come to its end.
        self._kept: list[tuple[SharedMemory, list[bytes]]] = []

    # --- the trace -----------------------------------------------------------------------------

    def note(self, line: str) -> None:
        """Add an event to the trace."""
        line = f"{self.now_s:.6f} {self.current.name if self.current else '-'} {line}"
        self._hash.update(line.encode())
        self._end.append(line)

    @property
    def trace_hash(self) -> str:
        """What two runs have in common only if everything happened alike."""
        return self._hash.hexdigest()

    @property
    def trace_end(self) -> str:
        """The last events, for people."""
        return "\n".join(self._end)

    def defect(self, error: BaseException) -> None:
        """Keep an error that nobody has caught; it ends the simulation."""
        self._defects.append(error)

    # --- processes -----------------------------------------------------------------------------

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let SQLite use this world. Nothing is collected meanwhile: it would be at any moment."""
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            with simulated_vfs().used(self):
                try:
                    yield
                finally:
                    for process in self.processes:
                        self.kill(process)
        finally:
            if was_enabled:
                gc.enable()

    def start(self, name: str) -> Process:
        """Begin a process."""
        process = Process(name, SimulatedLoop(self))  # type: ignore[abstract]
        self.processes.append(process)
        self.note(f"{name} begins")
        return process

    def kill(self, process: Process) -> None:
        """End a process, wherever it is. What it wrote stays."""
        if process.is_alive:
            self._end_process(process)
        if self.current is None:
            self._clear_dead()

    def cut_power(self) -> None:
        """End all processes; the disk keeps what a power cut leaves."""
        self.note("the power fails")
        for process in self.processes:
            if process.is_alive:
                self._end_process(process)
        self.disk.lose_power()
        if self.current is None:
            self._clear_dead()

    def _end_process(self, process: Process) -> None:
        self.note(f"{process.name} dies")
        process.is_alive = False
        process.loop.die()
        for handle in process.handles:
            handle.let_go()
        self._kept = self._kept or self._shared()

    def _clear_dead(self) -> None:
        for process in [one for one in self.processes if not one.is_alive]:
            self._clear(process)

    def _clear(self, process: Process) -> None:
        """Take apart what is left of a dead process; nothing of that reaches the disk."""
        self.processes.remove(process)
        self._kept = self._shared()
        for task in asyncio.all_tasks(process.loop):
            with suppress(RuntimeError):
                task.get_coro().close()
        for close in process.at_death:
            close()
        self._restore()

    def _shared(self) -> list[tuple[SharedMemory, list[bytes]]]:
        return [(memory, memory.saved()) for memory in self.memory.values() if memory.users]

    def _restore(self) -> None:
        """Undo what the code of a dead process did to the memory that it shared."""
        for memory, saved in self._kept:
            memory.restore(saved)
        self._kept = []

    # --- running -------------------------------------------------------------------------------

    def run(self, until: Callable[[], bool]) -> None:
        """Run until a condition holds, or no process has anything to do."""
        while not until() and self._run_next(float("inf")):
            self._clear_dead()
            if self._defects:
                raise self._defects[0]
            self._steps += 1
            if self._steps > _STEPS_MAX:
                raise AssertionError("the simulation does not end")

    def _run_next(self, latest_s: float) -> bool:
        """Run what comes next, if that is not later."""
        runnable = [one for one in self.processes if one.loop.is_runnable()]
        if not runnable:
            times = [one.loop.next_time() for one in self.processes if one.is_alive]
            next_s = min((time for time in times if time is not None), default=None)
            if next_s is None or next_s > latest_s:
                return False
            self.now_s = max(self.now_s, next_s)
            runnable = [one for one in self.processes if one.loop.is_runnable()]
        self.now_s += self.chance.random() * _STEP_S
        process = runnable[self.chance.randrange(len(runnable))]
        outer, self.current = self.current, process
        try:
            process.loop.run_one()
        finally:
            self.current = outer
            self._restore()
        return True

    def do(self, process: Process, work: Coroutine[Any, Any, T]) -> T:
        """Do something in a process that nothing kills meanwhile."""
        task = process.loop.create_task(work)
        self.run(task.done)
        result: T = task.result()
        return result

    def pass_time(self, seconds: float) -> None:
        """Let a thread of the current process wait, while everything else goes on."""
        until_s = self.now_s + seconds
        process = self.current
        while (process is None or process.is_alive) and self._run_next(until_s):
            pass
        self.now_s = max(self.now_s, until_s)

    # --- the operating system of SQLite --------------------------------------------------------

    def open(self, name: str | None, flags: int) -> tuple[int, vfs.Handle | None]:
        process = self.current
        if process is None or not process.is_alive:
            return vfs.CANTOPEN, None
        short = Path(name).name if name else ""
        if code := self.begin_call("open", process, short, flags):
            return code, None
        file = self.disk.files.get(short) if short else File()
        if file is None:
            if not flags & vfs.OPEN_CREATE:
                return vfs.CANTOPEN, None
            file = self.disk.create(short)
        handle = OpenFile(self, process, short, file)
        process.handles.append(handle)
        return vfs.OK, handle

    def delete(self, name: str, *, is_synced: bool) -> int:
        process = self.current
        short = Path(name).name
        if process is None or (code := self.begin_call("delete", process, short)):
            return vfs.IOERR_DELETE
        is_there = self.disk.remove(short, is_synced=is_synced)
        return code if is_there else vfs.IOERR_DELETE_NOENT

    def exists(self, name: str) -> bool:
        return Path(name).name in self.disk.files

    def random_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def sleep(self, seconds: float) -> None:
        if self.current is not None and self.current.is_alive:
            self.note("waits")
            self.pass_time(seconds)

    def wall_clock(self) -> float:
        return BEGINNING_S + self.now_s + self.clock_error_s

    def begin_call(self, kind: str, process: Process, name: str, *rest: object) -> int:
        """Note a call, and return what it fails with; OK if it does not."""
        if not process.is_alive:
            return vfs.IOERR
        self.calls += 1
        self.now_s += self.chance.random() * _CALL_S
        if self.power_fails_at is not None and self.calls >= self.power_fails_at:
            self.power_fails_at = None
            self.cut_power()
            return vfs.IOERR
        if self.killed_at is not None and self.calls >= self.killed_at:
            self.killed_at = None
            self._end_process(process)
            return vfs.IOERR
        code = self.faults.error(kind, self.now_s)
        self.note(f"{kind} {name} {' '.join(map(str, rest))} -> {code}")
        return code

    def locks(self, name: str) -> list[OpenFile]:
        """Return the open handles of a file that hold a lock of it."""
        return self._locks.setdefault(name, [])

    def shared_memory(self, name: str) -> SharedMemory:
        """Return the index of a log; a new one when nobody uses it."""
        memory = self.memory.get(name)
        if memory is None or not memory.users:
            memory = self.memory[name] = SharedMemory()
        return memory
