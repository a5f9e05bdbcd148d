"""The program that reads one sheet of a workbook and writes its rows as lines of JSON.

It runs apart from the server, with bounded memory and time, because the libraries load a sheet
whole, and a small hostile file can ask for any amount. So it imports nothing of onelead, and is
started by its path. The first line it writes is about the workbook, then comes a line for each row,
and `null` after the last one; or `{"error": "..."}` at any time.
"""

from __future__ import annotations

import re
import resource
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from html import unescape
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile, ZipFile, is_zipfile

import msgspec
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,
)

#: A format of zeros, such as that of postal codes: `00000`, `00000\-0000`; perhaps for some values.
_ZEROS = re.compile(r'(?:\[[^\]]*\])*(0{2,}(?:(?:\\?[- ]|"[- ]")0+)*)')
_MAIN_PARTS = {"xl/workbook.xml": "xlsx", "xl/workbook.bin": "xlsb", "content.xml": "ods"}
#: The name of a part of any format with a password but the oldest.
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
#: From here on, the numbers of a workbook are not exact.
_EXACT_MAX = 10**15


class Limits(msgspec.Struct):
    """What the process that starts this one allows."""

    memory_bytes: int
    cpu_s: int
    unpacked_bytes: int
    parts: int
    rows: int
    columns: int
    row_chars: int


class _Error(Exception):
    """What to tell the user."""


def main(path: str, sheet_name: str, limits: Limits) -> None:
    """Write the rows of the sheet, or of the first one that has any."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    write, encode = sys.stdout.buffer.write, msgspec.json.encode
    try:
        format_ = _format(path, limits)
        with load_workbook(path) as workbook:
            names = _sheet_names(workbook)
            sheet = _sheet(workbook, names, sheet_name, limits.rows)
            write(encode({"format": format_, "sheets": names, "sheet": sheet.name}) + b"\n")
            for cells in _rows(path, sheet):
                write(encode(_cut(cells, limits)) + b"\n")
        write(b"null\n")
    except PasswordError:
        write(encode({"error": "The workbook has a password; save it without one"}))
    except (CalamineError, BadZipFile):
        write(encode({"error": "The file is damaged, or no workbook that can be read"}))
    except _Error as error:
        write(encode({"error": str(error)}))


def _format(path: str, limits: Limits) -> str:
    """Return the format of a workbook that is not too large when it is unpacked."""
    if not is_zipfile(path):
        with Path(path).open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
            if content.find(_ENCRYPTED) >= 0:
                raise PasswordError
        return "xls"
    with ZipFile(path) as parts:
        infos = parts.infolist()
    if len(infos) > limits.parts or sum(one.file_size for one in infos) > limits.unpacked_bytes:
        raise _Error(f"The workbook is larger than {limits.unpacked_bytes >> 20:,} MiB unpacked")
    names = {one.filename for one in infos}
    for part, format_ in _MAIN_PARTS.items():
        if part in names:
            return format_
    raise _Error("The file is an archive and no workbook; unpack it first")


def _cut(cells: list[str], limits: Limits) -> list[str]:
    """Leave out what is empty at the end of a row, and more than shows that it is too large."""
    while cells and not cells[-1]:
        cells.pop()
    if len(cells) > limits.columns:
        cells[limits.columns :] = cells[-1:]
    if sum(map(len, cells)) > limits.row_chars:
        return ["".join(cells)[: limits.row_chars + 1]]
    return cells


def _sheet_names(workbook: CalamineWorkbook) -> list[str]:
    """Return the names of the sheets with cells, those that are hidden last."""
    sheets = [one for one in workbook.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
    sheets.sort(key=lambda one: one.visible != SheetVisibleEnum.Visible)
    return [one.name for one in sheets]


def _sheet(workbook: CalamineWorkbook, names: list[str], name: str, rows_max: int) -> CalamineSheet:
    """Return the sheet that is asked for, or the first one with cells."""
    if not names or (name and name not in names):
        raise _Error(
            "The workbook has no sheet of that name"
            if names
            else "The workbook has no sheet with cells"
        )
    sheets = map(workbook.get_sheet_by_name, [name] if name else names)
    first = next(sheets)
    sheet = first if first.end else next((one for one in sheets if one.end), first)
    if sheet.end and sheet.end[0] >= rows_max:
        raise _Error(f"The sheet has more than {rows_max:,} rows")
    return sheet


def _rows(path: str, sheet: CalamineSheet) -> Iterator[list[str]]:
    if sheet.start is None:
        return
    # The rows above the first cell are there, the columns before it are not.
    _, left = sheet.start
    zeros = _cells_with_zeros(path, sheet.name)
    next_one = next(zeros, None)
    for number, cells in enumerate(sheet.iter_rows()):
        texts = [value if type(value) is str else _text(value) for value in cells]
        while next_one is not None and next_one[0] <= number:
            row, column, digits = next_one
            at = column - left
            if row == number and 0 <= at < len(texts) and texts[at].isdigit():
                texts[at] = texts[at].zfill(digits)
            next_one = next(zeros, None)
        yield [""] * left + texts if left else texts


def _text(value: Any) -> str:
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            if not value.is_integer():
                return repr(value)
            return str(int(value)) if abs(value) < _EXACT_MAX else f"{value:.15G}"
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            hours, seconds = divmod(round(value.total_seconds()), 3_600)
            return f"{hours}:{seconds // 60:02}:{seconds % 60:02}"
    return str(value)


def _cells_with_zeros(path: str, sheet: str) -> Iterator[tuple[int, int, int]]:
    """Yield row, column and number of digits of the cells of an XLSX that show zeros in front.

    The library tells no formats. What another one would need a second for, 5,000 rows, takes this
    search for a few attributes 50 milliseconds; odd XML costs the zeros and nothing else.
    """
    try:
        with ZipFile(path) as parts:
            digits = _styles_with_zeros(parts.read("xl/styles.xml").decode())
            if not digits:
                return
            styles = "|".join(digits)
            cell = re.compile(
                rf'<(?:\w+:)?c\s(?=[^>]*\bs="({styles})")[^>]*?\br="([A-Z]{{1,3}})(\d{{1,7}})"'
            )
            with parts.open(_part_of(parts, sheet)) as part:
                for tags in _whole_tags(part):
                    for style, letters, row in cell.findall(tags):
                        yield int(row) - 1, _column(letters), digits[style]
    except (KeyError, ValueError, BadZipFile, NotImplementedError):
        return


def _styles_with_zeros(xml: str) -> dict[str, int]:
    """Return the numbers of the styles that show a number with at least so many digits."""
    codes = {
        _attribute(tag, "numFmtId"): _attribute(tag, "formatCode") for tag in _tags(xml, "numFmt")
    }
    zeros = {
        number: found[1].count("0")
        for number, code in codes.items()
        if (found := _ZEROS.fullmatch(code.split(";")[0]))
    }
    _, _, cells = xml.partition("cellXfs")
    formats = (_attribute(tag, "numFmtId") for tag in _tags(cells, "xf"))
    return {str(at): zeros[number] for at, number in enumerate(formats) if number in zeros}


def _part_of(parts: ZipFile, sheet: str) -> str:
    """Return the name of the part that has a sheet. Raises KeyError."""
    sheets = {
        _attribute(tag, "name"): _attribute(tag, r"\w+:id")
        for tag in _tags(parts.read("xl/workbook.xml").decode(), "sheet")
    }
    targets = {
        _attribute(tag, "Id"): _attribute(tag, "Target")
        for tag in _tags(parts.read("xl/_rels/workbook.xml.rels").decode(), "Relationship")
    }
    target = targets[sheets[sheet]]
    return target[1:] if target.startswith("/") else f"xl/{target}"


def _whole_tags(part: IO[bytes]) -> Iterator[str]:
    rest = b""
    while chunk := part.read(1 << 20):
        begun = rest + chunk
        cut = begun.rfind(b"<")
        yield begun[:cut].decode(errors="replace")
        rest = begun[cut:]


def _tags(xml: str, name: str) -> list[str]:
    return re.findall(rf"<(?:\w+:)?{name}\s[^>]*>", xml)


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'\s{name}="([^"]*)"', tag)
    return unescape(found[1]) if found else ""


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("@")
    return number - 1


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], msgspec.json.decode(sys.argv[3], type=Limits))
