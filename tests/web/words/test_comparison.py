"""Leads side by side: which values are marked, and what stays when there are too many."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.domain.builders import a_field, a_lead, a_settings

from onelead.domain.custom_fields import DataType, IndexState
from onelead.domain.lead import Address, Email
from onelead.domain.limits import COMPARED_CELLS_MAX, MATCH_IDS_MAX
from onelead.web.words.comparison import Comparison, comparison, delivered_texts
from onelead.web.words.links import matching_leads_href

SETTINGS = a_settings(
    fields=(a_field(), a_field(id=4102, name="Tier", data_type=DataType.DROPDOWN))
)


def rows(compared: Comparison) -> dict[str, tuple[str, list[str], list[bool]]]:
    return {
        row.label: (
            row.delivered,
            [cell.text for cell in row.cells],
            [cell.differs for cell in row.cells],
        )
        for row in compared.rows
    }


def compare(*leads: Any, properties: Any = None, deleted: tuple[int, ...] = ()) -> Comparison:
    ids = sorted([lead.id for lead in leads] + list(deleted))
    return comparison(leads, ids, properties, SETTINGS)


def test_what_was_delivered_is_what_values_are_held_against() -> None:
    first = a_lead(id=1, title="Buyer", custom_fields={4101: "A-1", 4102: 5101})
    second = a_lead(id=2, title="Owner", custom_fields={4101: "A-1"})
    properties = {
        "title": " Owner",
        "custom_fields": [{"custom_field_definition_id": 4102, "value": "Gold"}],
    }
    shown = rows(compare(first, second, properties=properties))
    assert shown["Title"] == (" Owner", ["Buyer", "Owner"], [True, True])
    assert shown["Customer number"][2] == [False, False]
    assert [name for name, row in shown.items() if row[0]] == ["Title", "Tier"]


def test_a_field_that_no_lead_has_and_nobody_delivered_is_left_out() -> None:
    shown = rows(compare(a_lead(id=1, address=Address(city="Chicago")), a_lead(id=2)))
    assert set(shown) == {"Name", "Address", "Status"}
    assert shown["Address"][2].count(True) == 1


def test_the_parts_of_a_name_are_one_name() -> None:
    texts = delivered_texts({"first_name": "Nora", "last_name": "Field"}, SETTINGS)
    assert texts == {"name": "Nora Field"}


def test_what_came_without_a_category_has_that_of_a_new_value() -> None:
    sent = {"email": "nora@field.example", "socials": ["x.example/n"]}
    with_one = {
        "email": {"email": "nora@field.example", "category": "work"},
        "socials": [{"url": "x.example/n", "category": "other"}],
    }
    assert delivered_texts(sent, SETTINGS) == delivered_texts(with_one, SETTINGS) != {}


@pytest.mark.parametrize(
    "properties", [None, 5, [], "x", {"title": [5]}, {"email": {"email": [5]}}, {"unknown": 1}]
)
def test_properties_that_cannot_be_read_are_left_out(properties: Any) -> None:
    assert delivered_texts(properties, SETTINGS) == {}
    assert not compare(a_lead(id=1), a_lead(id=2), properties=properties).has_delivered


@given(
    properties=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["name", "email", "tags", "custom_fields", "value", "address"]),
                inner,
            )
        ),
    )
)
def test_nothing_that_was_delivered_is_too_odd(properties: Any) -> None:
    compare(a_lead(id=1), a_lead(id=2), properties=properties)


def test_a_lead_that_is_gone_is_said_and_others_of_the_read_are_not_shown() -> None:
    compared = comparison([a_lead(id=1), a_lead(id=9)], [1, 2, 3], None, SETTINGS)
    assert [lead.id for lead in compared.leads] == [1]
    assert compared.deleted == [2, 3]
    assert comparison([], [1, 2], None, SETTINGS).deleted == [1, 2]


def test_of_very_many_fields_those_stay_in_which_the_leads_differ() -> None:
    fields = tuple(a_field(id=4101 + n, name=f"Field {n}") for n in range(500))
    leads = [
        a_lead(
            id=number + 1,
            email=Email(f"n{number}@field.example", "work"),
            custom_fields={field.id: "same" if field.id % 2 else str(number) for field in fields},
        )
        for number in range(MATCH_IDS_MAX)
    ]
    ids = [lead.id for lead in leads]
    compared = comparison(leads, ids, None, a_settings(fields=fields))
    assert len(compared.rows) == COMPARED_CELLS_MAX // MATCH_IDS_MAX
    assert all(any(cell.differs for cell in row.cells) for row in compared.rows)
    assert compared.more_rows == 500 + 3 - len(compared.rows)


def a_match(field_name: str, value: str, definition_id: int | None = None) -> dict[str, Any]:
    return {"field_name": field_name, "value": value, "definition_id": definition_id}


def test_the_list_of_all_matches_is_an_address() -> None:
    assert matching_leads_href(a_match("name", "nora & co"), SETTINGS) == "/leads?name=nora+%26+co"
    assert (
        matching_leads_href(a_match("email", "n@f.example"), SETTINGS)
        == "/leads?emails=n%40f.example"
    )
    assert matching_leads_href(a_match("name", " 0123abcd"), SETTINGS) == ""
    assert matching_leads_href(a_match("custom", "A-1", 4101), SETTINGS) == ""
    assert matching_leads_href(a_match("custom", "A-1", 1), SETTINGS) == ""


def test_leads_with_several_options_at_once_have_no_address() -> None:
    field = a_field(
        data_type=DataType.MULTI_SELECT, is_filterable=True, index_state=IndexState.READY
    )
    settings = a_settings(fields=(field,))
    assert matching_leads_href(a_match("custom", "5101", 4101), settings) == "/leads?cf_4101=5101"
    assert matching_leads_href(a_match("custom", "5101,5102", 4101), settings) == ""
