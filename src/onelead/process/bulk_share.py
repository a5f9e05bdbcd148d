"""How much of a batch bulk writes may fill, so that single writes hardly notice them.

Beside single writes it is at most half. A batch of bulk writes alone is kept so short that a single
write which comes meanwhile waits for it hardly longer than for a batch of its own kind; without
single writes, no longer than a reader of pages would notice. A batch of a few dozen writes costs
next to nothing more for each write than one of hundreds.
"""

from __future__ import annotations

from onelead.domain.limits import (
    BATCH_WRITES_MAX,
    BULK_BATCH_MS_MAX,
    BULK_BATCH_WRITES_MIN,
    BULK_QUIET_S,
)

_BULK_BATCH_S = BULK_BATCH_MS_MAX / 1000
#: How slowly it is believed that batches with single writes take longer now: a batch that meets a
#: pause of the machine, or waits for other work, is no reason to make others wait.
_BATCHES_WEIGHED = 16
#: A batch of bulk writes may take so many times as long as one with single writes.
_TIMES_A_SINGLE = 0.5


class BulkShare:
    """What the batches of one process took lately."""

    def __init__(self, batch_writes_max: int = BATCH_WRITES_MAX) -> None:
        self._most = batch_writes_max
        #: How long batches with single writes take when nothing holds them up.
        self._single_s = _BULK_BATCH_S
        #: When the last one ended.
        self._single_at = float("-inf")
        #: The last batch of bulk writes alone: how many it had, and how long it took.
        self._bulk_writes, self._bulk_s = BULK_BATCH_WRITES_MIN, _BULK_BATCH_S

    def beside(self, singles: int) -> int:
        """Return how many bulk writes may join a batch for which so many single ones wait."""
        return min((singles + 3) // 4, self._most // 2)

    def alone(self, now_s: float) -> int:
        """Return how many bulk writes may be a batch of their own."""
        may_take_s = _BULK_BATCH_S
        if now_s - self._single_at < BULK_QUIET_S:
            may_take_s = min(_BULK_BATCH_S, _TIMES_A_SINGLE * self._single_s)
        fitting = self._most
        if self._bulk_s > 0:
            fitting = int(self._bulk_writes * may_take_s / self._bulk_s)
        # A batch that met a pause says little, so the next one is never much larger.
        return max(
            min(fitting, 2 * self._bulk_writes, self._most), min(BULK_BATCH_WRITES_MIN, self._most)
        )

    def took(self, singles: int, bulk: int, seconds: float, now_s: float) -> None:
        """Note how long a batch took that has just ended."""
        if singles:
            longer_s = max(0.0, seconds - self._single_s)
            self._single_s = min(self._single_s, seconds) + longer_s / _BATCHES_WEIGHED
            self._single_at = now_s
        else:
            self._bulk_writes, self._bulk_s = bulk, seconds
