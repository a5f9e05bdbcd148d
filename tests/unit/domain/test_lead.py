"""What counts as a change between two versions of a lead, and that a lead survives as JSON."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain.builders import a_lead

from onelead.domain.lead import (
    CHANGEABLE_FIELDS,
    Address,
    Email,
    Lead,
    Link,
    PhoneNumber,
    changes_between,
)

#: A value for each field whose change makes a new version.
CHANGED: dict[str, Any] = {
    "name": "Sam Roe",
    "prefix": "Dr.",
    "first_name": "Sam",
    "last_name": "Roe",
    "middle_name": "J.",
    "suffix": "Jr.",
    "address": Address(city="Austin"),
    "assignee_id": 901,
    "company_name": "Field Supplies",
    "customer_source_id": 3101,
    "details": "Met at the fair",
    "email": Email("nora@field.example", "work"),
    "monetary_unit": "USD",
    "monetary_value": 2500,
    "socials": (Link("https://social.example/nora", "other"),),
    "status_id": 2002,
    "tags": ("fair",),
    "title": "Buyer",
    "websites": (Link("https://field.example", "work"),),
    "phone_numbers": (PhoneNumber("512-555-0100", "mobile"),),
}
#: What the service sets, and no write.
KEPT_BY_THE_SERVICE = {
    *("id", "version", "date_created", "date_modified", "interaction_count"),
    "date_last_contacted",
}
#: What only people and our own calls change.
BESIDES = {"other_values", "pins", "origins"}


def test_every_field_of_a_lead_can_change_or_is_kept_by_the_service() -> None:
    assert set(CHANGED) == set(CHANGEABLE_FIELDS)
    fields = set(Lead.__struct_fields__)
    assert fields == {*CHANGEABLE_FIELDS, "custom_fields"} | KEPT_BY_THE_SERVICE | BESIDES


def test_a_lead_does_not_differ_from_itself() -> None:
    lead = a_lead(**CHANGED, custom_fields={4101: "A-77", 4102: (1, 2)})
    assert changes_between(lead, lead) == {}
    assert changes_between(lead, msgspec.structs.replace(lead)) == {}


@pytest.mark.parametrize("field", CHANGEABLE_FIELDS)
def test_a_changed_field_is_named_with_its_old_and_new_value(field: str) -> None:
    before, after = a_lead(), msgspec.structs.replace(a_lead(), **{field: CHANGED[field]})
    old, new = getattr(before, field), CHANGED[field]
    assert changes_between(before, after) == {field: (old, new)}
    assert changes_between(after, before) == {field: (new, old)}


def test_the_changes_are_in_the_order_of_the_wire() -> None:
    changes = changes_between(a_lead(), a_lead(**CHANGED, custom_fields={4102: 1, 4101: 1}))
    assert list(changes) == [*CHANGEABLE_FIELDS, "custom_fields.4101", "custom_fields.4102"]


def test_what_the_service_keeps_is_not_a_change() -> None:
    later = a_lead(
        version=2, date_modified=1_800_000_000, interaction_count=3, date_last_contacted=1
    )
    assert changes_between(a_lead(), later) == {}


def test_a_new_lead_changes_what_it_has() -> None:
    lead = a_lead(email=Email("nora@field.example", "work"), custom_fields={4101: "A-77"})
    assert changes_between(None, lead) == {
        "name": (None, "Nora Field"),
        "first_name": (None, "Nora"),
        "last_name": (None, "Field"),
        "email": (None, lead.email),
        "status_id": (None, 2001),
        "custom_fields.4101": (None, "A-77"),
    }


def test_a_deleted_lead_changes_what_it_had() -> None:
    lead = a_lead(tags=("fair",), custom_fields={4101: 0.0})
    changes = changes_between(lead, None)
    assert changes["tags"] == (("fair",), None)
    assert changes["custom_fields.4101"] == (0.0, None)
    assert "title" not in changes


def test_no_lead_and_no_lead_are_the_same() -> None:
    assert changes_between(None, None) == {}


def test_nothing_and_zero_differ() -> None:
    free = a_lead(monetary_value=0)
    assert changes_between(None, free)["monetary_value"] == (None, 0)
    assert changes_between(free, a_lead()) == {"monetary_value": (0, None)}
    assert changes_between(a_lead(), free) == {"monetary_value": (None, 0)}


def test_custom_fields_change_one_by_one() -> None:
    before = a_lead(custom_fields={1: "kept", 2: "old", 3: True, 5: (1, 2)})
    after = a_lead(custom_fields={1: "kept", 2: "new", 4: 7.5, 5: (1,)})
    assert changes_between(before, after) == {
        "custom_fields.2": ("old", "new"),
        "custom_fields.3": (True, None),
        "custom_fields.4": (None, 7.5),
        "custom_fields.5": ((1, 2), (1,)),
    }


custom_values = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.integers(-(10**15), 10**15),
    st.floats(-1e15, 1e15),
    st.booleans(),
    st.lists(st.integers(1, 2**53), min_size=1, max_size=3).map(tuple),
)


@given(st.dictionaries(st.integers(1, 2**53 - 1), custom_values, max_size=4))
def test_a_lead_is_the_same_after_a_round_through_json(custom_fields: dict[int, Any]) -> None:
    lead = a_lead(**CHANGED, custom_fields=custom_fields)
    again = msgspec.json.decode(msgspec.json.encode(lead), type=Lead)
    assert again == lead
    kinds = [type(value) for value in again.custom_fields.values()]
    assert kinds == [type(value) for value in custom_fields.values()]
