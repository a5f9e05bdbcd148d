"""Links from match values to the list of leads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import RANGE_TYPES, CustomField
from onelead.domain.matching import is_matchable

#: The filters of the list, by the field that a match looks at.
_MATCHED = {"email": "emails", "name": "name"}


def leads_href(field_name: str, field: CustomField | None, value: str) -> str:
    """Return the address of the list of leads with a match value; empty without such a filter.

    The value belongs to `field`, or without one to `field_name`. Long values are known only by
    their digest, and filters of ranges take two ends, so neither can be linked; nor can several
    options together, because a filter finds leads with any of them.
    """
    if value.startswith(" "):
        return ""
    if field is None:
        return f"/leads?{urlencode({_MATCHED[field_name]: value})}"
    is_several = bool(field.options) and "," in value
    if field.data_type in RANGE_TYPES or is_several or not is_matchable(field):
        return ""
    return f"/leads?{urlencode({f'cf_{field.id}': value})}"


def matching_leads_href(match: Mapping[str, Any], settings: AccountSettings) -> str:
    """Return the address of the list of all leads that match; empty without such a filter."""
    name, field = match["field_name"], settings.fields_by_id.get(match["definition_id"])
    if name == "custom" and field is None:
        return ""
    return leads_href(name, field, match["value"])
