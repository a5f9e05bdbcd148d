"""What a row as a whole becomes: its name, its match, and what it clears."""

from __future__ import annotations

import pytest
from tests.support.domain.builders import a_field, a_settings
from tests.support.domain.imports import File, filterable, one_row

from onelead.domain.importing.mapper import Mapper
from onelead.domain.importing.mapping import Column, Mapping

SETTINGS = a_settings(fields=(filterable(a_field(id=7, name="Customer number")),))


def test_parts_of_a_name_go_before_the_whole_if_they_are_complete() -> None:
    cells = {"Full name": 'Ana "Annie" Costa', "First name": "Ana", "Last name": "Costa"}
    assert one_row(cells).properties == {"first_name": "Ana", "last_name": "Costa"}
    assert one_row(cells | {"Last name": ""}).properties == {"name": 'Ana "Annie" Costa'}


@pytest.mark.parametrize(
    ("cells", "name"),
    [
        ({"Company": "Alt AG", "Email": "a@a.example"}, "Alt AG"),
        ({"Email": "a@a.example", "Phone": "+49 1234567"}, "a@a.example"),
        ({"Phone": "+49 1234567", "Website": "a.example"}, "+49 1234567"),
        ({"LinkedIn": "in/ana"}, "in/ana"),
        ({"City": "Jena", "Prefix": "Dr."}, "Jena"),
        ({"Customer number": "A-7"}, "A-7"),
        ({"Tags": "fair"}, "fair"),
        ({"Notes": "x" * 300}, "x" * 255),
        ({"Value": "12"}, "12"),
    ],
)
def test_a_row_without_a_name_borrows_one_that_replaces_none(
    cells: dict[str, str], name: str
) -> None:
    row = one_row(cells, SETTINGS)
    assert row.properties["name"] == name
    assert row.if_empty == ("name",)
    assert row.problems == []


def test_only_a_row_with_nothing_is_refused() -> None:
    row = one_row({"Name": "-", "Email": "N/A", "Company": "", "Status": "Open"})
    assert [one.text for one in row.problems] == ["has nothing to import"]


def test_an_update_borrows_no_name() -> None:
    (row,) = File(["Email"], ["a@a.example"], mode="update").mapped()
    assert "name" not in row.properties
    assert row.problems == []


def test_a_middle_name_is_a_name() -> None:
    assert one_row({"Middle name": "Ana"}).properties == {"middle_name": "Ana"}


def test_rows_are_matched_by_several_fields_in_turn() -> None:
    header = ["Customer number", "Email", "First name", "Last name"]
    rows = [["A-7", "a@a.example", "Ana", "Costa"], ["", "x", "Ben", "Rot"], ["", "", "-", ""]]
    file = File(header, *rows, settings=SETTINGS, match=("custom:7", "email", "name"))
    first, second, third = file.mapped()
    number = {"custom_field_definition_id": 7, "value": "A-7"}
    assert first.match == [
        {"field_name": "custom", "field_value": number},
        {"field_name": "email", "field_value": "a@a.example"},
        {"field_name": "name", "field_value": "Ana Costa"},
    ]
    assert second.match == {"field_name": "name", "field_value": "Ben Rot"}
    assert third.match is None


def test_a_line_of_a_bulk_call_has_a_match_of_its_own() -> None:
    header = [
        *("tags", "match.field_name", "match.field_value", "match.field_value.value"),
        "match.field_value.custom_field_definition_id",
    ]
    rows = (
        ["", "email", "a@a.example", "", ""],
        ["", "custom", "", "A-7", "7"],
        ["vip", "name", "Ana Costa", "", ""],
        ["fair", "name", "", "", ""],
    )
    file = File(header, *rows, settings=SETTINGS)
    assert [row.match for row in file.mapped()] == [
        {"field_name": "email", "field_value": "a@a.example"},
        {
            "field_name": "custom",
            "field_value": {"custom_field_definition_id": "7", "value": "A-7"},
        },
        {"field_name": "name", "field_value": "Ana Costa"},
        None,
    ]
    # An upsert gives a new lead the value that it is matched by.
    assert [lead.name for lead in file.leads()] == [
        *("a@a.example", "A-7", "Ana Costa", "fair"),
    ]
    assert file.surveyed().concerns == ()
    assert file.mapped()[0].key_cells == ("", "email", "a@a.example", "", "")


def test_values_of_some_columns_only_fill() -> None:
    file = File(["Name", "Email", "Phone", "Mobile", "City"], ["Ana", "a@a.example", "1", "2", "J"])
    file.mapping = file.mapping.with_columns(fill={0: True, 1: True, 2: True, 4: True})
    # The other column for phone numbers overwrites.
    assert file.mapped()[0].if_empty == ("email", "name", "address")


def test_an_empty_cell_clears_where_the_mapping_says_so() -> None:
    header = [
        "Name",
        "Email",
        "Title",
        "Phone",
        "Tags",
        "Street",
        "City",
        "Customer number",
        "Owner",
    ]
    file = File(header, ["Ana", *[""] * 8], settings=SETTINGS, blank="clears")
    assert file.mapped()[0].properties == {
        "name": "Ana",
        "email": None,
        "title": None,
        "phone_numbers": [],
        "tags": [],
        "address": {"street": None, "city": None},
        "custom_fields": [{"custom_field_definition_id": 7, "value": None}],
        "assignee_id": None,
    }
    filled = ["Ana", "a@a.example", "CTO", "1", "x", "S", "C", "7", "901"]
    (row,) = File(header, filled, settings=SETTINGS, blank="clears").mapped()
    assert row.properties == File(header, filled, settings=SETTINGS).mapped()[0].properties


def test_a_word_clears_and_an_empty_cell_leaves() -> None:
    rows = [["Ana", "#n/a", ""], ["#N/A", "CTO", " #N/A"]]
    first, second = File(["Name", "Title", "Phone"], *rows, clearing_word="#N/A").mapped()
    assert first.properties == {"name": "Ana", "title": None}
    # A lead keeps its name.
    assert second.properties == {"name": "CTO", "title": "CTO", "phone_numbers": []}


def test_the_cells_of_the_key_do_not_depend_on_the_order_of_columns() -> None:
    header, row = ["Name", "Nothing", "Email"], ["Ana", "x", " A@a.example"]
    one = Mapper(File(header).mapping, SETTINGS)
    other = Mapper(File(header[::-1]).mapping, SETTINGS)
    assert one.row(row).key_cells == other.row(row[::-1]).key_cells == (" A@a.example", "Ana")
    assert one.key_prefix == other.key_prefix == "email\x1fname"


def test_one_column_is_enough() -> None:
    assert one_row({"Email": "a@a.example"}).key_cells == ("a@a.example",)


def test_columns_without_a_target_are_no_part_of_a_row() -> None:
    mapping = Mapping((Column("A"), Column("B", "new:String:Shoe size")))
    assert Mapper(mapping, SETTINGS).row(["x", "43"]).problems[0].symbol == "blank"
