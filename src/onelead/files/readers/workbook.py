"""Reads a sheet of a workbook (XLSX, XLSB, XLS, ODS) with a process of its own behind it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from onelead.domain.importing.garbled import repaired
from onelead.domain.importing.limits import (
    FILE_COLUMNS_MAX,
    FILE_ROW_CHARS_MAX,
    WORKBOOK_CPU_S_MAX,
    WORKBOOK_MEMORY_BYTES_MAX,
    WORKBOOK_PARTS_MAX,
    WORKBOOK_ROWS_MAX,
    WORKBOOK_UNPACKED_BYTES_MAX,
)
from onelead.domain.text import quoted
from onelead.files.readers.errors import FileUnreadable
from onelead.files.readers.fingerprint import Watch
from onelead.files.readers.header import IsKnown, concerns_about_header, find_header, first_rows
from onelead.files.readers.table import Choices, Format, Reading, Row, Table
from onelead.files.readers.text import Lines, concern_about_garbled

_SHEETS_LISTED = 10
#: Those whose number formats are not looked at.
_WITHOUT_FORMATS = ("xls", "xlsb", "ods")
_PROGRAM = str(Path(__file__).with_name("workbook_process.py"))
#: As the program takes them.
LIMITS = msgspec.json.encode(
    {
        "memory_bytes": WORKBOOK_MEMORY_BYTES_MAX,
        "cpu_s": WORKBOOK_CPU_S_MAX,
        "unpacked_bytes": WORKBOOK_UNPACKED_BYTES_MAX,
        "parts": WORKBOOK_PARTS_MAX,
        "rows": WORKBOOK_ROWS_MAX,
        "columns": FILE_COLUMNS_MAX,
        "row_chars": FILE_ROW_CHARS_MAX,
    }
).decode()


class _About(Struct):
    """What the process says first, or in the place of anything when it fails."""

    format: Format = "xlsx"
    sheets: tuple[str, ...] = ()
    sheet: str = ""
    error: str | None = None


_decode_about = msgspec.json.Decoder(_About).decode
_decode_cells = msgspec.json.Decoder(list[str]).decode


def open_workbook(path: Path, watch: Watch, is_known: IsKnown, choices: Choices) -> Table:
    """Find out sheet and header. Raises FileUnreadable, FileTooLarge."""
    with closing(_lines(path, choices.sheet or "")) as lines:
        about = _decode_about(next(lines))
        first = first_rows(_numbered(lines), choices.header_line)
    header = find_header(first, is_known, choices.header_line)
    reading = Reading(
        format=about.format,
        header_line=header.line,
        sheet=about.sheet,
        sheets=about.sheets,
        titles=header.titles,
        concerns=(*_concerns(about), *concerns_about_header(first, header)),
    )
    rows = partial(_rows, path, about.sheet, reading, reading.concerns)
    return Table(watch, reading, header.names, rows)


def _rows(path: Path, sheet: str, reading: Reading, concerns: tuple[str, ...]) -> Generator[Row]:
    """Walk through the sheet, and add to the reading what is garbled, as it is of other files."""
    garbled = Lines()
    with closing(_lines(path, sheet)) as lines:
        next(lines)
        for row in _numbered(lines):
            text = "\t".join(row.cells)
            if repaired(text) is not None:
                garbled.add(row.line, text)
            yield row
    reading.concerns = (*concerns, *concern_about_garbled(garbled, "\t"))


def _numbered(lines: Iterable[bytes]) -> Iterator[Row]:
    return (Row(number, _decode_cells(line), None) for number, line in enumerate(lines, start=1))


def _lines(path: Path, sheet: str) -> Generator[bytes]:
    """Run the process; yield what it says about the workbook, and then its rows."""
    # Isolated and without our variables: what it reads is nobody's business but the user's.
    name = sheet.encode(errors="replace").decode().replace("\0", "?")
    command = [sys.executable, "-I", _PROGRAM, str(path.absolute()), name, LIMITS]
    with subprocess.Popen(  # noqa: S603 - our own program
        command,
        env={},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.startswith(b"n"):
                    return
                if line.startswith(b'{"error"'):
                    raise FileUnreadable(_decode_about(line).error)
                yield line
        finally:
            process.kill()
    raise FileUnreadable("The workbook is damaged, or takes more memory or time than it may")


def _concerns(about: _About) -> Iterator[str]:
    others = [name for name in about.sheets if name != about.sheet]
    if others:
        listed = ", ".join(quoted(name) for name in others[:_SHEETS_LISTED])
        more = ", ..." if len(others) > _SHEETS_LISTED else ""
        yield f"Only the sheet {quoted(about.sheet)} is read; there are also {listed}{more}."
    if about.format in _WITHOUT_FORMATS:
        yield (
            f"Number formats of .{about.format} are not read: a postal code that is stored as a "
            "number has lost the zeros in front. Save the workbook as .xlsx if it has any."
        )
