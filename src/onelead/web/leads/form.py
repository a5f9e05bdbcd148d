"""A lead as a form: which fields are edited together, what inputs show, and what a form sends.

Filling inputs and reading them mirror each other: an untouched form sends what the lead has, so
only what the user changed is written. Values leave here as the JSON that the API would get; the
rules are applied to that, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import Any

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import CustomField, DataType, day_on_the_wire
from onelead.domain.lead import (
    PHONE_CATEGORIES,
    SOCIAL_CATEGORIES,
    WEBSITE_CATEGORIES,
    Address,
    Lead,
    custom_name,
)
from onelead.domain.text import is_blank, whole_number
from onelead.domain.writes import Action, LeadWrite
from onelead.incoming.lead_json import lead_patch
from onelead.web.frame.forms import Form, in_one_form
from onelead.web.frame.visit import Visit
from onelead.web.words.lead_texts import custom_field_of

#: The fields that are edited together, by group.
GROUPS = {
    "name": ("name",),
    "parts": ("prefix", "first_name", "middle_name", "last_name", "suffix"),
    "contact": ("email", "phone_numbers"),
    "company": ("title", "company_name"),
    "status": ("status_id", "assignee_id", "customer_source_id"),
    "tags": ("tags",),
    "address": ("address",),
    "web": ("websites", "socials"),
    "value": ("monetary_value",),
    "details": ("details",),
}
CUSTOM = "custom"
#: The fields in the form of a new lead; the parts of the name follow from the name.
NEW_LEAD_FIELDS = tuple(
    name for group, names in GROUPS.items() if group != "parts" for name in names
)
ADDRESS_PARTS = Address.__struct_fields__
#: By field: the member with the text, and the categories.
ENTRIES = {
    "phone_numbers": ("number", PHONE_CATEGORIES),
    "websites": ("url", WEBSITE_CATEGORIES),
    "socials": ("url", SOCIAL_CATEGORIES),
}
IDS = frozenset({"status_id", "assignee_id", "customer_source_id"})
#: Pairs of a value and its text.
Choices = list[tuple[str, str]]


def id_choices(named: Iterable[Any]) -> Choices:
    """Return the choices between users, options or other things with an id and a name."""
    return [(str(one.id), one.name) for one in named]


def custom_names(settings: AccountSettings) -> tuple[str, ...]:
    """Return the custom fields that are in one form of a lead."""
    return tuple(custom_name(field.id) for field in in_one_form(settings.lead_fields))


def names_of(group: str, settings: AccountSettings) -> tuple[str, ...]:
    """Return the fields of a group, or a single custom field; none for an unknown group."""
    if group == CUSTOM:
        return custom_names(settings)
    field = custom_field_of(group, settings)
    if field is not None and field.on_leads:
        return (custom_name(field.id),)
    return GROUPS.get(group, ())


def value_of(lead: Lead, name: str, settings: AccountSettings) -> Any:
    """Return the stored value of a field."""
    field = custom_field_of(name, settings)
    return lead.custom_fields.get(field.id) if field else getattr(lead, name)


def stored_form(lead: Lead, names: Iterable[str], settings: AccountSettings) -> Form:
    """Return what an untouched form of a lead sends."""
    return Form(
        [pair for name in names for pair in _pairs(name, value_of(lead, name, settings), settings)]
    )


def _pairs(name: str, value: Any, settings: AccountSettings) -> list[tuple[str, str]]:
    if name in ENTRIES:
        member, _categories = ENTRIES[name]
        return [
            pair
            for entry in value
            for pair in (
                (f"{name}.{member}", getattr(entry, member)),
                (f"{name}.category", entry.category),
            )
        ]
    if name == "email":
        return [("email.email", value.email), ("email.category", value.category)] if value else []
    if name == "address":
        return [(f"address.{part}", getattr(value, part) or "") for part in ADDRESS_PARTS if value]
    if name == "tags":
        return [(name, tag) for tag in value]
    field = custom_field_of(name, settings)
    return [(name, text) for text in (_custom_texts(field, value) if field else [_text_of(value)])]


def _custom_texts(field: CustomField, value: Any) -> list[str]:
    if field.data_type is DataType.CHECKBOX:
        return ["1"] if value else []
    if field.data_type is DataType.MULTI_SELECT:
        # An option that was removed cannot be chosen again.
        return [str(option.id) for option in field.options if option.id in (value or ())]
    return [_text_of(value)]


def _text_of(value: Any) -> str:
    if value is None:
        return ""
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if is_whole else value)


def sent_values(form: Form, names: Iterable[str], settings: AccountSettings) -> dict[str, Any]:
    """Return what a form sends for some fields, by field, as the JSON that the API would get."""
    return {name: _sent(form, name, settings) for name in names}


def _sent(form: Form, name: str, settings: AccountSettings) -> Any:
    if field := custom_field_of(name, settings):
        return _sent_custom(form, name, field)
    if name in _SENT:
        return _SENT[name](form, name)
    text = _line(form.raw(name))
    return whole_number(text) if name in IDS else text


def _line(raw: str) -> str | None:
    # Browsers drop the line breaks of a one-line input.
    return raw.replace("\r", "").replace("\n", "") or None


def _lines(form: Form, name: str) -> str | None:
    return form.raw(name).replace("\r", "\n") or None


def sent_entries(form: Form, name: str) -> list[tuple[str, str]]:
    """Return the entries of a field that are not blank: their texts and categories."""
    member, _categories = ENTRIES[name]
    rows = zip_longest(form.all(f"{name}.{member}"), form.all(f"{name}.category"), fillvalue="")
    return [row for row in rows if not is_blank(row[0])]


def _entries(form: Form, name: str) -> list[dict[str, str | None]]:
    member, _categories = ENTRIES[name]
    return [
        {member: _line(text), "category": category or None}
        for text, category in sent_entries(form, name)
    ]


def _email(form: Form, _name: str) -> dict[str, str | None] | None:
    address = _line(form.raw("email.email"))
    return {"email": address, "category": _line(form.raw("email.category"))} if address else None


def _address(form: Form, _name: str) -> dict[str, str] | None:
    parts = {part: _line(form.raw(f"address.{part}")) for part in ADDRESS_PARTS}
    return {part: text for part, text in parts.items() if text} or None


def _tags(form: Form, name: str) -> list[str | None]:
    return [_line(text) for text in form.all(name) if not is_blank(text)]


_SENT: dict[str, Callable[[Form, str], Any]] = {
    **dict.fromkeys(ENTRIES, _entries),
    "address": _address,
    "details": _lines,
    "email": _email,
    "tags": _tags,
}


def _sent_custom(form: Form, name: str, field: CustomField) -> Any:
    match field.data_type:
        case DataType.CHECKBOX:
            return form.has(name)
        case DataType.MULTI_SELECT:
            return [whole_number(text) for text in form.all(name)]
        case DataType.DROPDOWN:
            return whole_number(_line(form.raw(name)))
        case DataType.DATE:
            return day_on_the_wire(_line(form.raw(name)) or "") or None
        case DataType.TEXT:
            return _lines(form, name)
    return _line(form.raw(name))


def wanted_values(
    form: Form, lead: Lead, names: Iterable[str], settings: AccountSettings
) -> dict[str, Any]:
    """Return the values that a form changes in the lead that it was made from."""
    names = tuple(names)
    before = sent_values(stored_form(lead, names, settings), names, settings)
    sent = sent_values(form, names, settings)
    return {name: value for name, value in sent.items() if value != before[name]}


def properties(values: dict[str, Any], settings: AccountSettings) -> dict[str, Any]:
    """Return values by field as the properties of a lead in an API request."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if field := custom_field_of(name, settings):
            entry = {"custom_field_definition_id": field.id, "value": value}
            found.setdefault("custom_fields", []).append(entry)
        else:
            found[name] = value
    return found


def lead_write(
    visit: Visit,
    action: Action,
    raw: dict[str, Any],
    lead_id: int | None = None,
    version: int | None = None,
) -> LeadWrite:
    """Return the write of properties that are given as in an API request."""
    patch, problems = lead_patch(raw, "base")
    return LeadWrite(
        *(action, visit.delivery(raw), lead_id, patch),
        problems=problems,
        expected_version=version,
    )
