"""Deliveries per hour or day of a span, split into the layers of a stack.

Hours and days are in the account's time zone. Figures are counted by UTC hours; where a zone is
off by half an hour, a UTC hour belongs to the local day in which it began.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from msgspec import Struct
from msgspec.structs import replace

from onelead.contract.figures import DayFigure, HourFigure
from onelead.domain.figures import DAY_S, HOUR_S
from onelead.web.overview.stack import OTHERS, Layer
from onelead.web.words.spans import Span, days_of, hours_of, local

_LOCALE = "en_US"
_EPOCH = date(1970, 1, 1).toordinal()


class Bucket(Struct, frozen=True):
    """One hour or day. `label` is for the table, `tick` for the axis."""

    label: str
    tick: str
    #: Whether the axis shows the tick.
    is_major: bool
    #: Deliveries by the values of the layers.
    counts: dict[str, int]

    @property
    def total(self) -> int:
        """The number of all its deliveries."""
        return sum(self.counts.values())


class Stretch(NamedTuple):
    """Hours with the same offset of a zone from UTC."""

    since: int
    until: int
    ahead_s: int


def stretches(since: int, until: int, zone: ZoneInfo) -> list[Stretch]:
    """Cut a span of whole hours where the zone's clocks change."""
    found = [Stretch(since, until, _ahead_s(since, zone))]
    # Day by day first, because clocks change only a few times a year.
    for day in range(since, until, DAY_S):
        last = found[-1]
        if _ahead_s(min(day + DAY_S, until) - HOUR_S, zone) != last.ahead_s:
            hours = range(day, day + DAY_S, HOUR_S)
            change = next(hour for hour in hours if _ahead_s(hour, zone) != last.ahead_s)
            changed = Stretch(change, until, _ahead_s(change, zone))
            found[-1:] = [last._replace(until=change), changed]
    return found


def _ahead_s(seconds: int, zone: ZoneInfo) -> int:
    ahead = local(seconds, zone).utcoffset()
    assert ahead is not None
    return int(ahead.total_seconds())


def hour_buckets(
    span: Span, figures: Iterable[HourFigure], now: int, zone: ZoneInfo
) -> Sequence[Bucket]:
    """Return every hour of a span, oldest first, including those without deliveries."""
    counts = _counts(figures)
    hours = range(*hours_of(span, now, zone), HOUR_S)
    return [_hour(local(hour, zone), counts.get(hour, {})) for hour in hours]


def day_buckets(
    span: Span, figures: Iterable[DayFigure], now: int, zone: ZoneInfo
) -> Sequence[Bucket]:
    """Return every day of a span, oldest first, including those without deliveries."""
    counts = _counts(figures)
    days = days_of(span, now, zone)
    return [_day(day, counts.get(day.toordinal() - _EPOCH, {})) for day in days]


def _counts(figures: Iterable[HourFigure | DayFigure]) -> dict[int, dict[str, int]]:
    counts: dict[int, dict[str, int]] = {}
    for moment, value, deliveries in figures:
        values = counts.setdefault(moment, {})
        values[value] = values.get(value, 0) + deliveries
    return counts


def with_others(shown: Sequence[Bucket], whole: Sequence[Bucket]) -> Sequence[Bucket]:
    """Add the rest of each bucket as *others*; `whole` has all deliveries."""
    # The two are read one after the other, and the figures grow in between.
    left = [max(all_.total - bucket.total, 0) for bucket, all_ in zip(shown, whole, strict=True)]
    return [
        replace(bucket, counts=bucket.counts | {OTHERS: others})
        for bucket, others in zip(shown, left, strict=True)
    ]


def local_minute(seconds: int, zone: ZoneInfo) -> str:
    """Write a moment (Unix seconds) in the format of the deliveries' filters."""
    return local(seconds, zone).strftime("%Y-%m-%dT%H:%M")


def _hour(at: datetime, counts: dict[str, int]) -> Bucket:
    label = format_datetime(at, "EEE d MMM, HH:mm", tzinfo=at.tzinfo, locale=_LOCALE)
    if at.replace(fold=0).utcoffset() != at.replace(fold=1).utcoffset():
        # The same hour occurs twice when clocks go back.
        label = f"{label} {at.tzname()}"
    tick = format_datetime(at, "HH:mm", tzinfo=at.tzinfo, locale=_LOCALE)
    return Bucket(str(label), str(tick), at.hour % 6 == 0, counts)


def _day(day: date, counts: dict[str, int]) -> Bucket:
    label = str(format_date(day, "EEE d MMM", locale=_LOCALE))
    tick = str(format_date(day, "d MMM", locale=_LOCALE))
    # Weeks begin on Monday.
    return Bucket(label, tick, day.weekday() == 0, counts)


def day_begins_late(now: int, zone: ZoneInfo) -> str:
    """Say when days of the chart begin; empty when the zone is whole hours off UTC."""
    minutes = _ahead_s(now, zone) % HOUR_S // 60
    return f"00:{minutes:02}" if minutes else ""


def totals(shown: Sequence[Bucket], layers: Sequence[Layer]) -> dict[str, int]:
    """Return the deliveries of all buckets by the values of the layers, in order."""
    return {
        layer.value: sum(bucket.counts.get(layer.value, 0) for bucket in shown) for layer in layers
    }


def description(span: Span, shown: Sequence[Bucket], layers: Sequence[Layer], by: str) -> str:
    """Describe the chart in a sentence for screen readers; `by` is what it is stacked by."""
    counts = totals(shown, layers)
    if not sum(counts.values()):
        return f"No deliveries in the last {span.label}."
    named = [(counts[layer.value], layer.label) for layer in layers]
    parts = ", ".join(f"{label} {count}" for count, label in named if count)
    peak = max(shown, key=lambda bucket: bucket.total)
    return (
        f"Deliveries in the last {span.label}, by {by}: {parts}. "
        f"Busiest {'hour' if span.hours else 'day'}: {peak.label}, with {peak.total}."
    )
