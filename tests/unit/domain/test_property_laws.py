"""The laws of patches, for any patch: applied twice, naming nothing, and written back as read."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain.builders import a_lead
from tests.support.domain.patches import FIELD_IDS, FULL_LEAD, SETTINGS, custom, patched

from onelead.domain.custom_fields import DataType, day_seconds
from onelead.domain.lead import Lead, changes_between
from onelead.domain.names import NAME_PARTS
from onelead.domain.properties import LeadPatch

PATCHABLE = [field for field in LeadPatch.__struct_fields__ if field != "status"]

texts = st.one_of(
    st.none(),
    st.sampled_from(
        ["", " ", "Nora Field", " nora  FIELD", "Dr. Nora M. Field Jr.", "Field, Nora"]
    ),
    st.text(st.sampled_from("ab A\u00e9\u0301\u200b\u00a0.,'"), max_size=12),
)


def entries_of(member: str) -> st.SearchStrategy[Any]:
    entry = st.fixed_dictionaries(
        {member: texts}, optional={"category": st.sampled_from([None, "", "other", "OTHER"])}
    )
    return st.none() | st.lists(entry, max_size=3)


custom_values: dict[DataType, list[Any]] = {
    DataType.STRING: ["A-77", " a-77", 7],
    DataType.DROPDOWN: [5101, "Gold"],
    DataType.MULTI_SELECT: [[], [5102, 5101], "Gold"],
    DataType.CHECKBOX: [True, False],
    DataType.FLOAT: [7, "7.5", -0.0],
    DataType.PERCENTAGE: [0.34, 95],
    DataType.DATE: ["12/15/2020", 1_700_000_000],
}
custom_entries = st.sampled_from(
    [custom(of, value) for of, values in custom_values.items() for value in (None, *values)]
)
patches = st.fixed_dictionaries(
    {},
    optional={
        "name": texts.filter(lambda name: bool(name and name.strip(" \u200b\u00a0"))),
        **dict.fromkeys((*NAME_PARTS, "title", "details"), texts),
        "address": st.none()
        | st.fixed_dictionaries({}, optional={"city": texts, "country": texts}),
        "email": st.none() | st.fixed_dictionaries({"email": texts}),
        "monetary_value": st.sampled_from([None, "", 0, 5, "5.0", 7.5]),
        "status": st.sampled_from([None, "Open", "junk"]),
        "status_id": st.sampled_from([None, 2003]),
        "tags": st.none() | st.lists(texts.filter(lambda tag: tag is not None), max_size=4),
        "phone_numbers": entries_of("number"),
        "socials": entries_of("url"),
        "websites": entries_of("url"),
        "custom_fields": st.none() | st.lists(custom_entries, max_size=4),
    },
)
leads = st.sampled_from([a_lead(), FULL_LEAD, a_lead(name="Field, Nora"), a_lead(name="Nora")])


@given(leads, patches)
def test_a_patch_applied_twice_is_applied_once(lead: Lead, properties: dict[str, Any]) -> None:
    once = patched(lead, **properties)
    twice = patched(once, **properties)
    assert twice == once
    assert changes_between(once, twice) == {}


@given(leads, patches)
def test_a_patch_changes_only_what_it_names(lead: Lead, properties: dict[str, Any]) -> None:
    named = {*properties}
    if named & {"name", *NAME_PARTS}:
        named |= {"name", *NAME_PARTS}
    if "status" in named:
        named.add("status_id")
    if "monetary_value" in named:
        named.add("monetary_unit")
    changes = changes_between(lead, patched(lead, **properties))
    assert {field.partition(".")[0] for field in changes} <= named


@given(leads, patches)
def test_a_lead_that_is_read_and_written_back_is_unchanged(
    lead: Lead, properties: dict[str, Any]
) -> None:
    lead = patched(lead, **properties)
    if not lead.name:
        return
    echo = msgspec.to_builtins(lead)
    custom_fields = [
        {"custom_field_definition_id": field_id, "value": value}
        for field_id, value in echo.pop("custom_fields", {}).items()
    ]
    for entry in custom_fields:
        if entry["custom_field_definition_id"] == FIELD_IDS[DataType.DATE]:
            entry["value"] = day_seconds(entry["value"], SETTINGS.zone)
    named = {field: echo.get(field) for field in PATCHABLE} | {"custom_fields": custom_fields}
    assert patched(lead, **named) == lead
