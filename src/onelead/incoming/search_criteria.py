"""The criteria of a search, and the other ways in which Copper's clients send them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from onelead.domain.coercions import as_boolean, as_integer, as_text, is_empty
from onelead.domain.errors import Problem
from onelead.domain.limits import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX
from onelead.domain.search import NO_ID, SORT_KEYS
from onelead.domain.text import quoted

Number = int | float | str
Ids = list[int | str] | int | str
Texts = list[str] | str

Substring = Annotated[str | None, Meta(description="Any part of it, in any case.")]
Name = Annotated[
    str | None, Meta(description="Any part of it, in any case; a blank text finds nobody.")
]
Emails = Annotated[
    Texts | None,
    Meta(description="Any of these addresses, in any spelling; a blank text finds nobody."),
]
DateBound = Annotated[
    Number | None,
    Meta(
        description="Unix seconds, an ISO 8601 moment, or yyyy-mm-dd for a day of the account's "
        "time zone; the bound is included, of a day as a whole."
    ),
]
Place = Annotated[
    str | UnsetType | None, Meta(description='null or "" asks for leads without one.')
]
ReferenceIds = Annotated[
    Ids | None, Meta(description=f"Any of these ids; {NO_ID} asks for leads without one.")
]
Option = Annotated[
    str | None, Meta(description="How several values combine: ANY (the default), ALL or NONE.")
]


class PhoneQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """A phone number to look for, and how."""

    value: Annotated[str, Meta(description="A blank text finds nobody.")] = ""
    match: Annotated[
        str | None,
        Meta(
            description="partial: the number ends with these digits. fuzzy: also without up to six "
            "of the first ones. The default is fuzzy from seven digits on, else partial."
        ),
    ] = None


class TagsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Tags to look for, and how they combine."""

    value: Texts | None = None
    option: Option = None


class CustomFieldQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """A custom field to look for: values, a range, or emptiness."""

    custom_field_definition_id: int | str
    value: Annotated[Any, Meta(description="A value or a list; option ids for options.")] = UNSET
    option: Option = None
    minimum_value: Annotated[Any, Meta(description="For numbers and dates.")] = None
    maximum_value: Annotated[Any, Meta(description="For numbers and dates.")] = None
    allow_empty: Annotated[
        bool | None, Meta(description="Also find leads without a value; alone, only those.")
    ] = None


class SearchRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Criteria, all of which have to hold; each can also be sent in the query string."""

    ids: Ids | None = None
    page_number: Annotated[int | str | None, Meta(description="From 1, the default.")] = None
    page_size: Annotated[
        int | str | None,
        Meta(description=f"Up to {PAGE_SIZE_MAX}; the default is {PAGE_SIZE_DEFAULT}."),
    ] = None
    cursor: Annotated[
        str | None,
        Meta(description="Where the previous page ended; from its Link header."),
    ] = None
    sort_by: Annotated[
        str | None, Meta(description=f"{', '.join(SORT_KEYS)}; ties are sorted by id.")
    ] = None
    sort_direction: Annotated[str | None, Meta(description="asc (the default) or desc.")] = None
    name: Name = None
    first_name: Name = None
    last_name: Name = None
    middle_name: Name = None
    emails: Emails = None
    email: Annotated[Emails, Meta(description="Another name of `emails`.")] = None
    phone_number: PhoneQuery | str | None = None
    company_name: Substring = None
    title: Substring = None
    assignee_ids: ReferenceIds = None
    status_ids: Ids | None = None
    customer_source_ids: ReferenceIds = None
    city: Place = UNSET
    state: Place = UNSET
    postal_code: Place = UNSET
    country: Annotated[str | None, Meta(description="ISO 3166 alpha-2, or a name.")] = None
    tags: Annotated[
        list[str] | TagsQuery | str | UnsetType | None,
        Meta(description="Any of these tags; an empty list asks for leads without a tag."),
    ] = UNSET
    socials: Annotated[
        Texts | None, Meta(description="Complete URLs of profiles; a blank text finds nobody.")
    ] = None
    followed: Annotated[
        int | str | None,
        Meta(description="1 asks for leads that you follow, 2 for others; none has followers."),
    ] = None
    age: Annotated[Number | None, Meta(description="Seconds since creation, at most.")] = None
    minimum_monetary_value: Number | None = None
    maximum_monetary_value: Number | None = None
    minimum_interaction_count: Number | None = None
    maximum_interaction_count: Number | None = None
    minimum_interaction_date: DateBound = None
    maximum_interaction_date: DateBound = None
    minimum_created_date: DateBound = None
    maximum_created_date: DateBound = None
    minimum_modified_date: DateBound = None
    maximum_modified_date: DateBound = None
    include_converted_leads: Annotated[
        bool | str | int | None, Meta(description="No effect: onelead converts no leads.")
    ] = None
    custom_fields: list[CustomFieldQuery] | None = None
    fields: Annotated[
        Texts | None, Meta(description="The keys to return; `id` is always among them.")
    ] = None


def _identity(raw: Any) -> Any:
    """Return a text that says who is meant: empty for anything empty but null."""
    return "" if raw is not None and is_empty(raw) else as_text(raw)


def _texts(raw: Any) -> Any:
    """Return a list of texts without empty ones; null stays null."""
    if raw is None:
        return None
    entries = raw if isinstance(raw, list) else [raw]
    return [as_text(one) for one in entries if not is_empty(one)]


def _emails(raw: Any) -> Any:
    """Return a list of addresses; each may come as the object that a lead has."""
    if raw is None:
        return None
    return _texts([_address(one) for one in (raw if isinstance(raw, list) else [raw])])


def _address(raw: Any) -> Any:
    is_email = isinstance(raw, dict) and raw.keys() <= {"email", "category"}
    return raw.get("email") if is_email else raw


def _phone(raw: Any) -> Any:
    if isinstance(raw, dict) and "value" in raw:
        return raw | {"value": "" if raw["value"] is None else _identity(raw["value"])}
    return raw if isinstance(raw, dict) and raw else _identity(raw)


def _tags(raw: Any) -> Any:
    if isinstance(raw, dict) and "value" in raw:
        return raw | {"value": _texts(raw["value"])}
    return raw if isinstance(raw, dict) else _texts(raw)


def _ids(raw: Any) -> Any:
    """Return a list of integers without empty entries; a text may list them."""
    entries = raw.split(",") if isinstance(raw, str) else raw
    if isinstance(entries, list):
        return [as_integer(one) for one in entries if not is_empty(one)]
    return as_integer(raw)


def _fields(raw: Any) -> Any:
    return None if isinstance(raw, str) and is_empty(raw) else _texts(raw)


def _custom_fields(raw: Any) -> Any:
    return [_custom_field(one) for one in raw] if isinstance(raw, list) else raw


def _custom_field(raw: Any) -> Any:
    if not isinstance(raw, dict):
        return raw
    coercions = {"custom_field_definition_id": as_integer, "allow_empty": as_boolean}
    return raw | {key: coercion(raw[key]) for key, coercion in coercions.items() if key in raw}


COERCIONS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("ids", "assignee_ids", "status_ids", "customer_source_ids"), _ids),
    **dict.fromkeys(("name", "first_name", "last_name", "middle_name"), _identity),
    **dict.fromkeys(("company_name", "title", "country", "city", "state", "postal_code"), as_text),
    **dict.fromkeys(("page_number", "page_size", "followed"), as_integer),
    **dict.fromkeys(("emails", "email"), _emails),
    "phone_number": _phone,
    "tags": _tags,
    "socials": _texts,
    "fields": _fields,
    "include_converted_leads": as_boolean,
    "custom_fields": _custom_fields,
}

#: No more names than this are looked at, and none that is longer.
_HINTS_MAX = 20
_HINT_CHARS_MAX = 40
#: Names of this many criteria that may be meant are few enough to help.
_NEAR_MAX = 2
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def hints(names: Iterable[str]) -> Iterator[Problem]:
    """Yield what may be meant by unknown criteria."""
    known = SearchRequest.__struct_fields__
    unknown = (name for name in names if name not in known)
    for name in islice(unknown, _HINTS_MAX):
        if near := _near(name, known):
            text = f"did you mean {' or '.join(near)} instead of {quoted(name)}?"
            yield Problem("base", text, "unknown")


def _near(name: str, known: tuple[str, ...]) -> list[str]:
    sought = _CAPITAL.sub("_", name).lower()
    if not 1 < len(sought) <= _HINT_CHARS_MAX:
        return []
    near = [one for one in known if one.startswith(sought) or sought.startswith(one)]
    near = near or [one for one in known if one.endswith(f"_{sought}")]
    near = near or get_close_matches(sought, known, n=1, cutoff=0.75)
    return near if len(near) <= _NEAR_MAX else []
