"""Rows and cells of CSV: separators, quotes, line numbers, faults."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.files.tables import cells, opened, rows

from onelead.domain.importing.limits import (
    FILE_COLUMNS_MAX,
    FILE_LINE_CHARS_MAX,
    FILE_ROW_CHARS_MAX,
)
from onelead.files.readers import text
from onelead.files.readers.delimited import SEPARATORS
from onelead.files.readers.errors import FileTooLarge, FileUnreadable
from onelead.files.readers.table import Choices, Row

HEADER = "Name,Email,Company\n"


@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends_are_found(tmp_path: Path, separator: str, end: str) -> None:
    lines = ["Name,Email,Company", "Ana,a@x.example,Fir", "Bo,b@x.example,Gad"]
    table = opened(tmp_path, end.join(lines).replace(",", separator))
    assert table.reading.separator == separator
    assert table.header == ("Name", "Email", "Company")
    assert list(table.rows()) == [
        Row(2, ["Ana", "a@x.example", "Fir"], None),
        Row(3, ["Bo", "b@x.example", "Gad"], None),
    ]


def test_the_separator_is_that_of_most_rows_and_not_the_most_frequent_character(
    tmp_path: Path,
) -> None:
    content = (
        'Name;Firma;E-Mail\n"Adam, Bea";"Adam, B, Co";b@x.example\nBo, Cy;Do, Eck, F;c@x.example\n'
    )
    table = opened(tmp_path, content)
    assert table.reading.separator == ";"
    assert cells(list(table.rows()))[1] == ["Bo, Cy", "Do, Eck, F", "c@x.example"]


def test_a_single_column_has_no_separator(tmp_path: Path) -> None:
    table = opened(tmp_path, "Name\nAdam, Bea\nBrand, Cai\n")
    assert table.reading.separator is None
    assert cells(list(table.rows())) == [["Adam, Bea"], ["Brand, Cai"]]


def test_the_first_line_may_say_the_separator(tmp_path: Path) -> None:
    table = opened(tmp_path, "sep=;\nName;Email\nAna;a@x.example\n")
    assert (table.reading.separator, table.reading.titles) == (";", ())
    assert list(table.rows()) == [Row(3, ["Ana", "a@x.example"], None)]


def test_a_chosen_separator_is_taken(tmp_path: Path) -> None:
    table = opened(tmp_path, "Name;Email\nAna;a@x.example\n", choices=Choices(separator="|"))
    assert table.header == ("Name;Email",)
    with pytest.raises(FileUnreadable, match='"x" is not one of'):
        opened(tmp_path, HEADER, choices=Choices(separator="x"))


def test_quotes_breaks_and_quotes_in_quotes_are_of_the_cell(tmp_path: Path) -> None:
    content = '\ufeffName,Email\r\n"Ney ""&"" Co","first\r\nsecond"\r\nBo,24" monitors'
    assert rows(tmp_path, content) == [
        Row(2, ['Ney "&" Co', "first\r\nsecond"], None),
        Row(4, ["Bo", '24" monitors'], None),
    ]


def test_quotes_may_have_a_space_in_front_where_most_have(tmp_path: Path) -> None:
    content = '"Name", "Email"\n"Costa, Ana", "a@x.example"\n'
    assert cells(rows(tmp_path, content)) == [["Costa, Ana", "a@x.example"]]


def test_rows_of_nothing_are_counted_and_short_rows_filled(tmp_path: Path) -> None:
    table = opened(tmp_path, HEADER + ",,\n\n , ,\nAna\nBo,b@x.example,,,\n")
    for _ in range(2):
        assert list(table.rows()) == [
            Row(5, ["Ana", "", ""], None),
            Row(6, ["Bo", "b@x.example", ""], None),
        ]
        assert table.reading.empty_rows == 3


def test_a_longer_row_is_refused(tmp_path: Path) -> None:
    found = rows(tmp_path, HEADER + "Ana,a@x.example,Fir,more\nBo,b@x.example,Gad\n")
    assert found[0].fault == "The row has 4 cells, but the header has 3."
    assert list(found[0].cells) == ["Ana", "a@x.example", "Fir", "more"]
    assert found[1] == Row(3, ["Bo", "b@x.example", "Gad"], None)


NOT_CLOSED = "A quote opens in this row and is not closed."


def test_an_open_quote_swallows_nothing(tmp_path: Path) -> None:
    content = HEADER + 'Ana,"a@x.example,Fir\nBo,b@x.example,Gad\nCy,c@x.example,"Hal, I"\n'
    assert rows(tmp_path, content) == [
        Row(2, ["Ana", '"a@x.example', "Fir"], NOT_CLOSED),
        Row(3, ["Bo", "b@x.example", "Gad"], None),
        Row(4, ["Cy", "c@x.example", "Hal, I"], None),
    ]


def test_an_open_quote_up_to_the_end_is_refused_alone(tmp_path: Path) -> None:
    content = HEADER + 'Ana,a@x.example,"Fir\nBo,b@x.example,Gad'
    assert [row.fault for row in rows(tmp_path, content)] == [NOT_CLOSED, None]


@pytest.mark.parametrize("opened_row", ['Ana,"a@x.example,Fir', 'Ana,a@x.example,"Fir'])
def test_an_open_quote_that_an_inch_mark_seems_to_close(tmp_path: Path, opened_row: str) -> None:
    content = f'{HEADER}{opened_row}\nBo,24",b@x.example\nCy,c@x.example,Hal\n'
    assert [(row.line, row.fault) for row in rows(tmp_path, content)] == [
        (2, NOT_CLOSED),
        (3, None),
        (4, None),
    ]


def test_what_may_be_the_rest_of_a_cell_is_no_lead(tmp_path: Path) -> None:
    content = HEADER + 'Ana,a@x.example,"first\nsecond\nthird" x\nBo,b@x.example,Gad\n'
    found = rows(tmp_path, content)
    assert [(row.line, row.fault) for row in found] == [
        (2, NOT_CLOSED),
        (3, "The row may belong to the quote that opens in line 2 and is not closed."),
        (4, "The row may belong to the quote that opens in line 2 and is not closed."),
        (5, None),
    ]


def test_text_behind_a_closed_quote_is_refused(tmp_path: Path) -> None:
    found = rows(tmp_path, HEADER + '"Ana" B,a@x.example,Fir\nBo,b@x.example,Gad\n')
    assert [row.fault for row in found] == ["A quote is closed in the middle of a cell.", None]


def test_rows_go_on_over_the_blocks_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "_BLOCK_CHARS", 7)
    content = HEADER.replace("\n", "\r\n") + 'Ana,"a\r\n\r\nb","c""d"\r\nBo,"open,x\r\nCy,e,f\r\n'
    assert rows(tmp_path, content) == [
        Row(2, ["Ana", "a\r\n\r\nb", 'c"d'], None),
        Row(5, ["Bo", '"open', "x"], NOT_CLOSED),
        Row(6, ["Cy", "e", "f"], None),
    ]


def test_a_cell_that_is_too_long_is_refused_with_its_line(tmp_path: Path) -> None:
    fits, beyond = "x" * (FILE_ROW_CHARS_MAX - 4), "x" * (FILE_ROW_CHARS_MAX - 3)
    huge = "y" * (10 * FILE_LINE_CHARS_MAX)
    content = f'Name,Email\nAna1,{fits}\nAna2,{beyond}\nAna3,{huge}\nAna4,"{huge}"\nAna5,fine\n'
    found = rows(tmp_path, content)
    too_long = f"The row is longer than {FILE_ROW_CHARS_MAX:,} characters."
    assert [(row.line, row.fault) for row in found] == [
        (2, None),
        (3, too_long),
        (4, too_long),
        (5, too_long),
        (6, None),
    ]
    assert max(sum(map(len, row.cells)) for row in found) <= FILE_ROW_CHARS_MAX + 1


def test_an_open_quote_ends_at_the_limit_of_a_cell(tmp_path: Path) -> None:
    more = "Bo,b@x.example,Gad\n" * (3 * FILE_ROW_CHARS_MAX // 19)
    found = rows(tmp_path, HEADER + f'Ana,"a@x.example,Fir\n{more}')
    assert found[0].fault == NOT_CLOSED
    assert {row.fault for row in found[1:]} == {None}
    assert len(found) == 1 + more.count("\n")


def test_rows_of_too_many_columns_are_refused(tmp_path: Path) -> None:
    wide = ",".join(["x"] * 10_000)
    found = rows(tmp_path, f"{HEADER}{wide}\nBo,b@x.example,Gad\n")
    assert [row.fault for row in found] == [
        f"The row has more than {FILE_COLUMNS_MAX:,} cells.",
        None,
    ]
    assert len(found[0].cells) == FILE_COLUMNS_MAX
    with pytest.raises(FileTooLarge, match="header in line 1 has more than 1,000 columns"):
        opened(tmp_path, f"{wide}\n{wide}\n")


def test_nul_is_refused_with_its_line(tmp_path: Path) -> None:
    found = rows(tmp_path, HEADER + "A\0na,a@x.example,Fir\nBo,b@x.example,Gad\n")
    assert [row.fault for row in found] == ["The row has bytes that are not text.", None]


def test_a_header_with_a_fault_cannot_be_chosen(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="header in line 1 cannot be read: A quote opens"):
        opened(tmp_path, 'Name,"Email\nAna,a\nBo,b\n', choices=Choices(header_line=1))
    with pytest.raises(FileTooLarge, match="header in line 1 is longer than 131,072 characters"):
        opened(tmp_path, f"Name,{'x' * 70_000},{'y' * 70_000}\nAna,a,b\n")


def test_a_fault_in_every_line_is_read_in_time(tmp_path: Path) -> None:
    # Each of them would begin again with a copy of all lines behind it: 20 seconds.
    found = rows(tmp_path, HEADER + '"a"b\n' * 20_000)
    assert len(found) == 20_000


CELL = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), include_characters="\r\n\t"), max_size=12
)
ROW = st.lists(CELL, min_size=3, max_size=3).filter(lambda row: bool("".join(row).strip()))


@given(
    written=st.lists(ROW, min_size=1, max_size=6),
    codec=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read(tmp_path: Path, written: list[list[str]], codec: str) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerows([["Name", "Email", "Company"], *written])
    content = file.getvalue().encode(codec)
    assert cells(rows(tmp_path, content, choices=Choices(separator=","))) == written
