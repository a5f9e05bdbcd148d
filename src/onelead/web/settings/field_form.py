"""The form of a custom field definition: what was typed, and the JSON for the API."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from msgspec import Struct, structs

from onelead.domain.account import AccountSettings
from onelead.domain.currencies import currencies
from onelead.domain.custom_fields import RESOURCES, TYPES_WITH_OPTIONS, CustomField, DataType
from onelead.domain.limits import OPTIONS_MAX
from onelead.domain.settings.definitions import definition_attributes
from onelead.domain.text import is_blank, whole_number
from onelead.web.frame.forms import Form


class TypeChoice(Struct, frozen=True):
    """A data type as a choice in the form."""

    value: DataType
    label: str
    #: What it is for, in one line.
    text: str
    icon: str

    @property
    def has_options(self) -> bool:
        """Whether fields of this type have options."""
        return self.value in TYPES_WITH_OPTIONS


_CHOICES = (
    TypeChoice(DataType.STRING, "Line of text", "A customer number, a campaign", "tag"),
    TypeChoice(DataType.TEXT, "Long text", "Several lines, such as a note", "document-text"),
    TypeChoice(DataType.DROPDOWN, "One choice", "One of your options", "chevron-up-down"),
    TypeChoice(DataType.MULTI_SELECT, "Several choices", "Any of your options", "list-bullet"),
    TypeChoice(DataType.CHECKBOX, "Yes or no", "No, unless set to yes", "check-circle"),
    TypeChoice(DataType.DATE, "Date", "A day, without a time", "calendar"),
    TypeChoice(DataType.FLOAT, "Number", "Any number, including decimals", "hashtag"),
    TypeChoice(DataType.CURRENCY, "Amount", "Money in one currency", "banknotes"),
    TypeChoice(DataType.PERCENTAGE, "Percentage", "A whole number of percent", "receipt-percent"),
    TypeChoice(DataType.URL, "Link", "The address of a web page", "link"),
)
#: By value, in the order in which they are offered.
TYPES = {choice.value: choice for choice in _CHOICES}


def currency_choices() -> list[tuple[str, str]]:
    """Return all currencies: codes, and codes with names."""
    return [(code, f"{code}, {name}") for code, name in currencies()]


_NEW_ROWS = 2
_DIGEST_CHARS = 16


class OptionRow(Struct, frozen=True):
    """An option in the form; `id` is text, and empty for a new option."""

    id: str = ""
    name: str = ""


class FieldForm(Struct, frozen=True):
    """A definition as typed into the form."""

    name: str = ""
    canonical_name: str = ""
    data_type: str = DataType.STRING.value
    available_on: tuple[str, ...] = ("lead",)
    is_filterable: bool = False
    currency: str = ""
    options: tuple[OptionRow, ...] = (OptionRow(),) * _NEW_ROWS
    #: The digest of the definition that the form was loaded with.
    seen: str = ""

    def body(self, field: CustomField | None) -> dict[str, Any]:
        """Return the body of the write: for an existing definition, only what changes."""
        asked = self.everything()
        if field is None:
            asked["data_type"] = self.data_type
            return {name: value for name, value in asked.items() if value is not None}
        as_shown, now = form_of(field).everything(), definition_attributes(field)
        return {
            name: value for name, value in asked.items() if value not in (as_shown[name], now[name])
        }

    def everything(self) -> dict[str, Any]:
        """Return all attributes in the form, as JSON; None for empty ones."""
        asked: dict[str, Any] = {
            "name": self.name,
            "canonical_name": self.canonical_name or None,
            "available_on": [one for one in RESOURCES if one in self.available_on]
            + [one for one in self.available_on if one not in RESOURCES],
            "is_filterable": self.is_filterable,
        }
        if self.data_type in TYPES_WITH_OPTIONS:
            asked["options"] = [_option_body(row) for row in self.options if row != OptionRow()]
        if self.data_type == DataType.CURRENCY:
            asked["currency"] = self.currency or None
        return asked

    def removed_option_ids(self, field: CustomField) -> list[int]:
        """Return the ids of the definition's options that the form no longer has."""
        kept = {row.id for row in self.options}
        return [option.id for option in field.options if str(option.id) not in kept]


def _option_body(row: OptionRow) -> dict[str, Any]:
    option_id = whole_number(row.id)
    return {"id": option_id, "name": row.name} if isinstance(option_id, int) else {"name": row.name}


def _line(text: str) -> str:
    """Return a text as a browser sends it from an input."""
    return text.replace("\r", "").replace("\n", "")


def form_of(field: CustomField) -> FieldForm:
    """Return the form of a stored definition."""
    return FieldForm(
        name=_line(field.name),
        canonical_name=field.canonical_name or "",
        data_type=field.data_type.value,
        available_on=field.available_on,
        is_filterable=field.is_filterable,
        currency=field.currency or "",
        options=tuple(OptionRow(str(option.id), _line(option.name)) for option in field.options),
        seen=digest(field),
    )


def new_form(settings: AccountSettings) -> FieldForm:
    """Return the form of a new definition."""
    return FieldForm(currency=settings.currency)


def read_form(form: Form, field: CustomField | None) -> FieldForm:
    """Read a sent form, with its options moved, added or removed by the pressed button."""
    typed = FieldForm(
        name=form.raw("name"),
        canonical_name=form.get("canonical_name"),
        data_type=field.data_type.value if field else form.get("data_type"),
        available_on=tuple(dict.fromkeys(form.all("available_on"))),
        is_filterable=form.has("is_filterable"),
        currency=form.get("currency"),
        options=_option_rows(form),
        seen=form.get("seen"),
    )
    return structs.replace(typed, options=_edited(typed.options, form))


def _option_rows(form: Form) -> tuple[OptionRow, ...]:
    # Both lists have the same length, unless the form was made up.
    names, ids = form.all("option_name"), form.all("option_id")
    rows = [OptionRow(id_.strip(), name) for id_, name in zip(ids, names, strict=False)]
    return tuple(rows[: OPTIONS_MAX + 1])


def _edited(rows: tuple[OptionRow, ...], form: Form) -> tuple[OptionRow, ...]:
    edited = [*rows, *(OptionRow("", line) for line in _pasted(form))][: OPTIONS_MAX + 1]
    if form.has("add"):
        edited.append(OptionRow())
    place, _, step = form.get("move").partition(":")
    index = whole_number(place)
    if isinstance(index, int) and index < len(edited) and step in ("up", "down"):
        row = edited.pop(index)
        edited.insert(max(0, index + (1 if step == "down" else -1)), row)
    index = whole_number(form.get("remove"))
    if isinstance(index, int) and index < len(edited):
        edited.pop(index)
    return tuple(edited)


def _pasted(form: Form) -> list[str]:
    return [line.strip() for line in form.raw("pasted").split("\n") if not is_blank(line)]


def is_only_edited(form: Form) -> bool:
    """Say whether the pressed button only changes the form and saves nothing."""
    return any(form.has(button) for button in ("add", "move", "remove"))


def row_at_hand(form: Form, rows: int) -> int | None:
    """Return the place, from 0, of the option that was just moved or added."""
    if form.has("add"):
        return rows - 1
    place, _, step = form.get("move").partition(":")
    index = whole_number(place)
    if not isinstance(index, int):
        return None
    return min(max(0, index + (1 if step == "down" else -1)), rows - 1)


def digest(field: CustomField) -> str:
    """Return a short text that differs whenever the definition does."""
    content = msgspec.json.encode(definition_attributes(field), order="deterministic")
    return hashlib.sha256(content).hexdigest()[:_DIGEST_CHARS]
