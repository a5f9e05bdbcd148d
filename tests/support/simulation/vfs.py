"""SQLite's own interface to the operating system, kept by objects of Python.

A VFS is registered, through ctypes, in the very library that Python's `sqlite3` uses, and is the
default for as long as a simulation runs. So the real engine runs with no change, and each of its
calls comes here: every read, write, sync, lock, look at the clock and wait.
"""

from __future__ import annotations

import _sqlite3
import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import POINTER, Structure, c_char_p, c_double, c_int, c_int64, c_void_p
from functools import cache
from typing import Any, Protocol

OK = 0
BUSY = 5
IOERR = 10
FULL = 13
CANTOPEN = 14
NOTFOUND = 12
IOERR_READ = IOERR | 1 << 8
IOERR_SHORT_READ = IOERR | 2 << 8
IOERR_WRITE = IOERR | 3 << 8
IOERR_FSYNC = IOERR | 4 << 8
IOERR_TRUNCATE = IOERR | 6 << 8
IOERR_FSTAT = IOERR | 7 << 8
IOERR_DELETE = IOERR | 10 << 8
IOERR_SHMMAP = IOERR | 21 << 8
IOERR_LOCK = IOERR | 15 << 8
IOERR_DELETE_NOENT = IOERR | 23 << 8
READONLY_CANTINIT = 8 | 5 << 8

OPEN_CREATE = 0x4
SHM_LOCK, SHM_EXCLUSIVE = 2, 8
POWERSAFE_OVERWRITE = 0x1000
_NAME = b"onelead-simulation"
_PATH_BYTES_MAX = 512
_SECTOR_BYTES = 4096
#: The Julian day of the Unix epoch, in milliseconds.
_UNIX_EPOCH_MS = 210_866_760_000_000


class Handle(Protocol):
    """An open file, as SQLite uses one. Each method returns a result code."""

    def close(self) -> int: ...
    def read(self, amount: int, offset: int) -> tuple[int, bytes]: ...
    def write(self, data: bytes, offset: int) -> int: ...
    def truncate(self, size: int) -> int: ...
    def sync(self) -> int: ...
    def size(self) -> tuple[int, int]: ...
    def lock(self, level: int) -> int: ...
    def unlock(self, level: int) -> int: ...
    def is_reserved(self) -> bool: ...
    def shm_map(self, region: int, size: int, *, extend: bool) -> tuple[int, int | None]: ...
    def shm_lock(self, first: int, count: int, flags: int) -> int: ...
    def shm_unmap(self) -> int: ...


class System(Protocol):
    """The operating system of a simulation."""

    def open(self, name: str | None, flags: int) -> tuple[int, Handle | None]: ...
    def delete(self, name: str, *, is_synced: bool) -> int: ...
    def exists(self, name: str) -> bool: ...
    def random_bytes(self, count: int) -> bytes: ...
    def sleep(self, seconds: float) -> None: ...
    def wall_clock(self) -> float: ...
    def defect(self, error: BaseException) -> None:
        """Note an error of the simulation itself; SQLite is told that the call failed."""


class _Methods(Structure):
    _fields_ = [
        ("iVersion", c_int),
        *(
            (name, c_void_p)
            for name in (
                *("xClose", "xRead", "xWrite", "xTruncate", "xSync", "xFileSize", "xLock"),
                *("xUnlock", "xCheckReservedLock", "xFileControl", "xSectorSize"),
                *("xDeviceCharacteristics", "xShmMap", "xShmLock", "xShmBarrier", "xShmUnmap"),
            )
        ),
    ]


class _File(Structure):
    _fields_ = [("pMethods", c_void_p)]


class _Vfs(Structure):
    _fields_ = [
        ("iVersion", c_int),
        ("szOsFile", c_int),
        ("mxPathname", c_int),
        ("pNext", c_void_p),
        ("zName", c_char_p),
        ("pAppData", c_void_p),
        *(
            (name, c_void_p)
            for name in (
                *("xOpen", "xDelete", "xAccess", "xFullPathname", "xDlOpen", "xDlError", "xDlSym"),
                *("xDlClose", "xRandomness", "xSleep", "xCurrentTime", "xGetLastError"),
                "xCurrentTimeInt64",
            )
        ),
    ]


_FILE_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "xClose": (),
    "xRead": (c_void_p, c_int, c_int64),
    "xWrite": (c_void_p, c_int, c_int64),
    "xTruncate": (c_int64,),
    "xSync": (c_int,),
    "xFileSize": (POINTER(c_int64),),
    "xLock": (c_int,),
    "xUnlock": (c_int,),
    "xCheckReservedLock": (POINTER(c_int),),
    "xFileControl": (c_int, c_void_p),
    "xSectorSize": (),
    "xDeviceCharacteristics": (),
    "xShmMap": (c_int, c_int, c_int, POINTER(c_void_p)),
    "xShmLock": (c_int, c_int, c_int),
    "xShmBarrier": (),
    "xShmUnmap": (c_int,),
}
_VFS_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "xOpen": (c_char_p, c_void_p, c_int, POINTER(c_int)),
    "xDelete": (c_char_p, c_int),
    "xAccess": (c_char_p, c_int, POINTER(c_int)),
    "xFullPathname": (c_char_p, c_int, c_void_p),
    "xRandomness": (c_int, c_void_p),
    "xSleep": (c_int,),
    "xCurrentTime": (POINTER(c_double),),
    "xGetLastError": (c_int, c_void_p),
    "xCurrentTimeInt64": (POINTER(c_int64),),
}


class SimulatedVfs:
    """The VFS, registered once in a process; `used` says whose files it has."""

    def __init__(self) -> None:
        self._system: System | None = None
        self._open: dict[int, tuple[System, Handle]] = {}
        self._library = ctypes.CDLL(_sqlite3.__file__)
        try:
            self._library.sqlite3_vfs_find.restype = c_void_p
        except AttributeError:
            raise RuntimeError(
                "this Python hides its SQLite; the simulation needs one that is a shared library"
            ) from None
        self._usual = self._library.sqlite3_vfs_find(None)
        self._kept: list[Any] = []
        self._methods = _Methods(2)
        self._fill(self._methods, _FILE_FUNCTIONS)
        self._vfs = _Vfs(2, ctypes.sizeof(_File), _PATH_BYTES_MAX, None, _NAME, None)
        self._fill(self._vfs, _VFS_FUNCTIONS)

    def _fill(self, table: Structure, functions: dict[str, tuple[Any, ...]]) -> None:
        for name, arguments in functions.items():
            function = ctypes.CFUNCTYPE(c_int, c_void_p, *arguments)(
                self._guarded(getattr(self, name))
            )
            # The library has only the address.
            self._kept.append(function)
            setattr(table, name, ctypes.cast(function, c_void_p))

    def _guarded(self, method: Callable[..., int]) -> Callable[..., int]:
        def call(*arguments: Any) -> int:
            try:
                return method(*arguments)
            except BaseException as error:  # noqa: BLE001 - C code cannot raise it further
                # A connection of a dead process may be closed after the simulation.
                if self._system is not None:
                    self._system.defect(error)
                return IOERR

        return call

    @contextmanager
    def used(self, system: System) -> Iterator[None]:
        """Give every database that is opened meanwhile to `system`."""
        self._system = system
        self._register(ctypes.addressof(self._vfs))
        # The library draws its next random bytes from here.
        self._library.sqlite3_randomness(0, None)
        try:
            yield
        finally:
            self._register(self._usual)
            self._library.sqlite3_randomness(0, None)
            self._system = None

    def _register(self, address: int) -> None:
        self._library.sqlite3_vfs_register(c_void_p(address), 1)

    @property
    def _now(self) -> System:
        assert self._system is not None, "SQLite asks for files after the simulation"
        return self._system

    # --- the file system -----------------------------------------------------------------------

    def xOpen(  # noqa: N802 - SQLite's name and arguments, as below
        self, _vfs: int, name: bytes | None, file: int, flags: int, out: Any
    ) -> int:
        address = _File.from_address(file)
        address.pMethods = None
        code, handle = self._now.open(name.decode() if name else None, flags)
        if handle is not None:
            self._open[file] = (self._now, handle)
            address.pMethods = ctypes.addressof(self._methods)
            if out:
                out[0] = flags
        return code

    def xDelete(self, _vfs: int, name: bytes, sync: int) -> int:  # noqa: N802
        return self._now.delete(name.decode(), is_synced=bool(sync))

    def xAccess(self, _vfs: int, name: bytes, _flags: int, out: Any) -> int:  # noqa: N802
        out[0] = self._now.exists(name.decode())
        return OK

    def xFullPathname(self, _vfs: int, name: bytes, _size: int, out: int) -> int:  # noqa: N802
        assert len(name) < _PATH_BYTES_MAX
        ctypes.memmove(out, name + b"\0", len(name) + 1)
        return OK

    def xRandomness(self, _vfs: int, count: int, out: int) -> int:  # noqa: N802
        ctypes.memmove(out, self._now.random_bytes(count), count)
        return count

    def xSleep(self, _vfs: int, microseconds: int) -> int:  # noqa: N802
        self._now.sleep(microseconds / 1_000_000)
        return microseconds

    def xCurrentTime(self, _vfs: int, out: Any) -> int:  # noqa: N802
        out[0] = self._julian_ms() / 86_400_000
        return OK

    def xCurrentTimeInt64(self, _vfs: int, out: Any) -> int:  # noqa: N802
        out[0] = self._julian_ms()
        return OK

    def _julian_ms(self) -> int:
        return _UNIX_EPOCH_MS + round(self._now.wall_clock() * 1000)

    def xGetLastError(self, _vfs: int, _size: int, _out: int) -> int:  # noqa: N802
        return 0

    # --- an open file --------------------------------------------------------------------------

    def xClose(self, file: int) -> int:  # noqa: N802
        _system, handle = self._open.pop(file)
        return handle.close()

    def xRead(self, file: int, out: int, amount: int, offset: int) -> int:  # noqa: N802
        code, data = self._open[file][1].read(amount, offset)
        if code in (OK, IOERR_SHORT_READ):
            # What a short read does not bring is zero.
            ctypes.memmove(out, data.ljust(amount, b"\0"), amount)
        return code

    def xWrite(self, file: int, data: int, amount: int, offset: int) -> int:  # noqa: N802
        return self._open[file][1].write(ctypes.string_at(data, amount), offset)

    def xTruncate(self, file: int, size: int) -> int:  # noqa: N802
        return self._open[file][1].truncate(size)

    def xSync(self, file: int, _flags: int) -> int:  # noqa: N802
        return self._open[file][1].sync()

    def xFileSize(self, file: int, out: Any) -> int:  # noqa: N802
        code, out[0] = self._open[file][1].size()
        return code

    def xLock(self, file: int, level: int) -> int:  # noqa: N802
        return self._open[file][1].lock(level)

    def xUnlock(self, file: int, level: int) -> int:  # noqa: N802
        return self._open[file][1].unlock(level)

    def xCheckReservedLock(self, file: int, out: Any) -> int:  # noqa: N802
        out[0] = self._open[file][1].is_reserved()
        return OK

    def xFileControl(self, _file: int, _operation: int, _argument: int) -> int:  # noqa: N802
        return NOTFOUND

    def xSectorSize(self, _file: int) -> int:  # noqa: N802
        return _SECTOR_BYTES

    def xDeviceCharacteristics(self, _file: int) -> int:  # noqa: N802
        return POWERSAFE_OVERWRITE

    def xShmMap(  # noqa: N802
        self, file: int, region: int, size: int, extend: int, out: Any
    ) -> int:
        code, address = self._open[file][1].shm_map(region, size, extend=bool(extend))
        out[0] = address
        return code

    def xShmLock(self, file: int, first: int, count: int, flags: int) -> int:  # noqa: N802
        return self._open[file][1].shm_lock(first, count, flags)

    def xShmBarrier(self, _file: int) -> int:  # noqa: N802
        return OK

    def xShmUnmap(self, file: int, _delete: int) -> int:  # noqa: N802
        return self._open[file][1].shm_unmap()


@cache
def simulated_vfs() -> SimulatedVfs:
    """Return this process's VFS; its functions live as long as the process."""
    return SimulatedVfs()
