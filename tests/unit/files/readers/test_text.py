"""The encodings of text files, line by line, and text that is garbled already."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.files.tables import cells, opened, rows

from onelead.files.readers.errors import FileUnreadable
from onelead.files.readers.table import Choices, Sample
from onelead.files.readers.text import ENCODINGS

CONTENT = "Name,Email\nJosé Núñez,a@x.example\nBo,b@x.example\n"
NAMES = [["José Núñez", "a@x.example"], ["Bo", "b@x.example"]]


@pytest.mark.parametrize(
    ("codec", "reported"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("cp1252", "windows-1252"),
    ],
)
def test_the_encoding_is_found_and_shown(tmp_path: Path, codec: str, reported: str) -> None:
    table = opened(tmp_path, CONTENT.encode(codec))
    assert cells(list(table.rows())) == NAMES
    assert table.reading.encoding == reported
    assert table.reading.samples == (Sample(2, "José Núñez"),)
    assert table.reading.concerns == ()
    chosen = opened(tmp_path, CONTENT.encode(codec), choices=Choices(encoding="windows-1252"))
    assert chosen.reading == table.reading


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_can_be_chosen(tmp_path: Path, encoding: str) -> None:
    content = "Name,Email\nBo,b@x.example\n".encode(encoding)
    table = opened(tmp_path, content, choices=Choices(encoding=encoding))
    assert cells(list(table.rows())) == NAMES[1:]


def test_a_chosen_encoding_is_for_what_is_not_utf_8(tmp_path: Path) -> None:
    content = "Name,Email\nŁukasz Żak,a@x.example\n".encode("cp1250")
    table = opened(tmp_path, content, choices=Choices(encoding="windows-1250"))
    assert cells(list(table.rows())) == [["Łukasz Żak", "a@x.example"]]
    assert table.reading.encoding == "windows-1250"
    assert cells(rows(tmp_path, CONTENT, choices=Choices(encoding="windows-1250"))) == NAMES
    japanese = "Name,Email\n山田 太郎,a@x.example\n".encode("shift-jis")
    table = opened(tmp_path, japanese, choices=Choices(encoding="shift-jis"))
    assert cells(list(table.rows())) == [["山田 太郎", "a@x.example"]]


def test_an_unknown_encoding_is_refused(tmp_path: Path) -> None:
    for encoding in ("hex", "idna", "unicode_escape", "utf-7", ""):
        with pytest.raises(FileUnreadable, match="is not known"):
            opened(tmp_path, CONTENT, choices=Choices(encoding=encoding))


def test_one_bad_line_does_not_change_the_others(tmp_path: Path) -> None:
    lines = CONTENT.encode().splitlines(keepends=True)
    table = opened(tmp_path, b"".join([*lines, lines[1], "Jürg,j@x.example\n".encode("cp1252")]))
    assert cells(list(table.rows())) == [*NAMES, NAMES[0], ["Jürg", "j@x.example"]]
    assert table.reading.encoding == "utf-8"
    assert table.reading.samples[0] == Sample(5, "Jürg")
    assert table.reading.concerns == ("Line 5 is not UTF-8; it was read as windows-1252.",)
    twice = CONTENT.encode() + 2 * "Jürg,j@x.example\n".encode("cp1252") + 2 * lines[1]
    assert opened(tmp_path, twice).reading.concerns == (
        "2 lines are not UTF-8, such as line 4; they were read as windows-1252.",
    )


def test_bytes_that_the_encoding_does_not_have_are_refused_with_their_line(tmp_path: Path) -> None:
    fault = "The row has bytes that are not text."
    found = rows(tmp_path, CONTENT.encode("cp1252") + b"C\x81y,c@x.example\n")
    assert [row.fault for row in found] == [None, None, fault]
    odd = CONTENT.encode("utf-16") + b"C"
    assert [row.fault for row in rows(tmp_path, odd)] == [None, None, fault]
    chosen = Choices(encoding="utf-8")
    found = rows(tmp_path, CONTENT.encode("cp1252"), choices=chosen)
    assert [row.fault for row in found] == [fault, None]


def test_the_cells_to_look_at_are_found_anywhere(tmp_path: Path) -> None:
    table = opened(tmp_path, "Name,Email\n" + "Bo,b@x.example\n" * 30_000 + "Zoë,z@x.example\n")
    assert table.reading.samples == (Sample(30_002, "Zoë"),)


def test_garbled_text_is_reported_and_not_repaired(tmp_path: Path) -> None:
    content = (
        "Name,Email\nJÃ¼rgen KÃ¶nig,jk@x.example\nAndrÃ© LÃ©on,al@x.example\nJürg,j@x.example\n"
    )
    table = opened(tmp_path, content)
    [concern] = table.reading.concerns
    assert concern == (
        '2 lines were garbled by another program: "JÃ¼rgen KÃ¶nig" in line 2 was probably '
        '"Jürgen König". Nothing is repaired; correct the file if that is so.'
    )
    assert cells(list(table.rows()))[0] == ["JÃ¼rgen KÃ¶nig", "jk@x.example"]
