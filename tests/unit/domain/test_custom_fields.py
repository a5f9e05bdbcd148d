"""The values of custom fields: what each data type stores, refuses, and is found by."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain.builders import a_field

from onelead.domain.custom_fields import (
    NUMBER_TYPES,
    RANGE_TYPES,
    TEXT_TYPES,
    TYPES_WITH_OPTIONS,
    CustomField,
    DataType,
    IndexState,
    Option,
    ValueInvalid,
    day_of,
    day_seconds,
    match_values,
    number,
    number_of_sortable,
    sortable_number,
    stored_value,
)
from onelead.domain.lead import CustomValue
from onelead.domain.limits import NUMBER_ABS_MAX

PACIFIC = ZoneInfo("America/Los_Angeles")
#: Zones with clock changes at midnight and at other hours, odd offsets, and a date line.
ZONES = [
    ZoneInfo(name)
    for name in (
        *("UTC", "America/Los_Angeles", "America/Sao_Paulo", "America/Havana", "Asia/Beirut"),
        *("Africa/Cairo", "Asia/Tokyo", "Asia/Kathmandu", "Australia/Lord_Howe"),
        *("Europe/London", "Pacific/Auckland", "Etc/GMT+12", "Etc/GMT-14"),
    )
]
zones = st.sampled_from(ZONES)
days = st.dates(date(1000, 1, 1), date(5000, 12, 30))
OPTIONS = (
    *(Option(21, "Gold"), Option(22, "Silver"), Option(23, " Bron\u0301ze ")),
    *(Option(24, "21"), Option(25, "Red, dark")),
)
NO_OPTION = "is not an option of this field"
THE_OPTIONS = '; the options are "Gold", "Silver", " Bron\u0301ze ", "21", "Red, dark"'


def a_field_of(data_type: DataType) -> CustomField:
    """Make a definition of a type, with options where the type has them."""
    options = OPTIONS if data_type in TYPES_WITH_OPTIONS else ()
    return a_field(data_type=data_type, options=options)


def stored(data_type: DataType, raw: Any) -> CustomValue | None:
    """Store a value in a field of a type, in Pacific time."""
    return stored_value(a_field_of(data_type), raw, PACIFIC)


@pytest.mark.parametrize(
    ("data_type", "raw", "value"),
    [
        (DataType.STRING, "A-77", "A-77"),
        (DataType.STRING, "  A-77 ", "  A-77 "),
        (DataType.STRING, 77, "77"),
        (DataType.STRING, 7.5, "7.5"),
        (DataType.STRING, 12345.0, "12345"),
        (DataType.STRING, -0.0, "0"),
        (DataType.STRING, 1234567890123456789, "1234567890123456789"),
        (DataType.STRING, 1e22, "10000000000000000000000"),
        (DataType.STRING, "x" * 255, "x" * 255),
        (DataType.TEXT, "two\nlines", "two\nlines"),
        (DataType.TEXT, "x" * 65_536, "x" * 65_536),
        (DataType.URL, "not a url", "not a url"),
        (DataType.URL, "x" * 2_048, "x" * 2_048),
        (DataType.DROPDOWN, 22, 22),
        (DataType.DROPDOWN, 22.0, 22),
        (DataType.DROPDOWN, "22", 22),
        (DataType.DROPDOWN, " 22.0 ", 22),
        (DataType.DROPDOWN, "Silver", 22),
        (DataType.DROPDOWN, " Silver\u200b", 22),
        (DataType.DROPDOWN, "Bro\u0144ze", 23),
        (DataType.DROPDOWN, 21, 21),
        (DataType.DROPDOWN, "21", 24),
        (DataType.DROPDOWN, "21.0", 21),
        (DataType.MULTI_SELECT, [22, 21], (21, 22)),
        (DataType.MULTI_SELECT, [22, "Silver", 22], (22,)),
        (DataType.MULTI_SELECT, 22, (22,)),
        (DataType.MULTI_SELECT, "Gold", (21,)),
        (DataType.MULTI_SELECT, "Gold;Silver", (21, 22)),
        (DataType.MULTI_SELECT, "Silver, Gold,", (21, 22)),
        (DataType.MULTI_SELECT, "Gold | 22", (21, 22)),
        (DataType.MULTI_SELECT, "Gold\r\nSilver\n", (21, 22)),
        (DataType.MULTI_SELECT, "Gold; Silver, Bro\u0144ze", (21, 22, 23)),
        (DataType.MULTI_SELECT, "Red, dark", (25,)),
        (DataType.MULTI_SELECT, "Gold;Red, dark", (21, 25)),
        (DataType.MULTI_SELECT, ["Gold;Silver", None, " ", 25], (21, 22, 25)),
        (DataType.MULTI_SELECT, (22.0, "25"), (22, 25)),
        (DataType.CHECKBOX, True, True),
        (DataType.CHECKBOX, False, False),
        *((DataType.CHECKBOX, sent, True) for sent in (1, 1.0, "1", "1.0", "true", " TRUE ")),
        *((DataType.CHECKBOX, sent, True) for sent in ("yes", "Yes", "on", "ON", "y", "t")),
        *((DataType.CHECKBOX, sent, False) for sent in (0, -0.0, "0", "false", "False")),
        *((DataType.CHECKBOX, sent, False) for sent in ("no", "NO", "off", "n", "F")),
        (DataType.FLOAT, 789, 789.0),
        (DataType.FLOAT, -0.5, -0.5),
        (DataType.FLOAT, "7e2", 700.0),
        (DataType.FLOAT, NUMBER_ABS_MAX, 1e15),
        (DataType.CURRENCY, "55.5", 55.5),
        (DataType.CURRENCY, " 55 ", 55.0),
        (DataType.CURRENCY, "\u00a055\u200b", 55.0),
        (DataType.CURRENCY, 0, 0.0),
        (DataType.PERCENTAGE, 95, 95),
        (DataType.PERCENTAGE, 0.34, 0),
        (DataType.PERCENTAGE, 99.9, 99),
        (DataType.PERCENTAGE, -0.9, 0),
        (DataType.PERCENTAGE, "50", 50),
        (DataType.DATE, "12/15/2020", "2020-12-15"),
        (DataType.DATE, "2/9/2021", "2021-02-09"),
        (DataType.DATE, " 12/15/2020\u200e", "2020-12-15"),
        (DataType.DATE, "02/29/2024", "2024-02-29"),
        (DataType.DATE, 1_608_019_200, "2020-12-15"),
        (DataType.DATE, 1_608_019_199, "2020-12-14"),
        (DataType.DATE, 1_608_019_200.5, "2020-12-15"),
        (DataType.DATE, "1608019200", "2020-12-15"),
        (DataType.DATE, 0, "1970-01-01"),
        (DataType.DATE, "01/01/1000", "1000-01-01"),
        (DataType.DATE, "12/31/5000", "5000-12-31"),
    ],
)
def test_a_value_is_stored(data_type: DataType, raw: Any, value: CustomValue | None) -> None:
    result = stored(data_type, raw)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize("data_type", DataType)
@pytest.mark.parametrize("raw", [None, "", "  ", "\u00a0\u200b", {}, [], [None, [" "], {}]])
def test_an_empty_value_is_not_stored(data_type: DataType, raw: Any) -> None:
    assert stored(data_type, raw) is None


@pytest.mark.parametrize(
    ("data_type", "raw", "reason"),
    [
        (DataType.STRING, True, "must be text or null, not true"),
        (DataType.STRING, ["A-77"], 'must be text or null, not ["A-77"]'),
        (DataType.STRING, "x" * 256, "is too long (maximum is 255 characters)"),
        (DataType.STRING, 10**300, "is too long (maximum is 255 characters)"),
        (DataType.TEXT, {"a": 1}, 'must be text or null, not {"a": 1}'),
        (DataType.TEXT, "x" * 65_537, "is too long (maximum is 65536 characters)"),
        (DataType.URL, False, "must be text or null, not false"),
        (DataType.URL, "x" * 2_049, "is too long (maximum is 2048 characters)"),
        (DataType.DROPDOWN, 99, f"is not an option of this field: 99{THE_OPTIONS}"),
        (DataType.DROPDOWN, 22.5, f"is not an option of this field: 22.5{THE_OPTIONS}"),
        (DataType.DROPDOWN, "silver", f'is not an option of this field: "silver"{THE_OPTIONS}'),
        (DataType.DROPDOWN, "Gold;Silver", f'{NO_OPTION}: "Gold;Silver"{THE_OPTIONS}'),
        (DataType.DROPDOWN, True, f"is not an option of this field: true{THE_OPTIONS}"),
        (DataType.DROPDOWN, [22], f"is not an option of this field: [22]{THE_OPTIONS}"),
        (DataType.DROPDOWN, {"id": 22}, f'{NO_OPTION}: {{"id": 22}}{THE_OPTIONS}'),
        (DataType.MULTI_SELECT, [21, 99], f"is not an option of this field: 99{THE_OPTIONS}"),
        (DataType.MULTI_SELECT, "Gold;Tin", f'{NO_OPTION}: "Gold;Tin"{THE_OPTIONS}'),
        (DataType.MULTI_SELECT, " ;, ", f'{NO_OPTION}: " ;, "{THE_OPTIONS}'),
        (DataType.MULTI_SELECT, [[21]], f"is not an option of this field: [21]{THE_OPTIONS}"),
        (DataType.MULTI_SELECT, False, f"is not an option of this field: false{THE_OPTIONS}"),
        (DataType.CHECKBOX, 2, "must be true or false, not 2"),
        (DataType.CHECKBOX, "checked", 'must be true or false, not "checked"'),
        (DataType.CHECKBOX, [True], "must be true or false, not [true]"),
        (DataType.FLOAT, True, "is not a number: true"),
        (DataType.FLOAT, "many", 'is not a number: "many"'),
        (DataType.FLOAT, "1_000", 'is not a number: "1_000"'),
        (DataType.FLOAT, "1,234.5", 'is not a number: "1,234.5"'),
        (DataType.FLOAT, "1.234,56", 'is not a number: "1.234,56"'),
        (DataType.FLOAT, "0x10", 'is not a number: "0x10"'),
        (DataType.FLOAT, "\uff11\uff12", 'is not a number: "\uff11\uff12"'),
        (DataType.FLOAT, "9" * 256, f'is not a number: "{"9" * 60}..."'),
        (DataType.FLOAT, [1], "is not a number: [1]"),
        (DataType.FLOAT, "nan", f"must lie between -{10**15} and {10**15}"),
        (DataType.FLOAT, "-inf", f"must lie between -{10**15} and {10**15}"),
        (DataType.FLOAT, "9" * 255, f"must lie between -{10**15} and {10**15}"),
        (DataType.FLOAT, 10**4_000, f"must lie between -{10**15} and {10**15}"),
        (DataType.FLOAT, 1.1e15, f"must lie between -{10**15} and {10**15}"),
        (DataType.CURRENCY, "USD 5", 'is not a number: "USD 5"'),
        (DataType.CURRENCY, "(100)", 'is not a number: "(100)"'),
        (DataType.CURRENCY, -(10**15) - 1, f"must lie between -{10**15} and {10**15}"),
        (DataType.PERCENTAGE, "95%", 'is not a number: "95%"'),
        (DataType.PERCENTAGE, "inf", f"must lie between -{10**15} and {10**15}"),
    ],
)
def test_a_value_is_refused(data_type: DataType, raw: Any, reason: str) -> None:
    with pytest.raises(ValueInvalid) as refusal:
        stored(data_type, raw)
    assert str(refusal.value) == reason


@pytest.mark.parametrize(("count", "end"), [(0, "7"), (10, '"J"'), (11, '"J", ...')])
def test_a_refusal_names_the_first_options(count: int, end: str) -> None:
    options = tuple(Option(100 + n, chr(ord("A") + n)) for n in range(count))
    field = a_field(data_type=DataType.DROPDOWN, options=options)
    with pytest.raises(ValueInvalid, match=f"{re.escape(end)}$"):
        stored_value(field, 7, PACIFIC)


@pytest.mark.parametrize(
    ("data_type", "value", "found_by"),
    [
        (DataType.STRING, " A-77\u200b", ["A-77"]),
        (DataType.TEXT, "two\nlines", ["two lines"]),
        (DataType.URL, "https://field.example/A", ["https://field.example/A"]),
        (DataType.DROPDOWN, 22, ["22"]),
        (DataType.MULTI_SELECT, (21, 22), ["21", "22"]),
        (DataType.CHECKBOX, True, ["true"]),
        (DataType.FLOAT, 789.0, [sortable_number(789)]),
        (DataType.CURRENCY, 55.5, [sortable_number(55.5)]),
        (DataType.PERCENTAGE, 95, [sortable_number(95)]),
        (DataType.DATE, "2020-12-15", ["2020-12-15"]),
    ],
)
def test_a_stored_value_is_found_by(
    data_type: DataType, value: CustomValue, found_by: list[str]
) -> None:
    assert match_values(a_field_of(data_type), value) == found_by


@pytest.mark.parametrize("data_type", DataType)
def test_no_value_has_no_match_value_but_a_checkbox_reads_as_false(
    data_type: DataType,
) -> None:
    expected = ["false"] if data_type is DataType.CHECKBOX else []
    assert match_values(a_field_of(data_type), None) == expected


def test_an_invisible_text_has_no_match_value() -> None:
    assert match_values(a_field_of(DataType.TEXT), "\u200b") == []


@pytest.mark.parametrize(
    ("data_type", "one", "other"),
    [
        (DataType.STRING, "Andr\u00e9", " Andre\u0301 "),
        (DataType.STRING, 77, "77"),
        (DataType.FLOAT, "789", 789.0),
        (DataType.FLOAT, 0, "-0.0"),
        (DataType.CURRENCY, "55.50", 55.5),
        (DataType.PERCENTAGE, 50.9, "50"),
        (DataType.DROPDOWN, "Silver", 22),
        (DataType.MULTI_SELECT, ["Silver"], 22),
        (DataType.DATE, "12/15/2020", 1_608_019_200),
        (DataType.DATE, "12/15/2020", 1_608_019_200 + 86_399),
        (DataType.CHECKBOX, False, None),
    ],
)
def test_two_spellings_of_one_value_match(data_type: DataType, one: Any, other: Any) -> None:
    field = a_field_of(data_type)
    assert match_values(field, stored(data_type, one)) == match_values(
        field, stored(data_type, other)
    )


@pytest.mark.parametrize(
    ("data_type", "one", "other"),
    [
        (DataType.STRING, "a-77", "A-77"),
        (DataType.STRING, "A  77", "A 77"),
        (DataType.FLOAT, 0.1, 0.1 + 2**-55),
        (DataType.DROPDOWN, 21, "21"),
        (DataType.DATE, 1_608_019_199, 1_608_019_200),
    ],
)
def test_two_values_do_not_match(data_type: DataType, one: Any, other: Any) -> None:
    field = a_field_of(data_type)
    assert match_values(field, stored(data_type, one)) != match_values(
        field, stored(data_type, other)
    )


def as_read(value: CustomValue | None, zone: ZoneInfo, data_type: DataType) -> Any:
    """Return a stored value as a client reads it."""
    if data_type is DataType.DATE and value is not None:
        return day_seconds(str(value), zone)
    return list(value) if isinstance(value, tuple) else value


anything_json = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=20),
    st.integers(-(10**16), 10**16),
    st.floats(-1e16, 1e16),
    st.sampled_from([21, 22, "Silver", "21", "12/15/2020", "7.5", 1_608_019_200]),
    st.lists(st.sampled_from([21, 22, "Gold", 99]), max_size=3),
    days.map(lambda day: f"{day:%m/%d}/{day.year:04}"),
)


@given(st.sampled_from(DataType), anything_json, zones)
def test_what_was_read_can_be_written_back(data_type: DataType, raw: Any, zone: ZoneInfo) -> None:
    field = a_field_of(data_type)
    try:
        value = stored_value(field, raw, zone)
    except ValueInvalid:
        return
    assert stored_value(field, as_read(value, zone, data_type), zone) == value


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_sortable_numbers_sort_like_the_numbers(one: float, other: float) -> None:
    assert (sortable_number(one) < sortable_number(other)) == (one < other)
    assert (sortable_number(one) == sortable_number(other)) == (one == other)


@given(st.integers(-NUMBER_ABS_MAX, NUMBER_ABS_MAX), st.floats(-NUMBER_ABS_MAX, NUMBER_ABS_MAX))
def test_whole_numbers_sort_among_the_others(whole: int, other: float) -> None:
    assert (sortable_number(whole) < sortable_number(other)) == (whole < other)
    assert (sortable_number(whole) < sortable_number(whole + 1)) is True
    assert len(sortable_number(whole)) == 16


@given(st.floats(allow_nan=False))
def test_a_sortable_number_can_be_read_back(sent: float) -> None:
    assert number_of_sortable(sortable_number(sent)) == sent


@given(st.floats(-NUMBER_ABS_MAX, NUMBER_ABS_MAX))
def test_a_number_and_its_text_are_one(sent: float) -> None:
    assert number(repr(sent)) == number(sent) == sent
    assert stored(DataType.PERCENTAGE, repr(sent)) == int(sent)


def test_a_date_of_the_wire_is_midnight_in_pacific_time() -> None:
    assert day_seconds("2020-12-15", PACIFIC) == 1_608_019_200
    assert day_seconds("2020-07-15", PACIFIC) % 86_400 == 7 * 3_600


@given(days, zones)
def test_a_day_is_the_day_of_its_midnight(day: date, zone: ZoneInfo) -> None:
    assert day_of(day_seconds(day.isoformat(), zone), zone) == day.isoformat()


@given(days, zones, st.floats(0, 1, exclude_max=True))
def test_a_day_lasts_until_the_next_one(day: date, zone: ZoneInfo, part: float) -> None:
    begin = day_seconds(day.isoformat(), zone)
    end = day_seconds((day + timedelta(days=1)).isoformat(), zone)
    assert 22 * 3_600 <= end - begin <= 26 * 3_600
    assert day_of(begin + int((end - begin) * part), zone) == day.isoformat()
    assert day_of(end, zone) != day.isoformat()


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/Los_Angeles", "2024-03-10", 23),
        ("America/Los_Angeles", "2024-11-03", 25),
        ("America/Sao_Paulo", "2018-11-04", 23),
        ("America/Sao_Paulo", "2018-02-17", 25),
        ("Asia/Beirut", "2024-03-31", 23),
        ("America/Havana", "2023-11-05", 25),
        ("Australia/Lord_Howe", "2024-04-07", 24.5),
    ],
)
def test_a_day_on_which_the_clocks_change(zone: str, day: str, hours: float) -> None:
    here = ZoneInfo(zone)
    begin = day_seconds(day, here)
    assert day_of(begin, here) == day
    assert day_of(begin - 1, here) < day
    assert day_of(begin + hours * 3_600 - 1, here) == day
    assert day_of(begin + hours * 3_600, here) > day


def test_a_day_that_a_zone_left_out_is_read_as_the_next() -> None:
    apia = ZoneInfo("Pacific/Apia")
    assert day_of(day_seconds("2011-12-30", apia), apia) == "2011-12-31"


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize("day", ["1000-01-01", "5000-12-31"])
def test_the_first_and_the_last_day_can_be_written_in_every_zone(zone: ZoneInfo, day: str) -> None:
    field = a_field_of(DataType.DATE)
    assert stored_value(field, day_seconds(day, zone), zone) == day


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize("seconds", [-30_610_310_400, 95_649_120_000 + 86_400, float("inf")])
def test_a_moment_outside_the_calendar_is_refused(zone: ZoneInfo, seconds: float) -> None:
    with pytest.raises(ValueInvalid, match="out of range"):
        day_of(seconds, zone)


def test_the_types_are_grouped_without_gaps() -> None:
    assert len(DataType) == 10
    assert NUMBER_TYPES | {DataType.DATE} == RANGE_TYPES
    groups = [TEXT_TYPES, NUMBER_TYPES, TYPES_WITH_OPTIONS, {DataType.DATE, DataType.CHECKBOX}]
    assert sorted(data_type for group in groups for data_type in group) == sorted(DataType)


def test_a_definition_says_whether_leads_have_it() -> None:
    assert a_field(available_on=("lead", "person")).on_leads
    assert not a_field(available_on=("person",)).on_leads


@pytest.mark.parametrize("state", IndexState)
def test_a_definition_is_indexed_from_the_moment_it_is_being_built(state: IndexState) -> None:
    assert a_field(index_state=state).is_indexed == (state != "none")


def test_a_new_index_generation_has_keys_of_its_own() -> None:
    assert a_field(id=7, index_generation=1).key_field == "custom:7.1"
    assert a_field(id=7, index_generation=2).key_field == "custom:7.2"
