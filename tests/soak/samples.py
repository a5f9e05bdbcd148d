"""Memory and open files of server processes, and whether they stay flat.

A process that has just started still grows, so its first seconds do not count. After them, the
slope between every two samples of the same process is taken, and the median of all of these: some
that are far off, as during a long search, do not move it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import NamedTuple

#: What a process may grow by in its life after its first seconds, as the slope says.
MEMORY_RISE_MAX = 6 * 2**20
FILES_RISE_MAX = 10
_MIB = 2**20


class Sample(NamedTuple):
    """What a process had at a moment."""

    at: float
    memory: int
    files: int


class Samples:
    """The samples of every process of a server, from its start to its end."""

    def __init__(self, *, warm_up_s: float) -> None:
        self._warm_up_s = warm_up_s
        self._by_pid: dict[int, list[Sample]] = defaultdict(list)

    def take(self, at: float, pids: Iterable[int]) -> None:
        """Look at processes; one that has ended meanwhile is left out."""
        for pid in pids:
            try:
                self.add(pid, Sample(at, memory_of(pid), files_of(pid)))
            except (OSError, ValueError):
                continue

    def add(self, pid: int, sample: Sample) -> None:
        """Add what a process had."""
        self._by_pid[pid].append(sample)

    @property
    def is_flat(self) -> bool:
        """Whether a process grows by less than the bounds in the longest life."""
        memory, files = self.rises()
        return memory < MEMORY_RISE_MAX and files < FILES_RISE_MAX

    def rises(self) -> tuple[float, float]:
        """Return by how much memory and files grow in the longest life, after its first seconds."""
        warm = [self._warm(samples) for samples in self._by_pid.values()]
        seconds = max((samples[-1].at - samples[0].at for samples in warm if samples), default=0.0)
        return (
            slope([[(one.at, one.memory) for one in samples] for samples in warm]) * seconds,
            slope([[(one.at, one.files) for one in samples] for samples in warm]) * seconds,
        )

    def table(self) -> list[str]:
        """Return a line for each process, and the slopes."""
        lines = [
            "  process   seconds   memory MiB: first  median  last   files: first  median  last"
        ]
        for pid, samples in self._by_pid.items():
            warm = self._warm(samples)
            if not warm:
                continue
            memory = [sample.memory / _MIB for sample in warm]
            files = [sample.files for sample in warm]
            lines.append(
                f"  {pid:7}   {samples[-1].at - samples[0].at:7.0f}   "
                f"{memory[0]:17.1f} {median(memory):7.1f} {memory[-1]:5.1f}   "
                f"{files[0]:12} {median(files):7.0f} {files[-1]:5}"
            )
        memory_rise, files_rise = self.rises()
        lines.append(
            f"  in the longest life a process grows by {memory_rise / _MIB:.1f} MiB "
            f"(may be {MEMORY_RISE_MAX / _MIB:.0f}) and {files_rise:.1f} files "
            f"(may be {FILES_RISE_MAX})"
        )
        return lines

    def _warm(self, samples: Sequence[Sample]) -> list[Sample]:
        return [one for one in samples if one.at >= samples[0].at + self._warm_up_s]


def slope(series: Iterable[Sequence[tuple[float, float]]]) -> float:
    """Return the median slope between every two points of the same series; 0 without any."""
    slopes = [
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for points in series
        for earlier, later in combinations(points, 2)
    ]
    return median(slopes) if slopes else 0.0


def memory_of(pid: int) -> int:
    """Return the bytes that a process has of its own.

    Its share of libraries is left out: it changes by MiB whenever another program starts or ends.
    """
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) * 1024
    raise ValueError("the system does not say")


def files_of(pid: int) -> int:
    """Return how many files and sockets a process has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def workers_of(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in children.split()]
