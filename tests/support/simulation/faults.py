"""What goes wrong with the disk, drawn from a seed: at the n-th call, once or for a while."""

from __future__ import annotations

import random

from tests.support.simulation import vfs

#: What a call can fail with, by its kind.
ERRORS = {
    "open": (vfs.CANTOPEN,),
    "read": (vfs.IOERR_READ, vfs.IOERR_READ, vfs.IOERR_READ, vfs.IOERR_SHORT_READ),
    "write": (vfs.IOERR_WRITE, vfs.FULL),
    "sync": (vfs.IOERR_FSYNC,),
    "truncate": (vfs.IOERR_TRUNCATE,),
    "size": (vfs.IOERR_FSTAT,),
    "delete": (vfs.IOERR_DELETE,),
    "map": (vfs.IOERR_SHMMAP,),
}
_CALLS_BETWEEN = 400
_LONG_S = 0.3
_IN_DOUBT = 0.03


class Faults:
    """Decides about each call. A fault begins at a call and ends after it, or after some time."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.is_off = False
        self._calls_left = self._draw_calls()
        self._until_s = 0.0
        #: The kinds that fail until then.
        self._kinds: frozenset[str] = frozenset()
        #: The kinds that always fail, for tests of one fault.
        self.failing: frozenset[str] = frozenset()
        #: Whether a read has brought less than there is: then a file looks damaged.
        self.has_lied = False

    def error(self, kind: str, now_s: float) -> int:
        """Return what a call fails with; OK if it does not."""
        if kind in self.failing:
            return self._error_of(kind)
        if self.is_off or kind not in ERRORS:
            return vfs.OK
        if now_s < self._until_s:
            return self._error_of(kind) if kind in self._kinds else vfs.OK
        self._calls_left -= 1
        if self._calls_left > 0:
            return vfs.OK
        self._calls_left = self._draw_calls()
        if self._chance.random() < 0.3:
            self._begin_to_last(kind, now_s)
        return self._error_of(kind)

    def is_commit_in_doubt(self) -> bool:
        """Whether a commit that has happened reports an error."""
        return not self.is_off and self._chance.random() < _IN_DOUBT

    def _begin_to_last(self, kind: str, now_s: float) -> None:
        self._until_s = now_s + self._chance.random() ** 2 * _LONG_S
        # A disk that takes nothing more can still be read.
        takes_nothing = frozenset(("write", "sync", "truncate"))
        self._kinds = frozenset((kind,)) if kind not in takes_nothing else takes_nothing

    def _error_of(self, kind: str) -> int:
        code = self._chance.choice(ERRORS[kind])
        self.has_lied = self.has_lied or code == vfs.IOERR_SHORT_READ
        return code

    def _draw_calls(self) -> int:
        return 1 + round(self._chance.expovariate(1 / _CALLS_BETWEEN))
