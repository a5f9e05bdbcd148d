"""The changes of a ledger row, read again as values of a lead, and taken back field by field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import structs

from onelead.domain.account import AccountSettings
from onelead.domain.acts.facts import LaterChange
from onelead.domain.acts.other_values import field_definition
from onelead.domain.acts.policies import field_of
from onelead.domain.custom_fields import CustomField
from onelead.domain.lead import (
    ADDED_UP_FIELDS,
    CHANGEABLE_FIELDS,
    LIST_FIELDS,
    OTHER_VALUE_PREFIX,
    PIN_PREFIX,
    Changes,
    CustomValue,
    Lead,
    OtherValue,
    custom_name,
    definition_id_of,
)
from onelead.domain.writes import Kept, KeptReason

_TYPES = {field.name: field.type for field in structs.fields(Lead)}
_read = msgspec.json.Decoder(dict[str, tuple[Any, Any]]).decode


def changes_from(text: str) -> Changes:
    """Read the changes of a lead write's ledger row, with values as a lead has them."""
    return {
        name: (_value(name, old), _value(name, new)) for name, (old, new) in _read(text).items()
    }


def _value(name: str, value: Any) -> Any:
    if value is None:
        return () if name in LIST_FIELDS else None
    if definition_id_of(name) is not None:
        return msgspec.convert(value, CustomValue)
    if name.startswith(OTHER_VALUE_PREFIX):
        return msgspec.convert(value, OtherValue)
    return msgspec.convert(value, _TYPES[name]) if name in _TYPES else value


def with_value(lead: Lead, name: str, value: Any) -> Lead:
    """Return the lead with one value, named as among its changes; an empty one clears it."""
    definition_id = definition_id_of(name)
    if definition_id is not None:
        values = _with_item(lead.custom_fields, definition_id, value)
        return structs.replace(lead, custom_fields=values)
    if name.startswith(OTHER_VALUE_PREFIX):
        value_id = int(name.removeprefix(OTHER_VALUE_PREFIX))
        return structs.replace(lead, other_values=_with_item(lead.other_values, value_id, value))
    if name.startswith(PIN_PREFIX):
        pin = name.removeprefix(PIN_PREFIX)
        pins = {*lead.pins, pin} if value else {*lead.pins} - {pin}
        return structs.replace(lead, pins=tuple(sorted(pins)))
    return structs.replace(lead, **{name: value})


def _with_item(values: Mapping[int, Any], key: int, value: Any) -> dict[int, Any]:
    items = {**values, key: value}
    return {id_: one for id_, one in sorted(items.items()) if one is not None}


def value_in(lead: Lead, name: str) -> Any:
    """Return one value of a lead, named as among its changes."""
    definition_id = definition_id_of(name)
    if definition_id is not None:
        return lead.custom_fields.get(definition_id)
    if name.startswith(OTHER_VALUE_PREFIX):
        return lead.other_values.get(int(name.removeprefix(OTHER_VALUE_PREFIX)))
    if name.startswith(PIN_PREFIX):
        return name.removeprefix(PIN_PREFIX) in lead.pins or None
    return getattr(lead, name)


def taken_back(
    lead: Lead, changes: Changes, later: Iterable[LaterChange], settings: AccountSettings
) -> tuple[Lead, dict[str, Kept]]:
    """Return the lead with the old values of changes, where nothing newer is in their place.

    The second is what stays as it is, by name. What belongs together goes back together.
    """
    groups: dict[str, list[str]] = {}
    for name in changes:
        groups.setdefault(field_of(name), []).append(name)
    kept: dict[str, Kept] = {}
    for field, names in groups.items():
        if any(value_in(lead, name) != changes[name][1] for name in names):
            if all(value_in(lead, name) == changes[name][0] for name in names):
                continue
            seq = next((one.seq for one in later if field in one.fields), None)
            kept[field] = Kept(KeptReason.CHANGED, changes[field_name(field, names)][0], seq)
        elif any(_is_gone(name, changes[name][0], settings) for name in names):
            kept[field] = Kept(KeptReason.GONE, changes[field_name(field, names)][0])
        else:
            for name in names:
                lead = with_value(lead, name, changes[name][0])
    return lead, kept


def field_name(field: str, names: list[str]) -> str:
    """Return the name whose value stands for a field, of those that changed."""
    return field if field in names else names[0]


def _is_gone(name: str, value: Any, settings: AccountSettings) -> bool:
    """Return whether a value refers to a setting that no longer exists."""
    if value is None:
        return False
    if name == "status_id":
        return value not in settings.statuses_by_id
    if name == "customer_source_id":
        return value not in settings.sources_by_id
    if name == "assignee_id":
        return value not in settings.users_by_id
    if definition_id_of(name) is not None:
        field = field_definition(name, settings)
        return field is None or not field.on_leads or _known(field, value) != value
    return False


def _known(field: CustomField, value: CustomValue) -> CustomValue | None:
    """Return what is left of a value without options that no longer exist."""
    if not field.options and not isinstance(value, tuple):
        return value
    ids = {option.id for option in field.options}
    if isinstance(value, tuple):
        return tuple(id_ for id_ in value if id_ in ids) or None
    return value if value in ids else None


def standing_again(lead: Lead, settings: AccountSettings) -> tuple[Lead, dict[str, Kept]]:
    """Return a lead that comes back without what no longer exists, and what that was."""
    kept: dict[str, Kept] = {}
    if lead.status_id not in settings.statuses_by_id:
        kept["status_id"] = Kept(KeptReason.GONE, lead.status_id)
        lead = structs.replace(lead, status_id=settings.default_status.id)
    for name in ("customer_source_id", "assignee_id"):
        value = getattr(lead, name)
        if _is_gone(name, value, settings):
            kept[name] = Kept(KeptReason.GONE, value)
            lead = with_value(lead, name, None)
    for field_id, value in lead.custom_fields.items():
        field = settings.fields_by_id.get(field_id)
        left = _known(field, value) if field else None
        if left != value:
            kept[custom_name(field_id)] = Kept(KeptReason.GONE, value)
            lead = with_value(lead, custom_name(field_id), left)
    return lead, kept


def added_up_changes(before: Lead, after: Lead) -> Changes:
    """Return the changes of what only merges change; see `ADDED_UP_FIELDS`."""
    return {
        name: (getattr(before, name), getattr(after, name))
        for name in ADDED_UP_FIELDS
        if getattr(before, name) != getattr(after, name)
    }


assert set(CHANGEABLE_FIELDS) < set(_TYPES)
