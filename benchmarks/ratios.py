"""The only statistics used: a figure per round, and the ratio of two such figures.

Two things measured in the same round had the same conditions, so their ratio says more than either.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from msgspec import Struct

#: By round.
Figures = Mapping[int, float]


class Spread(Struct, frozen=True):
    """The median over the rounds, with the lowest and the highest value."""

    median: float
    lowest: float
    highest: float


def spread(figures: Figures) -> Spread:
    """Return the spread of a figure."""
    values = figures.values()
    return Spread(statistics.median(values), min(values), max(values))


def ratio(measured: Figures, against: Figures) -> Spread:
    """Return the spread of the per-round ratios; both were measured in the same rounds."""
    assert measured.keys() == against.keys()
    return spread({number: measured[number] / against[number] for number in measured})
