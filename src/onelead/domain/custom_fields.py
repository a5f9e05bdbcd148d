"""Custom field definitions, and the rules for their values by data type.

A value has three forms: as sent (any JSON), as stored (`CustomValue`), and as match values
(normalised text; a MultiSelect has one for each of its options).
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, get_args

from msgspec import Struct

from onelead.domain.lead import CustomValue
from onelead.domain.limits import (
    LINE_CHARS_MAX,
    NUMBER_ABS_MAX,
    TEXT_CHARS_MAX,
    UNIX_SECONDS_MAX,
    URL_CHARS_MAX,
)
from onelead.domain.text import is_blank, quoted, tidy, too_long

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


class DataType(StrEnum):
    """The writable data types, spelled as on the wire."""

    CHECKBOX = "Checkbox"
    CURRENCY = "Currency"
    DATE = "Date"
    DROPDOWN = "Dropdown"
    FLOAT = "Float"
    MULTI_SELECT = "MultiSelect"
    PERCENTAGE = "Percentage"
    STRING = "String"
    TEXT = "Text"
    URL = "URL"


TYPES_WITH_OPTIONS = frozenset({DataType.DROPDOWN, DataType.MULTI_SELECT})
#: Types whose stored values are numbers.
NUMBER_TYPES = frozenset({DataType.FLOAT, DataType.CURRENCY, DataType.PERCENTAGE})
#: Types whose match values sort like the values themselves, so ranges can be searched.
RANGE_TYPES = NUMBER_TYPES | {DataType.DATE}
TEXT_TYPES = frozenset({DataType.STRING, DataType.TEXT, DataType.URL})
ResourceName = Literal["lead", "person", "company", "opportunity", "project", "task"]
RESOURCES: tuple[ResourceName, ...] = get_args(ResourceName)

_CHARS_MAX = {
    DataType.STRING: LINE_CHARS_MAX,
    DataType.TEXT: TEXT_CHARS_MAX,
    DataType.URL: URL_CHARS_MAX,
}
# Years whose days have a midnight in every time zone, and four digits in text.
_YEAR_MIN, _YEAR_MAX = 1000, 9998
# The first of those days begins earlier in the east than in UTC.
_SECONDS_MIN = int(datetime(_YEAR_MIN, 1, 1, tzinfo=UTC).timestamp()) - 86_400


class IndexState(StrEnum):
    """Whether every lead has its match keys for a definition."""

    NONE = "none"
    #: New writes get keys; the index work is still adding them to older leads.
    BUILDING = "building"
    READY = "ready"


class Option(Struct, frozen=True):
    """One choice of a Dropdown or MultiSelect; its rank is its place in the definition."""

    id: int
    name: str


class CustomField(Struct, frozen=True):
    """A custom field definition."""

    id: int
    name: str
    data_type: DataType
    canonical_name: str | None = None
    #: Sorted as in `RESOURCES`.
    available_on: tuple[str, ...] = ()
    is_filterable: bool = False
    options: tuple[Option, ...] = ()
    #: ISO 4217, for the type Currency.
    currency: str | None = None
    index_state: IndexState = IndexState.NONE
    #: Each time the definition becomes indexed it gets a new generation, so that keys left over
    #: from an earlier one are never read.
    index_generation: int = 0

    @property
    def on_leads(self) -> bool:
        """Whether leads have this field."""
        return "lead" in self.available_on

    @property
    def is_indexed(self) -> bool:
        """Whether leads have match keys for this field, complete or still being built."""
        return self.index_state is not IndexState.NONE

    @property
    def key_field(self) -> str:
        """The name under which this definition's match keys are stored."""
        return f"custom:{self.id}.{self.index_generation}"


class ValueInvalid(Exception):
    """A value that the definition of its custom field does not allow; the text says why."""


def stored_value(field: CustomField, raw: Any, zone: ZoneInfo) -> CustomValue | None:
    """Turn a value as sent into its stored form; an empty one becomes None.

    Days begin in `zone`, the account's time zone. Raises ValueInvalid.
    """
    if raw is None or (isinstance(raw, str) and is_blank(raw)):
        return None
    if field.data_type is DataType.DATE:
        return _day(raw, zone)
    return _STORED[field.data_type](field, raw)


def _text(field: CustomField, raw: Any) -> str:
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        raw = str(raw)
    if not isinstance(raw, str):
        raise ValueInvalid("must be a string")
    if len(raw) > (limit := _CHARS_MAX[field.data_type]):
        raise ValueInvalid(too_long(limit))
    return raw


def _option_id(field: CustomField, raw: Any) -> int:
    if isinstance(raw, str):
        name = tidy(raw)
        # An option's name may be the id of another; text is read as a name first.
        ids = [option.id for option in field.options if tidy(option.name) == name]
        ids += [option.id for option in field.options if str(option.id) == name]
    else:
        ids = [option.id for option in field.options if raw == option.id]
    if ids and not isinstance(raw, bool):
        return ids[0]
    raise ValueInvalid(f"is not an option of this field: {quoted(raw)}")


def _option_ids(field: CustomField, raw: Any) -> tuple[int, ...] | None:
    entries = raw if isinstance(raw, list | tuple) else [raw]
    return tuple(sorted({_option_id(field, entry) for entry in entries})) or None


def _checkbox(_field: CustomField, raw: Any) -> bool | None:
    if not isinstance(raw, bool):
        raise ValueInvalid("must be true or false")
    return raw or None


def _float(_field: CustomField, raw: Any) -> float:
    return float(number(raw))


def _percentage(_field: CustomField, raw: Any) -> int:
    # Copper keeps whole percents and drops the fraction (0.34 is stored as 0).
    return math.trunc(number(raw))


def number(raw: Any) -> int | float:
    """Return a number that was sent as a number or as text, or raise ValueInvalid."""
    found = _number_in(raw) if isinstance(raw, str) else raw
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise ValueInvalid(f"is not a number: {quoted(raw)}")
    if not abs(found) <= NUMBER_ABS_MAX:
        raise ValueInvalid(f"must lie between -{NUMBER_ABS_MAX} and {NUMBER_ABS_MAX}")
    return found


def _number_in(text: str) -> int | float | None:
    if text.isascii() and len(text) <= LINE_CHARS_MAX and "_" not in text:
        for kind in (int, float):
            try:
                return kind(text)
            except ValueError:
                continue
    return None


def _day(raw: Any, zone: ZoneInfo) -> str:
    if isinstance(raw, str) and "/" in raw:
        try:
            day = datetime.strptime(tidy(raw), "%m/%d/%Y").date()  # noqa: DTZ007
        except ValueError:
            raise ValueInvalid(f"is not a date (mm/dd/yyyy): {quoted(raw)}") from None
        if not _YEAR_MIN <= day.year <= _YEAR_MAX:
            raise ValueInvalid(f"is out of range: {quoted(raw)}")
        return day.isoformat()
    try:
        seconds = number(raw)
    except ValueInvalid:
        raise ValueInvalid(f"is not mm/dd/yyyy or Unix seconds: {quoted(raw)}") from None
    return day_of(seconds, zone)


_ISO_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)


def day_on_the_wire(text: str) -> str:
    """Return a day YYYY-MM-DD as API clients send it; any other text is returned as it is."""
    found = _ISO_DAY.fullmatch(text)
    return f"{found[2]}/{found[3]}/{found[1]}" if found else text


def day_of(seconds: float, zone: ZoneInfo) -> str:
    """Return the day (`YYYY-MM-DD`) of a moment in a time zone. Raises ValueInvalid."""
    if _SECONDS_MIN <= seconds <= UNIX_SECONDS_MAX - 86_400:
        day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).astimezone(zone)
        if _YEAR_MIN <= day.year <= _YEAR_MAX:
            return day.date().isoformat()
    raise ValueInvalid(f"is out of range: {seconds}")


def day_seconds(day: str, zone: ZoneInfo) -> int:
    """Return the Unix seconds of a day's midnight in a time zone."""
    at = date.fromisoformat(day)
    return int(datetime(at.year, at.month, at.day, tzinfo=zone).astimezone(UTC).timestamp())


_STORED: dict[DataType, Callable[[CustomField, Any], CustomValue | None]] = {
    DataType.STRING: _text,
    DataType.TEXT: _text,
    DataType.URL: _text,
    DataType.DROPDOWN: _option_id,
    DataType.MULTI_SELECT: _option_ids,
    DataType.CHECKBOX: _checkbox,
    DataType.FLOAT: _float,
    DataType.CURRENCY: _float,
    DataType.PERCENTAGE: _percentage,
}


def match_values(field: CustomField, value: CustomValue | None) -> list[str]:
    """Return the normalised values under which a stored value is found.

    Numbers and days sort as text in the order of the values.
    """
    if field.data_type is DataType.CHECKBOX:
        # A Checkbox is never empty: unless it was set, it reads as false.
        return ["true" if value else "false"]
    if value is None:
        return []
    if isinstance(value, tuple):
        return [str(option_id) for option_id in value]
    if field.data_type in NUMBER_TYPES:
        assert isinstance(value, int | float)
        return [sortable_number(value)]
    if field.data_type in TEXT_TYPES:
        text = tidy(str(value))
        return [text] if text else []
    return [str(value)]


def sortable_number(value: float) -> str:
    """Return a number as 16 hexadecimal digits that sort as text like the numbers do."""
    (bits,) = struct.unpack(">Q", struct.pack(">d", value + 0.0))
    bits = bits ^ 0xFFFF_FFFF_FFFF_FFFF if bits >> 63 else bits | 1 << 63
    return f"{bits:016x}"


def number_of_sortable(text: str) -> float:
    """Return the number that `sortable_number` was given."""
    bits = int(text, 16)
    bits = bits ^ 1 << 63 if bits >> 63 else bits ^ 0xFFFF_FFFF_FFFF_FFFF
    value: float = struct.unpack(">d", struct.pack(">Q", bits))[0]
    return value
