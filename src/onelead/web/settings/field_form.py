"""The form of a custom field definition: what was typed, and the JSON that the API would get."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from msgspec import Struct, structs

from onelead.domain.account import AccountSettings
from onelead.domain.currencies import currencies
from onelead.domain.custom_fields import RESOURCES, TYPES_WITH_OPTIONS, CustomField, DataType
from onelead.domain.definitions import definition_attributes
from onelead.domain.limits import OPTIONS_MAX
from onelead.domain.text import is_blank, whole_number
from onelead.web.frame.forms import Form


class TypeChoice(Struct, frozen=True):
    """A data type as a person chooses it."""

    value: DataType
    label: str
    #: What it is for, in one line.
    text: str
    icon: str

    @property
    def has_options(self) -> bool:
        """Whether its values are options."""
        return self.value in TYPES_WITH_OPTIONS


_CHOICES = (
    TypeChoice(DataType.STRING, "Line of text", "A customer number, a campaign", "tag"),
    TypeChoice(DataType.TEXT, "Long text", "Several lines, such as a note", "document-text"),
    TypeChoice(DataType.DROPDOWN, "One choice", "One of your options", "chevron-up-down"),
    TypeChoice(DataType.MULTI_SELECT, "Several choices", "Any of your options", "list-bullet"),
    TypeChoice(DataType.CHECKBOX, "Yes or no", "No, until somebody says yes", "check-circle"),
    TypeChoice(DataType.DATE, "Date", "A day, without a time", "calendar"),
    TypeChoice(DataType.FLOAT, "Number", "Any number, with decimals", "hashtag"),
    TypeChoice(DataType.CURRENCY, "Amount", "Money in one currency", "banknotes"),
    TypeChoice(DataType.PERCENTAGE, "Percentage", "Whole percents", "receipt-percent"),
    TypeChoice(DataType.URL, "Link", "The address of a page", "link"),
)
#: By value, in the order in which they are offered.
TYPES = {choice.value: choice for choice in _CHOICES}


def currency_choices() -> list[tuple[str, str]]:
    """Return the currencies that there are: codes, and codes with names."""
    return [(code, f"{code}, {name}") for code, name in currencies()]


_NEW_ROWS = 2
_DIGEST_CHARS = 16


class OptionRow(Struct, frozen=True):
    """An option as the form has it; the id, as text, is empty for a new one."""

    id: str = ""
    name: str = ""


class FieldForm(Struct, frozen=True):
    """A definition as somebody is typing it."""

    name: str = ""
    canonical_name: str = ""
    data_type: str = DataType.STRING.value
    available_on: tuple[str, ...] = ("lead",)
    is_filterable: bool = False
    currency: str = ""
    options: tuple[OptionRow, ...] = (OptionRow(),) * _NEW_ROWS
    #: Of the definition that the form was made from.
    seen: str = ""

    def body(self, field: CustomField | None) -> dict[str, Any]:
        """Return what the form asks for: of a definition that is there, what is to change."""
        asked = self.everything()
        if field is None:
            asked["data_type"] = self.data_type
            return {name: value for name, value in asked.items() if value is not None}
        as_shown, now = form_of(field).everything(), definition_attributes(field)
        return {
            name: value for name, value in asked.items() if value not in (as_shown[name], now[name])
        }

    def everything(self) -> dict[str, Any]:
        """Return all that the form says, as JSON; None for what is empty."""
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
        """Return the options of the definition that the form has no more."""
        kept = {row.id for row in self.options}
        return [option.id for option in field.options if str(option.id) not in kept]


def _option_body(row: OptionRow) -> dict[str, Any]:
    option_id = whole_number(row.id)
    return {"id": option_id, "name": row.name} if isinstance(option_id, int) else {"name": row.name}


def _line(text: str) -> str:
    """Return a text as a browser has it in a line of a form."""
    return text.replace("\r", "").replace("\n", "")


def form_of(field: CustomField) -> FieldForm:
    """Return the form of a definition as it is stored."""
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
    """Read what was sent; the options are already moved, added and removed as its button says."""
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
    # Both lists are as long as each other, unless somebody made the form up.
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
    """Say whether a button was pressed that changes the form and saves nothing."""
    return any(form.has(button) for button in ("add", "move", "remove"))


def row_at_hand(form: Form, rows: int) -> int | None:
    """Return the place, from 0, of the option that was moved or added just now."""
    if form.has("add"):
        return rows - 1
    place, _, step = form.get("move").partition(":")
    index = whole_number(place)
    if not isinstance(index, int):
        return None
    return min(max(0, index + (1 if step == "down" else -1)), rows - 1)


def digest(field: CustomField) -> str:
    """Return a text that is another one when the definition has changed."""
    content = msgspec.json.encode(definition_attributes(field), order="deterministic")
    return hashlib.sha256(content).hexdigest()[:_DIGEST_CHARS]
