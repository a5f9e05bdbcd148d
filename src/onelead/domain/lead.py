"""A lead: its fields, and which of them changed between two versions.

Field names and their order are those of the wire (Copper's Lead object).
"""

from __future__ import annotations

from itertools import compress
from operator import attrgetter, is_not
from typing import Any

import msgspec
from msgspec import Struct, structs

from onelead.domain.emails import email_keys
from onelead.domain.text import fold, known_id

#: A custom field's stored value: text, option id, number, boolean, day (`YYYY-MM-DD`), or the
#: ascending option ids of a MultiSelect. An empty value is not stored.
CustomValue = str | int | float | bool | tuple[int, ...]

EMAIL_CATEGORIES = ("work", "personal", "other")
PHONE_CATEGORIES = ("mobile", "work", "home", "other")
WEBSITE_CATEGORIES = ("work", "personal", "other")
SOCIAL_CATEGORIES = (
    *("linkedin", "twitter", "googleplus", "facebook", "youtube", "quora"),
    *("foursquare", "klout", "gravatar", "other"),
)
#: Of a value that came without a category, until `with_categories` gives it one.
NO_CATEGORY = ""
#: The properties whose values have categories, with that of a new value.
DEFAULT_CATEGORIES = {
    "email": "work",
    "phone_numbers": "work",
    "socials": "other",
    "websites": "work",
}


class Address(Struct, frozen=True, gc=False):
    """A postal address; `country` is ISO 3166 alpha-2 where the country is known."""

    street: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


def with_parts(address: Address | None, parts: dict[str, str | None]) -> Address | None:
    """Return an address with other parts; None for one that has none."""
    changed = structs.replace(address or Address(), **parts)
    return changed if any(structs.astuple(changed)) else None


class Email(Struct, frozen=True, gc=False):
    """An e-mail address as it was sent."""

    email: str
    category: str


class PhoneNumber(Struct, frozen=True, gc=False):
    """A phone number as it was sent."""

    number: str
    category: str


class Link(Struct, frozen=True, gc=False):
    """The URL of a website or social profile."""

    url: str
    category: str


class OtherValue(Struct, frozen=True, gc=False, omit_defaults=True):
    """A value besides the lead's own by which it is found, too."""

    #: `name`, `email` or `custom_fields.<definition id>`.
    field: str
    value: CustomValue
    #: Where it came from: `MERGE_ORIGIN`, `RULING_ORIGIN` or `PERSON_ORIGIN`.
    origin: str
    #: The lead that had it, for a merge.
    from_id: int | None = None
    #: A ruling: deliveries by this value mean this lead, even if others have it, too.
    claims: bool = False


MERGE_ORIGIN = "merge"
RULING_ORIGIN = "ruling"
PERSON_ORIGIN = "person"


class FieldOrigin(Struct, frozen=True, gc=False, array_like=True):
    """Who gave a field its value, and when it was observed, in Unix seconds."""

    caller: str
    date: int


class Lead(Struct, frozen=True, gc=False, omit_defaults=True):
    """A person who may become a customer. Times are Unix seconds."""

    id: int
    #: Starts at 1 and grows by one with each change.
    version: int
    name: str
    status_id: int
    date_created: int
    date_modified: int
    prefix: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    middle_name: str | None = None
    suffix: str | None = None
    address: Address | None = None
    assignee_id: int | None = None
    company_name: str | None = None
    customer_source_id: int | None = None
    details: str | None = None
    email: Email | None = None
    interaction_count: int = 0
    monetary_unit: str | None = None
    monetary_value: int | float | None = None
    socials: tuple[Link, ...] = ()
    tags: tuple[str, ...] = ()
    title: str | None = None
    websites: tuple[Link, ...] = ()
    phone_numbers: tuple[PhoneNumber, ...] = ()
    #: By definition id; only fields that have a value.
    custom_fields: dict[int, CustomValue] = msgspec.field(default_factory=dict)
    date_last_contacted: int | None = None
    #: By id. Not on the wire.
    other_values: dict[int, OtherValue] = msgspec.field(default_factory=dict)
    #: The fields that deliveries do not change, as policies name them, ascending. Not on the wire.
    pins: tuple[str, ...] = ()
    #: Of fields under a policy that asks for it, as policies name them. Not on the wire.
    origins: dict[str, FieldOrigin] = msgspec.field(default_factory=dict)


#: The fields whose change makes a new version, in the order of the wire.
CHANGEABLE_FIELDS = (
    *("name", "prefix", "first_name", "last_name", "middle_name", "suffix", "address"),
    *("assignee_id", "company_name", "customer_source_id", "details", "email", "monetary_unit"),
    *("monetary_value", "socials", "status_id", "tags", "title", "websites", "phone_numbers"),
)
#: Those that have several values, and are empty without one. A merge unites them.
LIST_FIELDS = frozenset({"socials", "tags", "websites", "phone_numbers"})

#: What a custom field's name among a lead's fields begins with; the definition's id follows.
CUSTOM_PREFIX = "custom_fields."
#: The same of another value, whose id follows, and of a pin, whose field follows.
OTHER_VALUE_PREFIX = "other_values."
PIN_PREFIX = "pins."
#: The fields whose changes only merges record.
ADDED_UP_FIELDS = ("interaction_count", "date_created", "date_last_contacted")

#: `{field: (old, new)}`; a custom field is named as by `custom_name`.
Changes = dict[str, tuple[Any, Any]]


_changeable = attrgetter(*CHANGEABLE_FIELDS)
_NOTHING = (None,) * len(CHANGEABLE_FIELDS)
_PLACES = range(len(CHANGEABLE_FIELDS))


def with_categories(attribute: str, sent: Any, stored: Any) -> Any:
    """Return an e-mail, or the entries of a list, with a category for each that came without one.

    It is the stored category of the same value, or else the default.
    """
    if sent is None:
        return None
    if isinstance(sent, Email):
        return with_categories(attribute, (sent,), (stored,) if stored else ())[0]
    if not stored:
        default = DEFAULT_CATEGORIES[attribute]
        return tuple(
            one if one.category else structs.replace(one, category=default) for one in sent
        )
    known: dict[Any, list[str]] = {}
    for one in reversed(stored):
        known.setdefault(same_value(one), []).append(one.category)

    def category_of(one: Email | PhoneNumber | Link) -> str:
        return (known.get(same_value(one)) or [DEFAULT_CATEGORIES[attribute]]).pop()

    return tuple(
        one if one.category else structs.replace(one, category=category_of(one)) for one in sent
    )


def same_value(one: Email | PhoneNumber | Link) -> Any:
    """Return what two spellings of one value have in common."""
    if isinstance(one, Email):
        return email_keys(one.email) or fold(one.email)
    if isinstance(one, PhoneNumber):
        return "".join(filter(str.isdecimal, one.number)) or fold(one.number)
    return fold(one.url)


def custom_name(definition_id: int) -> str:
    """Return the name of a custom field among a lead's fields: `custom_fields.<definition id>`."""
    return f"{CUSTOM_PREFIX}{definition_id}"


def definition_id_of(name: str) -> int | None:
    """Return the definition id in the name of a custom field; None for any other name."""
    definition_id = name.removeprefix(CUSTOM_PREFIX)
    return None if definition_id == name else known_id(definition_id)


def changes_between(old: Lead | None, new: Lead | None) -> Changes:
    """Return every changed field with its old and new value; None counts as an empty lead."""
    if old is new:
        return {}
    before = _changeable(old) if old else _NOTHING
    after = _changeable(new) if new else _NOTHING
    changes: Changes = {}
    # Most values of a changed lead are the very same.
    for at in compress(_PLACES, map(is_not, before, after)):
        was, now = before[at], after[at]
        # Truth is asked first, because a comparison of two types takes longer.
        is_other = now or was or not (_is_empty(now) and _is_empty(was))
        if is_other and was != now:
            changes[CHANGEABLE_FIELDS[at]] = (was, now)
    old_values = old.custom_fields if old else {}
    new_values = new.custom_fields if new else {}
    if old_values != new_values:
        for definition_id in sorted(old_values.keys() | new_values.keys()):
            was, now = old_values.get(definition_id), new_values.get(definition_id)
            if was != now:
                changes[custom_name(definition_id)] = (was, now)
    if (old and (old.other_values or old.pins)) or (new and (new.other_values or new.pins)):
        changes.update(_changes_besides(old, new))
    return changes


def _changes_besides(old: Lead | None, new: Lead | None) -> Changes:
    """Return the changes of other values and pins, each by a name of its own."""
    was_values = old.other_values if old else {}
    now_values = new.other_values if new else {}
    changes: Changes = {
        f"{OTHER_VALUE_PREFIX}{value_id}": (was_values.get(value_id), now_values.get(value_id))
        for value_id in sorted(was_values.keys() | now_values.keys())
        if was_values.get(value_id) != now_values.get(value_id)
    }
    was_pins, now_pins = (frozenset(one.pins) if one else frozenset() for one in (old, new))
    for pin in sorted(was_pins ^ now_pins):
        changes[f"{PIN_PREFIX}{pin}"] = (pin in was_pins or None, pin in now_pins or None)
    return changes


def _is_empty(value: Any) -> bool:
    return value is None or value == ()
