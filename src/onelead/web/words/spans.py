"""How far back a page looks: some hours or days, or moments in the account's time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from onelead.domain.custom_fields import day_seconds
from onelead.domain.figures import HOUR_S

_YEARS = range(1971, 9999)


class Span(Struct, frozen=True):
    """How far back a page looks: `hours`, or `days` when there are none."""

    name: str
    label: str
    hours: int = 0
    days: int = 0


SPANS = (
    Span("24h", "24 hours", hours=24),
    Span("48h", "48 hours", hours=48),
    Span("30d", "30 days", days=30),
    Span("90d", "90 days", days=90),
)


def span_named(name: str) -> Span:
    """Return the span with a name; the shortest one for an unknown name."""
    return next((span for span in SPANS if span.name == name), SPANS[0])


def hours_of(span: Span, now: int, zone: ZoneInfo) -> tuple[int, int]:
    """Return the first hour of a span that ends now, and the hour at which it ends."""
    until = now - now % HOUR_S + HOUR_S
    if span.hours:
        return until - span.hours * HOUR_S, until
    first = day_seconds(days_of(span, now, zone)[0].isoformat(), zone)
    return -(-first // HOUR_S) * HOUR_S, until


def moment_from(text: str, zone: ZoneInfo, *, is_end: bool) -> int | None:
    """Read a moment as browsers write it, in the local time of a zone; None for any other text.

    A day means all of it, so as an end it is the day's last moment.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.year not in _YEARS or moment.tzinfo is not None:
        return None
    is_day = len(text) <= len("YYYY-MM-DD")
    if is_day and is_end:
        moment = datetime.combine(moment, time()) + timedelta(days=1)
    return int(moment.replace(tzinfo=zone).timestamp())


def local(seconds: int, zone: ZoneInfo) -> datetime:
    """Return a moment (Unix seconds) in the local time of a zone."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(zone)


def days_of(span: Span, now: int, zone: ZoneInfo) -> list[date]:
    """Return the days of a span that ends today, oldest first."""
    today = local(now, zone).date()
    return [today - timedelta(days=back) for back in range(span.days - 1, -1, -1)]
