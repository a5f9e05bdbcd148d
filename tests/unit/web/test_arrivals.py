"""Hours and days of the chart: no delivery is lost or counted twice, in any zone, at any time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC as UTC_ZONE
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onelead.contract.figures import DayFigure, HourFigure
from onelead.web.overview.arrivals import (
    Bucket,
    day_begins_late,
    day_buckets,
    description,
    hour_buckets,
    stretches,
    totals,
    with_others,
)
from onelead.web.overview.stack import BY_OUTCOME
from onelead.web.words.spans import SPANS, Span, hours_of, span_named

UTC = ZoneInfo("UTC")
ZONES = [
    "UTC",
    "America/Los_Angeles",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
]
#: 14 November 2023, 22:13:20 UTC.
NOW = 1_700_000_000
HOUR = 3_600
DAY = 24 * HOUR
LAYERS = BY_OUTCOME.layers
VALUES = [layer.value for layer in LAYERS]


def counted(span: Span, figures: list[HourFigure], now: int, zone: ZoneInfo) -> Sequence[Bucket]:
    """Count as the pages do, which let the store count days."""
    if span.hours:
        return hour_buckets(span, figures, now, zone)
    days = [
        DayFigure((figure.hour + ahead_s) // DAY, figure.value, figure.deliveries)
        for since, until, ahead_s in stretches(*hours_of(span, now, zone), zone)
        for figure in figures
        if since <= figure.hour < until
    ]
    return day_buckets(span, days, now, zone)


@given(
    st.sampled_from(SPANS),
    st.sampled_from(ZONES),
    st.integers(0, 4_000_000_000),
    st.data(),
)
def test_every_delivery_of_the_span_is_in_one_bucket(
    span: Span, zone_name: str, now: int, data: st.DataObject
) -> None:
    zone = ZoneInfo(zone_name)
    since, until = hours_of(span, now, zone)
    assert since % HOUR == until % HOUR == 0
    assert since < now < until <= now + HOUR
    hours = st.integers(0, (until - since) // HOUR - 1).map(lambda n: since + n * HOUR)
    figure = st.builds(HourFigure, hours, st.sampled_from(VALUES), st.integers(1, 9))
    figures = data.draw(st.lists(figure, max_size=30))
    shown = counted(span, figures, now, zone)
    assert len(shown) == (span.hours or span.days)
    assert sum(bucket.total for bucket in shown) == sum(one.deliveries for one in figures)
    assert sum(totals(shown, LAYERS).values()) == sum(one.deliveries for one in figures)
    for outcome in VALUES:
        of_outcome = (one.deliveries for one in figures if one.value == outcome)
        assert totals(shown, LAYERS)[outcome] == sum(of_outcome)


def test_hours_are_named_in_the_accounts_zone() -> None:
    shown = counted(span_named("24h"), [], NOW, ZoneInfo("America/Los_Angeles"))
    assert (shown[-1].label, shown[-1].tick) == ("Tue 14 Nov, 14:00", "14:00")
    assert [bucket.tick for bucket in shown if bucket.is_major] == [
        *("18:00", "00:00", "06:00", "12:00")
    ]


@pytest.mark.parametrize(
    ("zone", "first", "last"),
    [("UTC", "Mon 16 Oct", "Tue 14 Nov"), ("Asia/Tokyo", "Tue 17 Oct", "Wed 15 Nov")],
)
def test_days_are_those_of_the_accounts_zone(zone: str, first: str, last: str) -> None:
    shown = counted(span_named("30d"), [], NOW, ZoneInfo(zone))
    assert (shown[0].label, shown[-1].label) == (first, last)


def test_an_hour_that_a_day_begins_in_belongs_to_the_day_before() -> None:
    """A day in Kolkata begins at 18:30 UTC."""
    midnight = 1_699_986_600
    zone = ZoneInfo("Asia/Kolkata")
    around = [HourFigure(midnight - 1_800 + n * HOUR, "created", 1) for n in range(2)]
    shown = counted(span_named("30d"), around, NOW, zone)
    assert [(bucket.label, bucket.total) for bucket in shown[-2:]] == [
        ("Tue 14 Nov", 1),
        ("Wed 15 Nov", 1),
    ]


@pytest.mark.parametrize(
    ("zone", "begins"),
    [
        ("UTC", ""),
        ("America/Los_Angeles", ""),
        ("Asia/Kolkata", "00:30"),
        ("America/St_Johns", "00:30"),
    ],
)
def test_it_is_said_when_a_day_does_not_begin_at_midnight(zone: str, begins: str) -> None:
    assert day_begins_late(NOW, ZoneInfo(zone)) == begins


def test_an_hour_that_comes_twice_has_two_names() -> None:
    # 5 November 2023, 10:00 UTC; clocks in Los Angeles went back an hour before.
    shown = counted(span_named("24h"), [], 1_699_178_400, ZoneInfo("America/Los_Angeles"))
    labels = [bucket.label for bucket in shown]
    assert len(set(labels)) == 24
    assert labels[-3:] == ["Sun 5 Nov, 01:00 PDT", "Sun 5 Nov, 01:00 PST", "Sun 5 Nov, 02:00"]


def test_a_day_of_25_hours_is_one_day() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    # 5 November 2023, 00:00 in Los Angeles; clocks go back that night.
    midnight = 1_699_167_600
    all_day = [HourFigure(midnight + n * HOUR, "created", 1) for n in range(26)]
    shown = counted(span_named("30d"), all_day, NOW, zone)
    counts = {bucket.label: bucket.total for bucket in shown if bucket.total}
    assert counts == {"Sun 5 Nov": 25, "Mon 6 Nov": 1}


def test_a_sentence_says_what_the_chart_shows() -> None:
    span = span_named("24h")
    shown = counted(span, [], NOW, UTC)
    assert description(span, shown, LAYERS, "outcome") == "No deliveries in the last 24 hours."
    hour = NOW - NOW % HOUR
    figures = [HourFigure(hour, "created", 5), HourFigure(hour - HOUR, "refused", 7)]
    shown = counted(span, figures, NOW, UTC)
    assert description(span, shown, LAYERS, "outcome") == (
        "Deliveries in the last 24 hours, by outcome: Created 5, Refused 7. "
        "Busiest hour: Tue 14 Nov, 21:00, with 7."
    )


def test_others_are_what_is_left_of_all() -> None:
    def bucket(**counts: int) -> Bucket:
        return Bucket("Tue", "Tue", is_major=True, counts=counts)

    whole = [bucket(created=5, refused=2), bucket(), bucket(created=1)]
    # The last bucket has grown between the two reads.
    shown = with_others([bucket(nora=3), bucket(), bucket(nora=2)], whole)
    assert [one.counts for one in shown] == [
        {"nora": 3, "others": 4},
        {"others": 0},
        {"nora": 2, "others": 0},
    ]


@given(st.sampled_from(ZONES), st.integers(0, 4_000_000_000 // HOUR), st.integers(1, 2_400))
def test_a_stretch_has_one_distance_to_utc(zone_name: str, first: int, hours: int) -> None:
    """Morocco sets its clocks back for Ramadan, so they change twice within a few weeks."""
    zone, since, until = ZoneInfo(zone_name), first * HOUR, (first + hours) * HOUR
    found = stretches(since, until, zone)
    assert (found[0].since, found[-1].until) == (since, until)
    assert all(one.until == other.since for one, other in pairwise(found))
    for stretch in found:
        for hour in range(stretch.since, stretch.until, HOUR):
            ahead = datetime.fromtimestamp(hour, UTC_ZONE).astimezone(zone).utcoffset()
            assert ahead is not None
            assert ahead.total_seconds() == stretch.ahead_s
