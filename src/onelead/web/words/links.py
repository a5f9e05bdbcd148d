"""Addresses of the list of leads for the values that a match looks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import RANGE_TYPES, CustomField
from onelead.domain.matching import is_matchable

_MATCHED = {"email": "emails", "name": "name"}


def leads_href(field_name: str, field: CustomField | None, value: str) -> str:
    """Return the address of the list of the leads with a match value; empty without a filter.

    The value is that of a custom field, or else of `field_name`. Of a long one only the digest
    is known, and a range is asked for by its ends.
    """
    if value.startswith(" "):
        return ""
    if field is None:
        return f"/leads?{urlencode({_MATCHED[field_name]: value})}"
    if field.data_type in RANGE_TYPES or not is_matchable(field):
        return ""
    return f"/leads?{urlencode({f'cf_{field.id}': value})}"


def matching_leads_href(match: Mapping[str, Any], settings: AccountSettings) -> str:
    """Return the address of the list of all leads that match; empty when no filter asks for it."""
    name, field = match["field_name"], settings.fields_by_id.get(match["definition_id"])
    if name == "custom" and field is None:
        return ""
    return leads_href(name, field, match["value"])


#: What the list calls the fields of a lead that a match can look at.
