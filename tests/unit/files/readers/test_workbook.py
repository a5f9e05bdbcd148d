"""Sheets of workbooks: values as text, sheets, and workbooks that must not harm the server."""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from openpyxl.worksheet.worksheet import Worksheet
from tests.support.files.tables import cells, opened, rows
from tests.support.files.workbooks import compound, ods, xls, xlsx, zipped

from onelead.files.readers import workbook
from onelead.files.readers.errors import FileUnreadable
from onelead.files.readers.table import Choices, Row

HEADER = ["Name", "Email", "Zip"]


def test_the_values_of_an_xlsx_are_text(tmp_path: Path) -> None:
    day = datetime.fromisoformat("2026-03-01")
    values = [
        *("Ana", 2138, 2138.5, 12345678901234567, True, None, "02138", "=1+1"),
        *(day, day + timedelta(hours=9, seconds=5), day.time(), timedelta(hours=30), "\n x"),
    ]
    table = opened(tmp_path, xlsx([["Name", *range(2, 14)], values]), "leads.xlsx")
    assert table.reading.format == "xlsx"
    assert table.header[:3] == ("Name", "2", "3")
    assert cells(list(table.rows())) == [
        [
            *("Ana", "2138", "2138.5", "1.23456789012346E+16", "TRUE", "", "02138", ""),
            *("2026-03-01", "2026-03-01T09:00:05", "00:00:00", "30:00:00", "\n x"),
        ]
    ]


def test_zeros_in_front_are_kept_where_the_format_shows_them(tmp_path: Path) -> None:
    def change(sheet: Worksheet) -> None:
        sheet.title = "A & B"
        sheet["C3"].number_format = "00000"
        sheet["C4"].number_format = "00000\\-0000"
        sheet["C5"].number_format = "[<=99999]00000;00000\\-0000"
        sheet["C6"].number_format = "0.00"

    content = xlsx([[], HEADER, *(["Ana", "a@x.example", 2138] for _ in range(4))], change=change)
    table = opened(tmp_path, content, "leads.xlsx")
    assert table.reading.sheet == "A & B"
    assert [row.cells[2] for row in table.rows()] == ["02138", "000002138", "02138", "2138"]


def test_lines_are_the_rows_of_the_sheet(tmp_path: Path) -> None:
    content = xlsx([[], ["Leads of the fair"], [], HEADER, ["Ana"], [], ["Bo", "", "", "more"]])
    table = opened(tmp_path, content, "leads.xlsx")
    assert (table.reading.header_line, table.reading.titles) == (4, ("Leads of the fair",))
    assert list(table.rows()) == [
        Row(5, ["Ana", "", ""], None),
        Row(7, ["Bo", "", "", "more"], "The row has 4 cells, but the header has 3."),
    ]
    assert table.reading.empty_rows == 1
    content = xlsx([HEADER, ["Ana"]], change=lambda sheet: sheet.move_range("A1:C2", 4, 2))
    assert [row.line for row in opened(tmp_path, content).rows()] == [6]


def test_the_first_sheet_with_cells_is_read_or_the_one_that_is_chosen(tmp_path: Path) -> None:
    content = xlsx([], [HEADER, ["Ana"]], [HEADER, ["Bo"]])
    table = opened(tmp_path, content, "leads.xlsx")
    assert table.reading.sheets == ("Sheet1", "Sheet2", "Sheet3")
    assert table.reading.sheet == "Sheet2"
    assert table.reading.concerns == (
        'Only the sheet "Sheet2" is read; there are also "Sheet1", "Sheet3".',
    )
    chosen = opened(tmp_path, content, "leads.xlsx", Choices(sheet="Sheet3"))
    assert [row.cells[0] for row in chosen.rows()] == ["Bo"]
    with pytest.raises(FileUnreadable, match="no sheet of that name"):
        opened(tmp_path, content, "leads.xlsx", Choices(sheet="Sheet4"))


def test_names_of_any_letters_can_be_chosen(tmp_path: Path) -> None:
    def change(sheet: Worksheet) -> None:
        sheet.title = "Häuser 家"

    folder = tmp_path / "Büro 家"
    folder.mkdir()
    table = opened(
        folder, xlsx([HEADER, ["Ana"]], change=change), choices=Choices(sheet="Häuser 家")
    )
    assert cells(list(table.rows())) == [["Ana", "", ""]]
    for name in ("a\0b", "\ud800"):
        with pytest.raises(FileUnreadable, match="no sheet of that name"):
            opened(folder, xlsx([HEADER]), choices=Choices(sheet=name))


def test_ods_and_xls_are_read(tmp_path: Path) -> None:
    found = opened(tmp_path, ods([HEADER, ["Ana <&>", date(2026, 3, 1), 2138.0]]))
    assert cells(list(found.rows())) == [["Ana <&>", "2026-03-01", "2138"]]
    assert found.reading.format == "ods"
    assert "Number formats of .ods are not read" in found.reading.concerns[0]
    found = opened(tmp_path, xls([["Name", "Email", "Zip"], ["Zoë", "z@x.example", 2138.0]]))
    assert cells(list(found.rows())) == [["Zoë", "z@x.example", "2138"]]
    assert found.reading.format == "xls"


def test_garbled_cells_are_reported_after_a_walk(tmp_path: Path) -> None:
    table = opened(tmp_path, xlsx([HEADER, ["Zoë"], ["JÃ¼rgen", "KÃ¶nig"]]), "leads.xlsx")
    for _ in range(2):
        assert cells(list(table.rows()))[1] == ["JÃ¼rgen", "KÃ¶nig", ""]
        [concern] = table.reading.concerns
        assert concern.startswith(
            '1 line was garbled by another program: "JÃ¼rgen" in line 3 was probably "Jürgen".'
        )


def test_a_workbook_without_rows(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="The file has no rows"):
        opened(tmp_path, xlsx([]))
    table = opened(tmp_path, xlsx([HEADER]))
    assert table.reading.concerns == ("The file has a header and no rows.",)
    assert list(table.rows()) == []


def test_what_is_no_workbook(tmp_path: Path) -> None:
    damaged = "The file is damaged, or no workbook that can be read"
    for content, sentence in {
        zipped({"leads.csv": "Name\nAna\n"}): "The file is an archive and no workbook",
        xlsx([HEADER])[:-200]: damaged,
        xlsx([HEADER])[:300]: damaged,
        zipped({"xl/workbook.xml": "<workbook"}): damaged,
        compound({"WordDocument": b"x"}): damaged,
        compound({"EncryptionInfo": b"x", "EncryptedPackage": b"x"}): "has a password",
    }.items():
        with pytest.raises(FileUnreadable, match=sentence):
            opened(tmp_path, content, "leads.xlsx")


def test_what_would_be_too_large_when_it_is_unpacked_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "LIMITS", _limits(unpacked_bytes=3 << 20))
    bomb = zipped({"xl/workbook.xml": "<workbook/>", "xl/media/a.bin": "\0" * (4 << 20)})
    assert len(bomb) < 10_000
    with pytest.raises(FileUnreadable, match="larger than 3 MiB unpacked"):
        opened(tmp_path, bomb, "leads.xlsx")


def test_a_workbook_that_asks_for_too_much_memory_ends_only_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "LIMITS", _limits(memory_bytes=400 << 20))

    def change(sheet: Worksheet) -> None:
        # Two cells, between which the library makes room for all others.
        sheet["XFD1048576"] = "far"

    with pytest.raises(FileUnreadable, match="damaged, or takes more memory or time than it may"):
        opened(tmp_path, xlsx([HEADER, ["Ana"]], change=change), "leads.xlsx")


def test_more_rows_than_the_limit_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "LIMITS", _limits(rows=2))
    assert len(rows(tmp_path, xlsx([HEADER, ["Ana"]]))) == 1
    with pytest.raises(FileUnreadable, match="The sheet has more than 2 rows"):
        opened(tmp_path, xlsx([HEADER, ["Ana"], ["Bo"]]))


def test_wide_and_long_rows_of_a_sheet_are_refused(tmp_path: Path) -> None:
    wide, long = ["x"] * 1_001, ["x" * 30_000] * 5
    found = rows(tmp_path, xlsx([HEADER, wide, long, ["Ana"]]))
    assert [row.fault for row in found] == [
        "The row has more than 1,000 cells.",
        "The row is longer than 131,072 characters.",
        None,
    ]


def test_to_stop_early_ends_the_process(tmp_path: Path) -> None:
    table = opened(tmp_path, xlsx([HEADER, *(["Ana", "a@x.example", at] for at in range(3_000))]))
    with closing(table.rows()) as walk:
        assert next(walk).line == 2
    with closing(table.rows()) as walk:
        assert next(walk).line == 2


def _limits(**changed: int) -> str:
    return msgspec.json.encode({**msgspec.json.decode(workbook.LIMITS), **changed}).decode()
