"""Opens files that a test writes, with a small table of known headers."""

from __future__ import annotations

from pathlib import Path

from onelead.files.readers.opening import open_table
from onelead.files.readers.table import Choices, Row, Table

_KNOWN = {
    *("name", "email", "e-mail", "phone", "company", "firma", "title", "city", "zip", "notes"),
    *("first name", "last name"),
}


def is_known_header(text: str) -> bool:
    return text.strip().lower() in _KNOWN


def opened(
    folder: Path, content: str | bytes, name: str = "leads.csv", choices: Choices | None = None
) -> Table:
    """Write a file and open it."""
    path = folder / "upload"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return open_table(path, name, is_known_header, choices)


def rows(
    folder: Path, content: str | bytes, name: str = "leads.csv", choices: Choices | None = None
) -> list[Row]:
    """Write a file and read all of its rows."""
    return list(opened(folder, content, name, choices).rows())


def cells(found: list[Row]) -> list[list[str]]:
    """Return the cells of rows, none of which has a fault."""
    assert [row.fault for row in found if row.fault] == []
    return [list(row.cells) for row in found]
