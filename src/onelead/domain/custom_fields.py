"""Custom field definitions, and the rules for their values by data type.

A value has three forms: as sent (any JSON), as stored (`CustomValue`), and as match values
(normalised text; a MultiSelect has one for each of its options).
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, get_args

from msgspec import Struct

from onelead.domain.coercions import (
    are_milliseconds,
    as_boolean,
    as_integer,
    as_list,
    as_number,
    as_text,
    is_empty,
    separated,
)
from onelead.domain.lead import CustomValue
from onelead.domain.limits import (
    LINE_CHARS_MAX,
    NUMBER_ABS_MAX,
    TEXT_CHARS_MAX,
    UNIX_SECONDS_MAX,
    URL_CHARS_MAX,
)
from onelead.domain.text import quoted, tidy, too_long

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
#: How many options a refusal names.
_NAMES_SHOWN_MAX = 10
# Years whose days have a midnight in every time zone, four digits in text, and seconds that are not
# taken for milliseconds.
_YEAR_MIN, _YEAR_MAX = 1000, 5000
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


class KnownOptions:
    """The options of a definition, by what may be sent for them."""

    def __init__(self, options: Sequence[Option]) -> None:
        self._options = options
        self._ids = {option.id for option in options}

    @cached_property
    def _ids_by_name(self) -> dict[str, int]:
        return {tidy(option.name): option.id for option in reversed(self._options)}

    def id_of(self, raw: Any) -> int | None:
        """Return the id of one option; None if there is no such option."""
        # An option's name may be the id of another; text is read as a name first.
        if isinstance(raw, str) and (named := self._ids_by_name.get(tidy(raw))) is not None:
            return named
        number = as_integer(raw)
        is_known = type(number) is int and number in self._ids
        return number if is_known else None

    def ids_of(self, raw: Any) -> list[int] | None:
        """Return the ids of one option, or of a text that lists several; None if one is unknown."""
        if (only := self.id_of(raw)) is not None:
            return [only]
        lists = separated(raw) if isinstance(raw, str) else ()
        return next(filter(None, map(self._ids_of_each, lists)), None)

    def _ids_of_each(self, parts: list[str]) -> list[int] | None:
        ids = []
        for part in dict.fromkeys(parts):
            if (found := self.id_of(part)) is None:
                return None
            ids.append(found)
        return ids

    def refusal(self, raw: Any) -> str:
        """Return why a value is refused, with the names of the first options."""
        names = [quoted(option.name) for option in islice(self._options, _NAMES_SHOWN_MAX + 1)]
        if len(names) > _NAMES_SHOWN_MAX:
            names[_NAMES_SHOWN_MAX:] = ["..."]
        text = f"is not an option of this field: {quoted(raw)}"
        return f"{text}; the options are {', '.join(names)}" if names else text


class CustomField(Struct, frozen=True, dict=True):
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

    @cached_property
    def known_options(self) -> KnownOptions:
        """The options, to be found by what is sent for them."""
        return KnownOptions(self.options)

    @property
    def on_leads(self) -> bool:
        """Whether leads have this field."""
        return "lead" in self.available_on

    @property
    def is_indexed(self) -> bool:
        """Whether leads have match keys for this field, complete or still being built."""
        return self.index_state is not IndexState.NONE

    @cached_property
    def key_field(self) -> str:
        """The name under which this definition's match keys are stored."""
        return f"custom:{self.id}.{self.index_generation}"


class ValueInvalid(Exception):
    """A value that the definition of its custom field does not allow; the text says why."""


def stored_value(field: CustomField, raw: Any, zone: ZoneInfo) -> CustomValue | None:
    """Turn a value as sent into its stored form; an empty one becomes None.

    A Checkbox that is not checked is False, which leads do not store. Days begin in `zone`, the
    account's time zone. Raises ValueInvalid.
    """
    if is_empty(raw):
        return None
    if field.data_type is DataType.DATE:
        return _day(raw, zone)
    return _STORED[field.data_type](field, raw)


def _text(field: CustomField, raw: Any) -> str:
    text = raw if isinstance(raw, str) else as_text(raw)
    if not isinstance(text, str):
        raise ValueInvalid(f"must be text or null, not {quoted(raw)}")
    if len(text) > (limit := _CHARS_MAX[field.data_type]):
        raise ValueInvalid(too_long(limit))
    return text


def _option_id(field: CustomField, raw: Any) -> int:
    if (found := field.known_options.id_of(raw)) is None:
        raise ValueInvalid(field.known_options.refusal(raw))
    return found


def _option_ids(field: CustomField, raw: Any) -> tuple[int, ...]:
    chosen: set[int] = set()
    for entry in as_list(raw):
        if is_empty(entry):
            continue
        if (found := field.known_options.ids_of(entry)) is None:
            raise ValueInvalid(field.known_options.refusal(entry))
        chosen.update(found)
    return tuple(sorted(chosen))


def known_option_ids(
    field: CustomField, with_deleted: CustomField, raw: Any
) -> tuple[int, ...] | None:
    """Return the options that are left of a value without the deleted ones.

    `with_deleted` is the definition with those as well. None if more is wrong with the value.
    """
    try:
        chosen = as_list(_STORED[field.data_type](with_deleted, raw))
    except ValueInvalid:
        return None
    return tuple(one for one in chosen if field.known_options.id_of(one) is not None)


def _checkbox(_field: CustomField, raw: Any) -> bool:
    value = as_boolean(raw)
    if not isinstance(value, bool):
        raise ValueInvalid(f"must be true or false, not {quoted(raw)}")
    return value


def _float(_field: CustomField, raw: Any) -> float:
    return float(number(raw))


def _percentage(_field: CustomField, raw: Any) -> int:
    # Copper keeps whole percents and drops the fraction (0.34 is stored as 0).
    return math.trunc(number(raw))


def number(raw: Any) -> int | float:
    """Return a number that was sent as a number or as text, or raise ValueInvalid."""
    found = as_number(raw)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise ValueInvalid(f"is not a number: {quoted(raw)}")
    if not abs(found) <= NUMBER_ABS_MAX:
        raise ValueInvalid(f"must lie between -{NUMBER_ABS_MAX} and {NUMBER_ABS_MAX}")
    return found


#: A day of ISO 8601, alone or with a time, which may have an offset.
_ISO = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(?P<offset>Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
_US_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
_DAY_S = 86_400


def _day(raw: Any, zone: ZoneInfo) -> str:
    found = day_or_moment(raw)
    return found if isinstance(found, str) else day_of(found, zone)


def day_or_moment(raw: Any) -> str | int | float:
    """Read a value of a Date field: a day (`YYYY-MM-DD`) in any time zone, or Unix seconds.

    An exact midnight in UTC is its day: that is how programs that know only days write one. Raises
    ValueInvalid.
    """
    found = _written_day(tidy(raw)) if isinstance(raw, str) else None
    found = as_number(raw) if found is None else found
    if isinstance(found, date):
        if _YEAR_MIN <= found.year <= _YEAR_MAX:
            return found.isoformat()
        raise ValueInvalid(f"is out of range: {quoted(raw)}")
    if type(found) is not int and not (isinstance(found, float) and math.isfinite(found)):
        raise ValueInvalid(f"is not mm/dd/yyyy, yyyy-mm-dd or Unix seconds: {quoted(raw)}")
    if are_milliseconds(found):
        raise ValueInvalid(f"looks like milliseconds; send Unix seconds: {quoted(raw)}")
    return day_of(found, UTC) if found % _DAY_S == 0 else found


def _written_day(text: str) -> date | float | None:
    """Return the day that a text names, or the moment if it has an offset; None for any other."""
    try:
        if (us := _US_DAY.fullmatch(text)) is not None:
            return date(int(us[3]), int(us[1]), int(us[2]))
        if (iso := _ISO.fullmatch(text.upper())) is not None:
            at = datetime.fromisoformat(iso[0])
            return at.timestamp() if iso["offset"] else at.date()
    except ValueError:
        pass
    return None


_ISO_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)


def day_on_the_wire(text: str) -> str:
    """Return a day YYYY-MM-DD as API clients send it; any other text is returned as it is."""
    found = _ISO_DAY.fullmatch(text)
    return f"{found[2]}/{found[3]}/{found[1]}" if found else text


def day_of(seconds: float, zone: tzinfo) -> str:
    """Return the day (`YYYY-MM-DD`) of a moment in a time zone. Raises ValueInvalid."""
    if _SECONDS_MIN <= seconds <= UNIX_SECONDS_MAX - 86_400:
        day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).astimezone(zone)
        if _YEAR_MIN <= day.year <= _YEAR_MAX:
            return day.date().isoformat()
    raise ValueInvalid(f"is out of range: {quoted(seconds)}")


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
    kind = field.data_type
    if kind is DataType.CHECKBOX:
        # A Checkbox is never empty: unless it was set, it reads as false.
        return ["true" if value else "false"]
    if value is None:
        return []
    if kind in TEXT_TYPES:
        text = tidy(str(value))
        return [text] if text else []
    if kind in NUMBER_TYPES:
        assert isinstance(value, int | float)
        return [sortable_number(value)]
    if isinstance(value, tuple):
        return [str(option_id) for option_id in value]
    return [str(value)]


def whole_match_value(field: CustomField, value: CustomValue | None) -> str:
    """Return one normalised value of all that is stored: of all options of a MultiSelect."""
    return ",".join(match_values(field, value))


_pack_number, _unpack_number = struct.Struct(">d").pack, struct.Struct(">d").unpack
_pack_bits, _unpack_bits = struct.Struct(">Q").pack, struct.Struct(">Q").unpack


def sortable_number(value: float) -> str:
    """Return a number as 16 hexadecimal digits that sort as text like the numbers do."""
    (bits,) = _unpack_bits(_pack_number(value + 0.0))
    bits = bits ^ 0xFFFF_FFFF_FFFF_FFFF if bits >> 63 else bits | 1 << 63
    return f"{bits:016x}"


def number_of_sortable(text: str) -> float:
    """Return the number that `sortable_number` was given."""
    bits = int(text, 16)
    bits = bits ^ 1 << 63 if bits >> 63 else bits ^ 0xFFFF_FFFF_FFFF_FFFF
    value: float = _unpack_number(_pack_bits(bits))[0]
    return value
