"""What the examples are about: a lead, and the delivery that created it."""

from __future__ import annotations

from typing import Any

from onelead.api.wire import CustomFieldBody, LeadBody
from onelead.domain.lead import Email

#: Of another lead of the same person.
OTHER_ID = 1000000019

PROPERTIES: dict[str, Any] = {
    "name": "Nora Field",
    "email": {"email": "nora@field.example", "category": "work"},
}
UPSERT: dict[str, Any] = {
    "properties": PROPERTIES,
    "match": {"field_name": "email", "field_value": "nora@field.example"},
}
MATCH = {"field_name": "email", "field_value": "nora@home.example"}

ANSWERED_LEAD = LeadBody(
    id=1000000012,
    name="Nora Field",
    prefix=None,
    first_name="Nora",
    last_name="Field",
    middle_name=None,
    suffix=None,
    address=None,
    assignee_id=None,
    company_name=None,
    customer_source_id=None,
    details=None,
    email=Email("nora@field.example", "work"),
    interaction_count=0,
    monetary_unit=None,
    monetary_value=None,
    socials=(),
    status="New",
    status_id=1000000001,
    tags=(),
    title=None,
    websites=(),
    phone_numbers=(),
    custom_fields=[CustomFieldBody(1000000010, None)],
    date_created=1700000000,
    date_modified=1700000000,
    date_last_contacted=None,
)
