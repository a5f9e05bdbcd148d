"""What all rows of a file say, and what they leave open."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.domain.builders import a_field, a_settings
from tests.support.domain.imports import File, filterable

from onelead.domain.account import User
from onelead.domain.custom_fields import DataType, Option
from onelead.domain.errors import InputInvalid
from onelead.domain.importing.mapping import Column, Mapping
from onelead.domain.importing.questions import Question, answered
from onelead.domain.importing.survey import Survey
from onelead.domain.importing.watches import ColumnFindings

SETTINGS = a_settings(
    fields=(
        filterable(a_field(id=7, name="Customer number")),
        a_field(id=8, name="Visited", data_type=DataType.DATE),
        a_field(id=9, name="Score", data_type=DataType.FLOAT),
        a_field(
            id=10,
            name="Levels",
            data_type=DataType.MULTI_SELECT,
            options=(Option(5101, "Silver"), Option(5102, "Gold")),
        ),
        a_field(id=11, name="Agreed", data_type=DataType.CHECKBOX),
    )
)


def file(header: str, *cells: str, **options: Any) -> File:
    """Return a file with a column of e-mails and another one."""
    rows = [(f"p{number}@a.example", cell) for number, cell in enumerate(cells)]
    return File(["Email", header], *rows, settings=SETTINGS, **options)


def question(of: File) -> Question | None:
    return next(iter(of.surveyed().questions), None)


def column(of: File) -> tuple[Column, ColumnFindings]:
    surveyed = of.surveyed()
    return surveyed.mapping.columns[1], surveyed.columns[1]


def test_an_empty_file_says_nothing() -> None:
    surveyed = File(["Email"]).surveyed()
    assert (surveyed.rows, surveyed.questions, surveyed.concerns) == (0, (), ())


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (("01/02/2026", "13/02/2026"), "dmy"),
        (("01/02/2026", "02/13/2026"), "mdy"),
        (("01.02.2026", "2026-02-03", "03/03/2026"), None),
    ],
)
def test_all_rows_decide_the_order_of_day_and_month(
    cells: tuple[str, ...], order: str | None
) -> None:
    found = file("Visited", *cells)
    assert column(found)[0].dates == order
    assert question(found) is None


@pytest.mark.parametrize("cells", [("01/02/2026",), ("13/02/2026", "02/13/2026")])
def test_an_order_that_stays_open_is_asked_for(cells: tuple[str, ...]) -> None:
    found = file("Visited", *cells)
    asked = question(found)
    assert asked is not None
    assert (asked.key, asked.default, asked.column) == ("dates:1", None, 1)
    assert asked.sentence.endswith(f"as in {' or '.join(map(repr, cells))}?".replace("'", '"'))
    found.mapping = answered(found.mapping, asked.key, "mdy")
    assert question(found) is None
    assert column(found)[0].dates == "mdy"
    assert question(file("Visited", *cells, dates="dmy")) is None


def test_all_rows_decide_the_decimal_sign() -> None:
    assert column(file("Score", "1.234", "1,5", "7"))[0].decimal == ","
    assert column(file("Score", "1.234", "1,234.5"))[0].decimal == "."
    assert question(file("Score", "12", "n/a", "0")) is None
    assert column(file("Score", "12", "n/a", "0"))[1].placeholders == 1


def test_a_decimal_sign_that_stays_open_is_asked_for() -> None:
    found = file("Value", "1.234", "12")
    asked = question(found)
    assert asked is not None
    assert asked.sentence == 'In column "Value", what is the decimal sign, as in "1.234"?'
    found.mapping = answered(found.mapping, asked.key, ",")
    assert question(found) is None
    assert found.mapped()[0].properties["monetary_value"] == "1234"
    assert question(file("Value", "1.234", decimal=".")) is None


def test_amounts_in_another_currency_are_named() -> None:
    surveyed = file("Value", "€ 5", "7 EUR", "USD 8", "£ 9", "x").surveyed()
    assert surveyed.concerns == (
        'Column "Value": 2 amounts are in EUR, but will be taken as USD.',
        'Column "Value": 1 amount is in GBP, but will be taken as USD.',
    )


def test_codes_of_currencies_without_end_are_not_kept() -> None:
    letters = "ABC"
    cells = [f"{a}{b}{c} 1" for a in letters for b in letters for c in letters]
    assert len(column(file("Value", *cells))[1].currencies) == 20


def test_numbers_that_are_all_whole_lose_their_fraction() -> None:
    found = file("Customer number", "12345.0", "", "7.00")
    assert column(found)[0].is_whole
    assert 'the ".0" at the end' in found.surveyed().concerns[0]
    assert found.mapped()[0].match is not None
    assert not column(file("Customer number", "12345.0", "A-7"))[0].is_whole
    assert not column(file("Customer number", "", ""))[0].is_whole
    assert not column(file("Score", "1.0"))[0].is_whole


def test_cut_numbers_in_the_matching_column_stop_the_import() -> None:
    cells = ("1.23457E+15", "A-7", "2.5E+12")
    (stop,) = file("Customer number", *cells, match=("custom:7",)).surveyed().stops
    assert "cut 2 numbers in it (E+)" in stop
    surveyed = file("Customer number", *cells).surveyed()
    assert surveyed.stops == ()
    assert '2 numbers were cut by a spreadsheet (E+), such as "' in surveyed.concerns[0]
    assert column(file("Lead ID", *cells))[1].cut == 2
    assert "left out" in file("Phone", "4.47911E+11").surveyed().concerns[0]


def test_unknown_choices_are_listed_once_with_their_counts() -> None:
    found = file("Status", "Open", "hot", "HOT", "cold", "n/a", "hot")
    asked = question(found)
    assert asked is not None
    assert asked.sentence == 'In column "Status", 2 values are unknown.'
    assert asked.values == (("hot", 3), ("cold", 1))
    assert asked.default == "leave_out"
    assert [answer.value for answer in asked.answers[:3]] == ["leave_out", "create", "map:New"]
    mapping = answered(answered(found.mapping, asked.key, "create"), f"{asked.key}:Hot", "map:Open")
    assert mapping.choices == {"status": {"*": "create", "hot": "map:Open"}}


@pytest.mark.parametrize(
    ("header", "cell", "answer"),
    [
        ("Source", "Fair", "map:Email"),
        ("Levels", "Gold; Bronze", "map:Silver"),
        ("Owner", "Nobody", "map:dana@shop.example"),
    ],
)
def test_each_list_offers_its_names(header: str, cell: str, answer: str) -> None:
    asked = question(file(header, cell))
    assert asked is not None
    assert answer in [one.value for one in asked.answers]
    assert asked.sentence == f'In column "{header}", 1 value is unknown.'
    assert len(asked.values) == 1
    # Nobody becomes a user by a file.
    assert ("create" in [one.value for one in asked.answers]) is (header != "Owner")


def test_unknown_choices_without_end_are_not_kept() -> None:
    found = file("Source", *map(str, range(1, 1_006)))
    assert len(column(found)[1].unknown) == 1_000
    assert column(found)[1].unknown_beyond == 5
    asked = question(found)
    assert asked is not None
    assert "(5 cells have others)" in asked.sentence


def test_a_test_lead_is_counted_behind_any_number_of_placeholders() -> None:
    rows = [[text] for text in ("-", "?", "n/a", "<test lead: dummy data for name>", "", "Ana")]
    concerns = File(["Name"], *rows).surveyed().concerns
    assert "1 row is a test lead of Facebook and will be refused." in concerns


def test_check_boxes_are_no_placeholders() -> None:
    findings = column(file("Agreed", "0", "nein", "x", "-"))[1]
    assert (findings.filled, findings.placeholders) == (3, 1)


def test_one_header_twice_is_a_question_where_a_lead_has_one_value() -> None:
    rows = (["a@a.example", "Alt AG", "Neu AG"], ["b@a.example", "", "Neu AG"])
    found = File(["Email", "Company", "company"], *rows)
    asked = question(found)
    assert asked is not None
    assert asked.sentence == '2 columns are called "Company". Which one is it?'
    assert (asked.key, asked.default) == ("column:company_name", "1")
    assert asked.answers[1].label == 'column 3, with "Neu AG"'
    found.mapping = answered(found.mapping, asked.key, "2")
    assert found.targets == ["email", None, "company_name"]
    assert [row.properties["company_name"] for row in found.mapped()] == ["Neu AG"] * 2


def test_one_header_twice_is_no_question_if_only_one_has_values() -> None:
    assert question(File(["Email", "Company", "Company"], ["a@a.example", "Alt AG", ""])) is None
    asked = question(File(["Email", "Company", "Company"], ["a@a.example", "", "Alt AG"]))
    assert asked is not None
    assert asked.answers[0].label == "column 2, empty"
    assert question(File(["Email", "Shoe size", "Shoe size"], ["a@a.example", "1", "2"])) is None


def test_what_rows_are_matched_by_is_asked_without_an_email() -> None:
    found = File(["Name", "Customer number"], ["Ana", "A-7"], settings=SETTINGS, match=())
    asked = question(found)
    assert asked is not None
    assert [answer.value for answer in asked.answers] == ["custom:7", "name", "none"]
    assert asked.default == "none"
    assert answered(found.mapping, "match", "name").match == ("name",)
    assert answered(found.mapping, "match", "none").match == ()
    assert question(File(["Name"], ["Ana"], mode="create")) is None
    assert question(File(["City"], ["Jena"])) is None


def test_where_further_emails_go_is_asked() -> None:
    found = file("Shoe size", "43")
    found.rows = (("a@a.example; b@a.example", ""), ("a@a.example, x <b@a.example>", ""))
    asked = question(found)
    assert asked is not None
    assert asked.sentence.startswith("2 cells have several e-mails.")
    assert [answer.value for answer in asked.answers] == ["details", "leave_out", "custom:7"]
    assert answered(found.mapping, "more_emails", "custom:7").more_emails == "custom:7"
    found.rows = found.rows[:1]
    asked = question(found)
    assert asked is not None
    assert asked.sentence.startswith("1 cell has several e-mails.")


def test_what_is_not_imported_and_what_says_nothing_is_said() -> None:
    header = ["Email", "Name", *map("Extra {}".format, range(25))]
    rows = [
        ["ana(at)a", "N/A", *["x"] * 24, ""],
        ["-", "", *["y"] * 25],
        ["n/a", "", *["z"] * 25],
    ]
    surveyed = File(header, *rows).surveyed()
    assert (surveyed.rows, surveyed.empty) == (3, 2)
    first, second, *others = surveyed.concerns
    assert first.startswith('Not imported: columns "Extra 0", "Extra 1"')
    assert first.endswith('"Extra 19" and 5 more.')
    assert second.startswith('3 cells are placeholders and taken as empty, such as "')
    assert others == [
        'Column "Email": 1 value is not an e-mail address; its row is imported without it.',
        "2 rows have nothing to import and will be refused.",
    ]
    assert surveyed.columns[2].samples == ("x", "y", "z")
    one = File(["Email", "Shoe size"], ["a@a.example", "43"]).surveyed()
    assert one.concerns == ('Not imported: column "Shoe size".',)


def test_a_file_without_any_target_is_empty() -> None:
    assert File(["Shoe size"], ["43"]).surveyed().empty == 1


def test_samples_are_short_and_few() -> None:
    findings = column(file("Notes", "x" * 1_000, "x" * 1_000, "b", "c", "d"))[1]
    assert findings.samples == ("x" * 60 + "...", "b", "c")


def test_cells_that_say_nothing_are_counted_but_not_all_kept() -> None:
    survey = Survey(Mapping((Column("A", "title"),)), SETTINGS)
    survey.add([[f"{{{{x{number}}}}}"] for number in range(100)])
    survey.add([["{{x1}}"], ["CTO"]])
    surveyed = survey.result()
    assert surveyed.columns[0].placeholders == 101
    assert surveyed.columns[0].filled == 1


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        *[("dates:1", "ymd"), ("dates:2", "dmy"), ("dates:-1", "dmy"), ("dates:x", "dmy")],
        *[
            ("decimal:1", "'"),
            ("decimal:999999", ","),
            ("column:title", "1"),
            ("column:email", "9"),
        ],
        *[("choices:1", "delete"), ("choices:9", "create"), ("nothing", "create"), ("", "")],
    ],
)
def test_an_answer_that_is_none_is_refused(key: str, answer: str) -> None:
    with pytest.raises(InputInvalid, match="is no answer to"):
        answered(file("Status").mapping, key, answer)


def test_users_with_one_name_are_told_apart_by_their_emails() -> None:
    users = (User(901, "Sam Twin", "sam@a.example"), User(902, "Sam Twin", "twin@a.example"))
    found = File(["Email", "Owner"], ["a@a.example", "Sam Twin"], settings=a_settings(users=users))
    asked = question(found)
    assert asked is not None
    found.mapping = answered(found.mapping, asked.key, "map:twin@a.example")
    assert found.mapped()[0].properties["assignee_id"] == 902
