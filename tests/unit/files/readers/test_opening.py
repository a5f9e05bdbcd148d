"""What kind of file it is, its header, and files that cannot be read or change meanwhile."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec
import pytest
from tests.support.files.tables import cells, is_known_header, opened

from onelead.files.readers.errors import FileChanged, FileUnreadable
from onelead.files.readers.fingerprint import Fingerprint, fingerprint
from onelead.files.readers.opening import open_table
from onelead.files.readers.table import Choices, Reading

CONTENT = "Name,Email\nAna,a@x.example\nBo,b@x.example\n"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty"),
        (b"\n \n\n", "The file has no rows"),
        (b"\xef\xbb\xbf", "The file has no rows"),
        (bytes(range(256)) * 20, "The file is no text"),
        (b"%PDF-1.7", "The file is a PDF"),
        (b"\x1f\x8b\x08", "The file is compressed"),
        (b"7z\xbc\xaf\x27\x1c", "The file is an archive"),
        (b"{\\rtf1 x}", "The file is a text document"),
        (b"\n<html><table><tr><td>Name", "The file is a web page or XML"),
        (b'<?xml version="1.0"?><Workbook>', "The file is a web page or XML"),
    ],
)
def test_what_cannot_be_read_says_what_it_is(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(FileUnreadable, match=sentence):
        opened(tmp_path, content, "leads.xls")


def test_a_file_that_the_system_does_not_give(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(FileUnreadable, match="The file cannot be read: "):
            open_table(path, "leads.csv", is_known_header)


def test_the_header_is_found_by_its_words_below_titles(tmp_path: Path) -> None:
    content = "Leads of the fair;;\n\n2026;;\nE-Mail;Name;Score\na@x.example;Ana;5\n"
    table = opened(tmp_path, content)
    assert table.header == ("E-Mail", "Name", "Score")
    assert (table.reading.header_line, table.reading.titles) == (4, ("Leads of the fair", "2026"))
    assert [row.line for row in table.rows()] == [5]


def test_a_header_of_unknown_words_is_as_wide_as_most_rows(tmp_path: Path) -> None:
    table = opened(tmp_path, "Report\nNom de guerre,,Punkte,\nAna,1,2,3\nBo,4,5,6\nCy,7,8,9\n")
    assert table.reading.header_line == 3
    table = opened(tmp_path, "Report\nNom,Score,Punkte\nAna,1,2\nBo,4,5\n")
    assert (table.header, table.reading.titles) == (("Nom", "Score", "Punkte"), ("Report",))


def test_columns_without_a_name_are_called_by_their_number(tmp_path: Path) -> None:
    table = opened(tmp_path, "Name,,Email, \nAna,x,a@x.example,\n")
    assert table.header == ("Name", "Column 2", "Email")
    assert cells(list(table.rows())) == [["Ana", "x", "a@x.example"]]


def test_the_line_of_the_header_can_be_said(tmp_path: Path) -> None:
    table = opened(tmp_path, CONTENT, choices=Choices(header_line=2))
    assert (table.header, table.reading.titles) == (("Ana", "a@x.example"), ("Name Email",))
    assert len(list(table.rows())) == 1
    table = opened(tmp_path, CONTENT, choices=Choices(header_line=0))
    assert table.header == ("Column 1", "Column 2")
    assert [row.line for row in table.rows()] == [1, 2, 3]
    for line in (9, 1_001, 10**12, -1):
        with pytest.raises(FileUnreadable, match=f"There is no header in line {line}: no row"):
            opened(
                tmp_path,
                CONTENT + "x\n" * 2_000 * (line == 1_001),
                choices=Choices(header_line=line),
            )


def test_a_header_that_looks_like_a_lead_is_a_concern(tmp_path: Path) -> None:
    table = opened(tmp_path, CONTENT.partition("\n")[2])
    assert "Line 1 was taken for the header, but looks like a lead" in table.reading.concerns[0]


def test_a_header_alone_is_a_concern(tmp_path: Path) -> None:
    table = opened(tmp_path, "Name,Email\n\n")
    assert table.reading.concerns == ("The file has a header and no rows.",)
    assert list(table.rows()) == []


def test_size_and_digest_are_those_of_the_file(tmp_path: Path) -> None:
    table = opened(tmp_path, CONTENT)
    digest = hashlib.sha256(CONTENT.encode()).hexdigest()
    assert table.fingerprint == Fingerprint(len(CONTENT), digest)
    assert fingerprint(tmp_path / "upload") == table.fingerprint


def test_a_file_that_changes_while_it_is_read_is_an_error_at_the_end(tmp_path: Path) -> None:
    table = opened(tmp_path, CONTENT)
    path = tmp_path / "upload"
    os.utime(path, (0, 0))
    assert len(list(table.rows())) == 2
    walk = table.rows()
    next(walk)
    path.write_text(CONTENT + "Cy,c@x.example\n")
    with pytest.raises(FileChanged, match="The file was changed while it was read"):
        list(walk)
    path.write_text(CONTENT)
    assert len(list(table.rows())) == 2
    path.unlink()
    with pytest.raises((FileChanged, FileUnreadable)):
        list(table.rows())


def test_the_last_row_of_a_file_that_is_cut_off_is_not_taken(tmp_path: Path) -> None:
    table = opened(tmp_path, CONTENT)
    walk = table.rows()
    (tmp_path / "upload").write_text(CONTENT[:-3])
    with pytest.raises(FileChanged):
        next(row for row in walk if row.line > 2)


def test_how_a_file_was_read_can_be_stored(tmp_path: Path) -> None:
    reading = opened(tmp_path, CONTENT.replace("Bo", "Zoë")).reading
    assert msgspec.json.decode(msgspec.json.encode(reading), type=Reading) == reading
