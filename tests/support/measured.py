"""Which tests `--cov` measures: those that can run a line for the first time.

The tracer costs two thirds of a test again. Another case of the same test hardly ever runs another
line, so it is measured for the first case only: for each engine, where a test runs on a database of
each. A test that is marked `unmeasured` runs the lines of shorter ones. The rules are to have every
branch run, so their unit tests are measured whole. What the figures say is a lower bound.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

import coverage
import pytest

_MEASURED_WHOLE = Path("unit")
_IS_MEASURED = pytest.StashKey[bool]()


def choose(items: Iterable[pytest.Item], tests: Path) -> None:
    """Mark the tests to measure, of all that are run from the folder of the tests."""
    seen: set[tuple[str, object]] = set()
    for item in items:
        test = item.nodeid.partition("[")[0]
        case = getattr(item, "callspec", None)
        engine = case.params.get("database") if case is not None else None
        is_whole = item.path.is_relative_to(tests / _MEASURED_WHOLE)
        is_first = (test, engine) not in seen and item.get_closest_marker("unmeasured") is None
        item.stash[_IS_MEASURED] = is_whole or is_first
        seen.add((test, engine))


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
