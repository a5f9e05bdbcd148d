"""Which tests `--cov` measures: those that can run a line for the first time.

The tracer costs two thirds of a test again. Another case of the same test hardly ever runs another
line, so it is measured for the first case only. On another engine only the engine itself has other
lines, so one test of each module is measured there. A test that is marked `unmeasured` runs the
lines of shorter ones, and so do those that drive other processes or the simulation. Unit tests are
measured whole, as the rules are to have every branch run, and so are those whose cases are faults
of a kind each. What the figures say is a lower bound.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

import coverage
import pytest

_MEASURED_WHOLE = {"unit", "check", "exports"}
_UNMEASURED = {"acceptance", "browser", "simulation", "soak"}
_FIRST_ENGINE = "sqlite"
_IS_MEASURED = pytest.StashKey[bool]()


def choose(items: Iterable[pytest.Item], tests: Path) -> None:
    """Mark the tests to measure, of all that are run from the folder of the tests."""
    seen: set[tuple[str, object]] = set()
    for item in items:
        rooms = set(item.path.relative_to(tests).parts)
        test = item.nodeid.partition("[")[0]
        case = getattr(item, "callspec", None)
        engine = case.params.get("database", _FIRST_ENGINE) if case is not None else _FIRST_ENGINE
        place = test if engine == _FIRST_ENGINE else test.partition("::")[0]
        can_be_new = not rooms & _UNMEASURED and item.get_closest_marker("unmeasured") is None
        is_first = can_be_new and (place, engine) not in seen
        is_whole = bool(rooms & _MEASURED_WHOLE) and engine == _FIRST_ENGINE
        item.stash[_IS_MEASURED] = is_whole or is_first
        if is_first:
            seen.add((place, engine))


@contextmanager
def measured_if_chosen(item: pytest.Item) -> Generator[None]:
    """Stop measuring during a test, its set-up included, that was not chosen."""
    measuring = coverage.Coverage.current()
    if measuring is None or item.stash.get(_IS_MEASURED, True):
        yield
        return
    measuring.stop()
    try:
        yield
    finally:
        measuring.start()
