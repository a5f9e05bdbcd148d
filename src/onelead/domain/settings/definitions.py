"""The rules for changes to a custom field definition: its attributes, options and index."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import count
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from onelead.domain.account import AccountSettings
from onelead.domain.currencies import is_currency
from onelead.domain.custom_fields import (
    RESOURCES,
    TYPES_WITH_OPTIONS,
    CustomField,
    DataType,
    IndexState,
    Option,
    ResourceName,
)
from onelead.domain.limits import CUSTOM_FIELDS_MAX, LINE_CHARS_MAX, OPTIONS_MAX
from onelead.domain.settings.body import Line, SettingsBody, line_problem, name_problem
from onelead.domain.text import is_blank, quoted, shortened, tidy

CanonicalName = Annotated[str, Meta(pattern="^[A-Za-z0-9_]*$", max_length=LINE_CHARS_MAX)]
CurrencyCode = Annotated[str, Meta(pattern="^[A-Za-z]{3}$", description="ISO 4217")]


class OptionRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """An option to keep or add; its `id`, or else its name, finds an existing one."""

    name: Line
    id: int | None = None
    rank: int | None = None


Options = Annotated[list[OptionRequest], Meta(max_length=OPTIONS_MAX)]


class DefinitionRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A custom field definition to create; a Dropdown needs an option, a MultiSelect two."""

    name: Line
    canonical_name: CanonicalName | None = None
    data_type: DataType
    available_on: list[ResourceName] | None = None
    is_filterable: bool | None = None
    options: Options | None = None
    currency: CurrencyCode | None = None


class DefinitionPatch(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Changes to a custom field definition; its type stays, and its options are replaced."""

    name: Line | UnsetType = UNSET
    canonical_name: CanonicalName | UnsetType | None = UNSET
    available_on: list[ResourceName] | None = None
    is_filterable: bool | None = None
    options: Options | None = None
    currency: CurrencyCode | None = None


#: Clients may send these back; they change nothing.
_IGNORED = ("id", "connected_id")
_OPTIONS_MIN = {DataType.DROPDOWN: 1, DataType.MULTI_SELECT: 2}
_CANONICAL_NAME = re.compile(r"[A-Za-z0-9_]+")


def created_definition(
    members: dict[str, Any], settings: AccountSettings, *, last_id: int
) -> CustomField:
    """Return the definition that a body describes. Raises InputInvalid."""
    body = SettingsBody(members, DefinitionRequest, *_IGNORED)
    if len(settings.fields) >= CUSTOM_FIELDS_MAX:
        text = f"the account is full (maximum is {CUSTOM_FIELDS_MAX} custom field definitions)"
        body.refuse("base", text)
    data_type = _new_data_type(body)
    field = CustomField(last_id + 1, "", data_type or DataType.STRING)
    field = _with_general_attributes(body, field, settings)
    # Without a known type, the attributes that depend on it cannot be checked.
    if data_type is not None:
        field = _with_type_attributes(body, field, settings, field.id)
    body.require_valid()
    return _with_index(field, is_new=True)


def updated_definition(
    members: dict[str, Any], field: CustomField, settings: AccountSettings, *, last_id: int
) -> CustomField:
    """Return the definition as a patch leaves it. Raises InputInvalid."""
    body = SettingsBody(members, DefinitionRequest, *_IGNORED)
    if body.get("data_type") not in (None, field.data_type.value):
        body.refuse("data_type", f"can't be changed; it is {field.data_type}")
    after = _with_general_attributes(body, field, settings)
    after = _with_type_attributes(body, after, settings, last_id)
    body.require_valid()
    return _with_index(after, is_new=False)


def definition_attributes(field: CustomField | None) -> dict[str, Any]:
    """Return the attributes of a definition that can change, as plain JSON; {} for None."""
    if field is None:
        return {}
    return {
        "name": field.name,
        "canonical_name": field.canonical_name,
        "data_type": field.data_type.value,
        "available_on": list(field.available_on),
        "is_filterable": field.is_filterable,
        "options": [{"id": option.id, "name": option.name} for option in field.options],
        "currency": field.currency,
    }


def _with_index(field: CustomField, *, is_new: bool) -> CustomField:
    should_be_indexed = field.is_filterable and field.on_leads
    if should_be_indexed == field.is_indexed:
        return field
    if not should_be_indexed:
        return msgspec.structs.replace(field, index_state=IndexState.NONE)
    # No lead has a value for a new definition, except that every Checkbox is false.
    is_complete = is_new and field.data_type is not DataType.CHECKBOX
    return msgspec.structs.replace(
        field,
        index_state=IndexState.READY if is_complete else IndexState.BUILDING,
        index_generation=field.index_generation + 1,
    )


def _new_data_type(body: SettingsBody) -> DataType | None:
    value = body.get("data_type")
    if value is None or value == "":
        body.refuse("data_type", "can't be blank", "blank")
        return None
    text = f"is not one of {', '.join(DataType)}: {quoted(value)}"
    data_type: DataType | None = body.read("data_type", text, "inclusion")
    return data_type


def _with_general_attributes(
    body: SettingsBody, field: CustomField, settings: AccountSettings
) -> CustomField:
    return msgspec.structs.replace(
        field,
        name=body.name(field.name),
        canonical_name=_canonical_name(body, field, settings),
        available_on=_available_on(body, field),
        is_filterable=body.flag("is_filterable", current=field.is_filterable),
    )


def _with_type_attributes(
    body: SettingsBody, field: CustomField, settings: AccountSettings, last_id: int
) -> CustomField:
    return msgspec.structs.replace(
        field,
        options=_options(body, field, last_id),
        currency=_currency(body, field, settings),
    )


def _canonical_name(
    body: SettingsBody, field: CustomField, settings: AccountSettings
) -> str | None:
    if not body.has("canonical_name"):
        return field.canonical_name
    value = body.get("canonical_name")
    if value is None or (isinstance(value, str) and is_blank(value)):
        return None
    if problem := line_problem(value):
        body.refuse("canonical_name", *problem)
        return None
    if not _CANONICAL_NAME.fullmatch(value):
        body.refuse("canonical_name", "may have only letters a to z, digits and underscores")
        return None
    canonical_name = str(value).lower()
    others = (other for other in settings.fields if other.id != field.id)
    if any(other.canonical_name == canonical_name for other in others):
        body.refuse("canonical_name", "has already been taken", "taken")
    return canonical_name


def _available_on(body: SettingsBody, field: CustomField) -> tuple[str, ...]:
    value = body.get("available_on")
    if value is None:
        return field.available_on
    if not isinstance(value, list):
        body.refuse("available_on", "must be a list")
        return ()
    if unknown := [quoted(entry) for entry in value if entry not in RESOURCES]:
        text = f"may have only {', '.join(RESOURCES)}: {shortened(', '.join(unknown))}"
        body.refuse("available_on", text, "inclusion")
    return tuple(resource for resource in RESOURCES if resource in value)


def _currency(body: SettingsBody, field: CustomField, settings: AccountSettings) -> str | None:
    value = body.get("currency")
    if field.data_type is not DataType.CURRENCY:
        if value is not None:
            body.refuse("currency", "is only for the type Currency")
        return None
    if value is None:
        return field.currency or settings.currency
    if not is_currency(value):
        body.refuse("currency", f"is not an ISO 4217 code: {quoted(value)}", "inclusion")
        return None
    return str(value).upper()


def _options(body: SettingsBody, field: CustomField, last_id: int) -> tuple[Option, ...]:
    value = body.get("options")
    if field.data_type not in TYPES_WITH_OPTIONS:
        if value not in (None, []):
            body.refuse("options", "are only for the types Dropdown and MultiSelect")
        return ()
    if value is None and field.options:
        return field.options
    entries = [] if value is None else value
    if not _is_possible_length(body, entries, field):
        return ()
    return _identified(_option_entries(body, entries, field), field, last_id)


def _is_possible_length(body: SettingsBody, entries: Any, field: CustomField) -> bool:
    least = _OPTIONS_MIN[field.data_type]
    if not isinstance(entries, list):
        body.refuse("options", "must be a list")
    elif len(entries) > OPTIONS_MAX:
        body.refuse("options", f"has too many entries (maximum is {OPTIONS_MAX})", "too_long")
    elif len(entries) < least:
        body.refuse("options", f"has too few entries (minimum is {least})", "too_short")
    else:
        return True
    return False


def _option_entries(body: SettingsBody, raw: list[Any], field: CustomField) -> list[OptionRequest]:
    """Return the readable entries in the order of their ranks, if all have one."""
    objects = [entry for entry in raw if isinstance(entry, dict)]
    if len(objects) < len(raw):
        body.refuse("options", "must be objects with a name")
    names = {name for entry in objects for name in entry}
    body.refuse_unknown(names, OptionRequest.__struct_fields__)
    known_ids = {option.id for option in field.options}
    entries = [_option_entry(body, entry, known_ids) for entry in objects]
    _refuse_repeated(body, "name", [tidy(entry.name) for entry in entries])
    _refuse_repeated(body, "id", [entry.id for entry in entries if entry.id is not None])
    if any(entry.rank is None for entry in entries):
        return entries
    return sorted(entries, key=lambda entry: entry.rank or 0)


def _option_entry(body: SettingsBody, raw: dict[str, Any], known_ids: set[int]) -> OptionRequest:
    name = raw.get("name")
    if problem := name_problem(name):
        text, symbol = problem
        body.refuse("options", f"name {text}", symbol)
    option_id = _option_integer(body, "id", raw)
    return OptionRequest(
        # An id that the definition does not have is ignored.
        id=option_id if option_id in known_ids else None,
        name=name if isinstance(name, str) else "",
        rank=_option_integer(body, "rank", raw),
    )


def _option_integer(body: SettingsBody, attribute: str, raw: dict[str, Any]) -> int | None:
    value = raw.get(attribute)
    if value is None or type(value) is int:
        return value
    body.refuse("options", f"{attribute} must be an integer: {quoted(value)}")
    return None


def _refuse_repeated(body: SettingsBody, attribute: str, values: Sequence[int | str]) -> None:
    for value, times in Counter(values).items():
        if value and times > 1:
            text = f"has the {attribute} {quoted(value)} more than once"
            body.refuse("options", text, "taken")


def _identified(
    entries: list[OptionRequest], field: CustomField, last_id: int
) -> tuple[Option, ...]:
    """Give each entry an id: its own, else that of the option with its name, else a new one."""
    named = {entry.id for entry in entries}
    ids_by_name = {
        tidy(option.name): option.id for option in field.options if option.id not in named
    }
    new_ids = count(last_id + 1)
    return tuple(
        Option(entry.id or ids_by_name.get(tidy(entry.name)) or next(new_ids), entry.name)
        for entry in entries
    )
