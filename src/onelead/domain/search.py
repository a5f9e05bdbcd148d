"""Searches for leads, in domain words: filters, order, and the place in a walk.

The API reads them from the wire; the storage turns them into SQL.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct, structs

from onelead.domain.account import AccountSettings
from onelead.domain.coercions import is_empty
from onelead.domain.custom_fields import (
    NUMBER_TYPES,
    RANGE_TYPES,
    TYPES_WITH_OPTIONS,
    CustomField,
    DataType,
    ValueInvalid,
    day_of,
    day_or_moment,
    day_seconds,
    match_values,
    number,
    sortable_number,
    stored_value,
)
from onelead.domain.emails import email_keys
from onelead.domain.errors import InputInvalid, Problem
from onelead.domain.limits import (
    CURSOR_CHARS_MAX,
    ID_MAX,
    LINE_CHARS_MAX,
    NUMBER_ABS_MAX,
    PAGE_SIZE_DEFAULT,
    SORT_KEY_CHARS_MAX,
)
from onelead.domain.matching import (
    key_value,
    require_filterable,
)
from onelead.domain.phones import PHONE_MARKS, main_number, phone_digits
from onelead.domain.search_dates import LocalBound, day_after
from onelead.domain.text import fold, normalised, visible


class Combination(StrEnum):
    """How several values of a filter combine."""

    ANY = "ANY"
    ALL = "ALL"
    NONE = "NONE"


#: What leads can be sorted by; ties are sorted by id.
SORT_KEYS = (
    *("name", "first_name", "last_name", "company_name", "title", "value", "email", "phone"),
    *("date_modified", "date_created", "city", "state", "country", "zip", "inactive_days"),
    *("socials", "assignee", "customer_source", "monetary_value", "status"),
    *("last_interaction", "interaction_count"),
)

#: Those that indexes have in order, so that a list of any length begins immediately.
LIST_SORT_KEYS = ("name", "last_name", "company_name", "date_created", "date_modified")

#: Lists for people can also be sorted by this and by custom fields, as long as few leads are found;
#: leads without a value come last in either direction.
LAST_CONTACTED = "last_contacted"
_CUSTOM_SORT = re.compile(r"cf_(\d{1,16})")
_LAST_TEXT, _LAST_NUMBER = "\U0010ffff", 10.0 * NUMBER_ABS_MAX

#: Stands for "no id" in a list of ids to look for.
NO_ID = -2


class Range(Struct, frozen=True):
    """An inclusive range; None is open."""

    minimum: int | float | None = None
    maximum: int | float | None = None

    def narrowed(self, bound: int, *, is_maximum: bool) -> Range:
        """Return the range with one more bound."""
        if is_maximum:
            return Range(self.minimum, bound if self.maximum is None else min(self.maximum, bound))
        return Range(bound if self.minimum is None else max(self.minimum, bound), self.maximum)


class TagFilter(Struct, frozen=True):
    """Leads by their tags; an empty filter finds leads without tags."""

    tags: tuple[str, ...]
    combination: Combination = Combination.ANY


class FieldFilter(Struct, frozen=True):
    """Leads by a custom field, as sent: values, a range, or emptiness."""

    definition_id: int
    values: tuple[Any, ...] = ()
    combination: Combination = Combination.ANY
    minimum: Any = None
    maximum: Any = None
    #: Leads without a value are found too (alone: only those).
    allow_empty: bool = False


class LeadSearch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Criteria that all have to hold; an absent one holds for every lead.

    For `city`, `state` and `postal_code` the empty text finds leads without one. What says who is
    meant (a name or its part, e-mails, a phone number, profiles) finds nobody when it is empty.
    """

    ids: tuple[int, ...] | None = None
    #: What a user types to find a lead quickly; see `quick_terms`.
    quick: str | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    middle_name: str | None = None
    company_name: str | None = None
    title: str | None = None
    emails: tuple[str, ...] | None = None
    #: The end of a phone number, digits only.
    phone_ending: str | None = None
    assignee_ids: tuple[int, ...] | None = None
    status_ids: tuple[int, ...] | None = None
    customer_source_ids: tuple[int, ...] | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None
    tags: TagFilter | None = None
    socials: tuple[str, ...] | None = None
    #: Leads have no followers, so "followed by me" finds none.
    followed: bool | None = None
    age_s: int | None = None
    monetary_value: Range | None = None
    interaction_count: Range | None = None
    interaction_date: Range | None = None
    created_date: Range | None = None
    modified_date: Range | None = None
    #: Further bounds of the date ranges.
    local_bounds: tuple[LocalBound, ...] = ()
    custom_fields: tuple[FieldFilter, ...] = ()
    #: Only leads that deliveries of this batch were about.
    batch_id: str | None = None
    sort_by: str = "name"
    descending: bool = False
    offset: int = 0
    limit: int = PAGE_SIZE_DEFAULT
    #: The place in a walk; used instead of the offset.
    cursor: str | None = None

    @property
    def criteria(self) -> int:
        """How many criteria there are."""
        fields = structs.fields(self)
        given = sum(
            getattr(self, field.name) is not None
            for field in fields
            if field.default is None and field.name != "cursor"
        )
        return given + len(self.local_bounds) + len(self.custom_fields)

    @property
    def names_nobody(self) -> bool:
        """Whether a criterion that says who is meant is empty."""
        parts = (self.name, self.first_name, self.last_name, self.middle_name, self.phone_ending)
        is_blank_text = any(part is not None and not fold(part) for part in parts)
        return is_blank_text or self.emails == () or self.socials == ()

    def fingerprint(self) -> str:
        """Return a text that is the same for every page of one walk."""
        walk = structs.replace(self, offset=0, limit=PAGE_SIZE_DEFAULT, cursor=None)
        return hashlib.sha256(msgspec.json.encode(walk)).hexdigest()[:16]


class TagSearch(Struct, frozen=True):
    """Which tags to list, and in which order."""

    by_count: bool = False
    #: Only tags after this one, by name.
    after: str | None = None


#: A cursor comes from outside, and no database could store a larger number.
CursorInteger = Annotated[int, Meta(ge=-ID_MAX, le=ID_MAX)]


class CursorPlace(Struct, frozen=True, array_like=True):
    """The last lead of a page: its sort value and id."""

    fingerprint: str
    sort_value: str | CursorInteger | float
    lead_id: CursorInteger


def cursor_text(place: CursorPlace) -> str:
    """Write a place as an opaque text that is safe in a URL."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()


def cursor_place(search: LeadSearch) -> CursorPlace | None:
    """Read the place of the search's cursor. Raises InputInvalid for one of another search."""
    if search.cursor is None:
        return None
    try:
        padded = search.cursor[:CURSOR_CHARS_MAX] + "=" * (-len(search.cursor) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
        place = msgspec.json.decode(raw, type=CursorPlace)
    except (binascii.Error, ValueError):
        raise InputInvalid(Problem("cursor", "is not one that a search returned")) from None
    if place.fingerprint != search.fingerprint():
        raise InputInvalid(Problem("cursor", "belongs to a search with other criteria"))
    return place


def custom_sort_key(definition_id: int) -> str:
    """Return the sort key of a list by a custom field."""
    return f"cf_{definition_id}"


def _with_seconds(search: LeadSearch, zone: ZoneInfo) -> LeadSearch:
    """Return the search with its local bounds as Unix seconds."""
    ranges: dict[str, Range] = {}
    for bound in search.local_bounds:
        name = bound.range_name
        held = ranges.get(name) or getattr(search, name) or Range()
        ranges[name] = held.narrowed(bound.seconds(zone), is_maximum=bound.is_maximum)
    return structs.replace(search, local_bounds=(), **ranges) if ranges else search


def _sorted_field(sort_by: str, settings: AccountSettings) -> CustomField | None:
    if (found := _CUSTOM_SORT.fullmatch(sort_by)) is None:
        return None
    field = settings.fields_by_id.get(int(found[1]))
    if field is None or not field.on_leads:
        raise InputInvalid(Problem("sort_by", "is no custom field of leads", "inclusion"))
    return field


SortValue = str | int | float


def list_order(field: CustomField | None, *, descending: bool) -> Callable[[Any], SortValue]:
    """Return a function from a field's stored value, or a moment for None, to its place in a list.

    Texts are sorted folded, numbers and days by value, a Checkbox without a value as not checked,
    and options in the order of their definition: several options of one lead by the first.
    """
    if field is None or field.data_type in NUMBER_TYPES:
        return partial(_order_of, float, -_LAST_NUMBER if descending else _LAST_NUMBER)
    if field.data_type is DataType.CHECKBOX:
        return _is_checked
    if field.data_type in TYPES_WITH_OPTIONS:
        places = {option.id: place for place, option in enumerate(field.options)}
        place_of = partial(_first_place, places)
        return partial(_order_of, place_of, -_LAST_NUMBER if descending else _LAST_NUMBER)
    return partial(_order_of, _folded_start, "" if descending else _LAST_TEXT)


def _order_of(order: Callable[[Any], SortValue], last: SortValue, value: Any) -> SortValue:
    return last if value in (None, "", [], ()) else order(value)


def _is_checked(value: Any) -> int:
    return int(bool(value))


def _first_place(places: Mapping[int, int], value: Any) -> int:
    ids = value if isinstance(value, list | tuple) else [value]
    # An option that was removed comes after all others.
    return min(places.get(option_id, len(places)) for option_id in ids)


def _folded_start(text: str) -> str:
    return fold(text[:SORT_KEY_CHARS_MAX])[:SORT_KEY_CHARS_MAX]


_FUZZY_DIGITS_MIN = 6
_FUZZY_CUT_MAX = 6


def phone_ending(text: str, match: str | None) -> str:
    """Return the digits that a phone number has to end with.

    `partial`: all of them. `fuzzy`: without the first one to six, but at least six; the shortest
    of these endings finds what the longer ones find. None: partial up to six digits, else fuzzy.
    (Copper's rule, wire reference 9.2.)
    """
    digits = phone_digits(text)
    if match == "partial" or (match is None and len(digits) <= _FUZZY_DIGITS_MIN):
        return digits
    cut = min(_FUZZY_CUT_MAX, max(0, len(digits) - _FUZZY_DIGITS_MIN))
    return digits[cut:]


_QUICK_DIGITS_MIN = 3
#: Of a number with a country code (ITU-T E.164): the most digits of the code, the fewest after it.
_COUNTRY_CODE_DIGITS_MAX = 3
_NATIONAL_DIGITS_MIN = 7


class QuickTerms(NamedTuple):
    """What a quick search looks for; each part has an index."""

    #: Folded: how a name, last name or company name begins.
    start: str
    #: How the key of an e-mail begins; None for a text that begins no address.
    email_start: str | None
    #: The keys of several addresses.
    emails: tuple[str, ...] = ()
    #: How a phone number ends; None for a text that is not a phone number.
    phone_ending: str | None = None
    #: Of a number with a country code: the whole numbers that it may be without it, digits only.
    national_numbers: tuple[str, ...] = ()


def quick_terms(text: str) -> QuickTerms | None:
    """Return what a quick search for a text looks for; None for a blank text."""
    start = fold(text)[:SORT_KEY_CHARS_MAX]
    if not start:
        return None
    email_start, emails = _email_terms(text)
    number = main_number(text[:LINE_CHARS_MAX])
    is_phone = len(text) <= LINE_CHARS_MAX and number.translate(PHONE_MARKS).isdecimal()
    # A whole number is meant exactly: the API's fuzzy rule would find others.
    ending = phone_ending(number, "partial") if is_phone else ""
    if len(ending) < _QUICK_DIGITS_MIN:
        return QuickTerms(start, email_start, emails)
    national = tuple(_national_numbers(ending)) if "+" in text else ()
    return QuickTerms(start, email_start, emails, ending, national)


def _email_terms(text: str) -> tuple[str | None, tuple[str, ...]]:
    keys = email_keys(text)
    if len(keys) > 1:
        return None, keys
    start = keys[0] if keys else normalised("NFKC", visible(text)).strip().lower()
    # No key has white space.
    return (start[:SORT_KEY_CHARS_MAX] if len(start.split()) == 1 else None), ()


def _national_numbers(digits: str) -> Iterator[str]:
    """Yield the forms that a number may have where it is called from its own country."""
    for cut in range(1, _COUNTRY_CODE_DIGITS_MAX + 1):
        rest = digits[cut:]
        if len(rest) >= _NATIONAL_DIGITS_MIN:
            yield from (rest, f"0{rest}")


class MatchKeyFilter(Struct, frozen=True):
    """A custom field filter in terms of match keys."""

    field: CustomField
    #: Normalised values, combined by `combination`.
    values: tuple[str, ...]
    combination: Combination
    #: An inclusive range of normalised values.
    low: str | None
    high: str | None
    allow_empty: bool


class CheckedSearch(Struct, frozen=True):
    """A search that is checked against the settings."""

    #: Without local bounds.
    search: LeadSearch
    #: None for a sort key that is not a custom field.
    sorted_field: CustomField | None
    quick_terms: QuickTerms | None
    key_filters: Sequence[MatchKeyFilter]


def checked_search(search: LeadSearch, settings: AccountSettings) -> CheckedSearch:
    """Check a search's custom fields and normalise their values. Raises InputInvalid."""
    return CheckedSearch(
        _with_seconds(search, settings.zone),
        _sorted_field(search.sort_by, settings),
        quick_terms(search.quick or ""),
        [_key_filter(entry, settings) for entry in search.custom_fields],
    )


def _key_filter(entry: FieldFilter, settings: AccountSettings) -> MatchKeyFilter:
    field = settings.fields_by_id.get(entry.definition_id)
    if field is None:
        text = f"definition {entry.definition_id} does not exist"
        raise InputInvalid(Problem("custom_fields", text, "inclusion"))
    require_filterable(field, "custom_fields")
    try:
        values, has_empty = _normalised_values(field, entry.values, settings)
        low, high = _normalised_range(field, entry, settings)
    except ValueInvalid as error:
        text = f"value of {field.name} (definition {field.id}) {error}"
        raise InputInvalid(Problem("custom_fields", text)) from None
    is_bare = not values and low is None and high is None
    allow_empty = entry.allow_empty or has_empty or is_bare
    return MatchKeyFilter(field, values, entry.combination, low, high, allow_empty)


def _normalised_values(
    field: CustomField, raws: tuple[Any, ...], settings: AccountSettings
) -> tuple[tuple[str, ...], bool]:
    values: dict[str, None] = {}
    has_empty = False
    for raw in raws:
        value = stored_value(field, raw, settings.zone)
        if value is None:
            has_empty = True
            continue
        values.update(dict.fromkeys(map(key_value, match_values(field, value))))
    return tuple(values), has_empty


def _normalised_range(
    field: CustomField, entry: FieldFilter, settings: AccountSettings
) -> tuple[str | None, str | None]:
    if entry.minimum is None and entry.maximum is None:
        return None, None
    if field.data_type not in RANGE_TYPES:
        raise ValueInvalid("cannot be searched by a range")
    if field.data_type in NUMBER_TYPES:
        return _sortable(entry.minimum), _sortable(entry.maximum)
    first = _day_bound(entry.minimum, settings, is_maximum=False)
    return first, _day_bound(entry.maximum, settings, is_maximum=True)


def _sortable(bound: Any) -> str | None:
    return None if bound is None else sortable_number(number(bound))


def _day_bound(raw: Any, settings: AccountSettings, *, is_maximum: bool) -> str | None:
    """Return the first or the last day of a range.

    A day that is named belongs to the range. Of other moments it is the first day that begins at or
    after the moment, or the last one that begins at or before it.
    """
    if is_empty(raw):
        return None
    found = day_or_moment(raw)
    if isinstance(found, str):
        return found
    day = day_of(found, settings.zone)
    return day if is_maximum or day_seconds(day, settings.zone) >= found else day_after(day)
