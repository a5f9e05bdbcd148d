"""What the cells of a row become."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.domain.builders import a_field, a_settings
from tests.support.domain.imports import File, filterable, one_row

from onelead.domain.account import User
from onelead.domain.custom_fields import DataType
from onelead.domain.errors import InputInvalid
from onelead.domain.importing.mapper import Mapper
from onelead.domain.importing.mapping import Mapping

FIELDS = (
    filterable(a_field(id=7, name="Customer number")),
    a_field(id=8, name="Visited", data_type=DataType.DATE),
    a_field(id=9, name="Score", data_type=DataType.FLOAT),
    a_field(id=10, name="Agreed", data_type=DataType.CHECKBOX),
    a_field(id=11, name="Level", data_type=DataType.DROPDOWN),
    a_field(id=12, name="Levels", data_type=DataType.MULTI_SELECT),
    a_field(id=13, name="Other mail"),
)
SETTINGS = a_settings(
    fields=FIELDS,
    users=(
        User(901, "Dana Poe", "dana@shop.example"),
        User(902, "Sam Twin", "sam@shop.example"),
        User(903, "Sam Twin", "twin@shop.example"),
        User(904, "Gone Fishing", "gone@shop.example", is_active=False),
        User(905, "Dana Poe", "old@shop.example", is_active=False),
    ),
)


def properties(**cells: str) -> dict[str, Any]:
    """Return the properties of a row, without its name."""
    row = one_row({"Full name": "Ana"} | cells, SETTINGS)
    assert row.problems == []
    return {name: value for name, value in row.properties.items() if name != "name"}


def custom(header: str, text: str) -> Any:
    entries = properties(**{header: text}).get("custom_fields", [])
    assert len(entries) < 2
    return entries[0]["value"] if entries else None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        *[("ana@a.example", "ana@a.example"), (" Ana@A.example. ", "Ana@A.example")],
        *[
            ("mailto:ana@a.example?subject=x", "ana@a.example"),
            ('"ana@a.example"', "ana@a.example"),
        ],
        *[("Costa, Ana <ana@a.example>", "ana@a.example"), ("<ana@a.example>;", "ana@a.example")],
        ("ana@bücher.example", "ana@bücher.example"),
    ],
)
def test_an_email_is_unwrapped(text: str, address: str) -> None:
    row = one_row({"Email": text})
    assert row.properties["email"] == {"email": address}
    assert row.match == {"field_name": "email", "field_value": address}


@pytest.mark.parametrize("text", ["ana(at)a.example", "see the website", "ana@", "hal@w x"])
def test_what_is_no_email_is_left_out_and_never_matched_by(text: str) -> None:
    row = one_row({"Name": "Ana", "Email": text})
    assert row.properties == {"name": "Ana"}
    assert row.match is None
    assert row.problems == []
    assert row.remarks == [f'Email: left out because it is not an e-mail address: "{text}"']


@pytest.mark.parametrize("text", ["N/A", "-", "mailto:none", "noemail", "<none>"])
def test_an_email_that_identifies_nobody_is_an_empty_cell(text: str) -> None:
    settings = a_settings(placeholder_texts=("n/a", "none", "noemail", "mailto:none", "<none>"))
    assert one_row({"Name": "Ana", "Email": text}, settings).properties == {"name": "Ana"}


def test_addresses_in_one_cell_are_separated_in_any_way() -> None:
    text = "Costa, Ana <a@a.example>; b@a.example, Cy <c@a.example> | d@a.example e@a.example"
    row = one_row({"Email": text})
    assert row.properties["email"] == {"email": "a@a.example"}
    assert row.properties["details"].split("\n") == [f"E-mail: {name}@a.example" for name in "bcde"]
    assert row.remarks == []


def test_an_address_of_the_list_identifies_nobody_in_any_wrapper() -> None:
    settings = a_settings(placeholder_texts=("no@mail.example",))
    row = one_row({"Name": "Ana", "Email": "<no@mail.example>"}, settings)
    assert (row.properties, row.match, row.remarks) == ({"name": "Ana"}, None, [])


SEVERAL = "ana@a.example; Ana C <ac@a.example>, x, ANA@a.example"
LEFT_OUT = 'Email: left out because it is not an e-mail address: "x"'


def test_further_emails_go_to_the_details_of_a_lead_that_has_none() -> None:
    row = one_row({"Email": SEVERAL})
    assert row.properties["email"] == {"email": "ana@a.example"}
    assert row.properties["details"] == "E-mail: ac@a.example"
    assert row.if_empty == ("details", "name")
    assert row.remarks == [LEFT_OUT]


def test_further_emails_are_added_to_the_details_of_the_row_once() -> None:
    row = one_row({"Email": SEVERAL, "Notes": "Hello", "Other email": "ac@a.example b@a.example"})
    assert row.properties["details"] == "Hello\nE-mail: ac@a.example\nE-mail: b@a.example"
    assert row.if_empty == ("name",)


def test_further_emails_go_to_a_custom_field() -> None:
    file = File(["Email"], ["a@a.example b@a.example c@a.example"], settings=SETTINGS)
    file.mapping = file.surveyed().mapping
    (row,) = file.with_targets("email", more_emails="custom:13").mapped()
    assert row.properties["custom_fields"] == [
        {"custom_field_definition_id": 13, "value": "b@a.example; c@a.example"}
    ]


def test_further_emails_go_there_beside_another_custom_value() -> None:
    file = File(
        ["Email", "Customer number", "Other mail"],
        ["a@a.example b@a.example", "A-7", "z@a.example"],
        settings=SETTINGS,
        more_emails="custom:13",
    )
    (row,) = file.mapped()
    assert [one["value"] for one in row.properties["custom_fields"]] == ["b@a.example", "A-7"]


def test_further_emails_are_left_out_with_a_remark() -> None:
    (row,) = File(["Email"], ["a@a.example b@a.example"], more_emails="leave_out").mapped()
    assert row.remarks == ['Left out, because a lead has one e-mail: "b@a.example"']


def test_the_email_of_several_columns_is_the_usual_one() -> None:
    row = one_row({"Personal email": "p@a.example", "Work email": "w@a.example"})
    assert row.properties["email"] == {"email": "w@a.example", "category": "work"}
    assert row.properties["details"] == "E-mail: p@a.example"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        *[("p:+4915100000001", ["+4915100000001"]), ("tel:+49-89-1", ["+49-89-1"])],
        *[("Tel. 089 5550001", ["089 5550001"]), ("'089 5550001", ["089 5550001"])],
        *[("+47 900 00 001; +47 900 00 002", ["+47 900 00 001", "+47 900 00 002"])],
        *[("+47 900 00 001, +47 900 00 002", ["+47 900 00 001", "+47 900 00 002"])],
        *[("+47 900 00 001 or +47 900 00 002", ["+47 900 00 001", "+47 900 00 002"])],
        *[("+47 90000001 / +47 90000001", ["+47 90000001"]), ("030/123456", ["030/123456"])],
        *[("+44 20 7946 0958 ext. 12", ["+44 20 7946 0958 ext. 12"])],
        *[("+49 30 1234567, App. 12", ["+49 30 1234567, App. 12"])],
        *[("+1 555 123 4567,,12", ["+1 555 123 4567,,12"])],
        *[("tel:+1-555-123-4567;ext=12", ["+1-555-123-4567;ext=12"])],
    ],
)
def test_phone_numbers_are_unwrapped_and_keep_their_extension(
    text: str, numbers: list[str]
) -> None:
    found = properties(Phone=text)["phone_numbers"]
    assert [one["number"] for one in found] == numbers


def test_a_cut_phone_number_is_a_remark() -> None:
    row = one_row({"Name": "Ana", "Phone": "'4,47911E+11"})
    assert "phone_numbers" not in row.properties
    assert "E+" in row.remarks[0]


def test_phone_numbers_get_the_calling_code_of_a_country() -> None:
    (row,) = File(["Phone"], ["089 5550001; +1 555 123 4567"], country="DE").mapped()
    assert [one["number"] for one in row.properties["phone_numbers"]] == [
        *("+49 89 5550001", "+1 555 123 4567"),
    ]


def test_the_column_and_the_column_beside_it_give_categories() -> None:
    row = one_row(
        {
            "Mobile": "+49 151 5550001",
            "Phone 1 - Label": "* Work",
            "Phone 1 - Value": "+49 89 5550001",
            "Phone 2 - Label": "Home Fax",
            "Phone 2 - Value": "+49 89 5550002",
            "Phone 3 - Value": "+49 89 5550003",
            "E-mail 1 - Label": "Home",
            "E-mail 2 - Type": "SMTP",
            "E-mail 2 - Value": "n/a",
            "E-mail 1 - Value": "a@a.example",
            "Website 1 - Label": "",
            "Website 1 - Value": "a.example b.example",
            "LinkedIn": "https://linkedin.example/ana",
            "Twitter": "@ana and more",
            "Social category": "facebook",
        }
    )
    assert row.properties["phone_numbers"] == [
        {"number": "+49 151 5550001", "category": "mobile"},
        {"number": "+49 89 5550003"},
        {"number": "+49 89 5550001", "category": "work"},
        {"number": "+49 89 5550002", "category": "other"},
    ]
    assert row.properties["email"] == {"email": "a@a.example", "category": "personal"}
    assert row.properties["websites"] == [{"url": "a.example"}, {"url": "b.example"}]
    assert row.properties["socials"] == [
        {"url": "@ana and more", "category": "twitter"},
        {"url": "https://linkedin.example/ana", "category": "facebook"},
    ]


def test_columns_beside_each_other_without_numbers_go_in_turn() -> None:
    row = one_row({"Phone": "+49 1111111", "Phone type": "cell", "Mobile": "+49 2222222"})
    assert row.properties["phone_numbers"] == [
        {"number": "+49 2222222", "category": "mobile"},
        {"number": "+49 1111111", "category": "mobile"},
    ]


def test_an_address_is_put_together() -> None:
    cells = {"Street": "Am Markt", "House number": "3", "Address line 2": "Hinterhaus"}
    found = properties(**cells, Zip="z:07743", City="Jena", Country="N/A")
    assert found["address"] == {
        "street": "Am Markt 3, Hinterhaus",
        "postal_code": "07743",
        "city": "Jena",
    }
    (row,) = (
        File(["A", "B", "C"], ["Am Markt 3, Jena", "Am Markt 3", "Ana"])
        .with_targets("address", "address.street", "name")
        .mapped()
    )
    assert row.properties["address"] == {"street": "Am Markt 3"}
    assert properties(Address="Am Markt 3, Jena")["address"] == {"street": "Am Markt 3, Jena"}
    assert properties(Zip="'02139")["address"] == {"postal_code": "02139"}


def test_two_columns_cannot_be_the_same_single_value() -> None:
    with pytest.raises(InputInvalid, match="Two columns cannot both be"):
        File(["A", "B"]).with_targets("title", "title").mapped()


def test_details_of_several_columns_are_put_below_each_other() -> None:
    assert properties(Notes="one", Comment="two", Message="-")["details"] == "one\ntwo"


def test_lists_are_read() -> None:
    found = properties(Tags='fair; "vip"', Labels="new", Website="not yet")
    assert found == {"tags": ["fair", "vip", "new"], "websites": [{"url": "not yet"}]}
    assert properties(Tags="-", Website="n/a", Phone="?") == {}
    assert properties(Phone="447700900002.0")["phone_numbers"] == [{"number": "447700900002"}]


@pytest.mark.parametrize(
    ("header", "text", "found"),
    [
        *[("Status", "OPEN", {"status_id": 2002}), ("Status", "2002", {"status_id": 2002})],
        *[("Source", "cold call", {"customer_source_id": 3102}), ("Source", "-", {})],
        *[
            ("Owner", "DANA@shop.example", {"assignee_id": 901}),
            ("Owner", "901", {"assignee_id": 901}),
        ],
        *[
            ("Owner", "dana poe", {"assignee_id": 901}),
            ("Owner", "Gone fishing", {"assignee_id": 904}),
        ],
    ],
)
def test_choices_are_found_by_name_in_any_case(
    header: str, text: str, found: dict[str, Any]
) -> None:
    assert properties(**{header: text}) == found


def test_an_unknown_choice_is_left_out_with_a_remark() -> None:
    row = one_row({"Name": "Ana", "Owner": "sam twin"}, SETTINGS)
    assert row.properties == {"name": "Ana"}
    assert row.remarks == ['Owner: left out because it is unknown: "sam twin"']


def test_an_unknown_choice_is_what_the_answer_says() -> None:
    choices = {"status": {"hot": "map:Open", "*": "map:Junk"}, "customer_source": {"*": "create"}}
    rows = [["Ana", "HOT", "Fair"], ["Ben", "cold", ""], ["Cleo", "hot", "email"]]
    file = File(["Name", "Status", "Source"], *rows, choices=choices)
    first, second, third = file.mapped()
    assert [row.properties["status_id"] for row in (first, second, third)] == [2002, 2004, 2002]
    assert first.remarks == ['Source: left out because it is unknown: "Fair"']
    assert (second.remarks, third.properties["customer_source_id"]) == ([], 3101)


def test_a_choice_that_is_called_like_a_placeholder_is_one() -> None:
    statuses = (*SETTINGS.statuses, type(SETTINGS.statuses[0])(2009, "Unknown"))
    row = one_row({"Name": "Ana", "Status": "unknown"}, a_settings(statuses=statuses))
    assert row.properties["status_id"] == 2009


@pytest.mark.parametrize(
    ("header", "text", "value"),
    [
        *[
            ("Customer number", " A-77 ", "A-77"),
            ("Customer number", "l:900000000000001", "900000000000001"),
        ],
        *[
            ("Customer number", "007", "007"),
            ("Customer number", "'007", "007"),
            ("Customer number", "?", None),
        ],
        *[
            ("Customer number", "7.0", "7"),
            ("Score", "12,5", "12.5"),
            ("Score", "0", "0"),
            ("Score", "-", None),
        ],
        *[
            ("Agreed", "X", True),
            ("Agreed", "ja", True),
            ("Agreed", "Non", False),
            ("Agreed", "0", False),
        ],
        *[("Agreed", "sí", True), ("Agreed", "n/a", None), ("Agreed", "maybe", "maybe")],
        *[
            ("Visited", "31.12.2026", "2026-12-31"),
            ("Visited", "0000-00-00", None),
            ("Visited", "N/A", None),
        ],
        *[
            ("Level", "GOLD", 5102),
            ("Level", "n/a", None),
            ("Levels", "gold, Silver", [5102, 5101]),
        ],
        *[("Levels", "Gold", [5102]), ("Levels", "-", None)],
    ],
)
def test_a_custom_value_is_read_by_its_type(header: str, text: str, value: Any) -> None:
    assert custom(header, text) == value


def test_a_multiselect_keeps_what_is_known() -> None:
    row = one_row({"Name": "Ana", "Levels": "Gold; Platinum; Silver"}, SETTINGS)
    assert row.properties["custom_fields"][0]["value"] == [5102, 5101]
    assert row.remarks == ['Levels: left out because it is unknown: "Platinum"']


@pytest.mark.parametrize(
    ("header", "text", "problem"),
    [
        ("Visited", "31.02.2026", 'Visited: "31.02.2026" is not a date'),
        ("Visited", "2026-02-30", 'Visited: "2026-02-30" is not a date'),
        ("Visited", "13/13/2026", 'Visited: "13/13/2026" is not a date'),
        ("Created", "31.02.2026", 'Created: "31.02.2026" is not a date'),
        ("Created", "1.1.1900", 'Created: "1.1.1900" is not a date'),
        ("Score", "many", 'Score: "many" is not a number'),
        ("Value", "12 or so", 'Value: "12 or so" is not a number'),
    ],
)
def test_what_cannot_be_is_refused_and_never_made_to_fit(
    header: str, text: str, problem: str
) -> None:
    row = one_row({"Name": "Ana", header: text}, SETTINGS)
    assert [one.text for one in row.problems] == [problem]


def test_the_form_of_a_column_is_named_in_its_problem() -> None:
    file = File(["Name", "Visited", "Score"], ["Ana", "07/30/2023", "1.5"], settings=SETTINGS)
    columns = file.mapping.with_columns(dates={1: "dmy"}, decimal={2: ","}).columns
    row = Mapper(Mapping(columns), SETTINGS).row(file.rows[0])
    assert [one.text for one in row.problems] == [
        'Visited: "07/30/2023" is not a date (day first)',
        'Score: "1.5" is not a number with a decimal comma',
    ]


def test_an_amount_is_a_number_and_its_currency_beside_it() -> None:
    assert properties(Value="€ 1.234,50", Currency="EUR") == {
        "monetary_value": "1234.50",
        "monetary_unit": "EUR",
    }
    assert properties(Value="n/a", Amount="") == {}


def test_a_created_date_is_kept() -> None:
    row = one_row({"Name": "Ana", "Created": "2026-03-01 10:22"})
    assert row.date_created == 1_772_382_120
    assert one_row({"Name": "Ana", "Created": "-"}).date_created is None
