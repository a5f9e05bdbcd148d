"""The clock of tests: it stops until a test moves it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Clock:
    """A clock that a test moves. Starts on 14 November 2023."""

    now: int = 1_700_000_000
    #: The value of `monotonic`.
    running_s: float = 100.0

    def __call__(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return self.running_s

    def advance(self, seconds: int) -> None:
        self.now += seconds
        self.running_s += seconds
