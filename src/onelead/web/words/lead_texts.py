"""How people read a lead's fields and values: labels, names instead of ids, formatted numbers.

The lead page, its history, the conflict page and the lists all write a value the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import localcontext
from typing import Any

import msgspec
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import CustomField, DataType
from onelead.domain.errors import humanised
from onelead.domain.lead import (
    CUSTOM_PREFIX,
    MERGE_ORIGIN,
    OTHER_VALUE_PREFIX,
    PIN_PREFIX,
    RULING_ORIGIN,
    OtherValue,
    definition_id_of,
)
from onelead.web.frame.rendering import minute

_LOCALE = "en_US"
#: More digits than any stored number has when written out.
_DIGITS = 700
_LABELS = {
    "assignee_id": "Owner",
    "company_name": "Company",
    "customer_source_id": "Customer source",
    "date_created": "Created",
    "date_last_contacted": "Last contacted",
    "email": "E-mail",
    "first_name": "First name",
    "last_name": "Last name",
    "middle_name": "Middle name",
    "monetary_unit": "Currency",
    "monetary_value": "Value",
    "name": "Name",
    "phone_numbers": "Phone numbers",
    "socials": "Social profiles",
    "status_id": "Status",
    "status": "Status",
}


def custom_field_of(name: str, settings: AccountSettings) -> CustomField | None:
    """Return the definition of a custom field; None for other and unknown fields."""
    definition_id = definition_id_of(name)
    return None if definition_id is None else settings.fields_by_id.get(definition_id)


def field_label(name: str, settings: AccountSettings) -> str:
    """Return the label of a lead's field."""
    if field := custom_field_of(name, settings):
        return field.name
    if name.startswith(CUSTOM_PREFIX):
        return f"Deleted custom field {name.removeprefix(CUSTOM_PREFIX)}"
    if name.startswith(OTHER_VALUE_PREFIX):
        return "Other value"
    if name.startswith(PIN_PREFIX):
        return f"Pin of {field_label(name.removeprefix(PIN_PREFIX), settings)}"
    return _LABELS.get(name) or humanised(name).capitalize()


def field_text(name: str, value: Any, settings: AccountSettings) -> str:
    """Write the value of a lead's field, stored or as JSON; empty for no value."""
    if name.startswith(CUSTOM_PREFIX):
        return custom_text(custom_field_of(name, settings), value)
    value = msgspec.to_builtins(value)
    if value in (None, [], ()):
        return ""
    if name.startswith(OTHER_VALUE_PREFIX):
        return other_value_text(msgspec.convert(value, OtherValue), settings)
    if name.startswith(PIN_PREFIX):
        return "pinned"
    write = _TEXTS.get(name)
    return write(value, settings) if write else plain_text(value)


def other_value_text(value: OtherValue, settings: AccountSettings) -> str:
    """Write another value of a lead with its field and its origin."""
    text = (
        field_text(value.field, value.value, settings) if value.field not in _PLAIN else value.value
    )
    return f"{field_label(value.field, settings)} {text} ({origin_text(value)})"


def origin_text(value: OtherValue) -> str:
    """Say where another value came from, inside a sentence."""
    if value.claims:
        return "ruling"
    if value.origin == MERGE_ORIGIN:
        return f"from lead {value.from_id}"
    return "earlier ruling" if value.origin == RULING_ORIGIN else "added by a person"


def custom_text(field: CustomField | None, value: Any) -> str:
    """Write the value of a custom field, stored or as JSON; empty for no value."""
    if value is None:
        return ""
    write = _CUSTOM_TEXTS.get(field.data_type) if field else None
    return write(field, value) if field and write else plain_text(value)


def plain_text(value: Any) -> str:
    """Write any JSON value."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, list | tuple):
        return ", ".join(plain_text(entry) for entry in value)
    if isinstance(value, dict):
        # An option, or something else with a name.
        return plain_text(value.get("name") or [part for part in value.values() if part])
    return "" if value is None else str(value)


def number_text(value: float) -> str:
    """Write a number with all its digits."""
    with localcontext(prec=_DIGITS):
        return str(format_decimal(value, locale=_LOCALE, decimal_quantization=False))


def money_text(value: float, currency: str | None) -> str:
    """Write an amount with all its digits."""
    if currency is None:
        return number_text(value)
    with localcontext(prec=_DIGITS):
        return str(format_currency(value, currency, locale=_LOCALE, decimal_quantization=False))


def day_text(day: str) -> str:
    """Write a day (`YYYY-MM-DD`)."""
    return str(format_date(date.fromisoformat(day), "d MMM y", locale=_LOCALE))


def _named(kind: str, names: dict[int, Any], value: Any) -> str:
    found = names.get(value)
    return found.name if found else f"Deleted {kind} {value}"


def _address(value: Any, _settings: AccountSettings) -> str:
    region = " ".join(filter(None, (value.get("state"), value.get("postal_code"))))
    lines = (value.get("street"), value.get("city"), region, value.get("country"))
    return ", ".join(line for line in lines if line)


def _categorised(member: str) -> Callable[[Any, AccountSettings], str]:
    def write(value: Any, _settings: AccountSettings) -> str:
        entries = value if isinstance(value, list | tuple) else [value]
        return ", ".join(f"{entry[member]} ({entry['category']})" for entry in entries)

    return write


def _moment(value: Any, settings: AccountSettings) -> str:
    return minute(value, settings.zone)


#: Other values of these fields are texts, whatever the lead's own value is.
_PLAIN = frozenset({"name", "email"})
#: These take values as JSON.
_TEXTS: dict[str, Callable[[Any, AccountSettings], str]] = {
    "address": _address,
    "assignee_id": lambda value, settings: _named("user", settings.users_by_id, value),
    "customer_source_id": lambda value, settings: _named(
        "customer source", settings.sources_by_id, value
    ),
    "date_created": _moment,
    "date_last_contacted": _moment,
    "email": _categorised("email"),
    "phone_numbers": _categorised("number"),
    "socials": _categorised("url"),
    "status_id": lambda value, settings: _named("status", settings.statuses_by_id, value),
    "websites": _categorised("url"),
}


def _option_names(field: CustomField, value: Any) -> str:
    ids = value if isinstance(value, list | tuple) else [value]
    names = {option.id: option for option in field.options}
    return ", ".join(_named("option", names, option_id) for option_id in ids)


_CUSTOM_TEXTS: dict[DataType, Callable[[CustomField, Any], str]] = {
    DataType.CURRENCY: lambda field, value: money_text(value, field.currency),
    DataType.DATE: lambda _field, value: day_text(value),
    DataType.DROPDOWN: _option_names,
    DataType.MULTI_SELECT: _option_names,
    DataType.PERCENTAGE: lambda _field, value: f"{number_text(value)} %",
}
