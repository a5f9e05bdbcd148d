"""The Lead on Copper's wire: JSON into patches and matches, leads into JSON.

Key names, their order and the message grammar are the wire reference's (Copper Developer API v1).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from onelead.account import AccountSettings
from onelead.custom_fields import CustomField, DataType, day_seconds
from onelead.errors import Problem, humanised, unrecognized
from onelead.lead import Address, CustomValue, Email, Lead, Link, PhoneNumber
from onelead.limits import ID_MAX
from onelead.matching import Match
from onelead.properties import LeadPatch
from onelead.text import shown, whole_number

T = TypeVar("T", bound=Struct)

#: Clients send whole leads back; what they cannot set is ignored.
READ_ONLY_KEYS = frozenset(
    {
        *("id", "interaction_count", "monetary_unit", "date_created", "date_modified"),
        *("date_last_contacted", "converted_unit", "converted_value", "converted_at"),
        *("converted_opportunity_id", "converted_contact_id"),
    }
)
_ID_KEYS = frozenset({"assignee_id", "customer_source_id", "status_id"})
_DEFINITION_ID = "custom_field_definition_id"
_PLACE = re.compile(r" - at `\$\.?(.*)`$")


class CustomFieldBody(Struct, frozen=True, gc=False):
    """A custom field of a lead; `?custom_field_computed_values=true` adds `computed_value`."""

    custom_field_definition_id: int
    value: Any


class ComputedCustomFieldBody(CustomFieldBody, frozen=True, gc=False):
    """A custom field of a lead with what a person reads: option names instead of ids."""

    computed_value: Any


class LeadBody(Struct, frozen=True, gc=False):
    """A lead as answered: every key is always there, in this order."""

    id: int
    name: str
    prefix: str | None
    first_name: str | None
    last_name: str | None
    middle_name: str | None
    suffix: str | None
    address: Address | None
    assignee_id: int | None
    company_name: str | None
    customer_source_id: int | None
    details: str | None
    email: Email | None
    interaction_count: int
    monetary_unit: str | None
    monetary_value: int | float | None
    socials: Sequence[Link]
    status: str
    status_id: int
    tags: Sequence[str]
    title: str | None
    websites: Sequence[Link]
    phone_numbers: Sequence[PhoneNumber]
    custom_fields: Sequence[CustomFieldBody]
    date_created: int
    date_modified: int
    date_last_contacted: int | None


def lead_body(lead: Lead, settings: AccountSettings, *, computed: bool = False) -> LeadBody:
    """Show a lead; `computed` adds option names to its custom fields."""
    return LeadBody(
        id=lead.id,
        name=lead.name,
        prefix=lead.prefix,
        first_name=lead.first_name,
        last_name=lead.last_name,
        middle_name=lead.middle_name,
        suffix=lead.suffix,
        address=lead.address,
        assignee_id=lead.assignee_id,
        company_name=lead.company_name,
        customer_source_id=lead.customer_source_id,
        details=lead.details,
        email=lead.email,
        interaction_count=lead.interaction_count,
        monetary_unit=lead.monetary_unit,
        monetary_value=lead.monetary_value,
        socials=lead.socials,
        status=settings.statuses_by_id[lead.status_id].name,
        status_id=lead.status_id,
        tags=lead.tags,
        title=lead.title,
        websites=lead.websites,
        phone_numbers=lead.phone_numbers,
        custom_fields=[
            _custom_field_body(field, lead.custom_fields.get(field.id), settings, computed=computed)
            for field in settings.lead_fields
        ],
        date_created=lead.date_created,
        date_modified=lead.date_modified,
        date_last_contacted=lead.date_last_contacted,
    )


def _custom_field_body(
    field: CustomField, stored: CustomValue | None, settings: AccountSettings, *, computed: bool
) -> CustomFieldBody:
    value = custom_value(field, stored, settings)
    if not computed:
        return CustomFieldBody(field.id, value)
    return ComputedCustomFieldBody(field.id, value, _computed_value(field, value))


def custom_value(
    field: CustomField, stored: CustomValue | None, settings: AccountSettings
) -> CustomValue | list[int] | None:
    """Show a stored value; an option that no longer exists is left out."""
    if field.data_type is DataType.CHECKBOX:
        return bool(stored)
    if field.data_type is DataType.MULTI_SELECT:
        chosen = stored if isinstance(stored, tuple) else ()
        return sorted(option.id for option in field.options if option.id in chosen)
    if stored is None:
        return None
    if field.data_type is DataType.DATE:
        return day_seconds(str(stored), settings.zone)
    if field.data_type is DataType.DROPDOWN:
        return stored if any(option.id == stored for option in field.options) else None
    return stored


def _computed_value(field: CustomField, value: Any) -> Any:
    if field.data_type is DataType.DROPDOWN:
        return next((option.name for option in field.options if option.id == value), None)
    if field.data_type is DataType.MULTI_SELECT:
        return [option.name for option in field.options if option.id in value]
    return value


def lead_patch(raw: Any, attribute: str) -> tuple[LeadPatch | None, tuple[Problem, ...]]:
    """Read the properties of a lead; `attribute` names the member in a message.

    With problems the patch has what could be read, so that the rules can add theirs.
    """
    if raw is None:
        return None, (Problem(attribute, "can't be blank", "blank"),)
    if not isinstance(raw, dict):
        return None, (Problem(attribute, "must be an object"),)
    if not raw.keys().isdisjoint(READ_ONLY_KEYS):
        raw = {key: value for key, value in raw.items() if key not in READ_ONLY_KEYS}
    return _read(raw, LeadPatch)


def match_from(raw: Any) -> tuple[Match | None, tuple[Problem, ...]]:
    """Read the match of an upsert; its values are checked against the settings later."""
    if raw is None:
        return None, (Problem("match", "can't be blank", "blank"),)
    if not isinstance(raw, dict):
        return None, (Problem("match", "must be an object"),)
    return converted(raw, Match)


def converted(raw: dict[str, Any], target: type[T]) -> tuple[T | None, tuple[Problem, ...]]:
    """Convert an object to its type; when that fails, find everything wrong, key by key."""
    result, problems = _read(raw, target)
    return None if problems else result, problems


def _read(raw: dict[str, Any], target: type[T]) -> tuple[T, tuple[Problem, ...]]:
    try:
        return msgspec.convert(raw, target), ()
    except msgspec.ValidationError:
        return _read_by_key(raw, target)


def _read_by_key(raw: dict[str, Any], target: type[T]) -> tuple[T, tuple[Problem, ...]]:
    problems = []
    values = {}
    types = {field.encode_name: field.type for field in msgspec.structs.fields(target)}
    if unknown := unknown_keys(raw, types):
        problems.append(unknown)
    for key, value in raw.items():
        if key not in types:
            continue
        try:
            values[key] = msgspec.convert(_with_number_ids(key, value), types[key])
        except msgspec.ValidationError as error:
            problems.append(_type_problem(key, value, error))
    return target(**values), tuple(problems)


def unknown_keys(raw: dict[str, Any], known: Any) -> Problem | None:
    """Name the keys that nobody knows."""
    return unrecognized(key for key in raw if key not in known)


def _with_number_ids(key: str, value: Any) -> Any:
    """Some clients send ids as text."""
    if key in _ID_KEYS:
        return whole_number(value)
    if key == "custom_fields" and isinstance(value, list):
        return [_with_number_id(entry) for entry in value]
    return value


def _with_number_id(entry: Any) -> Any:
    if not isinstance(entry, dict) or _DEFINITION_ID not in entry:
        return entry
    return entry | {_DEFINITION_ID: whole_number(entry[_DEFINITION_ID])}


def _type_problem(key: str, value: Any, error: msgspec.ValidationError) -> Problem:
    prefix = f"Invalid value for {humanised(key)}:"
    if key in _ID_KEYS:
        return Problem(key, f"{prefix} IDs must be positive integers: {shown(value)}")
    text = str(error)
    place = _PLACE.search(text)
    where = f" in {place.group(1)}" if place and place.group(1) else ""
    reason = _PLACE.sub("", text).replace("`", "")
    unknown = re.fullmatch(r"Object contains unknown field (.*)", reason)
    if unknown and (problem := unrecognized([f"{key}.{unknown.group(1)}"])):
        return problem
    return Problem(key, f"{prefix} {reason[0].lower()}{reason[1:]}{where}")


def item_id(raw: dict[str, Any]) -> tuple[int | None, tuple[Problem, ...]]:
    """Read the `id` of one item of a bulk update."""
    value = whole_number(raw.get("id"))
    if value is None:
        return None, (Problem("id", "can't be blank", "blank"),)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= ID_MAX:
        text = f"Invalid value for Id: IDs must be positive integers: {shown(raw['id'])}"
        return None, (Problem("id", text),)
    return value, ()
