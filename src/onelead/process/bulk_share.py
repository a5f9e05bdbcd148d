"""How much of a batch bulk writes may fill, so that single writes hardly notice them.

Beside single writes it is at most half. A batch of bulk writes alone is kept so short that a single
write which comes meanwhile waits for it hardly longer than for a batch of its own kind; without
single writes, no longer than a reader of pages would notice. A batch of a few dozen writes costs
next to nothing more for each write than one of hundreds.

Other processes wait for the same lane, or the same file. Where one of them has written lately,
batches are short, and after each the database is left to them for twice as long as it took.
"""

from __future__ import annotations

from onelead.domain.limits import (
    BATCH_WRITES_MAX,
    BULK_BATCH_MS_MAX,
    BULK_BATCH_WRITES_MIN,
    BULK_BESIDE_OTHERS_WRITES_MAX,
    BULK_QUIET_S,
    BULK_REST_MS_MAX,
)

#: How slowly it is believed that batches with single writes take longer now: a batch that meets a
#: pause of the machine, or waits for other work, is no reason to make others wait.
_BATCHES_WEIGHED = 16
#: A batch of bulk writes may take so many times as long as one with single writes.
_TIMES_A_SINGLE = 0.5


class BulkShare:
    """What the batches of one process took lately."""

    def __init__(
        self, batch_writes_max: int = BATCH_WRITES_MAX, batch_ms_max: int = BULK_BATCH_MS_MAX
    ) -> None:
        self._most = batch_writes_max
        self._batch_s = batch_ms_max / 1000
        #: How long batches with single writes take when nothing holds them up.
        self._single_s = self._batch_s
        #: When the last one ended.
        self._single_at = float("-inf")
        #: When it was noticed last that another process writes.
        self._others_at = float("-inf")
        #: The last batch of bulk writes alone: how many it had, and how long it took.
        self._bulk_writes, self._bulk_s = BULK_BATCH_WRITES_MIN, self._batch_s

    def beside(self, singles: int) -> int:
        """Return how many bulk writes may join a batch for which so many single ones wait."""
        return min((singles + 3) // 4, self._most // 2)

    def alone(self, now_s: float) -> int:
        """Return how many bulk writes may be a batch of their own."""
        if self._are_others_there(now_s):
            return min(BULK_BESIDE_OTHERS_WRITES_MAX, self._most)
        may_take_s = self._batch_s
        if now_s - self._single_at < BULK_QUIET_S:
            may_take_s = min(may_take_s, _TIMES_A_SINGLE * self._single_s)
        fitting = self._most
        if self._bulk_s > 0:
            fitting = int(self._bulk_writes * may_take_s / self._bulk_s)
        # A batch that met a pause says little, so the next one is never much larger.
        return max(
            min(fitting, 2 * self._bulk_writes, self._most), min(BULK_BATCH_WRITES_MIN, self._most)
        )

    def rest_s(self, now_s: float) -> float:
        """Return how long to leave the database to other processes before the next such batch."""
        is_needed = self._are_others_there(now_s)
        return min(2 * self._bulk_s, BULK_REST_MS_MAX / 1000) if is_needed else 0.0

    def met_others(self, now_s: float) -> None:
        """Note that another process has written."""
        self._others_at = now_s

    def _are_others_there(self, now_s: float) -> bool:
        return now_s - self._others_at < BULK_QUIET_S

    def took(self, singles: int, bulk: int, seconds: float, now_s: float) -> None:
        """Note how long a batch took that has just ended."""
        if singles:
            longer_s = max(0.0, seconds - self._single_s)
            self._single_s = min(self._single_s, seconds) + longer_s / _BATCHES_WEIGHED
            self._single_at = now_s
        else:
            self._bulk_writes, self._bulk_s = bulk, seconds
