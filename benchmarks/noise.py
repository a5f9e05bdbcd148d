"""How steady the machine is: the same work, timed again and again between the loads of a run.

Every processor hashes the same bytes at the same time, so a neighbour on any of them is seen. What
the hashing takes longer than at best, everything that was measured around it may have taken longer.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from benchmarks.ratios import Spread, spread

#: A loop that takes this many times the fastest one was disturbed; where more than the share of a
#: section's loops were, the page calls the section noisy.
DISTURBED = 1.25
_DISTURBED_SHARE_MAX = 0.1
_BLOCK = bytes(2**20)
_BLOCKS = 32


class PulseRow(Struct, frozen=True):
    """The times of the fixed loop in one round of a section."""

    section: str
    round: int
    loop_ms: Sequence[float]


def loop_ms() -> float:
    """Run the fixed loop on every processor, and return how long it took."""
    processors = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(processors) as threads:
        began = time.perf_counter()
        list(threads.map(_hash, range(processors)))
        return round((time.perf_counter() - began) * 1000, 2)


def _hash(_thread: int) -> None:
    digest = hashlib.sha256()
    for _ in range(_BLOCKS):
        # The interpreter's lock is released meanwhile.
        digest.update(_BLOCK)


class Steadiness(Struct, frozen=True):
    """The loop in one section: its times, and the share of them that were disturbed."""

    loop_ms: Spread
    disturbed: float

    @property
    def is_noisy(self) -> bool:
        """Whether the section's figures are in doubt."""
        return self.disturbed > _DISTURBED_SHARE_MAX


def steadiness(pulses: Sequence[PulseRow], section: str) -> Steadiness:
    """Return how steady the machine was in a section, against the fastest loop of the run."""
    fastest = min(min(row.loop_ms) for row in pulses)
    loops = [each for row in pulses if row.section == section for each in row.loop_ms]
    disturbed = sum(each > DISTURBED * fastest for each in loops) / len(loops)
    return Steadiness(spread(dict(enumerate(loops))), disturbed)
