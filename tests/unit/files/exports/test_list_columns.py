"""The cells of a list of leads: an import reads them back as they were, without a question."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from openpyxl import load_workbook
from pyarrow import parquet
from tests.support.domain.builders import a_field, a_lead, a_settings

from onelead.domain.account import AccountSettings
from onelead.domain.custom_fields import DataType, Option
from onelead.domain.errors import NotPossible
from onelead.domain.importing.headers import guessed_mapping
from onelead.domain.importing.mapper import Mapper
from onelead.domain.importing.survey import Survey
from onelead.domain.lead import Address, Email, Lead, Link, PhoneNumber
from onelead.files.exports.list_columns import list_columns
from onelead.files.exports.list_files import CsvFile, ParquetFile, XlsxFile

FIELDS = (
    a_field(id=51, name="Customer number"),
    a_field(id=52, name="Kind", data_type=DataType.DROPDOWN, options=(Option(61, "Gold"),)),
    a_field(
        id=53,
        name="Kinds",
        data_type=DataType.MULTI_SELECT,
        options=(Option(62, "Silver"), Option(63, "Bronze")),
    ),
    a_field(id=54, name="Consent", data_type=DataType.CHECKBOX),
    a_field(id=55, name="Size", data_type=DataType.FLOAT),
    a_field(id=56, name="Met", data_type=DataType.DATE),
)


def settings() -> AccountSettings:
    return a_settings(fields=FIELDS)


def full_lead() -> Lead:
    account = settings()
    return a_lead(
        name="Nora Field",
        first_name="Nora",
        last_name="Field",
        title="=SUM(A1)",
        company_name="'-x",
        details="two\nlines",
        email=Email("nora@field.example", "personal"),
        phone_numbers=(
            PhoneNumber("+49 171 5550100", "mobile"),
            PhoneNumber("030 5550102", "mobile"),
        ),
        websites=(Link("https://field.example", "work"),),
        socials=(Link("https://linkedin.com/in/nora", "linkedin"),),
        address=Address("A Street 1", "Bern", None, "03000", "CH"),
        tags=("fair", 'a "b", c'),
        status_id=account.statuses[0].id,
        assignee_id=account.users[0].id,
        monetary_value=1.234,
        monetary_unit="EUR",
        date_created=1_700_000_000,
        custom_fields={51: "007", 52: 61, 53: (62, 63), 54: True, 55: 1.5, 56: "2026-12-01"},
    )


def csv_of(lead: Lead, account: AccountSettings) -> list[list[str]]:
    file = io.BytesIO()
    written = CsvFile(file, list_columns(account), for_excel=False)
    written.add([lead])
    written.close()
    return list(csv.reader(io.StringIO(file.getvalue().decode(), newline="")))


def test_what_a_list_has_reads_back_without_a_question() -> None:
    account, lead = settings(), full_lead()
    header, cells = csv_of(lead, account)
    survey = Survey(guessed_mapping(header, account), account)
    survey.add([cells])
    found = survey.result()
    assert [one for one in found.questions if one.default is None] == []
    row = Mapper(found.mapping, account).row(cells)
    assert (row.problems, row.date_created) == ([], lead.date_created)
    properties: dict[str, Any] = row.properties
    assert properties["title"] == "=SUM(A1)"
    assert properties["company_name"] == "'-x"
    assert properties["details"] == "two\nlines"
    assert properties["email"] == {"email": "nora@field.example", "category": "personal"}
    assert [(one["number"], one["category"]) for one in properties["phone_numbers"]] == [
        ("+49 171 5550100", "mobile"),
        ("030 5550102", "mobile"),
    ]
    assert properties["tags"] == ["fair", 'a "b", c']
    assert properties["address"]["postal_code"] == "03000"
    assert float(properties["monetary_value"]) == 1.234


def test_chosen_columns_come_in_their_order_behind_id_and_name() -> None:
    keys = ["date_modified", "phone", "cf_54", "value", "unknown"]
    assert [column.label for column in list_columns(settings(), keys)] == [
        *("Lead ID", "Name", "Changed", "Mobile phone", "Work phone", "Home phone"),
        *("Other phone", "Consent", "Value", "Currency"),
    ]


def test_a_table_for_analysts_has_types() -> None:
    account, lead = settings(), full_lead()
    file = io.BytesIO()
    written = ParquetFile(file, list_columns(account))
    written.add([lead])
    written.close()
    (row,) = parquet.read_table(io.BytesIO(file.getvalue())).to_pylist()
    assert (row["id"], row["monetary_value"], row["custom:54"]) == (lead.id, 1.234, True)
    assert row["date_created"].timestamp() == lead.date_created
    assert row["tags"] == 'fair; "a ""b"", c"'
    assert row["title"] == "=SUM(A1)"


def test_a_workbook_has_an_end() -> None:
    written = XlsxFile(io.BytesIO(), list_columns(settings()), 1)
    written.add([full_lead()])
    with pytest.raises(NotPossible, match="a workbook can have 1 leads here"):
        written.add([full_lead()])
    written.close()


def test_nothing_in_a_workbook_is_a_formula() -> None:
    columns = list_columns(a_settings(fields=(a_field(id=51, name="=1+1"),)), ["title", "cf_51"])
    file = io.BytesIO()
    written = XlsxFile(file, columns, 1)
    # A workbook can have no control characters, so they are left out.
    written.add([a_lead(title="\x01=1+1", custom_fields={51: "\n\x02@x"})])
    written.close()
    sheet = load_workbook(io.BytesIO(file.getvalue()))["Leads"]
    cells = {str(cell.value): cell.data_type for row in sheet.iter_rows() for cell in row}
    assert {"'=1+1", "'\n@x"} <= cells.keys()
    assert "f" not in cells.values()


def test_the_header_of_a_csv_is_no_formula() -> None:
    account = a_settings(fields=(a_field(id=51, name="=1+1"),))
    header, _cells = csv_of(a_lead(), account)
    assert "'=1+1" in header
    found = guessed_mapping(header, account)
    assert found.columns[header.index("'=1+1")].target == "custom:51"
