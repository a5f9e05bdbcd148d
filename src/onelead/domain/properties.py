"""The properties that a write gives a lead: checked against the rules, and applied to the lead.

A patch names only what it changes: an absent property stays, None clears it. The check turns values
into the stored form, once; upserts, updates and creates all apply patches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import attrgetter
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from onelead.domain.account import AccountSettings
from onelead.domain.countries import country_code
from onelead.domain.custom_fields import ValueInvalid, number, stored_value
from onelead.domain.errors import Problem
from onelead.domain.lead import (
    EMAIL_CATEGORIES,
    PHONE_CATEGORIES,
    SOCIAL_CATEGORIES,
    WEBSITE_CATEGORIES,
    Address,
    CustomValue,
    Email,
    Lead,
    Link,
    PhoneNumber,
)
from onelead.domain.limits import (
    LINE_CHARS_MAX,
    LIST_ENTRIES_MAX,
    TAGS_MAX,
    TEXT_CHARS_MAX,
    URL_CHARS_MAX,
)
from onelead.domain.names import NAME_PARTS, renamed, split_name
from onelead.domain.text import fold, is_blank, quoted, too_long

Id = Annotated[int, Meta(ge=1)]
T = TypeVar("T")


def _categories(names: tuple[str, ...]) -> str:
    return f"{', '.join(names)}."


class AddressPatch(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """An address as sent; it replaces the stored one, and parts that it leaves out become empty."""

    street: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: Annotated[
        str | None,
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

    custom_field_definition_id: Id
    value: Annotated[
        Any,
        Meta(
            description="By the definition's type: text; a number; true or false; a date as "
            "mm/dd/yyyy or Unix seconds; an option's id or name, for a MultiSelect a list of them. "
            "null clears."
        ),
    ] = None
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


def checked(patch: LeadPatch, settings: AccountSettings) -> CheckedPatch:
    """Check a patch against the rules and the settings; `problems` lists everything wrong."""
    result = CheckedPatch({}, None, {}, {}, [])
    for attribute, value in zip(_CHECKS, _checked_values(patch), strict=True):
        if value is not UNSET:
            result.fields[attribute] = _CHECKS[attribute](attribute, value, result.problems)
    _check_name(patch, result)
    _check_references(patch, settings, result)
    if patch.custom_fields:
        _check_custom_fields(patch.custom_fields, settings, result)
    return result


def applied(lead: Lead, patch: CheckedPatch, settings: AccountSettings) -> Lead:
    """Return the lead as the patch leaves it; version and dates are up to the caller."""
    fields = dict(patch.fields)
    fields.update(_name_fields(lead, patch))
    if "monetary_value" in fields and fields["monetary_value"] != lead.monetary_value:
        has_value = fields["monetary_value"] is not None
        fields["monetary_unit"] = settings.currency if has_value else None
    if patch.custom_fields:
        values = {**lead.custom_fields, **patch.custom_fields}
        # The value of a deleted definition is dropped by the next write of custom fields.
        fields["custom_fields"] = {
            definition_id: value
            for definition_id, value in sorted(values.items())
            if value is not None and definition_id in settings.fields_by_id
        }
    return msgspec.structs.replace(lead, **fields)


def _name_fields(lead: Lead, patch: CheckedPatch) -> dict[str, str | None]:
    """Return the name and its parts: a name is split into parts, parts alone change the name."""
    if patch.name is not None:
        # The same name again keeps parts that were set separately.
        return {} if patch.name == lead.name else {"name": patch.name, **split_name(patch.name)}
    parts = {part: getattr(lead, part) for part in NAME_PARTS}
    if patch.name_parts.items() <= parts.items():
        # The same parts again keep a name that was written differently.
        return {}
    after = parts | patch.name_parts
    return {"name": renamed(lead.name, parts, after), **after}


def _check_name(patch: LeadPatch, result: CheckedPatch) -> None:
    for part in NAME_PARTS:
        value = getattr(patch, part)
        if value is not UNSET:
            result.name_parts[part] = _line(part, value, result.problems)
    if patch.name is UNSET:
        return
    result.name = _line("name", patch.name, result.problems)
    if result.name is None:
        result.problems.append(Problem("name", "can't be blank", "blank"))


def _check_references(patch: LeadPatch, settings: AccountSettings, result: CheckedPatch) -> None:
    """Check the ids of users, sources and statuses; a status id takes precedence over a name."""
    for attribute, known in (
        ("assignee_id", settings.users_by_id),
        ("customer_source_id", settings.sources_by_id),
    ):
        value = getattr(patch, attribute)
        if value is not UNSET:
            result.fields[attribute] = value
            if value is not None and value not in known:
                _refuse_id(attribute, value, result)
    if patch.status_id is not UNSET and patch.status_id is not None:
        result.fields["status_id"] = patch.status_id
        if patch.status_id not in settings.statuses_by_id:
            _refuse_id("status_id", patch.status_id, result)
    elif patch.status is not UNSET and patch.status is not None:
        result.fields["status_id"] = _status_by_name(patch.status, settings, result)
    elif patch.status is None or patch.status_id is None:
        result.fields["status_id"] = settings.default_status.id


def _refuse_id(attribute: str, value: int, result: CheckedPatch) -> None:
    result.problems.append(Problem(attribute, f"does not exist: {value}", "inclusion"))


def _status_by_name(name: str, settings: AccountSettings, result: CheckedPatch) -> int:
    for status in settings.statuses:
        if fold(status.name) == fold(name):
            return status.id
    result.problems.append(Problem("status", f"is not a lead status: {quoted(name)}", "inclusion"))
    return settings.default_status.id


def _check_custom_fields(
    entries: Sequence[CustomFieldPatch], settings: AccountSettings, result: CheckedPatch
) -> None:
    for entry in entries:
        definition_id = entry.custom_field_definition_id
        field = settings.fields_by_id.get(definition_id)
        if field is None or not field.on_leads:
            text = f"definition {definition_id} is not available on leads"
            result.problems.append(Problem("custom_fields", text, "inclusion"))
            continue
        try:
            value = stored_value(field, entry.value, settings.zone)
        except ValueInvalid as error:
            text = f"value of {field.name} (definition {definition_id}) {error}"
            result.problems.append(Problem("custom_fields", text))
        else:
            result.custom_fields[definition_id] = value


def _line(
    attribute: str, value: str | None, problems: list[Problem], limit: int = LINE_CHARS_MAX
) -> str | None:
    """Return the text as sent, or None when nothing in it is visible."""
    if value is None or is_blank(value):
        return None
    if len(value) > limit:
        problems.append(Problem(attribute, too_long(limit), "too_long"))
    # A refused text need not be processed in full.
    return value[:limit]


def _address(attribute: str, value: AddressPatch | None, problems: list[Problem]) -> Address | None:
    if value is None:
        return None
    lines = {
        part: _line(attribute, getattr(value, part), problems) for part in Address.__struct_fields__
    }
    if lines["country"]:
        lines["country"] = country_code(lines["country"])
    return Address(**lines) if any(lines.values()) else None


def _email(attribute: str, value: EmailPatch | None, problems: list[Problem]) -> Email | None:
    address = _line(attribute, value.email, problems) if value else None
    if value is None or address is None:
        return None
    category = _category(attribute, value.category, EMAIL_CATEGORIES, problems)
    return Email(address, category)


def _category(
    attribute: str, value: str | None, allowed: tuple[str, ...], problems: list[Problem]
) -> str:
    """Return the category in lower case; the default is `work` if allowed, else `other`."""
    if value is None or is_blank(value):
        return "work" if "work" in allowed else "other"
    category = value.strip().lower()
    if category not in allowed:
        text = f"category {quoted(value)} is not one of {', '.join(allowed)}"
        problems.append(Problem(attribute, text, "inclusion"))
    return category


def _tags(attribute: str, value: list[str] | None, problems: list[Problem]) -> tuple[str, ...]:
    """Trim tags, and keep the first spelling of those that differ only in case."""
    tags: dict[str, str] = {}
    for tag in _limited(attribute, value, problems, TAGS_MAX):
        line = _line(attribute, tag, problems)
        if line is not None:
            tags.setdefault(fold(line), line.strip())
    return tuple(tags.values())


def _phone_numbers(
    attribute: str, value: list[PhoneNumberPatch] | None, problems: list[Problem]
) -> tuple[PhoneNumber, ...]:
    return tuple(
        PhoneNumber(line, _category(attribute, entry.category, PHONE_CATEGORIES, problems))
        for entry in _limited(attribute, value, problems)
        if (line := _line(attribute, entry.number, problems)) is not None
    )


def _links(
    attribute: str, value: list[LinkPatch] | None, problems: list[Problem]
) -> tuple[Link, ...]:
    allowed = SOCIAL_CATEGORIES if attribute == "socials" else WEBSITE_CATEGORIES
    return tuple(
        Link(line, _category(attribute, entry.category, allowed, problems))
        for entry in _limited(attribute, value, problems)
        if (line := _line(attribute, entry.url, problems, URL_CHARS_MAX)) is not None
    )


def _limited(
    attribute: str, entries: list[T] | None, problems: list[Problem], limit: int = LIST_ENTRIES_MAX
) -> list[T]:
    entries = entries or []
    if len(entries) > limit:
        problems.append(
            Problem(attribute, f"has too many entries (maximum is {limit})", "too_long")
        )
    return entries[:limit]


def _monetary_value(
    attribute: str, value: float | str | None, problems: list[Problem]
) -> int | float | None:
    if value is None or value == "":
        return None
    try:
        return number(value)
    except ValueInvalid as error:
        problems.append(Problem(attribute, str(error), "not_a_number"))
        return None


_CHECKS: dict[str, Callable[[str, Any, list[Problem]], Any]] = {
    "address": _address,
    "company_name": _line,
    "details": partial(_line, limit=TEXT_CHARS_MAX),
    "email": _email,
    "monetary_value": _monetary_value,
    "socials": _links,
    "tags": _tags,
    "title": _line,
    "websites": _links,
    "phone_numbers": _phone_numbers,
}

_checked_values = attrgetter(*_CHECKS)


def tags_changed(
    tags: Sequence[str], *, added: Iterable[str] = (), removed: Iterable[str] = ()
) -> list[str]:
    """Return the tags with some removed and then some added; case makes no difference."""
    gone = {fold(tag) for tag in removed}
    kept = {fold(tag): tag for tag in tags if fold(tag) not in gone}
    for tag in added:
        kept.setdefault(fold(tag), tag)
    return list(kept.values())
