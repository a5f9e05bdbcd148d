"""An upsert as a form: from its fields to the JSON that a client would send, and back.

The form has fields for what most clients send. What it cannot hold is written as JSON instead, and
nothing is lost between the two: `values_of` returns None where something would be.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import (
    NUMBER_TYPES,
    CustomField,
    DataType,
    ValueInvalid,
    day_on_the_wire,
    number,
)
from onelead.domain.lead import EMAIL_CATEGORIES, PHONE_CATEGORIES
from onelead.domain.text import whole_number
from onelead.web.frame.forms import Form

#: What the form of an upsert holds, by field name.
Values = dict[str, list[str]]

_CUSTOM = "custom-"
_TEXTS = ("name", "title", "company_name", "details", "status", "monetary_value")
_DAY_ON_THE_WIRE = "%m/%d/%Y"
_DEFINITION_ID = "custom_field_definition_id"


def form_of(values: Values) -> Form:
    """Return the form with these values."""
    return Form([(name, text) for name, texts in values.items() for text in texts])


def body_text(body: Any) -> str:
    """Write a body as it is shown, sent and pasted."""
    return json.dumps(body, ensure_ascii=False, indent=2)


def body_of(form: Form, settings: AccountSettings) -> dict[str, Any]:
    """Return the JSON that a client would send; an empty field is not sent."""
    properties: dict[str, Any] = {name: form.get(name) for name in _TEXTS if form.get(name)}
    if text := form.get("email"):
        properties["email"] = {"email": text, "category": EMAIL_CATEGORIES[0]}
    if text := form.get("phone"):
        properties["phone_numbers"] = [{"number": text, "category": PHONE_CATEGORIES[0]}]
    if tags := [tag.strip() for tag in form.get("tags").split(",") if tag.strip()]:
        properties["tags"] = tags
    if text := form.get("customer_source_id"):
        properties["customer_source_id"] = whole_number(text)
    entries = [
        {_DEFINITION_ID: field.id, "value": _json_value(field, given)}
        for field in settings.lead_fields
        if (given := [text for text in form.all(custom_input(field)) if text.strip()])
    ]
    if entries:
        properties["custom_fields"] = entries
    return {"properties": properties, "match": _match_of(form, settings)}


def _match_of(form: Form, settings: AccountSettings) -> dict[str, Any]:
    by, value = form.get("by"), form.get("value")
    if not by.startswith(_CUSTOM):
        return {"field_name": by, "field_value": value}
    definition_id = whole_number(by.removeprefix(_CUSTOM))
    field = settings.fields_by_id.get(definition_id)
    sought = _json_value(field, [value]) if field else value
    if field and field.data_type is DataType.MULTI_SELECT:
        # One option: a match has one value.
        sought = whole_number(value)
    return {
        "field_name": "custom",
        "field_value": {_DEFINITION_ID: definition_id, "value": sought},
    }


def _json_value(field: CustomField, texts: list[str]) -> Any:
    """Convert what was typed or chosen to JSON; a text that is not a valid value stays a text."""
    if field.data_type is DataType.MULTI_SELECT:
        return [whole_number(text) for text in texts]
    write = _ON_THE_WIRE.get(field.data_type)
    return write(texts[-1].strip()) if write else texts[-1]


def _checkbox_on_the_wire(text: str) -> Any:
    return {"true": True, "false": False}.get(text.lower(), text)


def _number_on_the_wire(text: str) -> Any:
    try:
        return number(text)
    except ValueInvalid:
        return text


_ON_THE_WIRE: dict[DataType, Callable[[str], Any]] = {
    DataType.CHECKBOX: _checkbox_on_the_wire,
    DataType.DATE: day_on_the_wire,
    DataType.DROPDOWN: whole_number,
    **dict.fromkeys(NUMBER_TYPES, _number_on_the_wire),
}


def values_of(body: Any, settings: AccountSettings) -> Values | None:
    """Return the form's values for a body; None when the form cannot hold all of it."""
    try:
        values = _values(body)
        return values if body_of(form_of(values), settings) == body else None
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        # It is not a body that the form can make.
        return None


def _values(body: Mapping[str, Any]) -> Values:
    properties, match = body["properties"], body["match"]
    values = {name: [properties[name]] for name in _TEXTS if name in properties}
    if "email" in properties:
        values["email"] = [properties["email"]["email"]]
    if "phone_numbers" in properties:
        values["phone"] = [properties["phone_numbers"][0]["number"]]
    if "tags" in properties:
        values["tags"] = [", ".join(properties["tags"])]
    if "customer_source_id" in properties:
        values["customer_source_id"] = [str(properties["customer_source_id"])]
    for entry in properties.get("custom_fields", ()):
        raw = entry["value"]
        texts = raw if isinstance(raw, list) else [raw]
        values[f"{_CUSTOM}{entry[_DEFINITION_ID]}"] = [_typed(text) for text in texts]
    sought = match["field_value"]
    values["by"] = [match["field_name"]]
    if match["field_name"] == "custom":
        values["by"] = [f"{_CUSTOM}{sought[_DEFINITION_ID]}"]
        sought = _typed(sought["value"])
    values["value"] = [sought]
    return values


def _typed(value: Any) -> str:
    """Return a value as an input of its type holds it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return datetime.strptime(str(value), _DAY_ON_THE_WIRE).date().isoformat()  # noqa: DTZ007
    except ValueError:
        return str(value)


def custom_input(field: CustomField) -> str:
    """Return the name of a custom field's input."""
    return f"{_CUSTOM}{field.id}"


def matched_definition(body: Any, settings: AccountSettings) -> CustomField | None:
    """Return the definition that the match of a body names, if it exists."""
    try:
        number = whole_number(body["match"]["field_value"][_DEFINITION_ID])
        return settings.fields_by_id.get(number)
    except (KeyError, TypeError):
        return None
