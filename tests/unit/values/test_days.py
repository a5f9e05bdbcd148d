"""The days of Date fields: which spellings name one, and that what was read can be written back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain.builders import a_field

from onelead.domain.custom_fields import (
    DataType,
    ValueInvalid,
    day_of,
    day_or_moment,
    day_seconds,
    stored_value,
)

FIELD = a_field(data_type=DataType.DATE)
PACIFIC = ZoneInfo("America/Los_Angeles")
TOKYO = ZoneInfo("Asia/Tokyo")
DAY_S = 86_400

zones = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
days = st.dates(date(1000, 1, 2), date(5000, 12, 30))


def day(raw: Any, zone: ZoneInfo = PACIFIC) -> Any:
    """Store a value of a Date field."""
    return stored_value(FIELD, raw, zone)


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("12/15/2020", "2020-12-15"),
        ("2020-12-15", "2020-12-15"),
        (" 2020-12-15\u200e", "2020-12-15"),
        # Without an offset, the day is the one that is written.
        ("2020-12-15T23:30:00", "2020-12-15"),
        ("2020-12-15 00:00", "2020-12-15"),
        # Midnight in UTC is that day in any zone.
        (1_607_990_400, "2020-12-15"),
        (1_607_990_400.0, "2020-12-15"),
        ("1607990400", "2020-12-15"),
        ("2020-12-15T00:00:00Z", "2020-12-15"),
        ("2020-12-15t00:00z", "2020-12-15"),
        ("2020-12-15T00:00:00.000+00:00", "2020-12-15"),
        ("2020-12-14T19:00:00-0500", "2020-12-15"),
        # Any other moment is in a day of the account.
        (1_607_990_401, "2020-12-14"),
        ("2020-12-15T00:00:01Z", "2020-12-14"),
        ("2020-12-15T07:59:59,999Z", "2020-12-14"),
        ("2020-12-15T08:00:00Z", "2020-12-15"),
        ("2020-12-15T00:00:00-08:00", "2020-12-15"),
        ("2020-12-15 01:00+09:00", "2020-12-14"),
        (1_608_019_200, "2020-12-15"),
        (-1, "1969-12-31"),
    ],
)
def test_a_day(raw: Any, stored: str) -> None:
    assert day(raw) == stored


def test_a_midnight_in_utc_is_its_day_on_both_sides() -> None:
    assert day(1_607_990_400, TOKYO) == day(1_607_990_400, PACIFIC) == "2020-12-15"
    assert day(1_607_990_401, TOKYO) == "2020-12-15"


NOT_A_DATE = "is not mm/dd/yyyy, yyyy-mm-dd or Unix seconds"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        *((raw, f'{NOT_A_DATE}: "{raw}"') for raw in ("15/12/2020", "13/02/2026", "02/29/2023")),
        *((raw, f'{NOT_A_DATE}: "{raw}"') for raw in ("12/15/20", "12/15/2020 8:00", "0/1/2020")),
        *((raw, f'{NOT_A_DATE}: "{raw}"') for raw in ("01.02.2026", "2026-2-1", "2026-02-30")),
        *((raw, f'{NOT_A_DATE}: "{raw}"') for raw in ("2020-12-15T25:00", "2020-12-15T00:00 CET")),
        *((raw, f'{NOT_A_DATE}: "{raw}"') for raw in ("15 Dec 2020", "nan", "inf", "soon")),
        (True, f"{NOT_A_DATE}: true"),
        (["12/15/2020"], f'{NOT_A_DATE}: ["12/15/2020"]'),
        ("12/31/0999", 'is out of range: "12/31/0999"'),
        ("01/01/5001", 'is out of range: "01/01/5001"'),
        ("5001-01-01", 'is out of range: "5001-01-01"'),
        (-(10**15), "is out of range: -1000000000000000"),
        (-40 * 10**9, "is out of range: -40000000000"),
        (99_999_999_999, "is out of range: 99999999999"),
        (1_607_990_400_000, "looks like milliseconds; send Unix seconds: 1607990400000"),
        ("1607990400000", 'looks like milliseconds; send Unix seconds: "1607990400000"'),
        (1.6e20, "looks like milliseconds; send Unix seconds: 1.6e+20"),
    ],
)
def test_anything_else_is_refused(raw: Any, reason: str) -> None:
    with pytest.raises(ValueInvalid) as refusal:
        day(raw)
    assert str(refusal.value) == reason


@given(days, zones)
def test_every_spelling_of_a_day_is_that_day_in_every_zone(at: date, zone: ZoneInfo) -> None:
    midnight = datetime(at.year, at.month, at.day, tzinfo=UTC)
    for raw in (
        at.isoformat(),
        f"{at:%m/%d}/{at.year:04}",
        midnight.isoformat(),
        midnight.isoformat().replace("+00:00", "Z"),
        f"{at.isoformat()}T23:59:59",
        int(midnight.timestamp()),
        str(int(midnight.timestamp())),
    ):
        assert day(raw, zone) == at.isoformat()
        assert day_or_moment(raw) == at.isoformat()


@given(days, zones)
def test_a_day_that_was_read_can_be_sent_back(at: date, zone: ZoneInfo) -> None:
    read = day_seconds(at.isoformat(), zone)
    again = day(read, zone)
    # A zone that crossed the date line has left a day out; it is read as the next one.
    begins = day_seconds((at + timedelta(days=1)).isoformat(), zone)
    assert again == at.isoformat() or read == begins
    assert day(day_seconds(again, zone), zone) == again


@given(st.integers(-30_000_000_000, 95_000_000_000), zones)
def test_any_other_moment_is_in_a_day_of_the_account(seconds: int, zone: ZoneInfo) -> None:
    expected = day_of(seconds, UTC if seconds % DAY_S == 0 else zone)
    assert day(seconds, zone) == expected
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    assert day(at.isoformat(), zone) == expected
