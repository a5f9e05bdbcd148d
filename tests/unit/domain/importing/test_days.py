"""Days in files."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onelead.domain.importing.days import DateOrder, api_day, order_evidence, seconds_of

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "evidence"),
    [
        *[("13/02/2026", "dmy"), ("02/13/2026", "mdy"), ("02-03-26", "open")],
        *[("02/02/2026", None), ("2026-02-03", None), ("03.02.2026", None), ("32/01/2026", None)],
        *[("3 March 2026", None), ("", None), ("2026/13/02", None)],
    ],
)
def test_a_date_shows_which_number_is_the_month_or_not(text: str, evidence: str | None) -> None:
    assert order_evidence(text) == evidence


@pytest.mark.parametrize(
    ("text", "order", "day"),
    [
        *[("07/30/2023", "mdy", "2023-07-30"), ("30/07/2023", "dmy", "2023-07-30")],
        # Never rolled over.
        *[("07/30/2023", "dmy", None), ("31.02.2026", None, None), ("29/02/2025", "dmy", None)],
        *[("04/03/2026", None, None), ("13/03/2026", None, "2026-03-13"), ("99/3/26", None, None)],
        *[("1.3.2026", None, "2026-03-01"), ("1.3.26", "mdy", "2026-03-01")],
        *[("3/3/99", None, "1999-03-03"), ("2026/3/4", None, "2026-03-04")],
        *[("20260304", None, "2026-03-04"), ("20261304", None, None)],
        *[("3 March 2026", None, "2026-03-03"), ("3. März 2026", None, "2026-03-03")],
        *[("Mar 3, 2026", None, "2026-03-03"), ("3-Mar-26", None, "2026-03-03")],
        *[("3 de marzo de 2026", None, "2026-03-03"), ("1er août 2026", None, "2026-08-01")],
        *[("1\u00ba de março de 2026", None, "2026-03-01"), ("3 mei 2026", None, "2026-05-03")],
        *[("3 maggio 2026", None, "2026-05-03"), ("Tuesday, March 3rd, 2026", None, "2026-03-03")],
        *[("31 June 2026", None, None), ("3 Brumaire 2026", None, None)],
        *[("46023", None, "2026-01-01"), ("46023.5", None, "2026-01-01")],
        *[("46023.999999", None, "2026-01-02"), ("1999", None, None), ("soon", None, None)],
        *[("3/4/2026 10:15", "dmy", "2026-04-03"), ("3/4/2026 later", "dmy", None)],
        *[("2026-02-30", None, None), ("1772352900", None, "1772352900")],
    ],
)
def test_a_day_is_read_by_the_order_of_its_column(
    text: str, order: DateOrder | None, day: str | None
) -> None:
    assert api_day(text, order) == day


@given(st.dates(date(1970, 1, 1), date(2069, 12, 31)), st.sampled_from(["dmy", "mdy"]))
def test_every_day_is_read_back(day: date, order: DateOrder) -> None:
    form = "%d/%m/%Y" if order == "dmy" else "%m/%d/%y"
    assert api_day(day.strftime(form), order) == day.isoformat()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *[("2026-03-01", 1_772_319_600), ("2026-03-01 10:22", 1_772_356_920)],
        *[("2026-03-01T09:15:00+01:00", 1_772_352_900), ("2026-03-01T08:15:00Z", 1_772_352_900)],
        *[("2026-03-01 08:15:00.123 UTC", 1_772_352_900), ("1 Mar 2026 9:15 am", 1_772_352_900)],
        *[("01.03.2026 12:05 AM", 1_772_319_900), ("01.03.2026 12:05 p.m.", 1_772_363_100)],
        *[("1772352900", 1_772_352_900), ("1772352900123", 1_772_352_900)],
        *[("46082.385416667", 1_772_352_900), ("2026-03-01T09:15:00-0030", 1_772_358_300)],
        *[("2026-03-01 25:00", None), ("2026-03-01 9:15 +99:00", None), ("soon", None)],
        ("2026-03-01 whenever", None),
    ],
)
def test_a_moment_is_one_in_the_accounts_time_zone_unless_it_says_so(
    text: str, seconds: int | None
) -> None:
    assert seconds_of(text, None, BERLIN) == seconds
