"""A file that a connection has open: its bytes, its locks, and the index of its log.

The locks are those of SQLite on Unix. A call of a dead process changes nothing.
"""

from __future__ import annotations

import ctypes
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.support.simulation import vfs
from tests.support.simulation.disk import Change, File

if TYPE_CHECKING:
    from tests.support.simulation.world import Process, World


@dataclass
class SharedMemory:
    """The index of a log, which connections share."""

    regions: list[ctypes.Array[ctypes.c_char]] = field(default_factory=list)
    users: list[OpenFile] = field(default_factory=list)

    def saved(self) -> list[bytes]:
        return [region.raw for region in self.regions]

    def restore(self, saved: list[bytes]) -> None:
        for region, content in zip(self.regions, saved, strict=False):
            ctypes.memmove(region, content, len(content))


class OpenFile:
    """A file that a connection of a process has open."""

    SHARED, RESERVED, PENDING, EXCLUSIVE = 1, 2, 3, 4

    def __init__(self, world: World, process: Process, name: str, file: File) -> None:
        self._world = world
        self._process = process
        self._name = name
        self._file = file
        self.level = 0
        self._memory: SharedMemory | None = None
        self._left: list[SharedMemory] = []
        self.shared_slots = 0
        self.exclusive_slots = 0

    def let_go(self) -> None:
        """Give back all locks, and leave the shared memory."""
        self.level = self.shared_slots = self.exclusive_slots = 0
        if self._memory is not None and self in self._memory.users:
            self._memory.users.remove(self)
        locks = self._world.locks(self._name)
        if self in locks:
            locks.remove(self)

    def close(self) -> int:
        if self._process.is_alive:
            self._begin("close")
            self.let_go()
            self._process.handles.remove(self)
        return vfs.OK

    def read(self, amount: int, offset: int) -> tuple[int, bytes]:
        if code := self._begin("read", amount, offset):
            return code, b""
        data = bytes(self._file.content[offset : offset + amount])
        return (vfs.OK if len(data) == amount else vfs.IOERR_SHORT_READ), data

    def write(self, data: bytes, offset: int) -> int:
        code = self._begin("write", len(data), offset, hashlib.md5(data).hexdigest())
        if code:
            if self._process.is_alive or code != vfs.IOERR:
                data = data[: self._world.chance.randrange(len(data))]
                self._change(Change(offset, data))
            return code
        self._change(Change(offset, data))
        return vfs.OK

    def _change(self, change: Change) -> None:
        if self._process.is_alive:
            self._world.disk.change(self._name, self._file, change)

    def truncate(self, size: int) -> int:
        if code := self._begin("truncate", size):
            return code
        if size < len(self._file.content):
            self._change(Change(size, None))
        return vfs.OK

    def sync(self) -> int:
        code = self._begin("sync")
        if not self._process.is_alive:
            return code
        chance = self._world.chance
        self._world.now_s += self._world.sync_s * (0.5 + chance.random() ** 8 * 20)
        if code:
            self._file.fail_to_sync(chance)
            if self._world.kills_after_failed_sync:
                self._world.killed_at = self._world.calls + 1
        else:
            self._file.sync()
        return code

    def size(self) -> tuple[int, int]:
        code = self._begin("size")
        return code, len(self._file.content)

    def _begin(self, kind: str, *rest: object) -> int:
        return int(self._world.begin_call(kind, self._process, self._name, *rest))

    # --- locks of the whole file ---------------------------------------------------------------

    def lock(self, level: int) -> int:
        if code := self._begin("lock", level):
            return code
        others = [one for one in self._world.locks(self._name) if one is not self]
        highest = max((one.level for one in others), default=0)
        if self.level >= level:
            return vfs.OK
        if level == self.SHARED and highest >= self.PENDING:
            return vfs.BUSY
        if level == self.RESERVED and highest >= self.RESERVED:
            return vfs.BUSY
        if level == self.EXCLUSIVE and others:
            return vfs.BUSY
        if not self.level:
            self._world.locks(self._name).append(self)
        self.level = level
        return vfs.OK

    def unlock(self, level: int) -> int:
        if self._process.is_alive:
            self._begin("unlock", level)
            self.level = min(level, self.level)
            locks = self._world.locks(self._name)
            if not self.level and self in locks:
                locks.remove(self)
        return vfs.OK

    def is_reserved(self) -> bool:
        return any(one.level >= self.RESERVED for one in self._world.locks(self._name))

    # --- the index of the log ------------------------------------------------------------------

    def shm_map(self, region: int, size: int, *, extend: bool) -> tuple[int, int | None]:
        if code := self._begin("map", region):
            return code, None
        if self._memory is None:
            self._memory = self._world.shared_memory(self._name)
            self._memory.users.append(self)
        regions = self._memory.regions
        while len(regions) <= region:
            if not extend:
                return vfs.OK, None
            regions.append(ctypes.create_string_buffer(size))
        return vfs.OK, ctypes.addressof(regions[region])

    def shm_lock(self, first: int, count: int, flags: int) -> int:
        if code := self._begin("index lock", first, count, flags):
            return code
        assert self._memory is not None
        mask = (1 << count) - 1 << first
        if not flags & vfs.SHM_LOCK:
            self.shared_slots &= ~mask
            self.exclusive_slots &= ~mask
            return vfs.OK
        others = [one for one in self._memory.users if one is not self]
        if any(one.exclusive_slots & mask for one in others):
            return vfs.BUSY
        if not flags & vfs.SHM_EXCLUSIVE:
            self.shared_slots |= mask
            return vfs.OK
        if any(one.shared_slots & mask for one in others):
            return vfs.BUSY
        self.exclusive_slots |= mask
        return vfs.OK

    def shm_unmap(self) -> int:
        if self._process.is_alive and self._memory is not None:
            self.shared_slots = self.exclusive_slots = 0
            self._memory.users.remove(self)
            # SQLite may still have addresses of the old one.
            self._left.append(self._memory)
            self._memory = None
        return vfs.OK
