"""The dates in a search: moments as they are, and days of the account's time zone as a whole."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.support.domain.builders import a_field, a_settings

from onelead.domain.custom_fields import DataType, IndexState, ValueInvalid
from onelead.domain.errors import InputInvalid
from onelead.domain.search import FieldFilter, LeadSearch, Range, checked_search
from onelead.domain.search_dates import LocalBound, date_bound

BERLIN, LOS_ANGELES, AUCKLAND = "Europe/Berlin", "America/Los_Angeles", "Pacific/Auckland"
#: Midnight of 1 March 2024 in UTC.
MARCH = 1_709_251_200
HOUR = 3_600


def seconds_of(raw: Any, *, is_maximum: bool, zone: str = BERLIN) -> int:
    bound = date_bound("created_date", raw, is_maximum=is_maximum)
    return bound.seconds(ZoneInfo(zone)) if isinstance(bound, LocalBound) else bound


@pytest.mark.parametrize(
    ("raw", "first", "last"),
    [
        (MARCH, MARCH, MARCH),
        (str(MARCH), MARCH, MARCH),
        (f" {MARCH}.0 ", MARCH, MARCH),
        (MARCH + 0.5, MARCH + 1, MARCH),
        (-(10**15), -(10**15), -(10**15)),
        ("2024-03-01", MARCH - HOUR, MARCH - HOUR + 86_399),
        # A day with 23 hours.
        ("2024-03-31", MARCH + 30 * 86_400 - HOUR, MARCH + 31 * 86_400 - 2 * HOUR - 1),
        ("2024-03-01T00:00:00Z", MARCH, MARCH),
        ("2024-03-01t00:00:00.000z", MARCH, MARCH),
        ("2024-03-01T00:00:00.25Z", MARCH + 1, MARCH),
        ("2024-03-01 02:00+02:00", MARCH, MARCH),
        ("2024-03-01T00:00:00", MARCH - HOUR, MARCH - HOUR),
        ("2024-03-01T00:00:00.5", MARCH - HOUR + 1, MARCH - HOUR),
        ("2024-03-01 01:00", MARCH, MARCH),
    ],
)
def test_a_bound_is_a_moment_or_a_whole_day(raw: Any, first: int, last: int) -> None:
    assert seconds_of(raw, is_maximum=False) == first
    assert seconds_of(raw, is_maximum=True) == last


@pytest.mark.parametrize("day", ["0002-01-01", "9998-12-31", "1900-01-01"])
@pytest.mark.parametrize("zone", [LOS_ANGELES, AUCKLAND, "UTC"])
def test_every_day_has_a_first_and_a_last_second(day: str, zone: str) -> None:
    length = seconds_of(day, is_maximum=True, zone=zone) - seconds_of(
        day, is_maximum=False, zone=zone
    )
    assert length == 86_399


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (1_700_000_000_000, "looks like milliseconds; send Unix seconds: 1700000000000"),
        ("1700000000000", 'looks like milliseconds; send Unix seconds: "1700000000000"'),
        (10**11, "looks like milliseconds; send Unix seconds: 100000000000"),
        (10**18, "is not Unix seconds or yyyy-mm-dd: 1000000000000000000"),
        ("soon", 'is not Unix seconds or yyyy-mm-dd: "soon"'),
        ("03/01/2024", 'is not Unix seconds or yyyy-mm-dd: "03/01/2024"'),
        ("2023-02-29", 'is not a date: "2023-02-29"'),
        ("2024-03-01T25:00", 'is not a date: "2024-03-01T25:00"'),
        ("2024-03-01 or later", 'is not a date: "2024-03-01 or later"'),
        ("0001-12-31", 'is out of range: "0001-12-31"'),
        ("9999-01-01", 'is out of range: "9999-01-01"'),
    ],
)
def test_what_is_no_date_is_refused_in_words(raw: Any, text: str) -> None:
    with pytest.raises(ValueInvalid) as refused:
        date_bound("created_date", raw, is_maximum=False)
    assert str(refused.value) == text


def test_local_bounds_narrow_their_ranges() -> None:
    low, high = (
        LocalBound("created_date", is_maximum=is_maximum, text="2024-03-01")
        for is_maximum in (False, True)
    )
    settings = a_settings(time_zone="UTC")
    for held, found in (
        (None, Range(MARCH, MARCH + 86_399)),
        (Range(0, 2 * MARCH), Range(MARCH, MARCH + 86_399)),
        (Range(MARCH + 5, MARCH + 9), Range(MARCH + 5, MARCH + 9)),
    ):
        search = LeadSearch(created_date=held, local_bounds=(low, high))
        checked = checked_search(search, settings).search
        assert checked == LeadSearch(created_date=found)


DATE = a_field(id=9, data_type=DataType.DATE, is_filterable=True, index_state=IndexState.READY)


def days_of(low: Any, high: Any, zone: str) -> tuple[str | None, str | None]:
    """Return the first and the last day of the range of a custom field."""
    settings = a_settings(time_zone=zone, fields=(DATE,))
    entry = FieldFilter(DATE.id, minimum=low, maximum=high)
    (found,) = checked_search(LeadSearch(custom_fields=(entry,)), settings).key_filters
    return found.low, found.high


@pytest.mark.parametrize("zone", [BERLIN, LOS_ANGELES, AUCKLAND, "UTC"])
@pytest.mark.parametrize(
    "raw",
    [
        *("2024-03-01", " 2024-03-01 ", "2024-03-01T15:00", "03/01/2024"),
        *(MARCH, str(MARCH), float(MARCH), "2024-03-01T00:00:00Z"),
    ],
)
def test_a_day_that_is_named_belongs_to_its_range_in_every_zone(raw: Any, zone: str) -> None:
    assert days_of(raw, raw, zone) == ("2024-03-01", "2024-03-01")


@pytest.mark.parametrize(
    ("low", "high", "days"),
    [
        # The midnight in Berlin.
        (MARCH - HOUR, MARCH - HOUR, ("2024-03-01", "2024-03-01")),
        (MARCH - HOUR + 1, MARCH - HOUR - 1, ("2024-03-02", "2024-02-29")),
        (MARCH + 5, None, ("2024-03-02", None)),
        ("2024-03-01T00:00:05Z", "2024-03-01T00:00:05Z", ("2024-03-02", "2024-03-01")),
        ("2024-03-01T00:00:00+01:00", "2024-02-29T23:00:00Z", ("2024-03-01", "2024-03-01")),
        (None, MARCH + 5, (None, "2024-03-01")),
    ],
)
def test_of_other_moments_whole_days_count(
    low: Any, high: Any, days: tuple[str | None, str | None]
) -> None:
    assert days_of(low, high, BERLIN) == days


@pytest.mark.parametrize(
    "entry",
    [
        FieldFilter(DATE.id, (1_700_000_000_000,)),
        FieldFilter(DATE.id, minimum="1700000000000"),
        FieldFilter(DATE.id, maximum=1_700_000_000_000),
    ],
)
def test_milliseconds_are_no_day_of_a_custom_field(entry: FieldFilter) -> None:
    settings = a_settings(fields=(DATE,))
    with pytest.raises(InputInvalid, match="looks like milliseconds"):
        checked_search(LeadSearch(custom_fields=(entry,)), settings)
