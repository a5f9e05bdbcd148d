"""The inputs of a lead's form: the kind of each field, its value, and what is wrong with it.

A template draws a control by its kind; the choices are decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import CustomField, DataType
from onelead.domain.errors import humanised
from onelead.domain.lead import EMAIL_CATEGORIES, custom_name
from onelead.domain.text import is_blank
from onelead.web.frame.forms import Form
from onelead.web.frame.visit import Problems
from onelead.web.leads.form import ADDRESS_PARTS, ENTRIES, IDS, Choices, id_choices, sent_entries
from onelead.web.words.lead_texts import custom_field_of, field_label, field_text

_KINDS = {
    **dict.fromkeys(ENTRIES, "entries"),
    **dict.fromkeys(IDS, "choice"),
    "address": "address",
    "details": "text",
    "email": "email",
    "monetary_value": "number",
    "tags": "tags",
}
_CUSTOM_KINDS = {
    DataType.CHECKBOX: "check",
    DataType.CURRENCY: "number",
    DataType.DATE: "day",
    DataType.DROPDOWN: "choice",
    DataType.FLOAT: "number",
    DataType.MULTI_SELECT: "choices",
    DataType.PERCENTAGE: "whole",
    DataType.TEXT: "text",
    DataType.URL: "link",
}


class Row(Struct, frozen=True):
    """One text of a control that has several, such as a phone number."""

    name: str
    value: str
    label: str = ""
    category: str = ""


class Control(Struct, frozen=True, kw_only=True):
    """One field of a form."""

    name: str
    #: line, link, text, number, whole, day, choice, choices, check, email, address, entries, tags.
    kind: str
    label: str
    #: What is wrong, in the API's words.
    texts: tuple[str, ...] = ()
    hint: str = ""
    value: str = ""
    #: For `choice` and `choices`.
    options: Choices = []
    chosen: frozenset[str] = frozenset()
    rows: tuple[Row, ...] = ()
    categories: Choices = []

    @property
    def id(self) -> str:
        """The name as an HTML id."""
        return f"field-{self.name.replace('.', '-')}"


def controls(
    form: Form, names: Iterable[str], settings: AccountSettings, problems: Problems
) -> list[Control]:
    """Return the controls of some fields, filled from a form."""
    return [_control(form, name, settings, problems) for name in names]


def by_field(problems: Problems, settings: AccountSettings) -> dict[str, list[str]]:
    """Move the problems of a custom field's value to that field; the words stay the API's."""
    found: dict[str, list[str]] = {}
    for attribute, texts in problems.items():
        for text in texts:
            found.setdefault(_field_at_fault(attribute, text, settings), []).append(text)
    return found


def _field_at_fault(attribute: str, text: str, settings: AccountSettings) -> str:
    if attribute == "custom_fields":
        for field in settings.lead_fields:
            if text.startswith(f"value of {field.name} (definition {field.id}) "):
                return custom_name(field.id)
    return attribute


def _control(
    form: Form, name: str, settings: AccountSettings, problems: Mapping[str, list[str]]
) -> Control:
    field = custom_field_of(name, settings)
    kind = _CUSTOM_KINDS.get(field.data_type, "line") if field else _KINDS.get(name, "line")
    categories = EMAIL_CATEGORIES if name == "email" else ENTRIES.get(name, ("", ()))[1]
    value = form.raw(name)
    return Control(
        name=name,
        kind=kind,
        label=field_label(name, settings),
        texts=tuple(problems.get(name, ())),
        hint=_hint(name, field, settings),
        value=value,
        options=_options(name, field, value, settings) if kind in ("choice", "choices") else [],
        chosen=frozenset(form.all(name)),
        rows=_rows(form, name, kind),
        categories=[(category, category) for category in categories],
    )


def _hint(name: str, field: CustomField | None, settings: AccountSettings) -> str:
    if field is not None and field.data_type is DataType.CURRENCY:
        return f"In {field.currency}."
    if field is not None and field.data_type is DataType.PERCENTAGE:
        return "In whole percent."
    return {
        "monetary_value": f"In {settings.currency}.",
        "name": "Also sets the parts of the name.",
        "tags": "One tag per box; empty boxes are ignored.",
    }.get(name, "")


def _options(
    name: str, field: CustomField | None, value: str, settings: AccountSettings
) -> Choices:
    if field is not None:
        found = id_choices(field.options)
    elif name == "assignee_id":
        users = (user for user in settings.users if user.is_active or str(user.id) == value)
        found = id_choices(users)
    else:
        found = id_choices(settings.statuses if name == "status_id" else settings.sources)
    if field is not None and field.data_type is DataType.MULTI_SELECT:
        return found
    if value and value not in dict(found):
        # A deleted one stays selected until the user chooses another.
        text = field_text(name, int(value), settings) if value.isdecimal() else value
        found.append((value, text))
    return found if name == "status_id" else [("", "None"), *found]


def _rows(form: Form, name: str, kind: str) -> tuple[Row, ...]:
    if kind == "address":
        inputs = ((f"address.{part}", humanised(part).capitalize()) for part in ADDRESS_PARTS)
        return tuple(Row(input_name, form.raw(input_name), label) for input_name, label in inputs)
    if kind == "email":
        email, category = form.raw("email.email"), form.raw("email.category")
        return (Row("email.email", email, category=category or "work"),)
    if kind == "tags":
        tags = [tag for tag in form.all(name) if not is_blank(tag)]
        return tuple(Row(name, tag) for tag in [*tags, ""])
    if kind == "entries":
        member, categories = ENTRIES[name]
        # Without scripts, this empty row is how another one is added.
        rows = [*sent_entries(form, name), ("", categories[0])]
        return tuple(Row(f"{name}.{member}", text, category=chosen) for text, chosen in rows)
    return ()
