"""Which values of a parameter `make test` tries: the first ones; `make test-all` tries them all."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import pytest


def slow_after(fast: int, values: Iterable[Any]) -> list[Any]:
    """Mark all values but the first `fast` ones as slow."""
    rest = iter(values)
    return [
        *(pytest.param(value) for value in islice(rest, fast)),
        *(pytest.param(value, marks=pytest.mark.slow) for value in rest),
    ]
