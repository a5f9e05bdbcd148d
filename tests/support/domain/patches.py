"""Helpers to apply properties to a lead, and to check what the rules refuse."""

from __future__ import annotations

from typing import Any

from tests.support.domain.builders import a_field, a_lead, a_patch, a_settings

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import DataType
from onelead.domain.lead import Address, Email, Lead, Link, PhoneNumber
from onelead.domain.properties import applied, checked

#: One definition of each type on leads: 4101 is the first type's, 4110 the last one's.
FIELD_IDS = {data_type: 4101 + n for n, data_type in enumerate(DataType)}
ELSEWHERE = 4201
SETTINGS = a_settings(
    fields=(
        *(a_field(id=FIELD_IDS[data_type], data_type=data_type) for data_type in DataType),
        a_field(id=ELSEWHERE, available_on=("person",)),
    )
)
FULL_LEAD = a_lead(
    prefix="Dr.",
    address=Address("8 Elm Row", "Austin", "TX", "73301", "US"),
    assignee_id=901,
    company_name="Field Supplies",
    customer_source_id=3101,
    details="Met at the fair",
    email=Email("nora@field.example", "work"),
    monetary_unit="USD",
    monetary_value=2500,
    socials=(Link("https://social.example/nora", "linkedin"),),
    status_id=2002,
    tags=("fair", "warm"),
    title="Buyer",
    websites=(Link("https://field.example", "work"),),
    phone_numbers=(PhoneNumber("512-555-0100", "mobile"),),
    custom_fields={FIELD_IDS[DataType.STRING]: "A-77", FIELD_IDS[DataType.DATE]: "2020-12-15"},
)


def patched(lead: Lead, settings: AccountSettings = SETTINGS, /, **properties: Any) -> Lead:
    """Apply properties, which the rules must allow."""
    patch = checked(a_patch(**properties), settings)
    assert patch.problems == []
    return applied(lead, patch, settings)


def problems(**properties: Any) -> list[tuple[str, str, str]]:
    """Return the problems that the rules find in properties."""
    return [
        (problem.attribute, problem.text, problem.symbol)
        for problem in checked(a_patch(**properties), SETTINGS).problems
    ]


def custom(data_type: DataType, value: Any) -> dict[str, Any]:
    """Return one custom field's value as it is sent."""
    return {"custom_field_definition_id": FIELD_IDS[data_type], "value": value}
