"""A lead in an answer on Copper's wire.

The keys and their order are those of the Copper Developer API v1.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from msgspec import Struct

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import (
    NUMBER_TYPES,
    TEXT_TYPES,
    CustomField,
    DataType,
    day_seconds,
)
from onelead.domain.lead import Address, CustomValue, Email, Lead, Link, PhoneNumber


class CustomFieldBody(Struct, frozen=True, gc=False):
    """A custom field of a lead; `?custom_field_computed_values=true` adds `computed_value`."""

    custom_field_definition_id: int
    value: Any


class ComputedCustomFieldBody(CustomFieldBody, frozen=True, gc=False):
    """A custom field of a lead with its readable value: option names instead of ids."""

    computed_value: Any


class LeadBody(Struct, frozen=True, gc=False):
    """A lead in an answer: every key is always present, in this order."""

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


_SHOWN_AS_STORED = NUMBER_TYPES | TEXT_TYPES
_KEYS = LeadBody.__struct_fields__
_STATUS, _CUSTOM_FIELDS = _KEYS.index("status"), _KEYS.index("custom_fields")
# The lead has all the others under the same names.
_before_status = attrgetter(*_KEYS[:_STATUS])
_before_custom_fields = attrgetter(*_KEYS[_STATUS + 1 : _CUSTOM_FIELDS])
_after_custom_fields = attrgetter(*_KEYS[_CUSTOM_FIELDS + 1 :])


def lead_body(lead: Lead, settings: AccountSettings, *, computed: bool = False) -> LeadBody:
    """Show a lead; `computed` adds option names to its custom fields."""
    stored = lead.custom_fields
    custom_fields = [
        CustomFieldBody(field.id, stored.get(field.id))
        if field.data_type in _SHOWN_AS_STORED and not computed
        else _custom_field_body(field, stored.get(field.id), settings, computed=computed)
        for field in settings.lead_fields
    ]
    # One that was deleted is only on a lead as it was.
    status = settings.statuses_by_id.get(lead.status_id) or settings.deleted.get(lead.status_id)
    status_name = status.name if status else ""
    values = [*_before_status(lead), status_name, *_before_custom_fields(lead), custom_fields]
    values += _after_custom_fields(lead)
    return LeadBody(*values)


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
