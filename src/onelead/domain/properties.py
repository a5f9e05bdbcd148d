"""The properties that a write gives a lead: checked against the rules, and applied to the lead.

A patch names only what it changes: an absent property stays, None clears it. The check turns values
into the stored form, once; upserts, updates and creates all apply patches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import compress, repeat
from operator import attrgetter, is_not
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from onelead.domain.account import AccountSettings
from onelead.domain.coercions import is_empty
from onelead.domain.countries import country_code
from onelead.domain.custom_fields import CustomField, ValueInvalid, number, stored_value
from onelead.domain.errors import Problem
from onelead.domain.lead import (
    DEFAULT_CATEGORIES,
    EMAIL_CATEGORIES,
    NO_CATEGORY,
    PHONE_CATEGORIES,
    SOCIAL_CATEGORIES,
    WEBSITE_CATEGORIES,
    Address,
    CustomValue,
    Email,
    Lead,
    Link,
    PhoneNumber,
    custom_name,
    with_categories,
    with_parts,
)
from onelead.domain.limits import (
    LINE_CHARS_MAX,
    LIST_ENTRIES_MAX,
    TAGS_MAX,
    TEXT_CHARS_MAX,
    URL_CHARS_MAX,
)
from onelead.domain.names import NAME_PARTS, renamed, split_name
from onelead.domain.text import fold, is_blank, quoted, tidy, too_long

Id = Annotated[int, Meta(ge=1)]
#: The indexes and names that lead to a member of a property.
Place = tuple[int | str, ...]
T = TypeVar("T")


def _categories(names: tuple[str, ...]) -> str:
    return f"{', '.join(names)}."


class AddressPatch(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """An address as sent; it replaces the stored one, and parts that it leaves out become empty.

    Only imports know parts that stay as they are, which are UNSET.
    """

    street: str | UnsetType | None = None
    city: str | UnsetType | None = None
    state: str | UnsetType | None = None
    postal_code: str | UnsetType | None = None
    country: Annotated[
        str | UnsetType | None,
        Meta(description="ISO 3166 alpha-2, or an English name, which is stored as that code."),
    ] = None


class EmailPatch(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """An e-mail as sent."""

    email: str | None = None
    category: Annotated[str | None, Meta(description=_categories(EMAIL_CATEGORIES))] = None


class PhoneNumberPatch(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A phone number as sent."""

    number: str | None = None
    category: Annotated[str | None, Meta(description=_categories(PHONE_CATEGORIES))] = None


class LinkPatch(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A website or a social profile as sent."""

    url: str | None = None
    category: Annotated[
        str | None,
        Meta(
            description=f"Of a website: {_categories(WEBSITE_CATEGORIES)} "
            f"Of a social profile: {_categories(SOCIAL_CATEGORIES)}"
        ),
    ] = None


class CustomFieldPatch(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One custom field's value as sent; the other fields stay."""

    custom_field_definition_id: Id | None = None
    value: Annotated[
        Any,
        Meta(
            description="By the definition's type: text; a number; true or false; a date as "
            "mm/dd/yyyy, yyyy-mm-dd or Unix seconds; an option's id or name, for a MultiSelect a "
            "list of them. null clears."
        ),
    ] = None
    name: Annotated[str | None, Meta(description="Of the definition, in the place of its id.")] = (
        None
    )
    computed_value: Annotated[Any, Meta(description="Ignored: read-only.")] = None


class LeadPatch(Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """The properties of a lead that a write can set: absent ones stay, null clears."""

    name: Annotated[
        str | UnsetType | None,
        Meta(description="A new lead needs it or one of its parts; it is split into its parts."),
    ] = UNSET
    prefix: str | UnsetType | None = UNSET
    first_name: str | UnsetType | None = UNSET
    last_name: str | UnsetType | None = UNSET
    middle_name: str | UnsetType | None = UNSET
    suffix: str | UnsetType | None = UNSET
    address: AddressPatch | UnsetType | None = UNSET
    assignee_id: Id | UnsetType | None = UNSET
    company_name: str | UnsetType | None = UNSET
    customer_source_id: Id | UnsetType | None = UNSET
    details: str | UnsetType | None = UNSET
    email: EmailPatch | UnsetType | None = UNSET
    monetary_unit: Annotated[
        str | UnsetType | None,
        Meta(description="Only the account's currency, which amounts have without it too."),
    ] = UNSET
    monetary_value: int | float | str | UnsetType | None = UNSET
    socials: list[LinkPatch] | UnsetType | None = UNSET
    status: Annotated[
        str | UnsetType | None,
        Meta(description="The name of a lead status; `status_id` takes precedence."),
    ] = UNSET
    status_id: Id | UnsetType | None = UNSET
    tags: Annotated[
        list[str] | UnsetType | None,
        Meta(description="Replaces all tags, as every list except `custom_fields` does."),
    ] = UNSET
    title: str | UnsetType | None = UNSET
    websites: list[LinkPatch] | UnsetType | None = UNSET
    phone_numbers: list[PhoneNumberPatch] | UnsetType | None = UNSET
    custom_fields: Annotated[
        list[CustomFieldPatch] | UnsetType | None,
        Meta(description="Only the named custom fields change."),
    ] = UNSET


class CheckedPatch(Struct):
    """A patch whose values are in the stored form."""

    #: By the lead's field name, without the name and its parts.
    fields: dict[str, Any]
    name: str | None
    name_parts: dict[str, str | None]
    #: By definition id; None clears.
    custom_fields: dict[int, CustomValue | None]
    problems: list[Problem]
    #: What the delivery brought and the lead does not take, named as among its changes.
    ignored: list[str] = []
    #: The parts of the name change, and the name itself stays as it is.
    keeps_name: bool = False
    #: Some e-mail or entry of a list came without a category.
    lacks_categories: bool = False
    #: The currency that the delivery names for the amount, in upper case.
    monetary_unit: str | None = None

    def refuse(self, attribute: str, text: str, symbol: str = "invalid", place: Place = ()) -> None:
        """Note a problem of an attribute, or of a member of it."""
        steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
        self.problems.append(
            Problem(attribute, f"{attribute}{steps} {text}" if steps else text, symbol)
        )

    def ignore(self, name: str) -> None:
        """Note what the lead does not take."""
        if name not in self.ignored:
            self.ignored.append(name)


def checked(patch: LeadPatch, settings: AccountSettings, *, is_named: bool = False) -> CheckedPatch:
    """Check a patch against the rules and the settings; `problems` lists everything wrong.

    What refers to a setting that was deleted is left out. `is_named`: the lead is named by the
    match, so that a blank name is ignored.
    """
    result = CheckedPatch({}, None, {}, {}, [])
    values = _checked_values(patch)
    for attribute in compress(_CHECKS, map(is_not, values, repeat(UNSET))):
        check, value = _CHECKS[attribute], getattr(patch, attribute)
        result.fields[attribute] = check(attribute, value, result)
    _check_name(patch, result, is_named=is_named)
    _check_references(patch, settings, result)
    _check_status(patch, settings, result)
    if patch.monetary_unit:
        result.monetary_unit = tidy(patch.monetary_unit).upper() or None
    if patch.custom_fields:
        _check_custom_fields(patch.custom_fields, settings, result)
    return result


def applied(lead: Lead, patch: CheckedPatch, settings: AccountSettings) -> Lead:
    """Return the lead as the patch leaves it; version and dates are up to the caller.

    It is the same object when the patch changes nothing.
    """
    fields = patch.fields | (patch.name_parts if patch.keeps_name else _name_fields(lead, patch))
    if patch.lacks_categories:
        for attribute in DEFAULT_CATEGORIES.keys() & fields.keys():
            stored = getattr(lead, attribute)
            fields[attribute] = with_categories(attribute, fields[attribute], stored)
    if isinstance(parts := fields.get("address"), dict):
        fields["address"] = with_parts(lead.address, parts)
    if "monetary_value" in fields or patch.monetary_unit:
        value = fields.get("monetary_value", lead.monetary_value)
        has_value = value is not None
        if value != lead.monetary_value or (has_value and patch.monetary_unit == settings.currency):
            fields["monetary_unit"] = settings.currency if has_value else None
    if patch.custom_fields:
        values = {**lead.custom_fields, **patch.custom_fields}
        # The value of a deleted definition is dropped by the next write of custom fields.
        known = settings.fields_by_id
        fields["custom_fields"] = {
            definition_id: value
            for definition_id, value in sorted(values.items())
            if value is not None and value is not False and definition_id in known
        }
    changed = {name: value for name, value in fields.items() if getattr(lead, name) != value}
    return msgspec.structs.replace(lead, **changed) if changed else lead


def _name_fields(lead: Lead, patch: CheckedPatch) -> dict[str, str | None]:
    """Return the name and its parts: a name is split into parts, parts alone change the name."""
    if patch.name is not None:
        # The same name again keeps parts that were set separately.
        return {} if patch.name == lead.name else {"name": patch.name, **split_name(patch.name)}
    if not patch.name_parts:
        return {}
    parts = {part: getattr(lead, part) for part in NAME_PARTS}
    if patch.name_parts.items() <= parts.items():
        # The same parts again keep a name that was written differently.
        return {}
    after = parts | patch.name_parts
    return {"name": renamed(lead.name, parts, after), **after}


def _check_name(patch: LeadPatch, result: CheckedPatch, *, is_named: bool) -> None:
    parts = _parts_of(patch)
    if parts != _NO_PARTS:
        for part, value in zip(NAME_PARTS, parts, strict=True):
            if value is not UNSET:
                result.name_parts[part] = _line(part, value, result)
    if patch.name is UNSET:
        return
    result.name = _line("name", patch.name, result)
    if result.name is None and is_named:
        result.ignored.append("name")
    elif result.name is None:
        result.refuse("name", "can't be blank", "blank")


def _check_references(patch: LeadPatch, settings: AccountSettings, result: CheckedPatch) -> None:
    """Check the ids of users and sources."""
    user_id, source_id = patch.assignee_id, patch.customer_source_id
    if user_id is not UNSET:
        result.fields["assignee_id"] = user_id
        if user_id is not None and user_id not in settings.users_by_id:
            _refuse_id("assignee_id", user_id, result)
    if source_id is UNSET:
        return
    if source_id is None or source_id in settings.sources_by_id:
        result.fields["customer_source_id"] = source_id
    elif settings.was_deleted("customer_source", source_id):
        result.ignore("customer_source_id")
    else:
        _refuse_id("customer_source_id", source_id, result)


def _check_status(patch: LeadPatch, settings: AccountSettings, result: CheckedPatch) -> None:
    """Check the status; its id takes precedence over its name."""
    if isinstance(patch.status_id, int):
        if patch.status_id in settings.statuses_by_id:
            result.fields["status_id"] = patch.status_id
        elif settings.was_deleted("lead_status", patch.status_id):
            result.ignore("status_id")
        else:
            _refuse_id("status_id", patch.status_id, result)
    elif isinstance(patch.status, str) and not is_blank(patch.status):
        _check_status_name(patch.status, settings, result)
    elif patch.status is not UNSET or patch.status_id is not UNSET:
        result.fields["status_id"] = settings.default_status.id


def _refuse_id(attribute: str, value: int, result: CheckedPatch) -> None:
    result.refuse(attribute, f"does not exist: {value}", "inclusion")


def _check_status_name(name: str, settings: AccountSettings, result: CheckedPatch) -> None:
    for status in settings.statuses:
        if fold(status.name) == fold(name):
            result.fields["status_id"] = status.id
            return
    if settings.was_deleted("lead_status", name):
        result.ignore("status_id")
    else:
        result.refuse("status", f"is not a lead status: {quoted(name)}", "inclusion")


def _check_custom_fields(
    entries: Sequence[CustomFieldPatch], settings: AccountSettings, result: CheckedPatch
) -> None:
    for index, entry in enumerate(entries):
        field = settings.fields_by_id.get(entry.custom_field_definition_id or 0)
        if field is None or not field.on_leads:
            field = _named_field(index, entry, settings, result)
            if field is None:
                continue
        try:
            result.custom_fields[field.id] = stored_value(field, entry.value, settings.zone)
        except ValueInvalid as error:
            others = settings.options_left(field, entry.value)
            if others is None:
                text = f"value of {field.name} (definition {field.id}) {error}"
                result.refuse("custom_fields", text)
                continue
            result.ignore(custom_name(field.id))
            if others:
                result.custom_fields[field.id] = others


def _named_field(
    index: int, entry: CustomFieldPatch, settings: AccountSettings, result: CheckedPatch
) -> CustomField | None:
    """Return the definition on leads that an entry names, unless it does so by the id."""
    definition_id, name = entry.custom_field_definition_id, entry.name or ""
    if definition_id is None and is_blank(name):
        if not is_empty(entry.value):
            text = "needs custom_field_definition_id, or the name of a definition"
            result.refuse("custom_fields", text, "blank", (index,))
        return None
    ids = [definition_id] if definition_id else settings.definition_ids_named(name)
    if len(ids) != 1:
        text = f"is the name of {len(ids) or 'no'} definitions: {quoted(name)}"
        result.refuse("custom_fields", text, "inclusion", (index, "name"))
        return None
    field = settings.fields_by_id.get(ids[0])
    if field is not None and field.on_leads:
        return field
    if field is not None or settings.was_deleted("custom_field_definition", ids[0]):
        result.ignore(custom_name(ids[0]))
    else:
        result.refuse("custom_fields", f"definition {ids[0]} does not exist", "inclusion")
    return None


def _line(
    attribute: str,
    value: str | None,
    result: CheckedPatch,
    limit: int = LINE_CHARS_MAX,
    place: Place = (),
) -> str | None:
    """Return the text as sent, or None when nothing in it is visible."""
    if value is None or is_blank(value):
        return None
    if len(value) <= limit:
        return value
    result.refuse(attribute, too_long(limit), "too_long", place)
    # A refused text need not be processed in full.
    return value[:limit]


def _address(attribute: str, value: AddressPatch | None, result: CheckedPatch) -> Any:
    """Return the address, or some of its parts when the others stay as they are."""
    if value is None:
        return None
    lines = {
        part: _line(attribute, line, result, place=(part,))
        for part in Address.__struct_fields__
        if (line := getattr(value, part)) is not UNSET
    }
    if country := lines.get("country"):
        lines["country"] = country_code(country)
    return lines if len(lines) < len(Address.__struct_fields__) else with_parts(None, lines)


def _email(attribute: str, value: EmailPatch | None, result: CheckedPatch) -> Email | None:
    address = _line(attribute, value.email, result, place=("email",)) if value else None
    if value is None or address is None:
        return None
    return Email(address, _category(attribute, value.category, EMAIL_CATEGORIES, result))


def _category(
    attribute: str, value: str | None, allowed: tuple[str, ...], result: CheckedPatch
) -> str:
    """Return the category in lower case; one that is not allowed becomes `other`."""
    if value in allowed:
        return value
    if value is None or is_blank(value):
        result.lacks_categories = True
        return NO_CATEGORY
    category = value.strip().lower()
    if category in allowed:
        return category
    result.ignore(f"{attribute}.category")
    return "other"


def _tags(attribute: str, value: list[str] | None, result: CheckedPatch) -> tuple[str, ...]:
    """Trim tags, and keep the first spelling of those that differ only in case."""
    tags: dict[str, str] = {}
    for index, tag in enumerate(_limited(attribute, value, result, TAGS_MAX)):
        if line := _line(attribute, tag, result, place=(index,)):
            tags.setdefault(fold(line), line.strip())
    return tuple(tags.values())


_ENTRIES: dict[str, tuple[type[PhoneNumber | Link], str, tuple[str, ...], int]] = {
    "socials": (Link, "url", SOCIAL_CATEGORIES, URL_CHARS_MAX),
    "websites": (Link, "url", WEBSITE_CATEGORIES, URL_CHARS_MAX),
    "phone_numbers": (PhoneNumber, "number", PHONE_CATEGORIES, LINE_CHARS_MAX),
}


def _entries(
    attribute: str, value: list[Any] | None, result: CheckedPatch
) -> tuple[PhoneNumber | Link, ...]:
    stored, member, categories, limit = _ENTRIES[attribute]
    entries = []
    for index, entry in enumerate(_limited(attribute, value, result)):
        if line := _line(attribute, getattr(entry, member), result, limit, (index, member)):
            category = _category(attribute, entry.category, categories, result)
            entries.append(stored(line, category))
    return tuple(entries)


def _limited(
    attribute: str, entries: list[T] | None, result: CheckedPatch, limit: int = LIST_ENTRIES_MAX
) -> list[T]:
    entries = entries or []
    if len(entries) <= limit:
        return entries
    result.refuse(attribute, f"has too many entries (maximum is {limit})", "too_long")
    return entries[:limit]


def _monetary_value(
    attribute: str, value: float | str | None, result: CheckedPatch
) -> int | float | None:
    if is_empty(value):
        return None
    try:
        return number(value)
    except ValueInvalid as error:
        result.refuse(attribute, str(error), "not_a_number")
        return None


_CHECKS: dict[str, Callable[[str, Any, CheckedPatch], Any]] = {
    "address": _address,
    "company_name": _line,
    "details": partial(_line, limit=TEXT_CHARS_MAX),
    "email": _email,
    "monetary_value": _monetary_value,
    "socials": _entries,
    "tags": _tags,
    "title": _line,
    "websites": _entries,
    "phone_numbers": _entries,
}

_checked_values = attrgetter(*_CHECKS)
_parts_of, _NO_PARTS = attrgetter(*NAME_PARTS), (UNSET,) * len(NAME_PARTS)


def tags_changed(
    tags: Sequence[str], *, added: Iterable[str] = (), removed: Iterable[str] = ()
) -> list[str]:
    """Return the tags with some removed and then some added; case makes no difference."""
    gone = {fold(tag) for tag in removed}
    kept = {fold(tag): tag for tag in tags if fold(tag) not in gone}
    for tag in added:
        kept.setdefault(fold(tag), tag)
    return list(kept.values())
